"""apply_gain(): a dark or foggy picture made about as bright and as rich in contrast as an ordinary
one, before the nets see it.

They learnt from ordinary light. In a quarter of it MTCNN finds 74 % of the faces in the picture as
it is, and 99 % when it is brightened (train/LOG.md, 16).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DARK, ORDINARY, WANTED = 100.0, 160.0, 200.0
"""Lightness (see ``lightness``) below which a picture is brightened to WANTED, and from which it
stays as it is; in between the change sets in smoothly, so that a live view does not jump."""
MOST = 6.0
CLEAR, FOGGY = 0.6, 0.7
"""The darkest part's share of the brightest, up to which a picture is not foggy, and from which it
surely is; in between the change sets in smoothly."""
SAMPLE_PX = 64


class Levels(NamedTuple):
    """A pixel becomes (pixel - offset) * gain, 0 to 255."""

    offset: float
    gain: float


def levels(picture: Image.Image | NDArray[np.uint8]) -> Levels:
    """What the pixels of an RGB picture, or of its bytes (height, width, 3), need: no offset and a
    gain of 1 in ordinary light.

    Its brightest parts are the 95th percentile of each pixel's largest channel, its darkest the 5th
    of the smallest. A bright face before a black wall is not dark; a picture of one colour, or a
    dark one, is not foggy.
    """
    if isinstance(picture, Image.Image):
        nearest = picture.resize((SAMPLE_PX, SAMPLE_PX), Image.Resampling.NEAREST)
        sample = np.asarray(nearest)
    else:
        sides = ((np.arange(SAMPLE_PX) + 0.5) * side / SAMPLE_PX for side in picture.shape[:2])
        rows, columns = (side.astype(int) for side in sides)
        sample = picture[rows[:, None], columns]
    light, dark = _quantile(sample.max(2), 0.95), _quantile(sample.min(2), 0.05)
    fog = _share(dark / max(1.0, light), CLEAR, FOGGY)
    fog *= _share(light - dark, 4, 12) * _share(dark, 30, 60)
    offset = fog * dark
    return Levels(offset, gain(light - offset))


def _quantile(values: NDArray[np.uint8], share: float) -> float:
    """numpy's own, but a fifth of its time, which counts in a live view."""
    place = share * (values.size - 1)
    low = int(place)
    ordered = np.partition(values.ravel(), (low, low + 1))
    return float(ordered[low] + (place - low) * (float(ordered[low + 1]) - ordered[low]))


def gain(light: float) -> float:
    """By how much pixels whose brightest parts are ``light`` (0 to 255) are multiplied."""
    return 1 + _share(light, ORDINARY, DARK) * (min(MOST, WANTED / max(1.0, light)) - 1)


def apply_gain(picture: Image.Image, by: Levels | None = None) -> Image.Image:
    """The RGB picture in ordinary light, by its own levels unless it is part of another one."""
    by = levels(picture) if by is None else by
    if tuple(by) == (0, 1):
        return picture
    return picture.point(_curve(by) * 3)


def apply_gain_to(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``apply_gain`` for the bytes (height, width, 3) of a whole picture."""
    by = levels(pixels)
    return pixels if tuple(by) == (0, 1) else np.array(_curve(by), dtype=np.uint8)[pixels]


def _curve(by: Levels) -> list[int]:
    """What each of the 256 values becomes."""
    return [min(255, max(0, round((value - by.offset) * by.gain))) for value in range(256)]


def _share(value: float, start: float, end: float) -> float:
    """How far ``value`` is on the way from ``start`` to ``end``, 0 to 1."""
    return min(1.0, max(0.0, (value - start) / (end - start)))
