"""draw(picture, marks) -> a new picture with the marks stroked on it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from PIL import Image, ImageDraw

from gender_demo.drawing.layout import Plate, load_font
from gender_demo.drawing.marks import Mark
from gender_demo.results import Box

INK = "#14171A"
"""Caption text and the rim of every line: dark on each colour of a mark (contrast >= 5)."""
OVERSAMPLE = 4


def draw(picture: Image.Image, marks: Iterable[Mark]) -> Image.Image:
    """A new RGB picture with the marks drawn, boxes first; marks are in the picture's pixels."""
    drawn, marks = picture.copy(), list(marks)
    for mark in marks:
        _draw_box(drawn, mark)
    for mark in marks:
        if mark.plate is not None:
            chip = _chip(mark.plate, mark.color)
            drawn.paste(chip, (round(mark.plate.box[0]), round(mark.plate.box[1])), chip)
    return drawn


def _draw_box(picture: Image.Image, mark: Mark) -> None:
    pen = ImageDraw.Draw(picture)
    width = max(2, round(mark.line_px))
    rim = max(1, width // 2)
    for grow, thick, ink in ((rim, width + 2 * rim, INK), (0, width, mark.color)):
        for piece in _sides(mark.box, width, grow, thick, dash=mark.dash):
            pen.rectangle(piece, fill=ink)


def _sides(
    box: Box, width: int, grow: int, thick: int, *, dash: bool
) -> Iterable[tuple[int, int, int, int]]:
    """Rectangles that make up the four sides; ``grow`` is how far the rim reaches around them."""
    x0, y0, x1, y1 = (round(value) for value in box)
    period, filled = (6 * width, 4 * width) if dash else (max(1, x1 - x0, y1 - y0),) * 2

    def runs(start: int, end: int) -> Iterable[tuple[int, int]]:
        return ((at, min(at + filled, end)) for at in range(start, end, period))

    for a, b in runs(x0, x1):
        yield a - grow, y0 - grow, b + grow, y0 - grow + thick - 1
        yield a - grow, y1 + grow - thick + 1, b + grow, y1 + grow
    for a, b in runs(y0, y1):
        yield x0 - grow, a - grow, x0 - grow + thick - 1, b + grow
        yield x1 + grow - thick + 1, a - grow, x1 + grow, b + grow


@lru_cache(maxsize=256)
def _chip(plate: Plate, color: str) -> Image.Image:
    """Dark words on a rounded plate, RGBA; drawn larger and shrunk for smooth corners."""
    width, height = round(plate.box.width), round(plate.box.height)
    mask = Image.new("L", (width * OVERSAMPLE, height * OVERSAMPLE))
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, mask.width - 1, mask.height - 1), plate.font_px * 0.35 * OVERSAMPLE, fill=255
    )
    chip = Image.new("RGBA", (width, height), color)
    chip.putalpha(mask.resize((width, height), Image.Resampling.BOX))
    font = load_font(round(plate.font_px), "".join(plate.lines))
    ImageDraw.Draw(chip).multiline_text(
        (width / 2, height / 2), "\n".join(plate.lines), INK, font, anchor="mm", align="center",
        spacing=plate.font_px * 0.1,
    )  # fmt: skip
    return chip
