"""A dark picture is brightened for the nets; an ordinary one stays as it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from gender_demo.vision import low_light as light
from gender_demo.vision.crops import (
    FILL,
    crop_whole,
)
from gender_demo.vision.detector import FaceDetector
from tests.support.paths import ASTRONAUT
from train.measure.corruptions import (
    darken,
    seeded,
)


def grey(level: int) -> Image.Image:
    return Image.new("RGB", (80, 60), (level,) * 3)


def test_an_ordinary_picture_is_left_alone() -> None:
    picture = Image.open(ASTRONAUT).convert("RGB")
    assert light.apply_gain(picture) is picture


def test_a_dark_picture_gets_ordinary_light() -> None:
    assert light.apply_gain(grey(40)).getpixel((5, 5)) == (200, 200, 200)
    assert light.apply_gain(grey(0)).getpixel((5, 5)) == (0, 0, 0)
    assert light.levels(grey(1)).gain == light.MOST


def test_a_bright_face_before_a_black_wall_is_not_dark() -> None:
    picture = grey(5)
    picture.paste((220, 180, 160), (30, 20, 50, 45))
    assert light.levels(picture) == (0, 1)


def test_the_change_sets_in_smoothly() -> None:
    shown = [level * light.levels(grey(level)).gain for level in range(40, 256)]
    assert all(abs(b - a) < 6 for a, b in pairwise(shown))


def test_a_crop_is_as_bright_as_its_picture_asks_and_its_filling_stays() -> None:
    picture = grey(50)
    picture.paste((10, 10, 10), (20, 10, 60, 50))
    crop = crop_whole(picture, 90, margin=1.5)
    assert crop.getpixel((45, 45)) == (40, 40, 40)
    assert crop.getpixel((1, 1)) == FILL


@pytest.mark.parametrize("left", [0.25, 0.12])
def test_a_face_in_the_dark_is_found(left: float, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = darken(Image.open(ASTRONAUT).convert("RGB"), seeded("dark"), left)
    detector = FaceDetector()
    (face,) = detector.detect([picture])[0]
    assert face.score > 0.95
    monkeypatch.setattr(light, "levels", lambda _: light.Levels(0, 1))
    before = detector.detect([picture])[0]
    assert not before or before[0].score < face.score


def foggy(picture: Image.Image, white: float) -> Image.Image:
    """A contrast of 0.15, towards grey or white."""
    return picture.point(lambda value: round(0.15 * value + 0.85 * white))


@pytest.mark.parametrize("white", [110, 180, 255])
def test_a_face_in_the_fog_is_found(white: float) -> None:
    picture = Image.open(ASTRONAUT).convert("RGB")
    (face,) = FaceDetector().detect([foggy(picture, white)])[0]
    assert face.score > 0.95
    clear = np.asarray(crop_whole(foggy(picture, white), 90))
    assert clear.min() < 60
    assert clear.max() > 180


def test_one_colour_is_no_fog() -> None:
    assert [light.levels(grey(level)).offset for level in (20, 110, 200, 255)] == [0] * 4
