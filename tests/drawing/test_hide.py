"""Hidden faces: what is left of a head is a few mean colours, and everything else is untouched."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gender_demo.drawing.hide import BLOCKS, annotate, head_box, hide, mosaic
from gender_demo.results import Analysis, Box, Face, Prediction

SIZE = (320, 320)
FACE = Box(110, 110, 210, 210)
HEAD = (70, 60, 250, 240)


def noise(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def same_means(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Another head: the pixels of each block in another order, and the block's mirror image."""
    other = pixels.copy()
    x0, y0, x1, y1 = HEAD
    wide, high = (x1 - x0) // BLOCKS, (y1 - y0) // BLOCKS
    for y in range(y0, y1, high):
        for x in range(x0, x1, wide):
            block = other[y : y + high, x : x + wide]
            shuffled = np.random.default_rng(seed).permutation(block.reshape(-1, 3))
            other[y : y + high, x : x + wide] = shuffled.reshape(block.shape)
    return other


def test_heads_of_the_same_means_cannot_be_told_apart() -> None:
    one = noise(1)
    other = same_means(one, 2)
    assert (one != other).mean() > 0.25, "these are two different heads"
    hidden = [hide(Image.fromarray(head), [FACE]).crop(HEAD).tobytes() for head in (one, other)]
    assert hidden[0] == hidden[1]


def test_all_that_is_left_of_a_head_comes_from_its_mosaic() -> None:
    """The head can be drawn again, to the last bit, from 16 colours and without the picture."""
    picture = Image.fromarray(noise(3))
    left = hide(picture, [FACE]).crop(HEAD)
    sixteen = Image.frombytes("RGB", (BLOCKS, BLOCKS), mosaic(picture, HEAD).tobytes())
    again = sixteen.resize(left.size, Image.Resampling.BICUBIC)
    assert left.tobytes() == again.tobytes()


def test_the_rest_of_the_picture_stays_and_the_source_too() -> None:
    pixels = noise(4)
    picture = Image.fromarray(pixels)
    hidden = np.asarray(hide(picture, [FACE])).copy()
    assert np.array_equal(np.asarray(picture), pixels)
    x0, y0, x1, y1 = HEAD
    hidden[y0:y1, x0:x1] = pixels[y0:y1, x0:x1]
    assert np.array_equal(hidden, pixels)


@pytest.mark.parametrize("side", [3, 9, 20, 60])
def test_a_small_head_keeps_no_pixel_of_its_own(side: int) -> None:
    pixels = noise(5)
    box = Box(100, 100, 100 + side, 100 + side)
    head = head_box(box, SIZE)
    assert head is not None
    blocks = mosaic(Image.fromarray(pixels), head)
    per_block = (head[2] - head[0]) * (head[3] - head[1]) / (blocks.width * blocks.height)
    assert per_block >= 20
    x0, y0, x1, y1 = head
    left = np.asarray(hide(Image.fromarray(pixels), [box]))[y0:y1, x0:x1]
    assert left.astype(float).std(axis=(0, 1)).max() < 25, "of 74 before"


@pytest.mark.parametrize(
    "box", [Box(-90, -90, 20, 20), Box(300, 300, 400, 400), Box(0, 0, 320, 320)]
)
def test_a_head_at_the_border_is_hidden_as_far_as_it_is_seen(box: Box) -> None:
    picture = Image.fromarray(noise(6))
    hidden = hide(picture, [box])
    assert hidden.size == SIZE
    assert hidden.tobytes() != picture.tobytes()


def test_a_head_outside_changes_nothing() -> None:
    picture = Image.fromarray(noise(7))
    assert hide(picture, [Box(900, 900, 950, 950)]).tobytes() == picture.tobytes()


def test_no_label_stands_at_a_hidden_face() -> None:
    found = Prediction(Face(FACE, 0.99, ()), "female", 0.9, (("female", 0.9), ("male", 0.1)))
    picture = Image.fromarray(noise(8))
    drawn = {
        label: annotate(
            picture, Analysis(SIZE, (Prediction(found.face, label, 0.9, found.probabilities),)),
            blur_faces=True,
        ).tobytes()
        for label in ("female", "male", None)
    }  # fmt: skip
    assert len(set(drawn.values())) == 1
