"""Fair abstention: which held-out faces get no label, so that in no group many labels are wrong.

The surest 90 % of the faces leave far more wrong labels in some groups than in others: a network is
as sure of a child as it is of an adult, and wrong more often. So its own guesses of age band and
race set a temperature for each kind of face. One number for each guess is fitted: those that make
the labels likeliest, so that a probability means the same for everyone, and, for a penalty, that
keep the labels shown of every age band and every race's part of a label as seldom wrong as WRONG.
The largest share of labels is taken that does so on faces that the fit did not see (five folds),
with a standard error more in each group, so that it holds for most new faces too. Where no share
does, the least one is taken. What is kept is one output for all,
from which neither age nor race can be told.

WITHHELD, infants, get no label at all: a quarter of the guesses is wrong, and held-out ones are too
few to fit anything on. Another output is for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gender_demo.vision.classifier import MAX_DOUBT
from train.export.border import separate, with_border

SIGNALS = AGE, RACE = "age", "race"
"""The labels whose outputs say how hard a face is; the second one is crossed with the served."""
WRONG = 0.05
"""At most this share of the labels shown may be wrong in any group of FACES held-out faces."""
FACES, FEWEST = 100, 30
"""Faces that a group must have to be checked, and to count in the fit."""
ANSWERED = (0.95, 0.85)
"""The largest and the least share of faces with a label that is tried, and all in STEP between."""
STEP = 0.02
PENALTIES = (1.0, 20.0, 200.0)
"""What it costs in the fit that a group's labels are wrong more often than AIM. With the least one
probabilities still hold (the log, 23); a larger one is taken where it keeps all under WRONG."""
AIM, POWER, DECAY, SOFTNESS = 0.03, 6, 0.1, 0.15
"""POWER: the larger, the more the worst group alone counts. SOFTNESS: log of the clearness over
which a label turns from withheld to shown."""
WITHHELD, LABELLED = ("0-2",), 0.99
"""Age bands without labels, and the share of all others, held out, that may still have one."""
FOLDS, STEPS, RATE = 5, 150, 0.05


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

    def signals(self) -> list[Tensor]:
        """Logits (n, classes) of each label of SIGNALS that was trained on."""
        return [self.logits[name] for name in SIGNALS if name in self.logits]

    def groups(self) -> dict[str, Tensor]:
        """Name -> (n,) bool: age bands, and races' parts of a label, that have FEWEST faces."""
        members = {}
        for number, name in enumerate(self.classes.get(AGE, ())):
            members[name] = self.targets[AGE] == number
        for number, name in enumerate(self.classes.get(RACE, ())):
            for label, said in enumerate(self.classes[self.served]):
                both = (self.targets[RACE] == number) & (self.targets[self.served] == label)
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
        """The rate with its margin for chance: a standard error of the count of wrong labels."""
        return float(self.wrong + (self.wrong + 1) ** 0.5) / max(1, self.shown)


@dataclass(frozen=True)
class Withheld:
    """An output above 0 for faces that get no label: the age logits by ``shares`` (k,), plus
    ``constant``."""

    shares: Tensor
    constant: float

    def __call__(self, heads: Heads) -> Tensor:
        """(n,) for n faces: the log of the temperature that it adds."""
        values: Tensor = heads.logits[AGE] @ self.shares + self.constant
        return values.clamp(0.0, 2 * MAX_DOUBT)


@dataclass(frozen=True)
class Rise:
    """The log of a face's temperature, and so of how much clearer it must be for a label: an output
    made of the signals' logits side by side, by ``shares`` (k,) and ``constant``, bounded by tanh.
    """

    shares: Tensor
    constant: float

    def __call__(self, heads: Heads) -> Tensor:
        """(n,) for n faces."""
        if not len(self.shares):
            return torch.zeros(len(heads.targets[heads.served]))
        logits = torch.cat(heads.signals(), 1)
        return MAX_DOUBT * (logits @ self.shares + self.constant).tanh()


NO_RISE = Rise(torch.zeros(0), 0.0)


@dataclass(frozen=True)
class Abstention:
    """``answered``: the share of faces that gets a label, those left surest by ``rise``.
    ``groups``: all faces, then each group, when every face is judged by a fit that did not see it.
    """

    answered: float
    penalty: float
    groups: tuple[Group, ...]
    rise: Rise = NO_RISE

    @property
    def checked(self) -> list[Group]:
        """The groups of FACES faces, the one with the largest bound first."""
        large = [group for group in self.groups if group.faces >= FACES]
        return sorted(large, key=lambda group: -group.bound)

    @property
    def excess(self) -> float:
        """By how much the bounds of the groups that are checked exceed WRONG: sum of squares."""
        return sum(max(0.0, group.bound - WRONG) ** 2 for group in self.checked)

    def facts(self) -> dict[str, object]:
        """What is kept in the config."""
        worst = next(iter(self.checked), None)
        return {
            "share with a label": self.answered,
            f"at most {WRONG:.0%} wrong in every group, with its margin": not self.excess,
            "worst group": f"{worst.name}: {worst.wrong} of {worst.shown} wrong" if worst else "",
            "wrong of the labels shown": {g.name: round(g.rate, 4) for g in self.groups},
        }


