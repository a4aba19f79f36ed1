"""How two boxes lie to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gender_demo.results import (
    Box,
    Face,
)


def area(box: Sequence[float]) -> float:
    """In square pixels; 0 when a side is negative."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def overlap(a: Box, b: Box) -> float:
    """The area that both cover, in square pixels."""
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1."""
    shared = overlap(a, b)
    return shared / max(1e-9, area(a) + area(b) - shared)


def covers(a: Box, b: Box) -> bool:
    """Whether two boxes are on one face: MTCNN's own measure, the smaller area's share."""
    return overlap(a, b) > 0.6 * max(1e-9, min(area(a), area(b)))


def near(a: Box, b: Box) -> bool:
    """Whether a face lost at ``a`` may have come back at ``b``: within two sides, of like size."""
    away = math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    return away < 2 * math.sqrt(max(1.0, area(a))) and 0.3 < area(b) / max(1.0, area(a)) < 3.3


def scaled(face: Face, by: float) -> Face:
    """The same face in a picture ``by`` times as wide and high."""
    if by == 1:
        return face
    x0, y0, x1, y1 = (value * by for value in face.box)
    return replace(
        face, box=(x0, y0, x1, y1), landmarks=tuple((x * by, y * by) for x, y in face.landmarks)
    )
