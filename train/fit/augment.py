"""Batched augmentation on the device where the crops are: uint8 crops -> normalised pictures.

Everything is drawn from one generator, so a step's pictures depend on its seed alone and a resumed
run sees the same ones. Shares and strengths are moderate: a short run suffers from more.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from train.fit.corruptions import LUMA, blur, coarsen, erase, jpeg
from train.fit.covers import RANDOM_NUMBERS, cover
from train.fit.views import Draws, jitter, sample

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def serve(pixels: Tensor, margin: float, size_px: int) -> Tensor:
    """What serving would show: the middle of uint8 crops (n, side, side, 3), which are ``margin``
    times wider, unchanged; normalised float (n, 3, size_px, size_px)."""
    middle = torch.tensor([1 / margin, 1 / margin, 1], device=pixels.device).diag()
    return normalise(sample(pixels, middle.expand(len(pixels), 3, 3), size_px))


def augment(  # noqa: PLR0913 - keywords with defaults
    pixels: Tensor,
    margin: float,
    size_px: int,
    generator: Generator,
    *,
    webcam: bool = True,
    covered: float = 0.0,
    view: Callable[[Draws, float], Tensor] = jitter,
    share: tuple[int, int] = (0, 1),
) -> Tensor:
    """Random views of uint8 crops (n, side, side, 3), as normalised float (n, 3, size_px, size_px).

    ``margin``: how many times wider the crops are than what serving shows. ``webcam``: whether some
    are corrupted as by a webcam. ``covered``: the share of faces with glasses, a mask, a scarf or a
    hat drawn over them. ``share``: (rank, processes) where ``pixels`` is one process's
    share of the batch.
    """
    rank, processes = share
    draws = Draws(generator, len(pixels) * processes, slice(rank, None, processes))
    views = view(draws, margin)
    x = sample(pixels, views, size_px)
    if covered:
        chosen, how = draws.some(covered), draws.uniform(0, 1, RANDOM_NUMBERS)
        x[chosen] = cover(x[chosen], views[chosen], margin, how[chosen])
    x = change_colours(x, draws)
    if webcam:
        dark, light = draws.some(0.08), draws.uniform(0.2, 0.6, 1, 1, 1)
        x[dark] *= light[dark]
        soft = draws.some(0.12)
        x[soft] = blur(x[soft], draws.one(0.5, 1.5) * size_px / 112)
        low = draws.some(0.2)
        x[low] = coarsen(x[low], int(draws.one(24, 57)))
        noisy, strength = draws.some(0.15), draws.uniform(0.01, 0.06, 1, 1, 1)
        # Grain has a generator of its own: how much of it is drawn differs between processes.
        own = Generator(x.device).manual_seed(int(draws.one(0, 2**24)) * processes + rank)
        x[noisy] += torch.randn(x[noisy].shape, generator=own, device=x.device) * strength[noisy]
        pressed, quality = draws.some(0.2), draws.uniform(20, 80)
        x[pressed] = jpeg(x[pressed], quality[pressed])
    erased, where = draws.some(0.15), draws.uniform(0, 1, 4)
    x[erased] = erase(x[erased], where[erased])
    return normalise(x.clamp_(0, 1))


def change_colours(x: Tensor, draws: Draws) -> Tensor:
    """Saturation, contrast, brightness and tint, which are one matrix a picture, then gamma.

    ``x``: RGB (n, 3, side, side) from 0 to 1, and so is what comes out.
    """

    def each(low: float, high: float, channels: int = 1) -> Tensor:
        return draws.uniform(low, high, channels, 1)

    saturation = torch.where(each(0, 1) < 0.1, 0.0, each(0.6, 1.3))
    luma = torch.tensor(LUMA, device=x.device).expand(3, 3)
    matrix = saturation * torch.eye(3, device=x.device) + (1 - saturation) * luma
    middle = (matrix @ x.mean((2, 3)).unsqueeze(2)).mean(1, keepdim=True)
    contrast, brightness, tint = each(0.75, 1.25), each(0.75, 1.25), each(0.95, 1.05, 3)
    flat = torch.baddbmm(
        tint * middle * (brightness - contrast), tint * contrast * matrix, x.flatten(2)
    )
    gamma = torch.exp(each(-0.3, 0.3))
    return flat.clamp_(1e-4, 1).log_().mul_(gamma).exp_().view_as(x)


def normalise(x: Tensor) -> Tensor:
    """0..1 -> zero mean and unit spread by MEAN and STD, in channels-last memory."""
    mean = torch.tensor(MEAN, device=x.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=x.device).view(1, 3, 1, 1)
    return x.contiguous(memory_format=torch.channels_last).sub(mean).div_(std)
