"""Batched augmentation on the device where the crops are: uint8 crops -> normalised pictures.

Everything is drawn from one generator, so a step's pictures depend on its seed alone and a resumed
run sees the same ones. Shares and strengths are moderate: a short run suffers from more.
"""

from __future__ import annotations

import math

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
    return normalise(_sample(pixels, identity, shift, size_px))


def augment(
    pixels: Tensor, margin: float, size_px: int, generator: Generator, *, webcam: bool = True
) -> Tensor:
    """Random views of uint8 (n, side, side, 3), as normalised float (n, 3, size, size)."""
    n, device = len(pixels), pixels.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(*(shape or (n, 1, 1, 1)), generator=generator, device=device)
        return drawn * (high - low) + low

    def some(share: float) -> Tensor:
        """Indices of about ``share`` of the batch."""
        return (torch.rand(n, generator=generator, device=device) < share).nonzero()[:, 0]

    angle = uniform(-ROTATION, ROTATION, n)
    zoom = torch.exp(uniform(-SCALE, SCALE, n)) / margin
    flip = torch.where(uniform(0, 1, n) < 0.5, -1.0, 1.0)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    matrix = torch.stack([torch.stack([cos * flip, -sin], 1), torch.stack([sin * flip, cos], 1)], 1)
    # Coordinates run from -1 to 1 over the crop, so a shift of the served side is 2 / margin.
    x = _sample(pixels, matrix, uniform(-SHIFT, SHIFT, n, 2) * 2 / margin, size_px)

    luma = torch.tensor(_LUMA, device=device).view(1, 3, 1, 1)
    grey = (x * luma).sum(1, keepdim=True)
    saturation = torch.where(uniform(0, 1) < 0.1, 0.0, uniform(0.6, 1.3))
    x = grey + (x - grey) * saturation
    middle = x.mean((1, 2, 3), keepdim=True)
    x = (x - middle) * uniform(0.75, 1.25) + middle * uniform(0.75, 1.25)
    x = x * uniform(0.95, 1.05, n, 3, 1, 1)
    x = x.clamp(1e-4, 1) ** torch.exp(uniform(-0.3, 0.3))
    if webcam:
        dark = some(0.08)
        x[dark] *= uniform(0.2, 0.6, len(dark), 1, 1, 1)
        soft = some(0.12)
        x[soft] = blur(x[soft], float(uniform(0.5, 1.5, 1)) * size_px / 112)
        low = some(0.2)
        x[low] = coarsen(x[low], int(uniform(24, 57, 1)))
        noisy = some(0.15)
        grain = torch.randn(x[noisy].shape, generator=generator, device=device)
        x[noisy] += grain * uniform(0.01, 0.06, len(noisy), 1, 1, 1)
        pressed = some(0.2)
        x[pressed] = jpeg(x[pressed], uniform(20, 80, len(pressed)))
    erased = some(0.15)
    x[erased] = erase(x[erased], uniform(0, 1, len(erased), 4))
    return normalise(x.clamp(0, 1))


def normalise(x: Tensor) -> Tensor:
    """0..1 -> zero mean and unit spread by MEAN and STD, in channels-last memory."""
    mean = torch.tensor(MEAN, device=x.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=x.device).view(1, 3, 1, 1)
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


def _sample(pixels: Tensor, matrix: Tensor, shift: Tensor, size_px: int) -> Tensor:
    """Affine view, 0..1. Small views are sampled at twice their size and averaged: no aliasing."""
    fine = size_px * (2 if size_px * 3 <= pixels.shape[1] * 2 else 1)
    theta = torch.cat([matrix, shift.unsqueeze(2)], 2)
    grid = functional.affine_grid(theta, [len(pixels), 3, fine, fine], align_corners=False)
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
