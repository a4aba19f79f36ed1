"""One part of the pictures: open, find the face, judge it, cut it as serving does.

This is all that is done to a picture; it needs no other picture, so parts may be worked on
anywhere and in any order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import imagehash
import numpy as np
from PIL import Image

from gender_demo.errors import PictureError
from gender_demo.results import Face
from gender_demo.vision.crops import (
    crop_face,
    crop_whole,
)
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import GREY, DetectorSettings
from gender_demo.vision.pictures import open_picture
from gender_demo.vision.quality import sharpness
from train.data.records import Record

CROP_PX = 144
MARGIN = 1.25
"""Crops show this much more than serving's, as room for jitter; the middle 1/MARGIN is served."""
DETECT_PX, GRID_PX = 480, 32
"""Longer side at which faces are looked for; sides are filled up to multiples of GRID_PX with
grey, so that pictures of nearly one size are one batch."""
SHARP_PX = 64
"""Sharpness is measured on a crop of this side, so that blur counts and a few pixels do not."""
HASH_SIDE = 16
BATCH = 64
COMPARABLE = 0.5
"""Another face counts when its side is at least this share of the chosen one's."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Sorting:
    """What a picture must be like to be kept.

    ``face``: which of several is taken, or "reject" for pictures with several. ``no_face``:
    "whole" lets the whole picture stand in for the crop. ``search_px`` is the smallest face looked
    for at first, in a picture shrunk to DETECT_PX; half of it where none was found.
    """

    face: Literal["largest", "middle", "reject"] = "largest"
    no_face: Literal["drop", "whole"] = "drop"
    min_face_px: float = 24.0
    min_sharpness: float = 12.0
    min_score: float = 0.9
    search_px: int = 80

    @property
    def kept(self) -> tuple[str, ...]:
        """Reasons of the rows whose crops are trained on."""
        return ("face", "no_face") if self.no_face == "whole" else ("face",)


@dataclass(frozen=True)
class Part:
    """``crops`` uint8 (m, CROP_PX, CROP_PX, 3): one for each row whose ``crop`` is its index."""

    rows: list[Row]
    crops: np.ndarray


def cut_part(records: Sequence[Record], sorting: Sorting) -> Part:
    """Rows in the records' order; every picture that can be read gets a crop, to be shown."""
    read = [_read(record) for record in records]
    pictures = [picture for _, picture, _ in read if picture is not None]
    found = iter(find_faces(pictures, sorting.search_px))
    rows: list[Row] = []
    crops: list[np.ndarray] = []
    for record, (content, picture, why) in zip(records, read, strict=True):
        row: Row = {
            "path": record.path,
            "split": record.split,
            "group": record.identity,
            **record.labels,
            "groups": record.groups or None,
            "box": None,
            "score": None,
            "faces": 0,
            "face_px": None,
            "sharpness": None,
            "reason": why,
            "crop": -1,
            "sha256": hashlib.sha256(content).digest(),
            "hash": b"",
        }
        if picture is not None:
            faces = next(found)
            face = _choose(faces, picture, sorting)
            row["reason"], facts = _judge(picture, face, faces, sorting)
            row.update(facts)
            row["crop"] = len(crops)
            crops.append(np.asarray(cut(picture, face)))
            bits = imagehash.phash(picture, HASH_SIDE, highfreq_factor=2).hash
            row["hash"] = np.packbits(bits).tobytes()
        rows.append(row)
    return Part(rows, np.stack(crops) if crops else np.zeros((0, CROP_PX, CROP_PX, 3), np.uint8))


def _read(record: Record) -> tuple[bytes, Image.Image | None, str]:
    """Bytes, picture, and why there is none."""
    content = record.content
    if content is None:
        return b"", None, "missing"
    try:
        if isinstance(content, Path):
            content = content.read_bytes()
        elif not isinstance(content, bytes):
            content = content.read()
        return content, open_picture(content, record.path), ""
    except (PictureError, OSError):
        return b"", None, "unreadable"


def find_faces(pictures: Sequence[Image.Image], search_px: int) -> list[list[Face]]:
    """All faces of each picture, in its own pixels; where none is found, a finer second look."""
    found: list[list[Face]] = [[] for _ in pictures]
    shown = [_shrink(picture) for picture in pictures]
    order = sorted(range(len(pictures)), key=lambda i: shown[i][0].size)
    for smallest in (search_px, search_px // 2):
        detector = FaceDetector("cpu", DetectorSettings(min_face_px=smallest))
        left = [i for i in order if not found[i]]
        for start in range(0, len(left), BATCH):
            chunk = left[start : start + BATCH]
            for i, faces in zip(chunk, detector.detect([shown[i][0] for i in chunk]), strict=True):
                found[i] = [face.scaled(shown[i][1]) for face in faces]
    return found


def _shrink(picture: Image.Image) -> tuple[Image.Image, float]:
    """The picture as it is searched, and how many of its own pixels one of those is."""
    scale = max(1.0, max(picture.size) / DETECT_PX)
    if scale > 1:
        width, height = (max(1, round(side / scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    width, height = (-(-side // GRID_PX) * GRID_PX for side in picture.size)
    if (width, height) == picture.size:
        return picture, scale
    canvas = Image.new("RGB", (width, height), (GREY, GREY, GREY))
    canvas.paste(picture)
    return canvas, scale


def _choose(faces: Sequence[Face], picture: Image.Image, sorting: Sorting) -> Face | None:
    def distance(face: Face) -> float:
        return math.dist(face.box.centre, (picture.width / 2, picture.height / 2))

    if sorting.face == "middle":
        return min(faces, key=distance, default=None)
    return max(faces, key=lambda face: face.box.size_px, default=None)


def _judge(
    picture: Image.Image, face: Face | None, faces: Sequence[Face], sorting: Sorting
) -> tuple[str, Row]:
    if face is None:
        return "no_face", {}
    side = face.box.size_px
    rivals = sum(other.box.size_px >= COMPARABLE * side for other in faces)
    sharp = sharpness(crop_face(picture, face, SHARP_PX))
    facts = {
        "box": list(face.box),
        "score": face.score,
        "faces": rivals,
        "face_px": side,
        "sharpness": sharp,
    }
    if face.score < sorting.min_score:
        return "no_face", facts
    if sorting.face == "reject" and rivals > 1:
        return "several_faces", facts
    if side < sorting.min_face_px:
        return "small", facts
    return ("blurred" if sharp < sorting.min_sharpness else "face"), facts


def cut(picture: Image.Image, face: Face | None) -> Image.Image:
    """The crop of a face, or of the whole picture where none was found, with MARGIN around."""
    if face is not None:
        return crop_face(picture, face, CROP_PX, margin=MARGIN)
    return crop_whole(picture, CROP_PX, margin=MARGIN)
