"""One shard of the pictures: open, find the face, judge it, cut it as serving does.

This is all that is done to a picture; it needs no other picture, so shards may be worked on
anywhere and in any order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import imagehash
import numpy as np
from PIL import Image

from gender_demo.errors import PictureError
from gender_demo.results import Face
from gender_demo.vision.crops import crop_face, crop_whole
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import GREY, DetectorSettings
from gender_demo.vision.pictures import open_picture
from gender_demo.vision.quality import sharpness
from train.data.manifest import CROP_PX, MARGIN, Row
from train.data.records import Record

DETECT_PX, GRID_PX = 480, 32
"""Longer side at which faces are looked for; sides are filled up to multiples of GRID_PX with
grey, so that pictures of nearly one size are one batch."""
SHARP_PX = 64
"""Sharpness is measured on a crop of this side, so that blur counts and a few pixels do not."""
HASH_SIDE = 16
BATCH = 64
COMPARABLE = 0.5
"""Another face counts when its side is at least this share of the chosen one's."""


@dataclass(frozen=True)
class FaceFilter:
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


@dataclass
class CutRow(Row):
    """A row at work: ``crop`` is its index in the shard's crops, -1 where there is none; the hashes
    are of the file (32 bytes) and of what it looks like (32 bytes, empty where it is no picture).
    """

    crop: int = -1
    sha256: bytes = b""
    phash: bytes = b""


@dataclass(frozen=True)
class Shard:
    """``crops`` uint8 (m, CROP_PX, CROP_PX, 3): one for each row whose ``crop`` is its index."""

    rows: list[CutRow]
    crops: np.ndarray


def cut_shard(records: Sequence[Record], face_filter: FaceFilter) -> Shard:
    """Rows in the records' order; every picture that can be read gets a crop, to be shown."""
    opened = [_open(record) for record in records]
    pictures = [picture for _, picture in opened if picture is not None]
    found = iter(find_faces(pictures, face_filter.search_px))
    crops: list[np.ndarray] = []
    for row, picture in opened:
        if picture is None:
            continue
        faces = next(found)
        face = _choose(faces, picture, face_filter)
        _judge(row, picture, face, faces, face_filter)
        row.crop = len(crops)
        crops.append(np.asarray(cut(picture, face)))
        bits = imagehash.phash(picture, HASH_SIDE, highfreq_factor=2).hash
        row.phash = np.packbits(bits).tobytes()
    empty = np.zeros((0, CROP_PX, CROP_PX, 3), np.uint8)
    return Shard([row for row, _ in opened], np.stack(crops) if crops else empty)


def _open(record: Record) -> tuple[CutRow, Image.Image | None]:
    """The picture where there is one; else the row says why not."""
    row = CutRow(record.path, record.split, record.labels, record.identity, record.groups)
    picture = None
    try:
        content = record.read()
        picture = open_picture(content, record.path)
        row.sha256 = hashlib.sha256(content).digest()
    except (PictureError, OSError):
        row.reason = "missing" if record.content is None else "unreadable"
    return row, picture


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


def _choose(faces: Sequence[Face], picture: Image.Image, wanted: FaceFilter) -> Face | None:
    def distance(face: Face) -> float:
        return math.dist(face.box.centre, (picture.width / 2, picture.height / 2))

    if wanted.face == "middle":
        return min(faces, key=distance, default=None)
    return max(faces, key=lambda face: face.box.size_px, default=None)


def _judge(
    row: Row, picture: Image.Image, face: Face | None, faces: Sequence[Face], wanted: FaceFilter
) -> None:
    """Write into the row what the face is like, and the first reason against it."""
    if face is None:
        row.reason = "no_face"
        return
    row.box, row.score, row.face_px = face.box, face.score, face.box.size_px
    row.faces = sum(other.box.size_px >= COMPARABLE * row.face_px for other in faces)
    row.sharpness = sharpness(crop_face(picture, face, SHARP_PX))
    against = {
        "no_face": face.score < wanted.min_score,
        "several_faces": wanted.face == "reject" and row.faces > 1,
        "small": row.face_px < wanted.min_face_px,
        "blurred": row.sharpness < wanted.min_sharpness,
    }
    row.reason = next((reason for reason, holds in against.items() if holds), "face")


def cut(picture: Image.Image, face: Face | None) -> Image.Image:
    """The crop of a face, or of the whole picture where none was found, with MARGIN around."""
    if face is not None:
        return crop_face(picture, face, CROP_PX, margin=MARGIN)
    return crop_whole(picture, CROP_PX, margin=MARGIN)
