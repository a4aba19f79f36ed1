"""Fair abstention: which held-out faces get no label, so that in no group many labels are wrong.

The surest 90 % of the faces leave far more wrong labels in some groups than in others: a network is
as sure of a child as it is of an adult, and wrong more often. So the network's own guess of the age
band raises or lowers what a face needs for a label. Nothing is fitted but one number for each band,
for the largest share of labels with which every age band and every race's part of a label stay
under WRONG. That is checked on faces that the fit did not see (five folds), with one wrong label
more in each group, as conformal risk control adds it (Angelopoulos et al. 2022), so that it holds
for new faces too. Race is counted, never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIGNAL, CROSSED = "age", "race"
"""The label whose outputs say how hard a face is, and the one that is crossed with the served."""
WRONG = 0.05
"""At most this share of the labels shown may be wrong in any group of FACES held-out faces."""
FACES, FEWEST = 100, 30
"""Faces that a group must have to be checked, and to count in the fit."""
ANSWERED = (0.95, 0.85)
"""The largest and the least share of faces with a label that is tried."""
FOLDS, STEPS, RATE = 5, 150, 0.05
AIM, PENALTY, DECAY, SOFTNESS = 0.03, 20.0, 0.01, 0.15
"""What a group's share of wrong labels should be in the fit, what more of it costs, and the log of
the clearness over which a label turns from withheld to shown."""


@dataclass(frozen=True)
class Heads:
    """What a network says of n held-out faces (``logits``: label -> (n, classes)) and what the data
    set does (``targets``: label -> (n,) class numbers); the first label is the served one."""

    logits: dict[str, Tensor]
    targets: dict[str, Tensor]
    classes: dict[str, tuple[str, ...]]

    @property
    def served(self) -> str:
        """The name of the served label."""
        return next(iter(self.classes))

    def clearness(self) -> Tensor:
        """(n,): log of the distance between the two largest logits of the served label."""
        first, second = self.logits[self.served].topk(2, dim=1).values.unbind(1)
        return (first - second).clamp(min=1e-3).log()

    def wrong(self) -> Tensor:
        """(n,): 1 where the guess is not the label, else 0."""
        return (self.logits[self.served].argmax(1) != self.targets[self.served]).float()

    def signal(self) -> Tensor:
        """(n, bands): probabilities of the age bands; no columns where none was trained on."""
        if SIGNAL not in self.logits:
            return torch.zeros(len(self.targets[self.served]), 0)
        return self.logits[SIGNAL].softmax(1)

    def groups(self) -> dict[str, Tensor]:
        """Name -> (n,) bool: age bands, and races' parts of a label, that have FEWEST faces."""
        members = {}
        for number, name in enumerate(self.classes.get(SIGNAL, ())):
            members[name] = self.targets[SIGNAL] == number
        for number, name in enumerate(self.classes.get(CROSSED, ())):
            for label, said in enumerate(self.classes[self.served]):
                both = (self.targets[CROSSED] == number) & (self.targets[self.served] == label)
                members[f"{name} {said}"] = both
        return {name: member for name, member in members.items() if member.sum() >= FEWEST}


@dataclass(frozen=True)
class Group:
    """A group of held-out ``faces``, of which so many were ``shown`` a label, so many ``wrong``."""

    name: str
    faces: int
    shown: int
    wrong: int

    @property
    def rate(self) -> float:
        """Share of the shown labels that are wrong."""
        return self.wrong / max(1, self.shown)

    @property
    def bound(self) -> float:
        """The rate that new faces are expected to stay under: with one wrong label more."""
        return (self.wrong + 1) / (self.shown + 1)


@dataclass(frozen=True)
class Abstention:
    """``weights`` (bands,): the log of how much clearer a face of each band must be. ``answered``:
    the share of faces that gets a label. ``groups``: the figures on faces the fit did not see."""

    weights: Tensor
    answered: float
    groups: tuple[Group, ...]

    @property
    def worst(self) -> Group | None:
        """Of the groups that are checked, the one with the largest bound."""
        checked = [group for group in self.groups if group.faces >= FACES]
        return max(checked, key=lambda group: group.bound, default=None)

    @property
    def reached(self) -> bool:
        """Whether the bound of every group that is checked stays under WRONG."""
        return self.worst is None or self.worst.bound <= WRONG

    def facts(self) -> dict[str, Any]:
        """What is kept in the config."""
        worst = self.worst
        return {
            "share with a label": self.answered,
            f"at most {WRONG:.0%} wrong in every group, with its margin": self.reached,
            "worst group": f"{worst.name}: {worst.wrong} of {worst.shown} wrong" if worst else "",
            "wrong of the labels shown": {g.name: round(g.rate, 4) for g in self.groups},
        }


def fit_abstention(heads: Heads, answered: tuple[float, float] = ANSWERED) -> Abstention:
    """The largest share of labels that keeps every group under WRONG, else the least one tried."""
    most, least = answered
    for share in np.arange(most, least - 1e-9, -0.01).round(4).tolist():
        found = Abstention(torch.empty(0), share, check(heads, share))
        if found.reached:
            break
    return Abstention(fit_weights(heads, found.answered), found.answered, found.groups)


def check(heads: Heads, answered: float) -> tuple[Group, ...]:
    """The groups' figures when each fold's labels are decided by what the others taught."""
    clearness, signal = heads.clearness(), heads.signal()
    order = torch.randperm(len(clearness), generator=torch.Generator().manual_seed(0))
    shown = torch.zeros(len(clearness), dtype=torch.bool)
    for fold in order.chunk(FOLDS):
        rest = torch.ones(len(clearness), dtype=torch.bool)
        rest[fold] = False
        left = clearness - signal @ fit_weights(heads, answered, rest)
        shown[fold] = left[fold] >= left[rest].quantile(1 - answered)
    wrong = heads.wrong() > 0

    def figures(name: str, member: Tensor) -> Group:
        counts = (member, member & shown, member & shown & wrong)
        return Group(name, *(int(each.sum()) for each in counts))

    return tuple(figures(name, member) for name, member in heads.groups().items())


def fit_weights(heads: Heads, answered: float, rows: Tensor | None = None) -> Tensor:
    """One number (bands,) for each age band, from the faces ``rows`` (n,) bool (None: all), for a
    share ``answered`` of labels: few are wrong, and in each group not many more than AIM."""
    rows = torch.ones(len(heads.wrong()), dtype=torch.bool) if rows is None else rows
    signal, clearness, wrong = (v[rows] for v in (heads.signal(), heads.clearness(), heads.wrong()))
    weights = torch.zeros(signal.shape[1], requires_grad=True)
    members = [member[rows].float() for member in heads.groups().values()]
    if not len(weights) or not members:
        return weights.detach()
    member = torch.stack(members)
    optimizer = torch.optim.Adam([weights], lr=RATE)
    for _ in range(STEPS):
        left = clearness - signal @ weights
        border = left.detach().quantile(1 - answered)
        shown = torch.sigmoid((left - border) / SOFTNESS)
        rate = (member @ (shown * wrong) + AIM) / (member @ shown + 1)
        excess = (rate - AIM).clamp(min=0).square().sum()
        overall = (shown * wrong).sum() / shown.sum()
        loss = overall + PENALTY * excess + DECAY * weights.square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return weights.detach()
