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
    middle = torch.tensor([1 / margin, 1 / margin, 1], device=pixels.device).diag()
    return normalise(_sample(pixels, middle.expand(len(pixels), 3, 3), size_px))


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


def jitter(draws: Draws, margin: float) -> Tensor:
    """The serving square, as far off as detectors are: matrices (n, 3, 3) that take places in the
    view to places in the crop, both from -1 to 1, homogeneous."""
    angle = draws.uniform(-ROTATION, ROTATION)
    zoom = torch.exp(draws.uniform(-SCALE, SCALE)) / margin
    flip = torch.where(draws.uniform(0, 1) < 0.5, -1.0, 1.0)
    # Coordinates run from -1 to 1 over the crop, so a shift of the served side is 2 / margin.
    shift = draws.uniform(-SHIFT, SHIFT, 2) * 2 / margin
    return _view(angle, zoom * flip, zoom, shift, torch.zeros_like(shift))


def resized_crop(draws: Draws, margin: float) -> Tensor:
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
    return _view(angle, wide * zoom * flip, high * zoom, shift, warp)


def _view(angle: Tensor, x: Tensor, y: Tensor, shift: Tensor, warp: Tensor) -> Tensor:
    """Warp first (what perspective adds to the divisor in x and y), then scale, turn and shift."""
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([x * cos, -y * sin], 1), torch.stack([x * sin, y * cos], 1)], 1)
    divisor = torch.cat([warp, torch.ones_like(warp[:, :1])], 1).unsqueeze(1)
    top = functional.pad(turn, (0, 1)) + shift.unsqueeze(2) * divisor
    return torch.cat([top, divisor], 1)


def augment(
    pixels: Tensor,
    margin: float,
    size_px: int,
    generator: Generator,
    *,
    webcam: bool = True,
    view: Callable[[Draws, float], Tensor] = jitter,
    share: tuple[int, int] = (0, 1),
) -> Tensor:
    """Random views of uint8 (n, side, side, 3), as normalised float (n, 3, size, size).

    ``share``: (rank, processes) where ``pixels`` is one process's share of the batch.
    """
    rank, processes = share
    draws = Draws(generator, len(pixels) * processes, slice(rank, None, processes))
    x = _colour(_sample(pixels, view(draws, margin), size_px), draws)
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


def _colour(x: Tensor, draws: Draws) -> Tensor:
    """Saturation, contrast, brightness and tint, which are one matrix a picture, then gamma."""

    def each(low: float, high: float, channels: int = 1) -> Tensor:
        return draws.uniform(low, high, channels, 1)

    saturation = torch.where(each(0, 1) < 0.1, 0.0, each(0.6, 1.3))
    luma = torch.tensor(_LUMA, device=x.device).expand(3, 3)
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


def _sample(pixels: Tensor, views: Tensor, size_px: int) -> Tensor:
    """The views, 0..1. Small ones are sampled at twice their size and averaged: no aliasing."""
    fine = size_px * (2 if size_px * 2 <= pixels.shape[1] else 1)
    at = (torch.arange(fine, device=pixels.device) * 2 + 1) / fine - 1
    # Sums of a column and a row: much faster than multiplying every place by a matrix.
    x, y, one = (part[:, :, None, None] for part in views.unbind(2))
    x, y, divisor = (x * at + (y * at[:, None] + one)).unbind(1)
    grid = torch.stack([x / divisor, y / divisor], 3)
    planes = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    sampled = functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return (functional.avg_pool2d(sampled, 2) if fine > size_px else sampled).div_(255)


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, the same sigma (pixels) for the whole batch."""
    reach = max(1, math.ceil(2 * sigma))
    at = torch.arange(-reach, reach + 1, device=x.device)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, -1)

    def blurred(lines: Tensor) -> Tensor:
        return functional.conv1d(functional.pad(lines, (reach,) * 2, mode="replicate"), kernel)

    return _both_ways(x, blurred)


def coarsen(x: Tensor, face_px: int) -> Tensor:
    """Down to ``face_px`` and up again, as a small face in a frame looks."""
    size = x.shape[-1]
    if face_px >= size:
        return x

    def coarse(lines: Tensor) -> Tensor:
        small = functional.interpolate(lines, face_px, mode="area")
        return functional.interpolate(small, size, mode="linear", align_corners=False)

    return _both_ways(x, coarse)


def _both_ways(x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """A linear change of lines (n, 1, side), made a matrix, on rows and columns of square pictures:
    on a CPU several times as fast as convolving or resizing them."""
    matrix = change(torch.eye(x.shape[-1], device=x.device).unsqueeze(1))[:, 0]
    return matrix.T @ x @ matrix


def jpeg(x: Tensor, quality: Tensor) -> Tensor:
    """What JPEG at ``quality`` (n,) does, without the file: 8 x 8 DCT, rounded.

    One table for all channels and no chroma subsampling; the side must be a multiple of 8.
    """
    n, _, height, width = x.shape
    if not n:
        return x
    to_ycc, dct = _TO_YCC.to(x.device), _DCT.to(x.device)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(n, 1, 1, 1, 1, 1)
    step = (_QUANT.to(x.device) * scale / 255).clamp(min=1 / 255)
    ycc = torch.einsum("ij,njhw->nihw", to_ycc, x)
    ycc[:, 0] -= 0.5
    blocks = ycc.view(n, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    blocks = dct @ blocks @ dct.T
    blocks = torch.round(blocks / step) * step
    ycc = (dct.T @ blocks @ dct).transpose(3, 4).reshape(n, 3, height, width)
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
