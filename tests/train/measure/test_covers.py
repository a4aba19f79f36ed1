"""Things drawn over faces lie where they are worn; drawings of no person are what they say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gender_demo.results import Box, Face
from train.measure.corruptions import seeded
from train.measure.drawings import DRAWINGS, MADE_OF_PHOTOS, SIDE, draw
from train.measure.occlusion import COVERS, cover

GREY = (128, 128, 128)
LANDMARKS = ((80.0, 90.0), (120.0, 90.0), (100.0, 110.0), (85.0, 130.0), (115.0, 130.0))
FACE = Face(Box(60, 50, 140, 160), 1.0, LANDMARKS)
EYE, MOUTH, CHEEK, BROW, CHIN = (80, 90), (100, 130), (82, 108), (100, 62), (100, 150)


def turned(face: Face, angle: float) -> Face:
    """The face turned about the picture's middle, (100, 100)."""
    cos, sin = math.cos(angle), math.sin(angle)
    points = tuple(
        (100 + cos * (x - 100) - sin * (y - 100), 100 + sin * (x - 100) + cos * (y - 100))
        for x, y in face.landmarks
    )
    return replace(face, landmarks=points)


@pytest.mark.parametrize(
    ("name", "over", "free"),
    [
        ("sunglasses", EYE, MOUTH),
        ("a mask", MOUTH, EYE),
        ("a head scarf", (100, 30), MOUTH),
        ("a hat", BROW, MOUTH),
        ("glasses", (100, 90), CHEEK),
    ],
)
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_each_cover_follows_the_landmarks(
    name: str, over: tuple[int, int], free: tuple[int, int], angle: float
) -> None:
    picture = Image.new("RGB", (200, 200), GREY)
    face = turned(FACE, angle)
    covered = cover(picture, face, name, seeded(name, "a"))
    where = turned(replace(FACE, landmarks=(over, free)), angle).landmarks
    changed, same = (covered.getpixel((round(x), round(y))) for x, y in where)
    assert changed != GREY
    assert same == GREY
    assert covered.tobytes() == cover(picture, face, name, seeded(name, "a")).tobytes()
    assert covered.tobytes() != cover(picture, face, name, seeded(name, "b")).tobytes()


def test_the_covers_are_those_that_the_audit_names() -> None:
    assert list(COVERS) == ["glasses", "sunglasses", "a mask", "a head scarf", "a hat"]


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_depend_on_their_seed_alone(name: str) -> None:
    first, again, other = (draw(name, seeded(name, seed)) for seed in "aab")
    assert (first.size, first.mode) == ((SIDE, SIDE), "RGB")
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert np.asarray(first).std() > 10, "there is something on the ground"


@pytest.mark.parametrize("name", MADE_OF_PHOTOS)
def test_photos_become_other_pictures(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    photo = Image.fromarray(noise).resize((160, 160), Image.Resampling.BICUBIC)
    made = MADE_OF_PHOTOS[name](photo)
    assert made.mode == "RGB"
    assert made.tobytes() != photo.tobytes()
