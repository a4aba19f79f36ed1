"""What the last layer gets for crops, by the code and the engine that serve: all that export fits
is linear in it, so that the rest of the network runs once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gender_demo.vision.backends import choose_backend
from gender_demo.vision.checkpoint import Config, build_model
from gender_demo.vision.classifier import PRECISION, Outputs, Served, fuse
from train.data.crops import Crops
from train.fit.augment import MEAN, STD

FEW = 200
"""Crops for which it takes longer to make an engine ready than torch needs for them."""


def last_inputs(
    model: nn.Module, crops: Crops, size_px: int, views: Sequence[float], batch: int = 64
) -> Tensor:
    """Inputs (n, k) of ``model.fc`` for n crops, averaged over views and mirror images.

    ``size_px`` and ``views`` are the config's; all views must lie within the crops.
    """
    config = Config(
        name="", classes=("a", "b"), input_px=size_px, views=tuple(views), mean=MEAN, std=STD
    )
    served = Served(config, build_model(config).state_dict())
    backbone = deepcopy(model).eval()
    backbone.fc = nn.Identity()
    served.net = fuse(backbone)
    network = choose_backend(torch.device("cpu"), "torch" if len(crops) < FEW else "auto").load(
        Outputs(served), _cut(crops, slice(0, 1), config), least=PRECISION
    )
    parts = (slice(start, start + batch) for start in range(0, len(crops), batch))
    return torch.cat([network(_cut(crops, part, config))[0] for part in parts])


def _cut(crops: Crops, part: slice, config: Config) -> Tensor:
    """Bytes (n, 3, crop_px, crop_px) as serving would cut them."""
    pixels = crops.pixels[part].permute(0, 3, 1, 2)
    border = round(pixels.shape[-1] * (1 - config.crop_margin / crops.margin) / 2)
    if border:
        pixels = pixels[:, :, border:-border, border:-border]
    if pixels.shape[-1] == config.crop_px:
        return pixels.contiguous()
    size = (config.crop_px, config.crop_px)
    return interpolate(pixels, size, mode="bilinear", antialias=True)
