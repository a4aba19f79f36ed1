"""Pictures of no face, as the detector sometimes takes for one: drawn faces, patterns, and patches
from the corners of crops (hair, clothes, background)."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from train.data.crops import Crops

Random = np.random.Generator
Colour = tuple[int, int, int]

CANVAS = 320
"""Side at which faces are drawn; they are shrunk afterwards, which smooths their lines."""
CORNER = (0.18, 0.32)
"""Side of a corner's patch, as a share of the crop's."""


def non_faces(crops: Crops, count: int, seed: int = 0) -> Tensor:
    """uint8 (count, side, side, 3), with as much room around as ``crops`` have: a third of each
    kind, one after the other."""
    random = np.random.default_rng(seed)
    side = crops.pixels.shape[1]
    kinds = (
        lambda: draw_face(random, side, crops.margin),
        lambda: draw_pattern(random, side),
        lambda: cut_corner(random, crops),
    )
    return torch.from_numpy(np.stack([kinds[i % len(kinds)]() for i in range(count)]))


def draw_face(random: Random, side: int, margin: float = 1.25) -> np.ndarray:
    """A face of some ten drawn shapes, eyes and mouth where a face's would be; (side, side, 3)."""
    picture = Image.new("RGB", (CANVAS, CANVAS), _colour(random))
    draw = ImageDraw.Draw(picture)
    unit = CANVAS / 2 / margin
    dx, dy = random.normal(0, 0.05, 2)
    skin, line = _colour(random), _colour(random, dark=True)
    thick = int(random.integers(2, 10))

    def oval(x: float, y: float, rx: float, ry: float, **how: object) -> None:
        x, y = CANVAS / 2 + (x + dx) * unit, CANVAS / 2 + (y + dy) * unit
        box = (x - rx * unit, y - ry * unit, x + rx * unit, y + ry * unit)
        draw.ellipse(box, **how)  # type: ignore[arg-type]

    width, height = random.uniform(0.6, 0.95), random.uniform(0.85, 1.15)
    if random.random() < 0.6:  # hair
        oval(0, -0.35, width * 1.15, height * random.uniform(0.6, 1.1), fill=_colour(random))
    outline = line if random.random() < 0.5 else None
    oval(0, 0.05, width, height, fill=skin, outline=outline, width=thick)
    if random.random() < 0.4:  # fringe
        oval(0, -0.95, width, random.uniform(0.25, 0.45), fill=_colour(random))
    white = random.random() < 0.5
    eye, gap = random.uniform(0.06, 0.17), random.uniform(0.3, 0.45)
    for sign in (-1, 1):
        if white:
            oval(sign * gap, -0.44, eye * 1.6, eye, fill=(255, 255, 255), outline=line, width=thick)
        oval(sign * gap, -0.44, eye * 0.6, eye * 0.6, fill=line)
        if random.random() < 0.5:  # eyebrows
            oval(sign * gap, -0.68, eye * 1.6, 0.03, fill=line)
    if random.random() < 0.7:
        oval(0, 0.02, random.uniform(0.03, 0.12), random.uniform(0.05, 0.2), fill=_colour(random))
    wide, high = random.uniform(0.2, 0.45), random.uniform(0.03, 0.2)
    if random.random() < 0.5:
        oval(0, 0.42, wide, high, fill=_colour(random), outline=line, width=thick)
    else:
        x, y = CANVAS / 2 + dx * unit, CANVAS / 2 + (dy + 0.3) * unit
        box = (x - wide * unit, y - wide * unit * 0.6, x + wide * unit, y + wide * unit * 0.6)
        draw.arc(box, 10, 170, fill=line, width=thick)
    if random.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(1, 6)))
    return _finish(picture, random, side)


def draw_pattern(random: Random, side: int) -> np.ndarray:
    """Coloured noise of random coarseness, or random shapes over each other; (side, side, 3)."""
    if random.random() < 0.5:
        cells = int(random.integers(2, 40))
        noise = random.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
        if random.random() < 0.3:
            noise[:] = noise[:, :, :1]
        how = Image.Resampling.BICUBIC if random.random() < 0.7 else Image.Resampling.NEAREST
        return _finish(Image.fromarray(noise).resize((CANVAS, CANVAS), how), random, side)
    picture = Image.new("RGB", (CANVAS, CANVAS), _colour(random))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(3, 25))):
        x, y = random.uniform(0, CANVAS, 2)
        rx, ry = random.uniform(4, CANVAS / 3, 2)
        shape = (draw.ellipse, draw.rectangle)[int(random.integers(2))]
        shape((x - rx, y - ry, x + rx, y + ry), fill=_colour(random))
    return _finish(picture, random, side)


def cut_corner(random: Random, crops: Crops) -> np.ndarray:
    """A patch from a corner of what serving shows of a crop, enlarged; (side, side, 3)."""
    pixels = crops.pixels[int(random.integers(len(crops)))].numpy()
    side = len(pixels)
    room = round(side * (1 - 1 / crops.margin) / 2)
    px = int(side * random.uniform(*CORNER))
    x, y = (room + int(random.integers(2)) * (side - 2 * room - px) for _ in range(2))
    return _finish(Image.fromarray(pixels[y : y + px, x : x + px]), random, side)


def _finish(picture: Image.Image, random: Random, side: int) -> np.ndarray:
    """Turned a little, of the right side, with some noise."""
    angle = math.degrees(random.normal(0, 0.1))
    picture = picture.rotate(angle, Image.Resampling.BILINEAR, fillcolor=picture.getpixel((0, 0)))
    pixels = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR), np.float64)
    noisy = pixels + random.normal(0, random.uniform(0, 12), pixels.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _colour(random: Random, dark: bool = False) -> Colour:
    """Any colour, or one of skin for a third of those that need not be dark."""
    if dark:
        red, green, blue = random.integers(0, 90, 3)
    elif random.random() < 0.35:
        light = random.uniform(0.25, 1)
        red, green, blue = (int(light * part) for part in (245, 205, 175))
    else:
        red, green, blue = random.integers(0, 256, 3)
    return int(red), int(green), int(blue)
