"""The result types that every step of the arrow hands on, with their geometry.

Frozen, free of pixels, and JSON by ``dataclasses.asdict``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

Point = tuple[float, float]


class Box(NamedTuple):
    """An axis-aligned box in pixels of the upright picture; may reach beyond its border."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """In pixels."""
        return self.y1 - self.y0

    @property
    def centre(self) -> Point:
        """Its middle, in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def area(self) -> float:
        """In square pixels; 0 when a side is negative."""
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def size_px(self) -> float:
        """A face's size in pixels: the side of a square of the same area."""
        return math.sqrt(self.area)

    def contains(self, point: Point) -> bool:
        """Whether a point lies inside or on the border."""
        return self.x0 <= point[0] <= self.x1 and self.y0 <= point[1] <= self.y1

    def intersection(self, other: Box) -> float:
        """The area that both cover, in square pixels."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        shared = self.intersection(other)
        return shared / max(1e-9, self.area + other.area - shared)

    def iom(self, other: Box) -> float:
        """Intersection over the smaller of both areas ("minimum"), 0 to 1."""
        return self.intersection(other) / max(1e-9, min(self.area, other.area))

    def share_outside(self, size: tuple[int, int]) -> float:
        """Share of the area that lies outside a (width, height) picture, 0 to 1."""
        return 1.0 - self.intersection(Box(0, 0, *size)) / self.area if self.area else 1.0

    def scaled(self, by: float) -> Box:
        """The same box in a picture ``by`` times as wide and high."""
        return Box(*(value * by for value in self))

    def shifted(self, dx: float, dy: float) -> Box:
        """The box moved ``dx`` pixels to the right and ``dy`` down."""
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)


@dataclass(frozen=True)
class Face:
    """One face as the detector found it.

    ``score`` is the detector's own certainty, 0 to 1. ``landmarks`` are five points in pixels:
    left eye, right eye, nose, left mouth corner, right mouth corner (left as the viewer sees it).
    """

    box: Box
    score: float
    landmarks: tuple[Point, ...]

    @property
    def roll(self) -> float:
        """The face's tilt in radians, clockwise positive; 0 when the eyes are level.

        Eye line and eyes-to-mouth line are added as vectors: in profile the eyes nearly coincide
        and the longer line decides.
        """
        (lx, ly), (rx, ry), _, (mlx, mly), (mrx, mry) = self.landmarks
        down_x, down_y = (mlx + mrx - lx - rx) / 2, (mly + mry - ly - ry) / 2
        return math.atan2((ry - ly) - down_x, (rx - lx) + down_y)

    @property
    def yaw(self) -> float:
        """How far the nose is off the middle between the eyes, in eye distances, to the right
        positive: 0 from in front, grows towards profile."""
        (lx, _), (rx, _), (nx, _), *_ = self.landmarks
        return (nx - (lx + rx) / 2) / max(4.0, abs(rx - lx))

    def scaled(self, by: float) -> Face:
        """The same face in a picture ``by`` times as wide and high."""
        points = tuple((x * by, y * by) for x, y in self.landmarks)
        return replace(self, box=self.box.scaled(by), landmarks=points)

    def shifted(self, dx: float, dy: float) -> Face:
        """The face moved ``dx`` pixels to the right and ``dy`` down."""
        points = tuple((x + dx, y + dy) for x, y in self.landmarks)
        return replace(self, box=self.box.shifted(dx, dy), landmarks=points)


@dataclass(frozen=True)
class Prediction:
    """How one face may be perceived.

    ``label`` is None for "unsure", and then ``reasons`` says why, by name. ``probability`` is that
    of the most probable class; ``probabilities`` are (class name, probability) in the checkpoint's
    order. ``track`` numbers the face through a video and is None for a single picture.
    """

    face: Face
    label: str | None
    probability: float
    probabilities: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...] = ()
    track: int | None = None


@dataclass(frozen=True)
class Wish:
    """What a person wants for a face in place of the guess: their own ``word``, "" for no label at
    all; or that the face, and all that was said of it, is ``hidden``."""

    word: str = ""
    hidden: bool = False

    @property
    def correction(self) -> str:
        """The word that stands beside the guess; "" where there is to be no guess either."""
        return "" if self.hidden else self.word


@dataclass(frozen=True)
class Analysis:
    """Everything found in one picture: its (width, height) in pixels and the predictions.

    ``notes`` name what a person should know about the search (words: ``label_words.NOTES``).
    """

    size: tuple[int, int]
    predictions: tuple[Prediction, ...]
    notes: tuple[str, ...] = ()

    @property
    def left_to_right(self) -> tuple[int, ...]:
        """Each face's rank by where its middle lies, from 1 at the left, in predictions' order."""
        middles = [p.face.box.centre[0] for p in self.predictions]
        order = sorted(range(len(middles)), key=middles.__getitem__)
        return tuple(order.index(i) + 1 for i in range(len(middles)))
