"""brighten(): a dark picture made about as bright as an ordinary one, before the nets see it.

They learnt from ordinary light. In a quarter of it MTCNN finds 74 % of the faces in the picture as
it is, and 99 % when it is brightened (train/LOG.md, 16).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

DARK, ORDINARY, WANTED = 100.0, 160.0, 200.0
"""Lightness (see ``lightness``) below which a picture is brightened to WANTED, and from which it
stays as it is; in between the change sets in smoothly, so that a live view does not jump."""
MOST = 6.0
SAMPLE_PX = 64


def lightness(picture: Image.Image) -> float:
    """How bright the brightest parts of an RGB picture are, 0 to 255: the 95th percentile of each
    pixel's largest channel. A bright face before a black wall is not dark."""
    sample = picture.resize((SAMPLE_PX, SAMPLE_PX), Image.Resampling.NEAREST)
    return float(np.quantile(np.asarray(sample).max(2), 0.95))


def gain(picture: Image.Image) -> float:
    """By how much the pixels of a picture are to be multiplied, 1 to MOST."""
    light = lightness(picture)
    share = min(1.0, max(0.0, (ORDINARY - light) / (ORDINARY - DARK)))
    return 1 + share * (min(MOST, WANTED / max(1.0, light)) - 1)


def brighten(picture: Image.Image, by: float | None = None) -> Image.Image:
    """The picture with its pixels multiplied, by its own gain unless it is part of another one."""
    by = gain(picture) if by is None else by
    if by == 1:
        return picture
    return picture.point([min(255, round(value * by)) for value in range(256)] * 3)
