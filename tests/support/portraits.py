"""Portraits that a detector finds: the one public-domain face, each time in another setting."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

EXAMPLE = (
    Path(__file__).resolve().parents[2]
    / "gender_demo"
    / "web"
    / "static"
    / "examples"
    / "astronaut.jpg"
)
FACE = (150, 20, 300, 210)
EYES, MOUTH = ((203, 110), (246, 112)), (222, 152)
"""In the picture's own pixels."""
KINDS = ("plain", "glasses", "hat")


@cache
def _face(kind: str) -> Image.Image:
    with Image.open(EXAMPLE) as opened:
        picture = opened.convert("RGB")
    pen = ImageDraw.Draw(picture)
    if kind == "glasses":
        for x, y in EYES:
            pen.ellipse((x - 19, y - 15, x + 19, y + 15), outline=(10, 10, 30), width=7)
        pen.line((*EYES[0], *EYES[1]), fill=(10, 10, 30), width=3)
    elif kind == "hat":
        pen.rectangle((150, 20, 300, 84), fill=(180, 30, 40))
    return picture.crop(FACE)


def portrait(number: int, kind: str = "plain", size: tuple[int, int] = (160, 160)) -> Image.Image:
    """The face somewhere in a picture of its own colours; the same number gives the same one."""
    random = np.random.default_rng((number, KINDS.index(kind)))
    low = Image.fromarray(random.integers(0, 255, (3, 3, 3)).astype(np.uint8))
    picture = low.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y, side = (int(v) for v in random.integers(0, min(size), 3))
        colour = tuple(int(v) for v in random.integers(0, 255, 3))
        pen.rectangle((x, y, x + side // 2, y + side // 2), fill=colour)
    face = _face(kind)
    high = min(size) * random.uniform(0.75, 0.9)
    face = face.resize((round(high * face.width / face.height), round(high)))
    face = face.rotate(random.uniform(-8, 8), Image.Resampling.BICUBIC)
    for change in (ImageEnhance.Brightness, ImageEnhance.Color, ImageEnhance.Contrast):
        face = change(face).enhance(random.uniform(0.75, 1.25))
    if random.random() < 0.5:
        face = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mask = Image.new("L", face.size)
    ImageDraw.Draw(mask).ellipse((4, 4, face.width - 4, face.height - 4), fill=255)
    left, top = (
        math.floor(random.uniform(0, max(1, whole - part)))
        for whole, part in zip(size, face.size, strict=True)
    )
    picture.paste(face, (left, top), mask)
    return picture
