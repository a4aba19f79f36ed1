"""crop_face(): the one way a face is cut out, in training and in serving.

FairFace's own chips are squares of about 1.08 * sqrt(width * height) of MTCNN's box, their centre
0.08 of that side below the box's, with the eyes level. A model sees best what it was trained on,
so the same square is cut here, turned until the face is upright, and brightened if the picture is
dark.
"""

from __future__ import annotations

import math

from PIL import Image

from gender_demo.results import Face
from gender_demo.vision.low_light import (
    apply_gain,
    levels,
)

SIDE_PER_BOX = 1.0
"""Side of the square in units of sqrt(width * height) of the box: a little inside FairFace's
chip, so that few training crops reach over the chip's border."""

SHIFT_DOWN = 0.08
"""How far the square's centre lies below the box's centre, in units of its side."""

FILL = (127, 127, 127)
"""What stands where the square reaches beyond the picture."""


def crop_square(face: Face) -> tuple[float, float, float, float]:
    """Centre x, centre y, side in pixels and roll in radians of the square that is cut."""
    side = SIDE_PER_BOX * max(1.0, face.box.size_px)
    roll, down = face.roll, SHIFT_DOWN * side
    x, y = face.box.centre
    return x - down * math.sin(roll), y + down * math.cos(roll), side, roll


def crop_face(
    picture: Image.Image, face: Face, size_px: int, *, margin: float = 1.0
) -> Image.Image:
    """Cut the upright square around ``face`` out of an RGB picture, as size_px x size_px RGB.

    ``margin`` > 1 takes in that much more on every side, as room for training's jitter.
    """
    cx, cy, side, roll = crop_square(face)
    return cut_square(picture, cx, cy, side * margin, roll, size_px)


def crop_whole(picture: Image.Image, size_px: int, *, margin: float = 1.0) -> Image.Image:
    """Cut the square in the middle of a picture, ``margin`` times its shorter side."""
    side = min(picture.size) * margin
    return cut_square(picture, picture.width / 2, picture.height / 2, side, 0.0, size_px)


def cut_square(
    picture: Image.Image, cx: float, cy: float, side: float, roll: float, size_px: int
) -> Image.Image:
    """Cut a turned square; what lies outside the picture becomes FILL.

    Shrinks with anti-aliasing first, then turns: an affine transform alone would alias.
    """
    cos, sin = math.cos(roll), math.sin(roll)
    # A square around the turned one, with a few pixels' room for the interpolation.
    around = side * (abs(cos) + abs(sin)) + 4 * max(1.0, side / size_px)
    x0, y0 = math.floor(cx - around / 2), math.floor(cy - around / 2)
    wide = math.ceil(around) + 1
    canvas = Image.new("RGB", (wide, wide), FILL)
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(picture.width, x0 + wide), min(picture.height, y0 + wide)
    if right > left and bottom > top:
        inside = apply_gain(picture.crop((left, top, right, bottom)), levels(picture))
        canvas.paste(inside, (left - x0, top - y0))
    scale = 1.0
    if side > size_px:
        small = max(1, round(wide * size_px / side))
        scale = small / wide
        canvas = canvas.resize((small, small), Image.Resampling.BILINEAR)
    step = side * scale / size_px
    a, b = step * cos, -step * sin
    d, e = step * sin, step * cos
    half = size_px / 2
    c = (cx - x0) * scale - a * half - b * half
    f = (cy - y0) * scale - d * half - e * half
    return canvas.transform(
        (size_px, size_px),
        Image.Transform.AFFINE,
        (a, b, c, d, e, f),
        Image.Resampling.BICUBIC,
        fillcolor=FILL,
    )
