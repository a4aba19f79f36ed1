"""How good the picture of a face is: sharpness (for its size see ``Box.size_px``, for how much of
it the border cuts off ``Box.share_outside``)."""

from __future__ import annotations

import numpy as np
from PIL import Image


def sharpness(crop: Image.Image) -> float:
    """Strength of the finest detail against all detail in the middle of an RGB crop, in percent.

    Standard deviation of the grey picture's Laplacian over that of the picture itself, so that a
    dark or pale picture is not taken for a blurred one.
    """
    grey = np.asarray(crop.convert("L"), dtype=np.float32)
    rows, columns = (slice(n // 6, n - n // 6) for n in grey.shape)
    middle = grey[rows, columns]
    laplacian = (
        middle[:-2, 1:-1] + middle[2:, 1:-1] + middle[1:-1, :-2] + middle[1:-1, 2:]
    ) - 4 * middle[1:-1, 1:-1]
    return float(100 * laplacian.std() / (middle.std() + 1.0))
