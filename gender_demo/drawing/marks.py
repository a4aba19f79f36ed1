"""marks(analysis) -> what to draw; draw(picture, marks) -> a new picture with it drawn.

The live view strokes the very same list in the browser, so live and saved pictures agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from gender_demo.results import (
    Analysis,
    Box,
    Prediction,
)
from gender_demo.wording import certainty, in_words

COLORS = ("#E69F00", "#009E73", "#F0E442", "#56B4E9", "#D55E00", "#CC79A7")
"""One per class, in the checkpoint's order, from Okabe and Ito's colour-blind-safe palette; blue
and pink stand late, so that two classes never get them."""
UNSURE_COLOR = "#C4C7CC"
INK = "#14171A"
"""Caption text and the rim of every line: dark on each of the colours above (contrast >= 5)."""

CROWD = 8
"""With more faces in a picture each gets its number instead of words, which would cover others."""

_OVERSAMPLE = 4


def marks(analysis: Analysis, *, show_labels: bool = True) -> list[dict[str, Any]]:
    """One JSON-ready mark per face: its box, words and looks, in the analysis's pixels.

    ``dash`` marks an unsure face. Without labels a mark is a plain box that says nothing.
    """
    return [_mark(prediction, show_labels) for prediction in analysis.predictions]


def _mark(prediction: Prediction, show_label: bool) -> dict[str, Any]:
    classes = [name for name, _ in prediction.probabilities]
    label = prediction.label if show_label else None
    return {
        "box": [round(value, 1) for value in prediction.face.box],
        "label": label,
        "caption": caption(prediction) if show_label else "",
        "probability": round(prediction.probability, 4),
        "color": UNSURE_COLOR if label is None else COLORS[classes.index(label) % len(COLORS)],
        "dash": show_label and label is None,
        "reasons": list(prediction.reasons) if show_label else [],
        "track": prediction.track,
    }


def caption(prediction: Prediction) -> str:
    """The words under a face, e.g. "perceived as female 93 %" or why it is unsure."""
    if prediction.label is None:
        return ": ".join(["unsure", *(name.replace("_", " ") for name in prediction.reasons[:1])])
    classes = [name for name, _ in prediction.probabilities]
    return f"{in_words(prediction.label, classes)} {certainty(prediction.probability)}"


def draw(picture: Image.Image, marks: Iterable[dict[str, Any]]) -> Image.Image:
    """A new picture with the marks drawn; sizes follow the picture's, captions stay inside it.

    In a CROWD the captions are the faces' numbers, from 1 on.
    """
    drawn, marks = picture.copy(), list(marks)
    if len(marks) > CROWD:
        marks = [m | {"caption": m["caption"] and str(number)} for number, m in enumerate(marks, 1)]
    unit = max(1.0, min(picture.size) / 320)
    for mark in marks:
        _draw_box(drawn, mark["box"], mark["color"], unit, dash=mark["dash"])
    faces = [Box(*mark["box"]) for mark in marks]
    captions: list[Box] = []
    for mark in marks:
        if mark["caption"]:
            _draw_caption(drawn, mark, unit, faces, captions)
    return drawn


def _draw_box(
    picture: Image.Image, box: Sequence[float], color: str, unit: float, *, dash: bool
) -> None:
    pen = ImageDraw.Draw(picture)
    width = max(2, round(unit * 1.1))
    rim = max(1, width // 2)
    x0, y0, x1, y1 = (round(value) for value in box)
    for grow, thick, ink in ((rim, width + 2 * rim, INK), (0, width, color)):
        for piece in _sides(x0, y0, x1, y1, width, grow, thick, dash=dash):
            pen.rectangle(piece, fill=ink)


def _sides(
    x0: int, y0: int, x1: int, y1: int, width: int, grow: int, thick: int, *, dash: bool
) -> Iterable[tuple[int, int, int, int]]:
    """Boxangles that make up the four sides; ``grow`` is how far the rim reaches around them."""
    period, filled = (6 * width, 4 * width) if dash else (0, 0)

    def runs(start: int, end: int) -> Iterable[tuple[int, int]]:
        if not dash:
            yield start, end
            return
        for at in range(start, end, period):
            yield at, min(at + filled, end)

    for a, b in runs(x0, x1):
        yield a - grow, y0 - grow, b + grow, y0 - grow + thick - 1
        yield a - grow, y1 + grow - thick + 1, b + grow, y1 + grow
    for a, b in runs(y0, y1):
        yield x0 - grow, a - grow, x0 - grow + thick - 1, b + grow
        yield x1 + grow - thick + 1, a - grow, x1 + grow, b + grow


def _draw_caption(
    picture: Image.Image,
    mark: dict[str, Any],
    unit: float,
    faces: list[Box],
    captions: list[Box],
) -> None:
    face_width = mark["box"][2] - mark["box"][0]
    # It follows the face, so that captions in a crowd stay apart, between readable and loud.
    share = 0.55 if mark["caption"].isdigit() else 0.26
    size = min(max(11.0, 3 * unit, face_width * share), max(13.0, 9 * unit))
    wrapped, font = _fit(mark["caption"], size, picture.size, face_width)
    if wrapped is None:
        return
    chip = _chip(wrapped, font, mark["color"])
    left, top = _place(chip.size, mark["box"], picture.size, unit, faces, captions)
    captions.append(Box(left, top, left + chip.width, top + chip.height))
    picture.paste(chip, (left, top), chip)


def _fit(
    text: str, size: float, inside: tuple[int, int], face_width: float
) -> tuple[str | None, ImageFont.FreeTypeFont]:
    """Text in one line, or two when one is much wider than the face, small enough to fit."""
    half = _halves(text)
    while size >= 7:
        font = _font(round(size))
        one = font.getlength(text) + size
        ways = [half, text] if one > 1.5 * face_width else [text, half]
        for way in ways:
            chip = _chip_size(way, font)
            if chip[0] <= inside[0] and chip[1] <= inside[1] / 2:
                return way, font
        size *= 0.85
    return None, _font(7)


def _halves(text: str) -> str:
    """Text broken at the space that leaves the two lines most alike."""
    spaces = [i for i, c in enumerate(text) if c == " " and text[i + 1 : i + 2] != "%"]
    if not spaces:
        return text
    at = min(spaces, key=lambda i: (max(i, len(text) - i - 1), -i))
    return f"{text[:at]}\n{text[at + 1 :]}"


def _place(
    chip: tuple[int, int],
    box: Sequence[float],
    inside: tuple[int, int],
    unit: float,
    faces: list[Box],
    captions: list[Box],
) -> tuple[int, int]:
    """Above the box, else below or inside it; in the picture and off captions and faces."""
    x0, y0, x1, y1 = box
    width, height = chip
    gap = max(2, round(1.5 * unit))
    left = (x0 + x1 - width) / 2
    ways = [
        (x, y)
        for y in (y0 - height - gap, y1 + gap, y0 + gap, y1 - height - gap)
        for x in (left, x0, x1 - width)
    ]

    def cost(way: tuple[float, float]) -> float:
        x, y = _push(way, chip, inside)
        rect = Box(x, y, x + width, y + height)
        hidden = 4 * sum(rect.intersection(other) for other in captions)
        hidden += sum(rect.intersection(other) for other in faces)
        return hidden / (width * height) + 0.02 * ways.index(way)

    x, y = _push(min(ways, key=cost), chip, inside)
    return round(x), round(y)


def _push(
    at: tuple[float, float], chip: tuple[int, int], inside: tuple[int, int]
) -> tuple[float, float]:
    x, y = (max(0.0, min(at[i], inside[i] - chip[i])) for i in (0, 1))
    return x, y


def _chip_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    lines = text.split("\n")
    wide = max(font.getlength(line) for line in lines)
    return round(wide + font.size * 0.9), round(len(lines) * font.size * 1.22 + font.size * 0.36)


@lru_cache(maxsize=256)
def _chip(text: str, font: ImageFont.FreeTypeFont, color: str) -> Image.Image:
    """Dark words on a rounded plate, RGBA; drawn larger and shrunk for smooth corners."""
    width, height = _chip_size(text, font)
    many = _OVERSAMPLE
    plate = Image.new("L", (width * many, height * many))
    ImageDraw.Draw(plate).rounded_rectangle(
        (0, 0, width * many - 1, height * many - 1), font.size * 0.35 * many, fill=255
    )
    chip = Image.new("RGBA", (width, height), color)
    chip.putalpha(plate.resize((width, height), Image.Resampling.BOX))
    ImageDraw.Draw(chip).multiline_text(
        (width / 2, height / 2), text, INK, font, anchor="mm", align="center",
        spacing=font.size * 0.1,
    )  # fmt: skip
    return chip


@lru_cache(maxsize=64)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
