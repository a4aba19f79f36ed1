"""The last layer's two rows: what abstention wants, in one output; none for what is no face."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gender_demo.vision.classifier import MAX_DOUBT
from train.data.crops import Crops
from train.export.doubt import make_doubt, one_output
from train.export.non_faces import non_faces

CLASSES: dict[str, tuple[str, ...]] = {"gender": ("female", "male"), "age": ("young", "old")}


def layer(outputs: int = 4) -> nn.Linear:
    """Two labels by the first input, two ages by the second, a face's output by the last."""
    fc = nn.Linear(4, outputs)
    with torch.no_grad():
        fc.weight.zero_()
        fc.bias.zero_()
        fc.weight[:4, :2] = torch.tensor([[-1.0, 0], [1, 0], [0, -2], [0, 2]])
        if outputs > 4:
            fc.weight[4, 3] = -1.0
    return fc


def inputs(count: int, last: float, seed: int) -> Tensor:
    values = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    return values + torch.tensor([0.0, 0.0, 0.0, last])


@pytest.mark.parametrize("outputs", [4, 5], ids=["no output for faces", "with one"])
def test_the_rows_doubt_the_young_and_what_is_no_face(outputs: int) -> None:
    pixels = torch.zeros(2000, 1, 1, 3, dtype=torch.uint8)
    held_out, others = inputs(2000, 0.0, 0), inputs(500, 8.0, 1)
    targets = {"gender": torch.zeros(2000).long(), "age": (held_out[:, 1] > 0).long()}
    crops, fc = Crops(pixels, targets, CLASSES, 1.25, "toy"), layer(outputs)
    weights = torch.tensor([0.9, 0.1])
    doubt = make_doubt(fc, crops, weights, held_out, (inputs(800, 0.0, 2), others))
    with torch.no_grad():
        logits = fc(held_out)[:, :2]
        softer = doubt.soften(logits, held_out)
        unseen = inputs(500, 8.0, 3)
        of_others = doubt.soften(fc(unseen)[:, :2], unseen)
    assert torch.equal(softer.argmax(1), logits.argmax(1)), "a label never turns"
    divided = (logits / softer)[:, 0].log()
    young, old = held_out[:, 1] < -1, held_out[:, 1] > 1
    assert float(divided[young].mean() - divided[old].mean()) == pytest.approx(0.8, abs=0.1)
    assert float((divided > MAX_DOUBT).float().mean()) < 0.01, "hardly a face is taken for none"
    assert float((of_others.softmax(1).amax(1) < 0.6).float().mean()) > 0.95


def test_one_output_says_what_the_bands_did() -> None:
    generator = torch.Generator().manual_seed(0)
    age = 4 * torch.rand(3000, 1, generator=generator)
    logits = torch.randn(3000, 5, generator=generator) - 3 * (age - torch.arange(5)).abs()
    weights = torch.tensor([0.8, 0.5, 0.0, 0.1, 0.3])
    shares, constant = one_output(weights, logits)
    given = MAX_DOUBT * torch.tanh(logits @ shares + constant)
    wanted = logits.softmax(1) @ weights
    wanted -= wanted.mean()
    assert float((given - wanted).abs().mean()) < 0.35 * float(wanted.abs().mean())


def test_non_faces_are_pictures_like_the_crops() -> None:
    pixels = torch.randint(0, 256, (5, 40, 40, 3), dtype=torch.uint8)
    crops = Crops(pixels, {"label": torch.zeros(5).long()}, {"label": ("a", "b")}, 1.25, "toy")
    made = non_faces(crops, 12)
    assert (made.shape, made.dtype) == ((12, 40, 40, 3), torch.uint8)
    assert torch.equal(made, non_faces(crops, 12))
    assert len({bytes(picture.numpy()) for picture in made}) == 12
