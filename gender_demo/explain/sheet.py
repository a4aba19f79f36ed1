"""draw_sheet(): an explanation as one picture: the crop, its map and the face in all ways."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from gender_demo.drawing.layout import load_font
from gender_demo.explain.explain import FLAT, Explanation
from gender_demo.explain.occlusion import OcclusionMap
from gender_demo.label_words import certainty

TILE, GAP, FONT_PX, COLUMNS = 160, 12, 13, 6
WORDS_PX = 40
WARM, COLD = (230, 97, 1), (94, 60, 153)
"""Orange where covering lowers the probability of the guess, purple where it raises it: told apart
by most colour-blind people too."""


def draw_map(crop: Image.Image, found: OcclusionMap) -> Image.Image:
    """The crop in grey with the map over it; full colour is the strongest drop, FLAT at least."""
    heat = found.heat(crop.width)
    strength = np.clip(np.abs(heat) / max(FLAT, float(np.abs(found.drops).max())), 0, 1)[..., None]
    grey = np.asarray(crop.convert("L").convert("RGB"), dtype=np.float64)
    colour = np.where(heat[..., None] > 0, WARM, COLD)
    mixed = grey * (1 - 0.8 * strength) + colour * 0.8 * strength
    return Image.fromarray(mixed.round().astype(np.uint8))


def draw_sheet(explained: Explanation, columns: int = COLUMNS) -> Image.Image:
    """An RGB picture: tiles with two lines of words below each, so many beside each other."""
    first = explained.variants[0]
    tiles = [(draw_map(first.crop, explained.occlusion), "what it rests on", "orange: lowers it")]
    tiles += [
        (v.crop, v.name, f"{v.label or f'unsure ({v.guess})'} {certainty(v.probability)}")
        for v in explained.variants
    ]
    rows = -(-len(tiles) // columns)
    width, height = GAP + columns * (TILE + GAP), GAP + rows * (TILE + WORDS_PX + GAP)
    sheet = Image.new("RGB", (width, height), "white")
    words = "".join(line for _, *lines in tiles for line in lines)
    pen, font = ImageDraw.Draw(sheet), load_font(FONT_PX, words)
    for number, (tile, *lines) in enumerate(tiles):
        row, column = divmod(number, columns)
        x, y = GAP + column * (TILE + GAP), GAP + row * (TILE + WORDS_PX + GAP)
        sheet.paste(tile.resize((TILE, TILE), Image.Resampling.BICUBIC), (x, y))
        pen.multiline_text((x, y + TILE + 3), "\n".join(lines), "black", font)
    return sheet
