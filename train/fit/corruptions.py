"""What webcams and storage do to pictures, as batched tensor operations.

Pictures are float RGB (n, 3, side, side) from 0 to 1, on whatever device they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""
_TO_YCC = torch.tensor([LUMA, (-0.1687, -0.3313, 0.5), (0.5, -0.4187, -0.0813)])
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
_DCT = torch.from_numpy(dct(np.eye(8), axis=0, norm="ortho")).float()


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
    to_ycc, cosines = _TO_YCC.to(x.device), _DCT.to(x.device)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(n, 1, 1, 1, 1, 1)
    step = (_QUANT.to(x.device) * scale / 255).clamp(min=1 / 255)
    ycc = torch.einsum("ij,njhw->nihw", to_ycc, x)
    ycc[:, 0] -= 0.5
    blocks = ycc.view(n, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    blocks = cosines @ blocks @ cosines.T
    blocks = torch.round(blocks / step) * step
    ycc = (cosines.T @ blocks @ cosines).transpose(3, 4).reshape(n, 3, height, width)
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
