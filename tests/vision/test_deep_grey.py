"""Grey pictures of 16 bits, 32 bits and floats: scaled to what a person would see of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gender_demo.vision.pictures import open_picture


def tiff(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_deep_grey_is_scaled_not_clipped(dtype: type) -> None:
    values = np.linspace(0, 1 if dtype is np.float32 else 60000, 256).reshape(16, 16)
    opened = np.asarray(open_picture(tiff(values.astype(dtype))))
    assert opened.min() == 0
    assert opened.max() > 220
    assert len(np.unique(opened)) > 200


@pytest.mark.parametrize(
    ("dtype", "white", "odd"),
    [
        (np.uint16, 255, 0), (np.uint16, 1023, 0), (np.uint16, 4095, 0), (np.uint16, 16383, 0),
        (np.int32, 4095, -900), (np.int32, 10**6, 0), (np.float32, 1, 7.5), (np.float32, 1, np.inf),
        (np.float32, 1, np.nan), (np.float32, 255, -np.inf), (np.float32, 65535, 1e30),
    ],
)  # fmt: skip
def test_deep_grey_of_cameras_scanners_and_renderers(dtype: type, white: float, odd: float) -> None:
    """Few bits in many, highlights above white, values that are none."""
    values: np.ndarray = np.tile(np.linspace(0, white, 64), (64, 1)).astype(dtype)
    values[0, 0] = values[0, 0] if dtype is np.uint16 else odd
    opened = np.asarray(open_picture(tiff(values)).convert("L"))
    assert np.abs(opened[1] - np.linspace(0, 255, 64)).max() <= 3
