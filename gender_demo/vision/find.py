"""find_faces(): whole pictures of any size -> their faces.

A picture is searched at MAX_SEARCH_PX. What is too small for that in a large or long picture is
searched in tiles, and what is not found upright in the turned picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageOps

from gender_demo.results import Box, Face, Point
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import CELL_PX, PYRAMID_FACTOR

MAX_SEARCH_PX = 1600
"""Larger pictures are searched at this longer side; faces are still cut from the full picture."""
MAX_FACES = 100
"""Maximum faces reported per picture, largest first."""
MAX_TILED_PIXELS = 50_000_000
"""Up to this size every face of MIN_FACE_PX is searched for; larger pictures are shrunk to it."""
MIN_FACE_PX = 40
"""The smallest face that is found in a picture of any size, in its own pixels."""
FINEST = 1.0
"""Scale of the finest tiles. At 0.75, where faces of 40 px have 30, scores are often too low."""
TILE_FACE_PX = (30.0, 110.0)
"""The smallest and the largest face searched for in tiles, in their pixels; the next coarser level,
at half the scale, goes on from there."""
TILE_PX, OVERLAP_PX = 1024, 144
TILES_AT_ONCE = 4
SAME_FACE_IOM = 0.6
WHITE, OVEREXPOSED = 250, 0.2
"""A picture without a face is searched again as an overexposed one if so large a share of its
pixels is so white in a channel."""
TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)
TURNED_PX = 1000
"""The longer side at which the right turn is looked for: mostly there is none."""
MIN_SURE_SCORE, MIN_TURNED_SCORE = 0.95, 0.98
"""A picture in which no face has the first score upright is turned; the second is needed then."""

Detect = Callable[[Sequence[Image.Image]], list[list[Face]]]


@dataclass(frozen=True)
class Found:
    """A picture's faces, largest first, and notes on the search (``label_words.NOTES``)."""

    faces: list[Face]
    notes: tuple[str, ...] = ()


def find_faces(pictures: Sequence[Image.Image], detect: Detect) -> list[Found]:
    """The MAX_FACES largest faces of each upright RGB picture, in its own pixels.

    Tiles need a FaceDetector as ``detect``, which can search for faces of some sizes only.
    """
    small = [_shrink(picture, MAX_SEARCH_PX) for picture in pictures]
    result = []
    for picture, less, found in zip(pictures, small, detect(small), strict=True):
        scale, notes = picture.width / less.width, list[str]()
        faces = [face.scaled(scale) for face in found]
        if isinstance(detect, FaceDetector):
            faces = _merged(faces, _find_in_tiles(picture, detect, faces))
            if picture.width * picture.height > MAX_TILED_PIXELS:
                notes.append("very_large")
        if not faces:
            faces = [face.scaled(scale) for face in _find_overexposed(less, detect)]
        if max((face.score for face in faces), default=0.0) < MIN_SURE_SCORE:
            turned = [face.scaled(scale) for face in _find_turned(less, detect)]
            faces, notes = (turned, [*notes, "turned"]) if turned else (faces, notes)
        if len(faces) > MAX_FACES:
            notes.append("most_faces")
        result.append(Found(faces[:MAX_FACES], tuple(notes)))
    return result


def _find_in_tiles(
    picture: Image.Image, detector: FaceDetector, known: Sequence[Face]
) -> list[Face]:
    """Faces too small for the search of the whole picture, in its own pixels."""
    found: list[Face] = []
    scale = FINEST * min(1.0, math.sqrt(MAX_TILED_PIXELS / (picture.width * picture.height)))
    while scale > 1.1 * MAX_SEARCH_PX / max(picture.size):
        width, height = (max(1, round(side * scale)) for side in picture.size)
        level = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        back = picture.width / width
        boxes = [face.box.scaled(1 / back) for face in known]
        found += [face.scaled(back) for face in _search_level(level, detector, boxes)]
        scale /= 2
    return found


