"""Batched augmentation on the device where the crops are: uint8 crops -> normalised pictures.

Everything is drawn from one generator, so a step's pictures depend on its seed alone and a resumed
run sees the same ones. Shares and strengths are moderate: a short run suffers from more.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
SCALE, SHIFT, ROTATION = 0.12, 0.05, math.radians(12)
"""Spread of the serving box around the true one: share of the side, and radians."""

_LUMA = (0.299, 0.587, 0.114)
_TO_YCC = torch.tensor([_LUMA, (-0.1687, -0.3313, 0.5), (0.5, -0.4187, -0.0813)])
_QUANT = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""The example luminance table of the JPEG standard (ITU-T T.81, table K.1)."""
_DCT = torch.tensor(
    [
        [
            math.sqrt((1 if k == 0 else 2) / 8) * math.cos((2 * n + 1) * k * math.pi / 16)
            for n in range(8)
        ]
        for k in range(8)
    ]
)


def serve(pixels: Tensor, margin: float, size_px: int) -> Tensor:
    """What serving would show: the middle of each crop, unchanged. (n, 3, size, size)."""
    identity = torch.eye(2, device=pixels.device).expand(len(pixels), 2, 2) / margin
    shift = torch.zeros(len(pixels), 2, device=pixels.device)
    return normalise(_sample(pixels, identity, shift, None, size_px))


class Draws:
    """Random numbers for each picture of a whole batch, of which only a share is at hand.

    All processes draw the same numbers and take their own ones, so that a batch looks the same
    however many processes share it.
    """

    def __init__(self, generator: Generator, whole: int, mine: slice = slice(None)) -> None:
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


View = tuple[Tensor, Tensor, Tensor | None]
"""For each picture the matrix (n, 2, 2) and shift (n, 2) from view to crop, both from -1 to 1, and
what perspective adds to the divisor in x and y (n, 2)."""


def jitter(draws: Draws, margin: float) -> View:
    """The serving square, as far off as detectors are."""
    angle = draws.uniform(-ROTATION, ROTATION)
    zoom = torch.exp(draws.uniform(-SCALE, SCALE)) / margin
    flip = torch.where(draws.uniform(0, 1) < 0.5, -1.0, 1.0)
    # Coordinates run from -1 to 1 over the crop, so a shift of the served side is 2 / margin.
    shift = draws.uniform(-SHIFT, SHIFT, 2) * 2 / margin
    return _turned(angle, zoom * flip, zoom), shift, None


def resized_crop(draws: Draws, margin: float) -> View:
    """fast.ai's ``RandomResizedCrop(min_scale=0.5)`` of the whole crop, and its ``aug_transforms``:
    flip, and for three in four each rotation by 10 degrees, zoom by 1.1 and warp by 0.2."""

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
    return _turned(angle, wide * zoom * flip, high * zoom), shift, warp


def _turned(angle: Tensor, x: Tensor, y: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([x * cos, -y * sin], 1), torch.stack([x * sin, y * cos], 1)], 1)


def augment(
    pixels: Tensor,
    margin: float,
    size_px: int,
    generator: Generator,
    *,
    webcam: bool = True,
    view: Callable[[Draws, float], View] = jitter,
    share: tuple[int, int] = (0, 1),
) -> Tensor:
    """Random views of uint8 (n, side, side, 3), as normalised float (n, 3, size, size).

    ``share``: (rank, processes) where ``pixels`` is one process's share of the batch.
    """
    rank, processes = share
    draws = Draws(generator, len(pixels) * processes, slice(rank, None, processes))
    x = _sample(pixels, *view(draws, margin), size_px)

    def each(low: float, high: float, channels: int = 1) -> Tensor:
        return draws.uniform(low, high, channels, 1, 1)

    luma = torch.tensor(_LUMA, device=x.device).view(1, 3, 1, 1)
    grey = (x * luma).sum(1, keepdim=True)
    saturation = torch.where(each(0, 1) < 0.1, 0.0, each(0.6, 1.3))
    x = grey + (x - grey) * saturation
    middle = x.mean((1, 2, 3), keepdim=True)
    x = (x - middle) * each(0.75, 1.25) + middle * each(0.75, 1.25)
    x = x * each(0.95, 1.05, 3)
    x = x.clamp(1e-4, 1) ** torch.exp(each(-0.3, 0.3))
    if webcam:
        dark, light = draws.some(0.08), each(0.2, 0.6)
        x[dark] *= light[dark]
        soft = draws.some(0.12)
        x[soft] = blur(x[soft], draws.one(0.5, 1.5) * size_px / 112)
        low = draws.some(0.2)
        x[low] = coarsen(x[low], int(draws.one(24, 57)))
        noisy, strength = draws.some(0.15), each(0.01, 0.06)
        # Grain has a generator of its own: how much of it is drawn differs between processes.
        own = Generator(x.device).manual_seed(int(draws.one(0, 2**24)) * processes + rank)
        x[noisy] += torch.randn(x[noisy].shape, generator=own, device=x.device) * strength[noisy]
        pressed, quality = draws.some(0.2), draws.uniform(20, 80)
        x[pressed] = jpeg(x[pressed], quality[pressed])
    erased, where = draws.some(0.15), draws.uniform(0, 1, 4)
    x[erased] = erase(x[erased], where[erased])
    return normalise(x.clamp(0, 1))


