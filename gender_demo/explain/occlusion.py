"""occlusion_map(): which parts of a crop the guess needs, by covering them one after the other.

Zeiler and Fergus 2014. Works with any classifier, since it uses nothing but its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Classify = Callable[[Sequence[Image.Image]], list[tuple[float, ...]]]

STEPS = 6
"""Places of the patch along each side; it moves by half of its own width."""


@dataclass(frozen=True)
class OcclusionMap:
    """``drops`` (STEPS, STEPS): by how much the probability of the guess falls when the patch of
    that row and column is covered; negative where it rises. ``lowest``: the probability with
    the one patch covered that matters most, whose middle is ``peak`` (x, y), 0 to 1 of the crop."""

    drops: NDArray[np.float64]
    lowest: float
    peak: tuple[float, float]

    def heat(self, side_px: int) -> NDArray[np.float64]:
        """(side_px, side_px): each pixel's mean drop over the patches that cover it."""
        total, count = np.zeros((2, side_px, side_px))
        for (row, column), drop in np.ndenumerate(self.drops):
            place = _place(row, side_px), _place(column, side_px)
            total[place] += drop
            count[place] += 1
        heat: NDArray[np.float64] = total / count
        return heat


def occlusion_map(classify: Classify, crop: Image.Image) -> OcclusionMap:
    """The map of a square RGB crop; all its covered copies are classified in one batch.

    A patch is two sevenths as wide as the crop, in the crop's mean colour.
    """
    colour = tuple(round(value) for value in np.asarray(crop).mean((0, 1)))
    covered = [
        _cover(crop, _place(row, crop.width), _place(column, crop.width), colour)
        for row in range(STEPS)
        for column in range(STEPS)
    ]
    whole, *answers = classify([crop, *covered])
    guess = int(np.argmax(whole))
    left = np.array([answer[guess] for answer in answers]).reshape(STEPS, STEPS)
    drops = whole[guess] - left
    row, column = np.unravel_index(int(drops.argmax()), drops.shape)
    middle = 1 / (STEPS + 1)
    return OcclusionMap(drops, float(left.min()), ((column + 1) * middle, (row + 1) * middle))


def _place(step: int, side_px: int) -> slice:
    """Which pixels of a side the patch covers at a step."""
    return slice(step * side_px // (STEPS + 1), (step + 2) * side_px // (STEPS + 1))


def _cover(crop: Image.Image, rows: slice, columns: slice, colour: tuple[int, ...]) -> Image.Image:
    copy = crop.copy()
    copy.paste(colour, (columns.start, rows.start, columns.stop, rows.stop))
    return copy
