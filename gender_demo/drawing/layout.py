"""Where captions stand: their size, line breaks and plates, laid out once for a whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from gender_demo.results import Box

PADDING_EM, LINE_EM, MARGIN_EM = 0.9, 1.22, 0.36
"""Of a plate, in font sizes: both sides together, one line, top and bottom together."""
SMALLEST_FONT_PX = 7.0
MORE_LETTERS = Path(__file__).parent / "fonts" / "DejaVuSans-part.ttf"
"""Latin, Greek, Cyrillic, Armenian, Georgian: for words that Pillow's font cannot write."""
COVERED_CAPTION, COVERED_FACE, LESS_WANTED = 4.0, 1.0, 0.02
"""Costs of a place: per share of the plate over another caption or a face, per step down the list
of wanted places."""


@dataclass(frozen=True)
class Scale:
    """Sizes for one picture, in its pixels: a unit of distance, lines and the range of fonts, for
    bare numbers from ``min_number_px`` on."""

    unit: float
    line_px: float
    min_font_px: float
    max_font_px: float
    min_number_px: float

    @classmethod
    def of(cls, size: tuple[int, int], shown_px: float | None = None) -> Scale:
        """For a (width, height) picture viewed at full size, or displayed ``shown_px`` wide."""
        if shown_px:
            unit = size[0] / shown_px
            return cls(unit, 2 * unit, 13 * unit, 16 * unit, 10 * unit)
        unit = max(1.0, min(size) / 320)
        font = max(11.0, 3 * unit)
        return cls(unit, max(2.0, 1.1 * unit), font, max(13.0, 9 * unit), font)

    def scaled(self, by: float) -> Scale:
        """The same sizes in a picture ``by`` times as wide and high."""
        return Scale(*(by * getattr(self, field.name) for field in fields(self)))


@dataclass(frozen=True)
class Plate:
    """A caption laid out: its lines, centred on ``box`` (pixels) in a font of ``font_px``."""

    lines: tuple[str, ...]
    font_px: float
    box: Box

    def scaled(self, by: float) -> Plate:
        """The same plate in a picture ``by`` times as wide and high."""
        box = Box(*(round(value, 2) for value in self.box.scaled(by)))
        return Plate(self.lines, round(self.font_px * by, 2), box)


def place_plates(
    texts: Sequence[str], boxes: Sequence[Box], size: tuple[int, int], scale: Scale
) -> list[Plate | None]:
    """A plate for the caption of each face, off the other captions and faces as far as can be.

    None where a text is empty or finds no room in a picture of this (width, height).
    """
    faces = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    taken: list[Box] = []
    plates: list[Plate | None] = []
    for text, box in zip(texts, boxes, strict=True):
        plate = _fit(text, box.width, size, scale) if text else None
        if plate is not None:
            plate = _place(plate, box, size, scale, faces, taken)
            taken.append(plate.box)
        plates.append(plate)
    return plates


def _fit(text: str, face_px: float, size: tuple[int, int], scale: Scale) -> Plate | None:
    """Text in one line, or in two when one is much wider than the face, small enough to fit.

    The font follows the face, so that captions in a crowd stay apart.
    """
    share, least = (0.5, scale.min_number_px) if text.isdigit() else (0.26, scale.min_font_px)
    wanted = min(max(least, face_px * share), scale.max_font_px)
    while wanted >= SMALLEST_FONT_PX:
        px = round(wanted)
        one, two = (text,), break_line(text)
        wide = text_px(text, px, text) + px > 1.5 * face_px
        for lines in (two, one) if wide else (one, two):
            width, height = plate_size(lines, px)
            if width <= size[0] and height <= size[1] / 2:
                return Plate(lines, px, Box(0, 0, width, height))
        wanted *= 0.85
    return None


def break_line(text: str) -> tuple[str, ...]:
    """Text broken at the space that leaves the two lines most alike, never before a "%"."""
    spaces = [i for i, c in enumerate(text) if c == " " and text[i + 1 : i + 2] not in ("%", "·")]
    if not spaces:
        return (text,)
    at = min(spaces, key=lambda i: (max(i, len(text) - i - 1), -i))
    return text[:at], text[at + 1 :]


def plate_size(lines: Sequence[str], font_px: float) -> tuple[int, int]:
    """(width, height) in pixels of a plate with these lines."""
    words = "".join(lines)
    widest = max(text_px(line, round(font_px), words) for line in lines)
    return round(widest + PADDING_EM * font_px), round((len(lines) * LINE_EM + MARGIN_EM) * font_px)


def _place(
    plate: Plate,
    box: Box,
    size: tuple[int, int],
    scale: Scale,
    faces: np.ndarray,
    taken: list[Box],
) -> Plate:
    """Above the box, else below or inside it; in the picture and off captions and faces."""
    x0, y0, x1, y1 = box
    width, height = plate.box[2:]
    gap = max(2, round(1.5 * scale.unit))
    tops = (y0 - height - gap, y1 + gap, y0 + gap, y1 - height - gap)
    lefts = ((x0 + x1 - width) / 2, x0, x1 - width)
    corners = np.array([(x, y) for y in tops for x in lefts])
    corners = corners.clip(0, (size[0] - width, size[1] - height))
    places = np.hstack([corners, corners + np.array((width, height))])
    hidden = COVERED_FACE * _covered(places, faces)
    if taken:
        hidden += COVERED_CAPTION * _covered(places, np.array(taken))
    cost = hidden / (width * height) + LESS_WANTED * np.arange(len(places))
    left, top = (round(float(value)) for value in corners[cost.argmin()])
    return Plate(plate.lines, plate.font_px, Box(left, top, left + width, top + height))


def _covered(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Square pixels of each place (P, 4) that lie in the boxes ``others`` (N, 4), summed: (P,)."""
    low = np.maximum(places[:, None, :2], others[None, :, :2])
    high = np.minimum(places[:, None, 2:], others[None, :, 2:])
    shared: np.ndarray = (high - low).clip(0).prod(axis=2).sum(axis=1)
    return shared


def can_write(text: str) -> bool:
    """Whether a font has every letter of it, so that no empty frames would stand there."""
    return _has_letters(text, None) or _has_letters(text, MORE_LETTERS)


def load_font(size_px: int, words: str = "") -> ImageFont.FreeTypeFont:
    """A font for these words that comes along, so that a picture looks the same on every machine.

    Pillow's own, which has little more than English letters, else DejaVu Sans.
    """
    return _open_font(size_px, None if _has_letters(words, None) else MORE_LETTERS)


@lru_cache(maxsize=1024)
def _has_letters(text: str, path: Path | None) -> bool:
    font = _open_font(16, path)
    nothing = bytes(font.getmask("\uffff"))
    return all(bytes(font.getmask(letter)) != nothing for letter in text if not letter.isspace())


@lru_cache(maxsize=512)
def text_px(line: str, font_px: int, words: str) -> float:
    """Width of a line in the font of all the ``words`` around it.

    A live view asks for the same ones again and again, and measuring takes a tenth of its time.
    """
    return load_font(font_px, words).getlength(line)


@lru_cache(maxsize=64)
def _open_font(size_px: int, path: Path | None) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(path, size_px) if path else ImageFont.load_default(size_px)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