def _search_level(
    level: Image.Image, detector: FaceDetector, known: Sequence[Box]
) -> Iterator[Face]:
    """Faces of TILE_FACE_PX in all tiles of a picture, each from the tile its centre belongs to."""
    columns, rows = _tile_starts(level.width), _tile_starts(level.height)
    wide, high = level.width - columns[-1], level.height - rows[-1]
    scales = [CELL_PX / TILE_FACE_PX[0]]
    if min(wide, high) * scales[0] < CELL_PX:
        return  # a strip that is narrower than the smallest face
    while CELL_PX / scales[-1] < TILE_FACE_PX[1] and min(wide, high) * scales[-1] >= CELL_PX:
        scales.append(scales[-1] * PYRAMID_FACTOR)
    corners = [(x, y) for y in rows for x in columns]
    for start in range(0, len(corners), TILES_AT_ONCE):
        some = corners[start : start + TILES_AT_ONCE]
        tiles = [level.crop((x, y, x + wide, y + high)) for x, y in some]
        passed_over = [[box.shifted(-x, -y) for box in known] for x, y in some]
        # So much is searched here that something else may resemble a face once.
        found = detector.search(tiles, scales, passed_over, only_steady=True)
        for (x, y), faces in zip(some, found, strict=True):
            core = Box(
                x + OVERLAP_PX / 2 if x else -math.inf,
                y + OVERLAP_PX / 2 if y else -math.inf,
                x + wide - OVERLAP_PX / 2 if x + wide < level.width else math.inf,
                y + high - OVERLAP_PX / 2 if y + high < level.height else math.inf,
            )
            shifted = (face.shifted(x, y) for face in faces)
            yield from (face for face in shifted if core.contains(face.box.centre))


def _tile_starts(side: int) -> list[int]:
    """Where tiles of one size begin that cover ``side`` pixels and overlap by OVERLAP_PX or more;
    each ends where the last one does."""
    count = max(1, math.ceil((side - OVERLAP_PX) / (TILE_PX - OVERLAP_PX)))
    tile = math.ceil((side + (count - 1) * OVERLAP_PX) / count)
    return [round(i * (side - tile) / max(1, count - 1)) for i in range(count)]


def _merged(faces: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """The faces, largest first, and those of the others that lie on none of them."""
    kept = list(faces)
    for face in others:
        if not any(face.box.iom(other.box) > SAME_FACE_IOM for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.box.area)


def _find_overexposed(picture: Image.Image, detect: Detect) -> list[Face]:
    """Faces in an RGB picture of which much is white, in its darkest channel: skin loses its red
    first and its blue last."""
    pixels = np.asarray(picture)
    if (pixels.max(2) >= WHITE).mean() < OVEREXPOSED:
        return []
    darkest = Image.fromarray(pixels.min(2))
    squared = darkest.point([round(value**2 / 255) for value in range(256)])
    found = detect([view.convert("RGB") for view in (squared, ImageOps.equalize(darkest))])
    return found[0] or found[1]


def _find_turned(picture: Image.Image, detect: Detect) -> list[Face]:
    """Faces of the turn in which the surest one is seen, in the picture as it is."""
    less = _shrink(picture, TURNED_PX)
    found = detect([less.transpose(turn) for turn in TURNS])
    sure = [max((face.score for face in faces), default=0.0) for faces in found]
    best = sure.index(max(sure))
    if sure[best] < MIN_TURNED_SCORE:
        return []
    turn, faces = TURNS[best], found[best]
    if less.size != picture.size:
        (faces,) = detect([picture.transpose(turn)])
    return [_turned_back(face, turn, picture.size) for face in faces]


def _turned_back(face: Face, turn: Image.Transpose, size: tuple[int, int]) -> Face:
    """A face of the turned picture in the picture of (width, height) before it was turned."""
    width, height = size

    def back(point: Point) -> Point:
        x, y = point
        return {
            Image.Transpose.ROTATE_90: (width - y, x),
            Image.Transpose.ROTATE_270: (y, height - x),
            Image.Transpose.ROTATE_180: (width - x, height - y),
        }[turn]

    (ax, ay), (bx, by) = back((face.box.x0, face.box.y0)), back((face.box.x1, face.box.y1))
    box = Box(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
    return replace(face, box=box, landmarks=tuple(map(back, face.landmarks)))


def _shrink(picture: Image.Image, longer_px: int) -> Image.Image:
    longer = max(picture.size)
    if longer <= longer_px:
        return picture
    width, height = (max(1, round(n * longer_px / longer)) for n in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
