"""Let both of two labels be recognised equally often, in each group and over all.

A net that misses more of a group's women than of its men has its border in the wrong place for
that group. The outputs that learnt to tell the groups are sums of the same features as the served
ones, so a little of them, added to the served rows of the last layer, moves each group's border.
Serving neither sees nor gives a group. (The last layer alone can be fitted anew for the groups that
fare worst: Kirichenko, Izmailov and Wilson, ICLR 2023; here it has one number a group.)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from train.data.crops import Crops
from train.export.calibrate import (
    HeldOut,
    raw,
)

BY = "race"
"""The helping label whose groups count; without it there is one group."""
SOFT = 0.3
"""Logits over which an answer turns from one label to the other, so that recalls are smooth."""
STEPS, PACE, GROUP_PACE, SHRINK = 400, 0.5, 0.05, 0.01
"""A group's number shrinks at every step, since its recalls are known from a few hundred faces:
in five-fold cross-validation this keeps the worst recall as high as without, and more are right."""


@torch.no_grad()
def level(model: nn.Module, crops: Crops, held: HeldOut) -> dict[str, float]:
    """Move the served rows of ``model.fc`` by crops seen as ``held`` was.

    Returns the share of each group's output, and "all": the constant. Other than two labels stay
    as they are.
    """
    if len(crops.served) != 2:
        return {}
    fc: Any = model.fc
    rows = torch.split(
        torch.arange(len(fc.bias)), [len(classes) for classes in crops.classes.values()]
    )
    group = dict(zip(crops.classes, rows, strict=True)).get(BY, rows[0][:0])
    groups = crops.targets[BY].cpu() if BY in crops.targets else torch.zeros_like(held.target)
    seen = [raw(model, crops, held.size_px, view).mean(0) for view in held.views]
    outputs = torch.stack(seen).mean(0)
    lead, told = outputs[:, 1] - outputs[:, 0], outputs[:, group]
    shares, constant = fit(lead, told - told.mean(1, keepdim=True), held.target, groups)
    for part in (fc.weight, fc.bias):
        moved = shares @ (part[group] - part[group].mean(0)) / 2 if len(group) else 0.0
        part[0] -= moved
        part[1] += moved
    fc.bias[0] -= constant / 2
    fc.bias[1] += constant / 2
    return {**dict(zip(crops.classes.get(BY, ()), shares.tolist(), strict=True)), "all": constant}


def fit(lead: Tensor, told: Tensor, target: Tensor, groups: Tensor) -> tuple[Tensor, float]:
    """What to add to ``lead`` (n,), the second label's logit less the first's: a share of each
    group's output ``told`` (n, groups), and a constant."""
    shares, constant = torch.zeros(told.shape[1]), 0.0
    first, other = target == 0, target == 1
    cells = [(first & (groups == g), other & (groups == g)) for g in range(told.shape[1])]
    for _ in range(STEPS):
        second = torch.sigmoid((lead + told @ shares + constant) / SOFT)
        overall = _gap(second, first, other)
        gaps = torch.stack([_gap(second, *cell) for cell in cells]) if cells else shares
        # A group that lacks one of the labels has no gap.
        shares = shares * (1 - SHRINK) + GROUP_PACE * (gaps - overall).nan_to_num()
        constant += PACE * float(overall)
    return shares, constant


def _gap(second: Tensor, first: Tensor, other: Tensor) -> Tensor:
    """By how much more of the first label are recognised than of the other."""
    return (1 - second[first]).mean() - second[other].mean()
