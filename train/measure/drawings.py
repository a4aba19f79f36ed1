"""Pictures that show no person: drawn faces, statues, animals, things, patterns; and photos made
drawings, or cut down to what is beside the face.

A label for one of them is an answer about nobody. Drawn by this file alone, from seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

SIDE = 240
SMOOTH = 2
SKINS = ((255, 219, 172), (224, 172, 105), (141, 85, 36), (255, 224, 189), (198, 134, 66))
COLOURS = ((200, 60, 60), (60, 110, 190), (80, 150, 90), (240, 190, 60), (130, 90, 160))
HAIRS = ((35, 25, 20), (110, 70, 40), (200, 160, 90), (150, 60, 30))
FURS = ((140, 100, 60), (90, 90, 95), (215, 180, 130))
INK = (20, 20, 25)

Random = np.random.Generator
Pen = ImageDraw.ImageDraw
Colour = tuple[int, int, int]


def smiley(pen: Pen, random: Random) -> None:
    """A yellow disc with two dots and an arc."""
    _disc(pen, _box(0, 0, 0.75, 0.75), (250, 210, 60), outline=INK)
    for side in (-1, 1):
        _disc(pen, _box(side * 0.27, -0.2, 0.08, random.uniform(0.1, 0.16)), INK)
    _arc(pen, _box(0, 0.05, 0.42, random.uniform(0.2, 0.45)))


def drawn_face(pen: Pen, random: Random) -> None:
    """A face of some ten flat shapes: hair, ears, brows, eyes, nose, mouth."""
    skin, hair = _choose(random, SKINS), _choose(random, HAIRS)
    _disc(pen, _box(0, -0.15, random.uniform(0.6, 0.8), 0.8), hair)
    if random.random() < 0.5:
        pen.rectangle(_box(0, 0.3, 0.62, 0.5), fill=hair)
    _disc(pen, _box(0, 0.05, 0.52, random.uniform(0.65, 0.75)), skin)
    for side in (-1, 1):
        _disc(pen, _box(side * 0.54, 0.0, 0.09, 0.15), skin)
        _disc(pen, _box(side * 0.2, -0.08, 0.12, 0.07), (250, 250, 250))
        _disc(pen, _box(side * 0.2, -0.08, 0.055, 0.06), _choose(random, HAIRS))
        pen.line([_at(side * 0.07, -0.24), _at(side * 0.33, -0.26)], fill=hair, width=10)
    shade = (round(skin[0] * 0.8), round(skin[1] * 0.75), round(skin[2] * 0.7))
    pen.polygon([_at(0, -0.05), _at(-0.08, 0.22), _at(0.08, 0.22)], fill=shade)
    _disc(pen, _box(0, 0.42, random.uniform(0.14, 0.22), 0.06), (190, 70, 75))


def statue(pen: Pen, random: Random) -> None:
    """A head of grey stone, lit from one side, its eyes without irises."""
    light = random.uniform(-0.3, 0.3)
    for i in range(40):
        share = 1 - i / 40
        value = round(95 + 130 * (1 - share) ** 0.7)
        _disc(pen, _box(light * (1 - share), 0.02, 0.55 * share, 0.75 * share), (value,) * 3)
    for side in (-1, 1):
        _disc(pen, _box(side * 0.21, -0.12, 0.13, 0.07), (120, 120, 120))
        _disc(pen, _box(side * 0.21, -0.1, 0.11, 0.055), (205, 205, 205))
        pen.line([_at(side * 0.08, -0.26), _at(side * 0.35, -0.24)], fill=(110,) * 3, width=8)
    pen.polygon([_at(-0.03, -0.15), _at(-0.1, 0.2), _at(0.1, 0.2)], fill=(165,) * 3)
    pen.line([_at(-0.1, 0.2), _at(0.1, 0.2)], fill=(90,) * 3, width=8)
    _disc(pen, _box(0, 0.42, 0.17, 0.05), (115,) * 3)


def animal(pen: Pen, random: Random) -> None:
    """A cat's or a bear's face."""
    fur, cat = _choose(random, FURS), random.random() < 0.5
    iris, height = ((190, 200, 90), 0.1) if cat else (INK, 0.07)
    for side in (-1, 1):
        if cat:
            corners = [_at(side * 0.6, -0.9), _at(side * 0.15, -0.55), _at(side * 0.65, -0.25)]
            pen.polygon(corners, fill=fur)
        else:
            _disc(pen, _box(side * 0.5, -0.55, 0.2, 0.2), fur)
    _disc(pen, _box(0, 0, 0.68, 0.62), fur)
    for side in (-1, 1):
        _disc(pen, _box(side * 0.25, -0.1, 0.1, height), iris)
        _disc(pen, _box(side * 0.25, -0.1, 0.03, 0.09), INK)
        if cat:
            pen.line([_at(side * 0.2, 0.25), _at(side * 0.8, 0.18)], fill=(245,) * 3, width=3)
    _disc(pen, _box(0, 0.22, 0.12, 0.08), (60, 40, 40))
    _arc(pen, _box(0, 0.25, 0.2, 0.15))


def thing(pen: Pen, random: Random) -> None:
    """What has two of something above one of something: a socket, a house, a car's front."""
    pen.rounded_rectangle(_box(0, 0, 0.75, 0.6), 40, fill=_choose(random, COLOURS), outline=INK)
    for side in (-1, 1):
        if random.random() < 0.5:
            pen.rectangle(_box(side * 0.35, -0.15, 0.16, 0.14), fill=(235, 240, 245), outline=INK)
        else:
            _disc(pen, _box(side * 0.35, -0.15, 0.15, 0.15), (240, 240, 220), outline=INK)
    pen.rectangle(_box(0, 0.35, random.uniform(0.15, 0.4), 0.08), fill=INK)


