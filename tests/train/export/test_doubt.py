"""The last layer's two rows: what abstention wants, in one output; none for what is no face."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gender_demo.vision.classifier import MAX_DOUBT
from train.data.crops import Crops
from train.export.abstention import NO_RISE, Heads, Rise, fit_withheld
from train.export.doubt import make_doubt
from train.fit.non_faces import non_faces

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
    rise = Rise(torch.tensor([0.05, -0.05]), 0.1)
    doubt = make_doubt(fc, crops, rise, held_out, (inputs(800, 0.0, 2), others))
    with torch.no_grad():
        logits = fc(held_out)[:, :2]
        softer = doubt.soften(logits, held_out)
        unseen = inputs(500, 8.0, 3)
        of_others = doubt.soften(fc(unseen)[:, :2], unseen)
    assert torch.equal(softer.argmax(1), logits.argmax(1)), "a label never turns"
    divided = (logits / softer)[:, 0].log()
    expected = MAX_DOUBT * torch.tanh(0.1 - 0.2 * held_out[:, 1])
    as_expected = (divided - expected).abs() < 1e-4
    assert float(as_expected.float().mean()) > 0.99, "hardly a face is taken for none"
    assert float((of_others.softmax(1).amax(1) < 0.6).float().mean()) > 0.95


def test_infants_get_no_label_and_others_keep_theirs() -> None:
    random = torch.Generator().manual_seed(3)
    ages = torch.tensor([0] * 60 + [1] * 240 + [2] * 1700)
    logits = 3 * nn.functional.one_hot(ages, 3) + torch.randn(2000, 3, generator=random)
    classes = {"gender": ("a", "b"), "age": ("0-2", "3-9", "10-19")}
    sure, targets = torch.tensor([[-3.0, 3.0]]).repeat(2000, 1), {"age": ages}
    withheld = fit_withheld(Heads({"gender": sure, "age": logits}, targets, classes))
    assert withheld is not None
    fc = nn.Linear(3, 5)
    with torch.no_grad():  # the inputs are the ages' logits
        fc.weight[:] = torch.cat([torch.zeros(2, 3), torch.eye(3)])
        fc.bias.zero_()
    pixels = torch.zeros(2000, 1, 1, 3, dtype=torch.uint8)
    crops = Crops(pixels, {"gender": ages, **targets}, classes, 1.25, "toy")
    doubt = make_doubt(fc, crops, NO_RISE, logits, (logits, logits + 99), withheld)
    assert doubt.weight.shape == (3, 3)
    labelled = doubt.soften(sure, logits).softmax(1)[:, 1] > 0.8
    shares = [round(float(labelled[ages == age].float().mean()), 2) for age in range(3)]
    assert shares[0] < 0.3, "most of them lose it"
    assert shares[1] > 0.9
    assert shares[2] > 0.98
    few = Heads({"age": logits[50:]}, {"age": ages[50:]}, {"age": classes["age"]})
    assert fit_withheld(few) is None, "ten infants are too few to tell them by"


def test_non_faces_are_pictures_like_the_crops() -> None:
    pixels = torch.randint(0, 256, (5, 40, 40, 3), dtype=torch.uint8)
    crops = Crops(pixels, {"label": torch.zeros(5).long()}, {"label": ("a", "b")}, 1.25, "toy")
    made = non_faces(crops, 12)
    assert (made.shape, made.dtype) == ((12, 40, 40, 3), torch.uint8)
    assert torch.equal(made, non_faces(crops, 12))
    assert len({bytes(picture.numpy()) for picture in made}) == 12