def fit_abstention(heads: Heads, answered: tuple[float, float] = ANSWERED) -> Abstention:
    """The largest share of labels that keeps every group under WRONG; where none does the least
    one."""
    (most, least), threads = answered, torch.get_num_threads()
    torch.set_num_threads(1)  # thousands of tiny steps: threads would wait for each other
    shares = np.arange(most, least - 1e-9, -STEP).round(4).tolist()
    tried = (
        Abstention(share, penalty, check(heads, share, penalty))
        for share, penalty in product(shares, PENALTIES)
    )
    best = next((each for each in tried if not each.excess), None)
    if best is None:
        share, penalty = shares[-1], PENALTIES[0]
        best = Abstention(share, penalty, check(heads, share, penalty))
    best = replace(best, rise=fit_rise(heads, best.answered, best.penalty))
    torch.set_num_threads(threads)
    return best


def fit_withheld(heads: Heads) -> Withheld | None:
    """By the age logits of held-out faces; None where WITHHELD has less than FEWEST of them."""
    numbers = [i for i, name in enumerate(heads.classes.get(AGE, ())) if name in WITHHELD]
    if not numbers or AGE not in heads.logits:
        return None
    inputs, theirs = heads.logits[AGE], torch.isin(heads.targets[AGE], torch.tensor(numbers))
    if theirs.sum() < FEWEST:
        return None
    others, infants = inputs[~theirs], inputs[theirs]
    return Withheld(*with_border(separate(others, infants), others, infants, (LABELLED, 0.5)))


def check(heads: Heads, answered: float, penalty: float) -> tuple[Group, ...]:
    """All faces' and the groups' figures, each fold's labels decided by what the others taught."""
    clearness = heads.clearness()
    order = torch.randperm(len(clearness), generator=torch.Generator().manual_seed(0))
    shown = torch.zeros(len(clearness), dtype=torch.bool)
    for fold in order.chunk(FOLDS):
        rest = torch.ones(len(clearness), dtype=torch.bool)
        rest[fold] = False
        left = clearness - fit_rise(heads, answered, penalty, rest)(heads)
        shown[fold] = left[fold] >= left[rest].quantile(1 - answered)
    wrong = heads.wrong() > 0

    def figures(name: str, member: Tensor) -> Group:
        counts = (member, member & shown, member & shown & wrong)
        return Group(name, *(int(each.sum()) for each in counts))

    groups = {"all": torch.ones_like(shown), **heads.groups()}
    return tuple(figures(name, member) for name, member in groups.items())


def fit_rise(heads: Heads, answered: float, penalty: float, rows: Tensor | None = None) -> Rise:
    """By the faces ``rows`` (n,) bool (None: all): their labels are likely, and of those that are
    shown for a share ``answered`` not many more than AIM are wrong in any group."""
    every = torch.ones(len(heads.wrong()), dtype=torch.bool)
    rows = every if rows is None else rows
    members = [member[rows].float() for member in heads.groups().values()]
    if not (members and heads.signals()):
        return NO_RISE
    member, signals = torch.stack(members), torch.cat(heads.signals(), 1)[rows]
    logits, target = heads.logits[heads.served][rows], heads.targets[heads.served][rows]
    clearness, wrong, middle = heads.clearness()[rows], heads.wrong()[rows], signals.mean(0)
    shares, overall = torch.zeros(signals.shape[1]), torch.zeros(())
    optimizer = torch.optim.Adam([shares.requires_grad_(), overall.requires_grad_()], lr=RATE)
    for _ in range(STEPS):
        rise = MAX_DOUBT * ((signals - middle) @ shares).tanh()
        likely = cross_entropy(logits * (overall - rise).exp().unsqueeze(1), target)
        left = clearness - rise
        shown = torch.sigmoid((left - left.detach().quantile(1 - answered)) / SOFTNESS)
        rate = (member @ (shown * wrong) + AIM) / (member @ shown + 1)
        excess = (rate - AIM).clamp(min=1e-6).norm(POWER).square()
        loss = likely + penalty * excess + DECAY * shares.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Rise(shares.detach(), -float(middle @ shares.detach()))
