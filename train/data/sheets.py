"""Contact sheets: many small pictures with a line of words under each, as one picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

TILE_PX, GAP_PX, TEXT_PX = 112, 6, 11
PAPER, INK, ALARM = (250, 250, 248), (40, 40, 40), (176, 32, 32)
Tile = tuple[Image.Image, str]


def contact_sheet(
    tiles: Sequence[Tile], columns: int = 8, *, alarm: Sequence[int] = ()
) -> Image.Image:
    """Pictures (any size) with captions of up to three lines; those in ``alarm`` in red."""
    font = ImageFont.load_default(TEXT_PX)
    lines = max((caption.count("\n") + 1 for _, caption in tiles), default=1)
    wide, high = TILE_PX + GAP_PX, TILE_PX + GAP_PX + lines * (TEXT_PX + 3)
    columns = max(1, min(columns, len(tiles)))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * wide + GAP_PX, rows * high + GAP_PX), PAPER)
    pen = ImageDraw.Draw(sheet)
    for i, (picture, caption) in enumerate(tiles):
        x, y = GAP_PX + i % columns * wide, GAP_PX + i // columns * high
        small = picture.copy()
        small.thumbnail((TILE_PX, TILE_PX))
        sheet.paste(small, (x + (TILE_PX - small.width) // 2, y + (TILE_PX - small.height) // 2))
        for n, line in enumerate(caption.split("\n")):
            place = (x, y + TILE_PX + 2 + n * (TEXT_PX + 3))
            pen.text(place, _fit(line, font), ALARM if i in alarm else INK, font)
    return sheet


def _fit(line: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """The end of a line that is too long: there names differ."""
    if font.getlength(line) <= TILE_PX:
        return line
    while line and font.getlength("…" + line) > TILE_PX:
        line = line[1:]
    return "…" + line
