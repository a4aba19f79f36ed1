"""The result types that every step of the arrow hands on.

Frozen, free of pixels, and JSON by ``dataclasses.asdict``.
"""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the upright picture; may reach beyond its border."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """One face as the detector found it.

    ``score`` is the detector's own certainty, 0 to 1. ``landmarks`` are five points in pixels:
    left eye, right eye, nose, left mouth corner, right mouth corner (left as the viewer sees it).
    """

    box: Box
    score: float
    landmarks: tuple[Point, ...]


@dataclass(frozen=True)
class Prediction:
    """How one face may be perceived.

    ``label`` is None for "unsure", and then ``reasons`` says why, by name. ``probability`` is that
    of the likeliest class; ``probabilities`` are (class name, probability) in the checkpoint's
    order. ``track`` numbers the face through a video and is None for a single picture.
    """

    face: Face
    label: str | None
    probability: float
    probabilities: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...] = ()
    track: int | None = None


@dataclass(frozen=True)
class Analysis:
    """Everything found in one picture: its (width, height) in pixels and the predictions."""

    size: tuple[int, int]
    predictions: tuple[Prediction, ...]
