"""Glasses, masks, scarves and hats, drawn over training pictures.

Crops are upright and framed by the face's box, so landmarks lie at known places: no detector is
needed while training. Places are in face units: the served square runs from -1 to 1 both ways.
"""

from __future__ import annotations

import torch
from torch import Tensor

EYE_X, EYE_Y, MIDDLE_X = 0.39, -0.44, 0.04
"""Mean places of MTCNN's landmarks in 125 held-out crops; their spread is 0.07 up and down."""
KINDS = ("sunglasses", "glasses", "mask", "scarf", "hat")
SHARES = (0.3, 0.15, 0.3, 0.125, 0.125)
RANDOM_NUMBERS = 12
EDGE = 40.0
"""Steepness of borders, per face unit."""


def cover(x: Tensor, views: Tensor, margin: float, random: Tensor) -> Tensor:
    """RGB ``x`` (n, 3, side, side) in 0 to 1, each picture with one thing drawn over its face.

    ``views`` (n, 3, 3) take places in the picture to places in a crop ``margin`` times as wide as
    the served square. ``random`` (n, RANDOM_NUMBERS), uniform in 0 to 1, says what is drawn and
    how.
    """
    ends = torch.tensor(SHARES, device=x.device).cumsum(0)
    numbers = torch.bucketize(random[:, 0].contiguous(), ends[:-1])
    result = x.clone()
    for number, kind in enumerate(KINDS):
        some = (numbers == number).nonzero()[:, 0]
        across, down = _face_places(views[some], margin, x.shape[-1])
        alpha, paint = _draw(kind, across, down, random[some])
        result[some] = torch.lerp(x[some], paint, alpha.unsqueeze(1))
    return result


def _draw(kind: str, across: Tensor, down: Tensor, random: Tensor) -> tuple[Tensor, Tensor]:
    """Opacity (n, side, side) and colour (n, 3, side, side) of one kind of thing."""
    _, dark, opacity, *rest = random[:, :, None, None].unbind(1)
    move_x, move_y, size, wide, high, *colour = rest
    across = (across - MIDDLE_X - 0.12 * (move_x - 0.5)) / (0.85 + 0.3 * size)
    down = (down - 0.12 * (move_y - 0.5)) / (0.85 + 0.3 * size)
    if kind == "mask":
        alpha = _mask(across, down, wide, high)
    elif kind == "scarf":
        oval = (across / (0.65 + 0.2 * wide)) ** 2 + ((down - 0.1) / (0.9 + 0.2 * high)) ** 2
        alpha = _inside(1.0, oval)
    elif kind == "hat":
        alpha = _inside(down - 0.15 * across**2, -0.85 + 0.3 * high)
    else:
        alpha = _glasses(across, down, wide, high, filled=kind == "sunglasses")
    if kind == "sunglasses":
        alpha = alpha * (0.75 + 0.25 * opacity)
    dim = torch.where((dark < 0.5) | (kind == "sunglasses"), 0.25, 1.0)
    slope = 1 + 0.4 * ((wide - 0.5) * across + (high - 0.5) * down)
    paint = torch.stack([part * dim * slope for part in colour[:3]], 1)
    return alpha, paint.clamp(0, 1)


def _face_places(views: Tensor, margin: float, side: int) -> tuple[Tensor, Tensor]:
    """Where each pixel lies in face units: across and down, (n, side, side) each."""
    at = (torch.arange(side, device=views.device) * 2 + 1) / side - 1
    x, y, one = (part[:, :, None, None] for part in views.unbind(2))
    x, y, divisor = (x * at + (y * at[:, None] + one)).unbind(1)
    return x / divisor * margin, y / divisor * margin


def _inside(value: Tensor | float, limit: Tensor | float) -> Tensor:
    """1 where ``value`` is under ``limit``, 0 where it is over it, with a soft border."""
    return torch.sigmoid(torch.as_tensor(limit - value) * EDGE)


def _glasses(across: Tensor, down: Tensor, wide: Tensor, high: Tensor, filled: bool) -> Tensor:
    radius, half_height = 0.22 + 0.12 * wide, 0.14 + 0.12 * high
    from_eye = across.abs() - EYE_X
    lens = ((from_eye / radius) ** 2 + ((down - EYE_Y) / half_height) ** 2).sqrt()
    glass = _inside(lens, 1.0) if filled else _inside((lens - 1).abs(), 0.15)
    beside = _inside(radius, from_eye.abs())
    return torch.maximum(glass, beside * _inside((down - EYE_Y + 0.03).abs(), 0.035))


def _mask(across: Tensor, down: Tensor, wide: Tensor, high: Tensor) -> Tensor:
    top = 0.25 * across**2 - 0.15 + 0.25 * high
    sides = 0.7 + 0.15 * wide - 0.3 * (down - 0.4).clamp(min=0)
    return _inside(top, down) * _inside(across.abs(), sides) * _inside(down, 1.05)
