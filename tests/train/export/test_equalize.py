"""Both labels are recognised equally often, in every group."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train.data.crops import Crops
from train.export.equalize import equalize_recall, fit_shares
from train.fit.augment import serve
from train.fit.holdout import compute_logits

RACES = ("one", "two", "three")


def recalls(logit_difference: Tensor, target: Tensor, groups: Tensor) -> list[list[float]]:
    right = (logit_difference > 0) == (target == 1)
    return [
        [float(right[(target == t) & (groups == g)].float().mean()) for t in (0, 1)]
        for g in groups.unique().tolist()
    ]


def test_each_group_gets_its_own_border() -> None:
    generator = torch.Generator().manual_seed(0)
    target, groups = torch.arange(6000) % 2, torch.arange(6000) % 3
    off = torch.tensor([1.0, 0.0, -0.6])[groups]
    logit_difference = (
        torch.randn(6000, generator=generator) + torch.where(target == 1, 1.2, -1.2) + off
    )
    group_logits = torch.eye(3)[groups] * 4 + torch.randn(6000, 3, generator=generator)
    group_logits -= group_logits.mean(1, keepdim=True)
    before = recalls(logit_difference, target, groups)
    assert max(abs(first - other) for first, other in before) > 0.3
    shares, constant = fit_shares(logit_difference, group_logits, target, groups)
    after = recalls(logit_difference + group_logits @ shares + constant, target, groups)
    assert max(abs(first - other) for first, other in after) < 0.06
    assert min(map(min, after)) > min(map(min, before)) + 0.1


def test_without_groups_the_recall_is_equalized_over_all() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(4000) % 2
    logit_difference = torch.randn(4000, generator=generator) + torch.where(target == 1, 1.4, -0.6)
    shares, constant = fit_shares(
        logit_difference, torch.zeros(4000, 0), target, torch.zeros_like(target)
    )
    assert not len(shares)
    (first, other), (early, late) = (
        recalls(each, target, torch.zeros_like(target))[0]
        for each in (logit_difference + constant, logit_difference)
    )
    assert late - early > 0.15
    assert abs(first - other) < 0.01


class Net(nn.Module):
    """Two colours of the picture are its features."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(3, outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.fc(pictures.mean((2, 3)))


def crops(classes: dict[str, tuple[str, ...]]) -> Crops:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (60, 1, 1, 3), generator=generator).expand(60, 16, 16, 3)
    targets = {name: torch.arange(60) % len(known) for name, known in classes.items()}
    return Crops(pixels.to(torch.uint8), targets, classes, 1.25, "toy")


def inputs(data: Crops) -> Tensor:
    return serve(data.pixels, data.margin, 16).mean((2, 3))


def test_the_layer_says_what_was_fitted() -> None:
    data = crops({"gender": ("female", "male"), "race": RACES})
    torch.manual_seed(0)
    net = Net(5).eval()
    before = compute_logits(net, data, 16).mean(0)
    fixed = net.fc.weight[2:].clone()
    moved = equalize_recall(net.fc, data, inputs(data))
    after = compute_logits(net, data, 16).mean(0)
    assert set(moved) == {*RACES, "all"}
    difference, was = after[:, 1] - after[:, 0], before[:, 1] - before[:, 0]
    groups = before[:, 2:].clone()
    groups -= groups.mean(1, keepdim=True)
    shares = torch.tensor([moved[name] for name in RACES])
    assert torch.allclose(difference, was + groups @ shares + moved["all"], atol=1e-5)
    assert torch.equal(net.fc.weight[2:], fixed)


def test_other_than_two_labels_stay_as_they_are() -> None:
    data, net = crops({"label": ("a", "b", "c")}), Net(3).eval()
    before = net.fc.weight.clone()
    assert equalize_recall(net.fc, data, inputs(data)) == {}
    assert torch.equal(net.fc.weight, before)
