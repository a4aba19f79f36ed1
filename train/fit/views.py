"""Random views of a crop: where in it the picture that the network gets is cut.

A view is a matrix (3, 3) that takes places in the picture to places in the crop, both from -1 to 1,
homogeneous.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

SCALE, SHIFT, ROTATION = 0.12, 0.05, math.radians(12)
"""Spread of the serving box around the true one: share of the side, and radians."""


class Draws:
    """Random numbers for each picture of a whole batch, of which only a share is at hand.

    All processes draw the same numbers and take their own ones, so that a batch looks the same
    however many processes share it.
    """

    def __init__(self, generator: Generator, whole: int, mine: slice = slice(None)) -> None:
        """``whole``: pictures in the whole batch, of which ``mine`` are at hand."""
        self.generator, self.whole, self.mine = generator, whole, mine
        self.device = generator.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(n, *shape) numbers, one row for each picture at hand."""
        drawn = torch.rand(self.whole, *shape, generator=self.generator, device=self.device)
        return drawn[self.mine] * (high - low) + low

    def one(self, low: float, high: float) -> float:
        """One number for the whole batch."""
        drawn = torch.rand(1, generator=self.generator, device=self.device)
        return float(drawn) * (high - low) + low

    def some(self, share: float) -> Tensor:
        """Indices of about ``share`` of the pictures at hand."""
        return (self.uniform(0, 1) < share).nonzero()[:, 0]


def jitter(draws: Draws, margin: float) -> Tensor:
    """Views (n, 3, 3) of the serving square, as far off as detectors are."""
    angle = draws.uniform(-ROTATION, ROTATION)
    zoom = torch.exp(draws.uniform(-SCALE, SCALE)) / margin
    flip = torch.where(draws.uniform(0, 1) < 0.5, -1.0, 1.0)
    # Coordinates run from -1 to 1 over the crop, so a shift of the served side is 2 / margin.
    shift = draws.uniform(-SHIFT, SHIFT, 2) * 2 / margin
    return _view(angle, zoom * flip, zoom, shift, torch.zeros_like(shift))


def resized_crop(draws: Draws, margin: float) -> Tensor:  # noqa: ARG001 - as every view
    """Views (n, 3, 3) as fast.ai's ``RandomResizedCrop(min_scale=0.5)`` of the whole crop and its
    ``aug_transforms``: flip, and for three in four each rotation by 10 degrees, zoom by 1.1 and
    warp by 0.2. The ``margin`` makes no difference."""

    def mostly(values: Tensor) -> Tensor:
        kept = draws.uniform(0, 1) < 0.75
        return values * kept.view(-1, *(1,) * (values.ndim - 1))

    side = draws.uniform(0.5, 1).sqrt()
    shape = torch.exp(draws.uniform(-1, 1) * math.log(4 / 3) / 2)
    wide, high = (side * shape).clamp(max=1), (side / shape).clamp(max=1)
    room = torch.stack([1 - wide, 1 - high], 1)
    flip = torch.where(draws.uniform(0, 1) < 0.5, -1.0, 1.0)
    zoom = 1 / (1 + mostly(draws.uniform(0, 0.1)))
    angle = mostly(draws.uniform(-1, 1) * math.radians(10))
    warp = mostly(draws.uniform(-0.2, 0.2, 2))
    shift = draws.uniform(-1, 1, 2) * room
    return _view(angle, wide * zoom * flip, high * zoom, shift, warp)


def _view(angle: Tensor, x: Tensor, y: Tensor, shift: Tensor, warp: Tensor) -> Tensor:
    """Warp first (what perspective adds to the divisor in x and y), then scale, turn and shift."""
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([x * cos, -y * sin], 1), torch.stack([x * sin, y * cos], 1)], 1)
    divisor = torch.cat([warp, torch.ones_like(warp[:, :1])], 1).unsqueeze(1)
    top = functional.pad(turn, (0, 1)) + shift.unsqueeze(2) * divisor
    return torch.cat([top, divisor], 1)


def sample(pixels: Tensor, views: Tensor, size_px: int) -> Tensor:
    """uint8 crops (n, side, side, 3) in ``views`` (n, 3, 3): float (n, 3, size_px, size_px) from 0
    to 1. Small ones are sampled at twice their size and averaged: no aliasing."""
    fine = size_px * (2 if size_px * 2 <= pixels.shape[1] else 1)
    at = (torch.arange(fine, device=pixels.device) * 2 + 1) / fine - 1
    # Sums of a column and a row: much faster than multiplying every place by a matrix.
    x, y, one = (part[:, :, None, None] for part in views.unbind(2))
    x, y, divisor = (x * at + (y * at[:, None] + one)).unbind(1)
    grid = torch.stack([x / divisor, y / divisor], 3)
    planes = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    sampled = functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return (functional.avg_pool2d(sampled, 2) if fine > size_px else sampled).div_(255)
