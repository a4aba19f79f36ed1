"""Equal recall of both of two labels, in each group and over all.

A net that misses more of a group's women than of its men has its decision border in the wrong
place for that group. The outputs that learnt to tell the groups are sums of the same features as
the served ones, so adding a little of them to the served rows of the last layer moves each group's
border. Serving neither sees nor gives a group. (Fitting the last layer anew for the groups that
fare worst is Kirichenko, Izmailov and Wilson, ICLR 2023; here it has one number a group.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train.data.crops import Crops

GROUPED_BY = "race"
"""The auxiliary label whose groups count; without it there is one group."""
SOFTNESS = 0.3
"""Logits over which an answer turns from one label to the other, so that recalls are smooth."""
STEPS, PACE, GROUP_PACE, SHRINK = 400, 0.5, 0.05, 0.01
"""A group's number shrinks at every step, since its recalls are known from a few hundred faces:
in five-fold cross-validation this keeps the worst recall as high as without, and more are right."""


@torch.no_grad()
def equalize_recall(fc: nn.Linear, crops: Crops, inputs: Tensor) -> dict[str, float]:
    """Move the served rows of the last layer, given its ``inputs`` (n, k) for the held-out crops.

    Returns the share of each group's output, and "all": the constant. Other than two labels stay
    as they are.
    """
    if len(crops.served) != 2:
        return {}
    group = crops.columns.get(GROUPED_BY, slice(0, 0))
    groups = crops.targets.get(GROUPED_BY, torch.zeros_like(crops.target)).cpu()
    outputs = fc(inputs)
    group_logits = outputs[:, group]
    group_logits -= group_logits.mean(1, keepdim=True).nan_to_num()
    shares, constant = fit_shares(
        outputs[:, 1] - outputs[:, 0], group_logits, crops.target.cpu(), groups
    )
    for part in (fc.weight, fc.bias):
        moved = shares @ (part[group] - part[group].mean(0)) / 2 if len(shares) else 0.0
        part[0] -= moved
        part[1] += moved
    fc.bias[0] -= constant / 2
    fc.bias[1] += constant / 2
    names = crops.classes.get(GROUPED_BY, ())
    return {**dict(zip(names, shares.tolist(), strict=True)), "all": constant}


def fit_shares(
    logit_difference: Tensor, group_logits: Tensor, target: Tensor, groups: Tensor
) -> tuple[Tensor, float]:
    """What to add to ``logit_difference`` (n,), the second label's logit less the first's: a share
    of each column of ``group_logits`` (n, groups), and a constant.

    ``target`` (n,) is 0 or 1, ``groups`` (n,) a column's number.
    """
    shares, constant = torch.zeros(group_logits.shape[1]), 0.0
    first, other = target == 0, target == 1
    cells = [(first & (groups == g), other & (groups == g)) for g in range(len(shares))]
    for _ in range(STEPS):
        second = torch.sigmoid((logit_difference + group_logits @ shares + constant) / SOFTNESS)
        overall = _recall_gap(second, first, other)
        gaps = torch.stack([_recall_gap(second, *cell) for cell in cells]) if cells else shares
        # A group that lacks one of the labels has no gap.
        shares = shares * (1 - SHRINK) + GROUP_PACE * (gaps - overall).nan_to_num()
        constant += PACE * float(overall)
    return shares, constant


def _recall_gap(second: Tensor, first: Tensor, other: Tensor) -> Tensor:
    """By how much more of the first label are recognised than of the other."""
    return (1 - second[first]).mean() - second[other].mean()
