"""Augmentation by matrices, against torchvision, torch and Pillow doing the same slowly."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from torchvision.transforms.functional import adjust_saturation, gaussian_blur

from train.fit.augment import change_colours, serve
from train.fit.corruptions import blur, coarsen, jpeg
from train.fit.views import Draws


@pytest.fixture
def pixels(astronaut_path: Path) -> torch.Tensor:
    """(1, 144, 144, 3) uint8."""
    with Image.open(astronaut_path) as opened:
        face = opened.convert("RGB").crop((150, 20, 294, 164))
    return torch.from_numpy(np.array(face)).unsqueeze(0)


@pytest.fixture
def x(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.permute(0, 3, 1, 2).float() / 255


def test_blur_is_gaussian(x: torch.Tensor) -> None:
    inside = (..., slice(8, -8), slice(8, -8))
    assert torch.allclose(blur(x, 1.5)[inside], gaussian_blur(x, [7, 7], 1.5)[inside], atol=1e-5)
    flat = torch.full((1, 3, 32, 32), 0.4)
    assert torch.allclose(blur(flat, 2.0), flat)


def test_coarse_pictures_went_through_a_small_one(x: torch.Tensor) -> None:
    small = functional.interpolate(x, (40, 40), mode="area")
    wanted = functional.interpolate(small, (144, 144), mode="bilinear", align_corners=False)
    assert torch.allclose(coarsen(x, 40), wanted, atol=1e-5)
    assert coarsen(x, 144) is x


def test_jpeg_loses_what_a_file_loses(pixels: torch.Tensor, x: torch.Tensor) -> None:
    packed = io.BytesIO()
    Image.fromarray(pixels[0].numpy()).save(packed, "JPEG", quality=50, subsampling=0)
    saved = np.asarray(Image.open(packed), np.float32) / 255
    ours = jpeg(x, torch.tensor([50.0]))[0].permute(1, 2, 0).numpy()
    lost = np.abs(saved - x[0].permute(1, 2, 0).numpy()).mean()
    # The chroma table is another one, so they differ, but less than both do from the picture.
    assert np.abs(ours - saved).mean() < 0.6 * lost


def test_colours_change_as_torchvision_changes_them(
    x: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saturation alone: the other draws are in the middle of their ranges."""
    drawn = iter([1.0, 0.7, 1.0, 1.0, 1.0, 0.0])

    def uniform(_draws: Draws, _low: float, _high: float, *shape: int) -> torch.Tensor:
        return torch.full((1, *shape), next(drawn))

    monkeypatch.setattr(Draws, "uniform", uniform)
    changed = change_colours(x, Draws(torch.Generator(), 1))
    assert torch.allclose(changed, adjust_saturation(x, 0.7), atol=2e-3)


def test_serving_sees_the_middle(pixels: torch.Tensor) -> None:
    pixels[:, 13:131, 13:131] = 255
    assert serve(pixels, 1.25, 64).min() > 1.9
    pixels[:, 50:60, 120:135] = 0
    assert serve(pixels, 1.25, 64)[:, :, 21:24, 60:].max() < 0
