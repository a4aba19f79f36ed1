"""Only the part of a frame that is drawn on is converted to RGB and back: all other pixels stay as
they were decoded, and a large frame costs little more than a small one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gender_demo.results import Box

PLAIN = "yuv420p"


@dataclass(frozen=True)
class Patch:
    """An RGB picture and where its upper left corner is in the upright frame: even pixels."""

    picture: Image.Image
    corner: tuple[int, int] = (0, 0)


def around(boxes: Iterable[Box], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of a (width, height) frame, in even pixels, that holds these boxes."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    low = [max(0, min(round(min(v)) & ~1, s - 2)) for v, s in zip((x0, y0), size, strict=True)]
    high = [min(s, (round(max(v)) + 1) & ~1) for v, s in zip((x1, y1), size, strict=True)]
    return low[0], low[1], max(high[0], low[0] + 2), max(high[1], low[1] + 2)


def pasted(video: Any, patch: Patch) -> Any:
    """A copy of a PLAIN frame (even sides) with the patch (even sides) in its place."""
    whole: NDArray[np.uint8] = video.to_ndarray()
    part = av.VideoFrame.from_ndarray(np.asarray(patch.picture), format="rgb24")
    coded: Any = part.reformat(format=PLAIN, dst_colorspace=video.colorspace, threads=1)
    (x, y), (wide, high) = patch.corner, patch.picture.size
    old, new = _planes(whole, video.width, video.height), _planes(coded.to_ndarray(), wide, high)
    for plane, part_of_it, by in zip(old, new, (1, 2, 2), strict=True):
        plane[y // by : (y + high) // by, x // by : (x + wide) // by] = part_of_it
    return av.VideoFrame.from_ndarray(whole, format=PLAIN)


def _planes(pixels: NDArray[np.uint8], width: int, height: int) -> list[NDArray[np.uint8]]:
    """Views of brightness and the two colours, whose sides are half as long."""
    quarter = width * height // 4
    flat = pixels.reshape(-1)
    first, rest = flat[: 4 * quarter], flat[4 * quarter :]
    colours = [rest[i * quarter : (i + 1) * quarter] for i in range(2)]
    return [first.reshape(height, width), *(c.reshape(height // 2, width // 2) for c in colours)]