def normalise(x: Tensor) -> Tensor:
    """0..1 -> zero mean and unit spread by MEAN and STD, in channels-last memory."""
    mean = torch.tensor(MEAN, device=x.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=x.device).view(1, 3, 1, 1)
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


def _sample(
    pixels: Tensor, matrix: Tensor, shift: Tensor, warp: Tensor | None, size_px: int
) -> Tensor:
    """The view, 0..1. Small views are sampled at twice their size and averaged: no aliasing."""
    fine = size_px * (2 if size_px * 3 <= pixels.shape[1] * 2 else 1)
    shape = [len(pixels), 3, fine, fine]
    if warp is None:
        theta = torch.cat([matrix, shift.unsqueeze(2)], 2)
        grid = functional.affine_grid(theta, shape, align_corners=False)
    else:
        plain = torch.eye(2, 3, device=pixels.device).expand(len(pixels), 2, 3)
        grid = functional.affine_grid(plain, shape, align_corners=False).flatten(1, 2)
        grid = grid / (1 + (grid * warp.unsqueeze(1)).sum(2, keepdim=True))
        grid = grid @ matrix.transpose(1, 2) + shift.unsqueeze(1)
        grid = grid.view(len(pixels), fine, fine, 2)
    x = pixels.permute(0, 3, 1, 2).float() / 255
    x = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return functional.avg_pool2d(x, 2) if fine > size_px else x


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, the same sigma (pixels) for the whole batch."""
    reach = max(1, math.ceil(2 * sigma))
    at = torch.arange(-reach, reach + 1, device=x.device)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1, 1, 1)
    x = functional.pad(x, (reach,) * 4, mode="replicate")
    x = functional.conv2d(x, kernel, groups=3)
    return functional.conv2d(x, kernel.transpose(2, 3), groups=3)


def coarsen(x: Tensor, face_px: int) -> Tensor:
    """Down to ``face_px`` and up again, as a small face in a frame looks."""
    size = x.shape[-1]
    if not len(x) or face_px >= size:
        return x
    small = functional.interpolate(x, (face_px, face_px), mode="area")
    return functional.interpolate(small, (size, size), mode="bilinear", align_corners=False)


def jpeg(x: Tensor, quality: Tensor) -> Tensor:
    """What JPEG at ``quality`` (n,) does, without the file: 8 x 8 DCT, rounded.

    One table for all channels and no chroma subsampling; the side must be a multiple of 8.
    """
    n, _, height, width = x.shape
    if not n:
        return x
    to_ycc, dct = _TO_YCC.to(x.device), _DCT.to(x.device)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(n, 1, 1, 1, 1, 1)
    step = (_QUANT.to(x.device).view(8, 1, 8) * scale / 255).clamp(min=1 / 255)
    ycc = torch.einsum("ij,njhw->nihw", to_ycc, x)
    ycc[:, 0] -= 0.5
    blocks = ycc.view(n, 3, height // 8, 8, width // 8, 8)
    blocks = torch.einsum("ka,ncyaxb,lb->ncykxl", dct, blocks, dct)
    blocks = torch.round(blocks / step) * step
    ycc = torch.einsum("ka,ncykxl,lb->ncyaxb", dct, blocks, dct).reshape(n, 3, height, width)
    ycc[:, 0] += 0.5
    return torch.einsum("ij,njhw->nihw", torch.linalg.inv(to_ycc), ycc)


def erase(x: Tensor, where: Tensor) -> Tensor:
    """Grey rectangles of 2 to 20 % of the area; ``where`` (n, 4) uniform: centre, area, shape."""
    size = x.shape[-1]
    at = torch.arange(size, device=x.device)
    area = (where[:, 2] * 0.18 + 0.02) * size**2
    ratio = torch.exp((where[:, 3] - 0.5) * 2)
    inside = []
    for centre, length in ((where[:, 0], area * ratio), (where[:, 1], area / ratio)):
        inside.append((at - centre[:, None] * size).abs() < length.sqrt()[:, None] / 2)
    mask = (inside[1][:, :, None] & inside[0][:, None, :])[:, None]
    return torch.where(mask, 0.5, x)