def pattern(pen: Pen, random: Random) -> None:
    """Cloth: stripes and dots."""
    first, second = (_choose(random, (*COLOURS, *FURS)) for _ in range(2))
    width, dot = random.uniform(0.06, 0.25), random.uniform(0.03, 0.1)
    for x in np.arange(-1, 1.01, width):
        pen.rectangle(_box(x, 0, width / 4, 1), fill=first)
        for y in np.arange(-1, 1.01, width):
            _disc(pen, _box(x + width / 2, y, dot, dot), second)


DRAWINGS: dict[str, Callable[[Pen, Random], None]] = {
    "smileys": smiley,
    "faces drawn of flat shapes": drawn_face,
    "drawn statues": statue,
    "drawn animals": animal,
    "drawn things that look like faces": thing,
    "patterns": pattern,
}


def draw(name: str, random: Random) -> Image.Image:
    """One of DRAWINGS on a plain background, as an RGB picture of 240 x 240."""
    side = SIDE * SMOOTH
    light = tuple(int(v) for v in random.integers(150, 256, 3))
    picture = Image.new("RGB", (side, side), light)
    DRAWINGS[name](ImageDraw.Draw(picture), random)
    return picture.rotate(random.uniform(-8, 8), Image.Resampling.BICUBIC, fillcolor=light).resize(
        (SIDE, SIDE), Image.Resampling.BOX
    )


def sketch(picture: Image.Image) -> Image.Image:
    """A photo as a pencil would have drawn it: its grey divided by its blurred grey."""
    grey = ImageOps.grayscale(picture)
    soft = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(picture.width / 25))
    values = np.asarray(grey, np.float32) / np.maximum(255 - np.asarray(soft, np.float32), 1)
    return Image.fromarray((255 * values.clip(0, 1)).astype(np.uint8)).convert("RGB")


def cartoon(picture: Image.Image) -> Image.Image:
    """A photo in few flat colours with its edges inked."""
    flat = ImageOps.posterize(picture.filter(ImageFilter.MedianFilter(7)), 2)
    flat = flat.filter(ImageFilter.ModeFilter(7))
    edges = ImageOps.grayscale(picture).filter(ImageFilter.MedianFilter(5))
    edges = edges.filter(ImageFilter.FIND_EDGES).point(lambda value: 0 if value > 40 else 255)
    return ImageChops.multiply(flat, edges.convert("RGB"))


def beside(picture: Image.Image) -> Image.Image:
    """A corner of a photo with its face in the middle, enlarged: clothes, hair, background."""
    side = min(picture.size) * 3 // 10
    corner = picture.crop((0, picture.height - side, side, picture.height))
    return corner.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


MADE_OF_PHOTOS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "pencil sketches made of photos": sketch,
    "cartoons made of photos": cartoon,
    "corners of photos": beside,
}


def _at(x: float, y: float) -> tuple[float, float]:
    """The picture reaches from -1 to 1."""
    half = SIDE * SMOOTH / 2
    return half * (1 + x), half * (1 + y)


def _box(x: float, y: float, half_width: float, half_height: float) -> list[float]:
    return [*_at(x - half_width, y - half_height), *_at(x + half_width, y + half_height)]


def _disc(pen: Pen, box: list[float], fill: Colour, outline: Colour | None = None) -> None:
    pen.ellipse(box, fill=fill, outline=outline, width=6)


def _arc(pen: Pen, box: list[float]) -> None:
    pen.arc(box, 15, 165, fill=INK, width=10)


def _choose(random: Random, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(random.integers(len(colours)))]
