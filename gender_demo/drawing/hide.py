"""hide(picture, boxes) -> a new picture in which a few blurred patches stand for each head.

What is drawn there is made of BLOCKS x BLOCKS mean colours and of nothing else, so that no program
can bring a face back. static/js/hide.js does the same on the live view's canvas.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gender_demo.drawing.marks import marks
from gender_demo.drawing.paint import draw
from gender_demo.results import Analysis, Box

BLOCKS, MIN_BLOCK_PX = 4, 8
"""A small head gets fewer blocks: each is the mean of at least MIN_BLOCK_PX x MIN_BLOCK_PX."""
ASIDE, ABOVE, BELOW = 0.4, 0.5, 0.3
"""How far hair, ears and chin reach beyond a face's box, in its width and height."""


def annotate(picture: Image.Image, analysis: Analysis, *, blur_faces: bool = False) -> Image.Image:
    """A new RGB picture with all marks drawn; or with all faces hidden, in boxes without labels."""
    if blur_faces:
        picture = hide(picture, (prediction.face.box for prediction in analysis.predictions))
    return draw(picture, marks(analysis, show_labels=not blur_faces))


def hide(picture: Image.Image, boxes: Iterable[Box]) -> Image.Image:
    """A new RGB picture in which nothing is left of the heads around these face boxes (pixels)."""
    hidden = picture.copy()
    for box in boxes:
        if head := head_box(box, picture.size):
            cover(hidden, head, mosaic(hidden, head))
    return hidden


def cover(picture: Image.Image, head: tuple[int, int, int, int], colours: Image.Image) -> None:
    """Paint a head (pixels) of an RGB picture over, in place, with a ``mosaic``."""
    patch = colours.resize(_size(head), Image.Resampling.BICUBIC)
    picture.paste(patch, head[:2])


def head_box(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The whole head around a face, in whole pixels of a (width, height) picture; None outside."""
    aside, above, below = ASIDE * box.width, ABOVE * box.height, BELOW * box.height
    x0, y0 = max(0, round(box.x0 - aside)), max(0, round(box.y0 - above))
    x1, y1 = min(size[0], round(box.x1 + aside)), min(size[1], round(box.y1 + below))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def mosaic(picture: Image.Image, head: tuple[int, int, int, int]) -> Image.Image:
    """Mean colours of a head's blocks: RGB, at most BLOCKS x BLOCKS pixels."""
    # Not by Pillow's resize, which rounds after each axis: so what is left is the means, exactly.
    columns, rows = (_edges(side) for side in _size(head))
    pixels = np.asarray(picture.crop(head), dtype=np.uint32)
    sums = np.add.reduceat(np.add.reduceat(pixels, rows[:-1], axis=0), columns[:-1], axis=1)
    areas = np.diff(rows)[:, None] * np.diff(columns)[None, :]
    return Image.fromarray(np.rint(sums / areas[..., None]).astype(np.uint8))


def _edges(side_px: int) -> NDArray[np.int64]:
    """Where the blocks along a side begin, and its end."""
    blocks = max(1, min(BLOCKS, side_px // MIN_BLOCK_PX))
    return np.arange(blocks + 1) * side_px // blocks


def _size(head: tuple[int, int, int, int]) -> tuple[int, int]:
    return head[2] - head[0], head[3] - head[1]
