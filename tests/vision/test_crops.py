from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gender_demo.results import Box, Face
from gender_demo.vision.crops import (
    FILL,
    crop_face,
    crop_square,
)


def face(roll: float = 0.0, centre: tuple[float, float] = (100, 100), size: float = 40) -> Face:
    """A face of ``size`` pixels, its landmarks turned by ``roll`` about its middle."""
    points = ((-0.2, -0.15), (0.2, -0.15), (0.0, 0.05), (-0.15, 0.25), (0.15, 0.25))
    cos, sin = math.cos(roll), math.sin(roll)
    turned = tuple(
        (centre[0] + size * (x * cos - y * sin), centre[1] + size * (x * sin + y * cos))
        for x, y in points
    )
    x, y, half = *centre, size / 2
    return Face(Box(x - half, y - half, x + half, y + half), 0.99, turned)


@pytest.mark.parametrize("degrees", [-60, -15, 0, 10, 45])
def test_roll_is_the_landmarks_turn(degrees: float) -> None:
    assert math.degrees(face(math.radians(degrees)).roll) == pytest.approx(degrees)


def test_the_square_lies_below_the_box_as_the_training_chips_do() -> None:
    cx, cy, side, roll = crop_square(face())
    assert (cx, side, roll) == pytest.approx((100, 40, 0))
    assert cy == pytest.approx(100 + 0.08 * 40)


@pytest.mark.parametrize("size_px", [16, 40, 112])
def test_a_turned_face_comes_out_upright_and_centred(size_px: int) -> None:
    """Two dots on the crop's horizontal middle line must lie there whatever the roll."""
    for degrees in (0, 30, -50):
        turned = face(math.radians(degrees))
        cx, cy, side, roll = crop_square(turned)
        picture = Image.new("RGB", (200, 200))
        draw = ImageDraw.Draw(picture)
        for along in (-0.25, 0.25):
            x, y = cx + along * side * math.cos(roll), cy + along * side * math.sin(roll)
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(255, 255, 255))
        crop = np.asarray(crop_face(picture, turned, size_px).convert("L"), dtype=float)
        ys, xs = np.mgrid[:size_px, :size_px] + 0.5
        for half, expected in ((xs < size_px / 2, 0.25), (xs >= size_px / 2, 0.75)):
            weight = crop * half
            where = (weight * xs).sum() / weight.sum(), (weight * ys).sum() / weight.sum()
            assert where == pytest.approx((expected * size_px, size_px / 2), abs=size_px * 0.03)


def test_outside_the_picture_there_is_grey() -> None:
    white = Image.new("RGB", (200, 200), (255, 255, 255))
    crop = crop_face(white, face(centre=(0, 100)), 40)
    assert crop.getpixel((2, 20)) == FILL
    assert crop.getpixel((38, 20)) == (255, 255, 255)
    far = crop_face(white, face(centre=(900, 900)), 40)
    assert far.getcolors() == [(1600, FILL)]


def test_shrinking_does_not_alias() -> None:
    """A fine chessboard shrunk ten times is grey, not a moiré."""
    board = np.indices((400, 400)).sum(0) % 2 * 255
    picture = Image.fromarray(board.astype(np.uint8)).convert("RGB")
    crop = np.asarray(crop_face(picture, face(0.2, (200, 200), 300), 30), dtype=float)
    assert abs(crop - 127.5).max() < 20


def test_a_margin_takes_in_more_around_the_same_middle() -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8))
    picture = noise.resize((200, 200), Image.Resampling.BICUBIC)
    wide = crop_face(picture, face(), 60, margin=1.5).crop((10, 10, 50, 50))
    tight = crop_face(picture, face(), 40)
    assert np.abs(np.asarray(wide, float) - np.asarray(tight, float)).mean() < 3
