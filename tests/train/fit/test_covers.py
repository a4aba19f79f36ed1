"""Things drawn over faces: where they belong, the same for the same numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from train.fit.augment import augment
from train.fit.covers import KINDS, RANDOM_NUMBERS, SHARES, cover

SIDE, MARGIN = 64, 1.25


def draw(kind: str) -> Tensor:
    """Black where the thing is, on a white picture of the served square: (SIDE, SIDE)."""
    ends = torch.tensor(SHARES).cumsum(0)
    random = torch.full((1, RANDOM_NUMBERS), 0.5)
    number = KINDS.index(kind)
    random[0, 0] = ends[number] - SHARES[number] / 2
    random[0, -4:] = 0.0  # black
    view = torch.tensor([1 / MARGIN, 1 / MARGIN, 1.0]).diag().unsqueeze(0)
    return cover(torch.ones(1, 3, SIDE, SIDE), view, MARGIN, random)[0].amin(0)


def at(picture: Tensor, across: float, down: float) -> float:
    """The value at a place in face units."""
    return float(picture[int((down + 1) / 2 * SIDE), int((across + 1) / 2 * SIDE)])


@pytest.mark.parametrize(
    ("kind", "covered", "free"),
    [
        ("sunglasses", (0.42, -0.44), (0.04, 0.4)),
        ("mask", (0.04, 0.4), (0.42, -0.44)),
        ("hat", (0.0, -0.95), (0.04, 0.0)),
        ("scarf", (0.95, -0.95), (0.04, 0.0)),
        ("glasses", (0.42 + 0.27, -0.44), (0.42, -0.42)),
    ],
)
def test_each_thing_lies_where_it_is_worn(
    kind: str, covered: tuple[float, float], free: tuple[float, float]
) -> None:
    picture = draw(kind)
    assert at(picture, *covered) < 0.4
    assert at(picture, *free) > 0.9


def test_about_the_given_share_is_covered() -> None:
    pixels = torch.full((200, 32, 32, 3), 127, dtype=torch.uint8)

    def pictures(covered: float) -> Tensor:
        generator = torch.Generator().manual_seed(3)
        return augment(pixels, 1.25, 32, generator, webcam=False, covered=covered)

    spread = pictures(0.5).std((2, 3)).amax(1)
    plain = pictures(0.0).std((2, 3)).amax(1)
    assert (plain > 0.05).float().mean() < 0.35, "only what is erased"
    assert 0.4 < float((spread > 0.05).float().mean()) < 0.8
    assert torch.equal(pictures(0.5), pictures(0.5))
