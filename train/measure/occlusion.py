"""Faces with glasses, a mask, a scarf or a hat drawn over them, placed by their landmarks.

What is drawn has no texture and no shadow, so that it measures what is hidden, not what it looks
like when worn. Colours and shapes come from a generator that the caller seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from gender_demo.results import Face, Point

SMOOTH = 3
"""Drawn so many times as large and shrunk, because Pillow's edges are jagged."""
CLOTH = ((245, 245, 240), (25, 25, 30), (120, 40, 50), (40, 70, 120), (150, 130, 100), (70, 95, 70))
MASKS = ((165, 205, 225), (245, 245, 245), (30, 30, 35))
FRAMES = ((20, 20, 25), (90, 55, 30), (150, 150, 155))

Random = np.random.Generator


class FacePen:
    """Draws in the face's own coordinates: the eyes at (-0.5, 0) and (0.5, 0), the mouth at (0, 1),
    so the chin is near 1.75, the ears near ±1.15 and the hairline near -0.9."""

    def __init__(self, size: tuple[int, int], face: Face) -> None:
        """``size``: the picture's (width, height) in pixels, which ``face`` is in."""
        left_eye, right_eye, _, left_mouth, right_mouth = face.landmarks
        self.origin = _between(left_eye, right_eye)
        self.tall = max(4.0, math.dist(self.origin, _between(left_mouth, right_mouth)))
        # In profile the eyes nearly coincide, and the head is as wide as ever.
        self.wide = max(math.dist(left_eye, right_eye), 0.75 * self.tall)
        self.roll = face.roll
        self.layer = Image.new("RGBA", (size[0] * SMOOTH, size[1] * SMOOTH))
        self.draw = ImageDraw.Draw(self.layer)

    def at(self, x: float, y: float) -> Point:
        """A point of the layer."""
        right, down = x * self.wide, y * self.tall
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        px = self.origin[0] + right * cos - down * sin
        py = self.origin[1] + right * sin + down * cos
        return SMOOTH * px, SMOOTH * py

    def polygon(self, points: Sequence[Point], fill: tuple[int, ...]) -> None:
        """A filled polygon."""
        self.draw.polygon([self.at(*point) for point in points], fill=fill)

    def line(self, points: Sequence[Point], fill: tuple[int, ...], width: float) -> None:
        """A line of ``width`` eye distances."""
        thick = max(1, round(SMOOTH * width * self.wide))
        self.draw.line([self.at(*point) for point in points], fill=fill, width=thick, joint="curve")

    def over(self, picture: Image.Image) -> Image.Image:
        """The picture with the layer on it."""
        layer = self.layer.resize(picture.size, Image.Resampling.BOX)
        return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def glasses(pen: FacePen, random: Random) -> None:
    """A frame around clear lenses."""
    _spectacles(pen, random, (255, 255, 255, 25))


def sunglasses(pen: FacePen, random: Random) -> None:
    """A frame around dark lenses."""
    _spectacles(pen, random, (15, 15, 18, 245))


def mask(pen: FacePen, random: Random) -> None:
    """A mask from the nose's bridge to below the chin, with its folds and straps."""
    colour = _choose(random, MASKS)
    darker = _darker(colour)
    for side in (-1, 1):
        for y in (0.55, 1.35):
            pen.line([(side * 0.9, y), (side * 1.2, 0.3)], darker, 0.04)
    edge = [(0.0, 0.38), (0.45, 0.5), (1.02, 0.55), (0.92, 1.35), (0.5, 1.8), (0.0, 1.92)]
    pen.polygon([*edge, *((-x, y) for x, y in reversed(edge))], colour)
    for y in (0.85, 1.1, 1.35):
        pen.line([(-0.8, y), (0.0, y + 0.08), (0.8, y)], darker, 0.03)


def head_scarf(pen: FacePen, random: Random) -> None:
    """A scarf around the face that leaves it free from the brows to below the mouth."""
    colour = _choose(random, CLOTH)
    pen.polygon([(-1.0, 1.5), (1.0, 1.5), (2.6, 4.5), (-2.6, 4.5)], colour)
    pen.polygon(_ellipse(0, 0.25, 1.85, 2.2), colour)
    pen.polygon(_ellipse(0, 0.5, 1.12, 1.36), _darker(colour))
    pen.polygon(_ellipse(0, 0.5, 1.04, 1.28), (0, 0, 0, 0))


def hat(pen: FacePen, random: Random) -> None:
    """A hat with a brim, or a cap down to the brows."""
    colour = _choose(random, CLOTH)
    if random.random() < 0.5:
        pen.polygon([(-1.2, -0.7), (1.2, -0.7), (1.0, -2.2), (-1.0, -2.2)], colour)
        pen.polygon(_ellipse(0, -0.7, 1.9, 0.25), _darker(colour))
    else:
        top = [point for point in _ellipse(0, -0.5, 1.3, 1.7) if point[1] <= -0.5]
        pen.polygon(top, colour)
        pen.line([(-1.28, -0.5), (1.28, -0.5)], _darker(colour), 0.25)


COVERS: dict[str, Callable[[FacePen, Random], None]] = {
    "glasses": glasses,
    "sunglasses": sunglasses,
    "a mask": mask,
    "a head scarf": head_scarf,
    "a hat": hat,
}


def cover(picture: Image.Image, face: Face, name: str, random: Random) -> Image.Image:
    """An RGB picture with one of COVERS over ``face``."""
    pen = FacePen(picture.size, face)
    COVERS[name](pen, random)
    return pen.over(picture)


def _spectacles(pen: FacePen, random: Random, lens: tuple[int, ...]) -> None:
    frame = _choose(random, FRAMES)
    width, height = random.uniform(0.3, 0.38), random.uniform(0.22, 0.32)
    for side in (-1, 1):
        rim = _ellipse(side * 0.5, 0.05, width, height, power=random.uniform(0.5, 1.0))
        pen.polygon(rim, lens)
        pen.line([*rim, rim[0], rim[1]], frame, 0.06)
        pen.line([(side * (0.5 + width), 0.0), (side * 1.2, -0.05)], frame, 0.05)
    pen.line([(width - 0.5, 0.0), (0.5 - width, 0.0)], frame, 0.05)


def _ellipse(x: float, y: float, rx: float, ry: float, power: float = 1.0) -> list[Point]:
    """Points of an ellipse, of a rounded rectangle where ``power`` is less than 1."""
    around = np.linspace(0, 2 * math.pi, 60, endpoint=False)

    def bent(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.sign(values) * np.abs(values) ** power)

    across, along = x + rx * bent(np.cos(around)), y + ry * bent(np.sin(around))
    return list(zip(across.tolist(), along.tolist(), strict=True))


def _choose(random: Random, colours: Sequence[tuple[int, int, int]]) -> tuple[int, int, int, int]:
    return (*colours[int(random.integers(len(colours)))], 255)


def _darker(colour: tuple[int, ...]) -> tuple[int, ...]:
    return (*(round(0.75 * value) for value in colour[:3]), 255)


def _between(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
