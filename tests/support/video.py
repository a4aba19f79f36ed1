"""Videos with known faces, made from the two public-domain example pictures.

Each face is a patch (head with its surroundings) that moves on a path over a noisy backdrop, so
that where it is in each frame is known exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.support.paths import EXAMPLES

SIZE = (640, 480)
FPS = 25
# Middle of a face and its height in pixels, in the example pictures as they are kept there.
SOLVAY_FACES = ((1270, 760, 78), (822, 774, 80), (1087, 757, 80), (1435, 758, 82), (394, 771, 79),
                (1745, 718, 78), (1664, 769, 80), (1822, 798, 74), (183, 760, 78))  # fmt: skip


@dataclass(frozen=True)
class Actor:
    """A patch whose face is ``face_px`` high; ``path`` gives its middle, None while it is away."""

    patch: Image.Image
    face_px: float
    path: Callable[[float], tuple[float, float] | None]
    turn: Callable[[float], float] = lambda _: 1.0  # width of the face, 1 in front, 0 turned away


@lru_cache
def patch(index: int) -> Image.Image:
    """Head and surroundings, its face 100 pixels high in the middle of 260 x 260."""
    if index == 0:
        picture = Image.open(EXAMPLES / "astronaut.jpg").convert("RGB")
        x, y, height = (picture.width * v / 512 for v in (224, 117, 110))
    else:
        picture = Image.open(EXAMPLES / "solvay_1927.jpg").convert("RGB")
        x, y, height = (picture.width * v / 2000 for v in SOLVAY_FACES[index - 1])
    half = 1.3 * height
    box = (x - half, y - half, x + half, y + half)
    return picture.transform((260, 260), Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)


@lru_cache
def soft_mask(width: int, height: int) -> Image.Image:
    """An oval that leaves out the faces of neighbours, whose place would not be known."""
    mask = Image.new("L", (width, height))
    x, y = 0.25 * width, 0.1 * height
    ImageDraw.Draw(mask).ellipse((x, y, width - x, height - y), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(0.04 * width))


@lru_cache
def backdrop(seed: int = 3) -> Image.Image:
    """A room-like blur without faces."""
    noise = np.random.default_rng(seed).integers(60, 200, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)


def frames(actors: list[Actor], count: int, *, noise: float = 3.0) -> Iterator[Image.Image]:
    """``count`` RGB frames of SIZE at FPS, with camera noise; later actors stand in front."""
    rng = np.random.default_rng(11)
    grain = rng.normal(0, noise, (8, SIZE[1], SIZE[0], 1)).astype(np.float32)
    for n in range(count):
        picture = backdrop().copy()
        for actor in actors:
            place = actor.path(n / FPS)
            if place is None:
                continue
            side = 260 * actor.face_px / 100
            width = max(8, round(side * actor.turn(n / FPS)))
            small = actor.patch.resize((width, round(side)), Image.Resampling.BILINEAR)
            corner = (round(place[0] - width / 2), round(place[1] - side / 2))
            picture.paste(small, corner, soft_mask(*small.size))
        noisy = np.asarray(picture, dtype=np.float32) + grain[n % 8]
        yield Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def swaying(
    x: float, y: float, reach: float, seconds: float, phase: float = 0.0
) -> Callable[[float], tuple[float, float]]:
    """A path around (x, y): ``reach`` pixels to each side, back again in ``seconds``."""
    return lambda t: (
        x + reach * math.sin(2 * math.pi * t / seconds + phase),
        y + 0.4 * reach * math.sin(4 * math.pi * t / seconds + phase),
    )


def crowd(count: int) -> list[Actor]:
    """1, 4 or 10 faces: some sway, one comes and goes, one turns away."""
    if count == 1:
        return [Actor(patch(0), 130, swaying(320, 240, 90, 4))]
    columns = 2 if count <= 4 else 4
    rows = math.ceil(count / columns)
    cell_x, cell_y = SIZE[0] / columns, SIZE[1] / rows
    face_px = min(90.0, 0.5 * min(cell_x, cell_y))
    actors = []
    for i in range(count):
        x, y = (i % columns + 0.5) * cell_x, (i // columns + 0.5) * cell_y
        path = swaying(x, y, 0.16 * cell_x, 3 + 0.3 * i, i)
        actors.append(Actor(patch(i), face_px, path))
    comes_and_goes = actors[-1]
    actors[-1] = Actor(
        comes_and_goes.patch,
        face_px,
        lambda t: comes_and_goes.path(t) if t % 6 > 2 else None,
    )
    turns = actors[1]
    actors[1] = Actor(
        turns.patch, face_px, turns.path, lambda t: max(0.05, min(1.0, abs(t % 8 - 5)))
    )
    return actors


def passing() -> list[Actor]:
    """Two faces that pass each other, the second in front."""
    return [
        Actor(patch(4), 100, lambda t: (120 + 70 * t, 240)),
        Actor(patch(0), 110, lambda t: (520 - 70 * t, 244)),
    ]
