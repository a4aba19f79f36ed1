"""What is set by held-out crops."""

from __future__ import annotations

import torch

from train.calibrate import HeldOut, fit_offset


def test_two_labels_are_recognised_equally_often() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(4000) % 2
    lead = torch.randn(4000, generator=generator) + torch.where(target == 1, 1.4, -0.6)
    held = HeldOut(torch.stack([-lead / 2, lead / 2], 1)[None], target, ("female", "male"), 64)
    before = held.facts()["recall"]
    assert before["male"] - before["female"] > 0.15
    levelled = HeldOut(held.logits + fit_offset(held), target, held.classes, 64)
    after = levelled.facts()
    assert abs(after["recall"]["male"] - after["recall"]["female"]) < 0.005
    assert after["accuracy"] > held.facts()["accuracy"]


def test_more_labels_stay_as_they_are() -> None:
    held = HeldOut(torch.zeros(2, 6, 3), torch.arange(6) % 3, ("a", "b", "c"), 64)
    assert fit_offset(held).tolist() == [0, 0, 0]
