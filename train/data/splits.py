"""Which faces are held out: seeded, the same share of each class, groups never torn apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from gender_demo.errors import LayoutError
from train.data.manifest import Row
from train.data.records import HOLDOUT, TRAIN


def assign_holdout(rows: Sequence[Row], share: float, seed: int) -> None:
    """Move ``share`` of each class's usable train rows, whole groups at a time, to the hold-out.

    Does nothing where the source has a hold-out of its own.
    """
    if any(row.split == HOLDOUT for row in rows):
        return
    usable = [row for row in rows if row.split == TRAIN and row.used]
    counts = Counter(row.label for row in usable)
    members: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for row in usable:
        members[row.group][row.label] += 1
    names = sorted(members, key=str)
    held, chosen = Counter[str](), set()
    for i in np.random.default_rng(seed).permutation(len(names)):
        inside = members[names[i]]
        # A group is taken while every class in it still lacks held-out faces, and leaves some.
        wanted = {name: max(1, round(share * counts[name])) for name in inside}
        if all(held[name] < wanted[name] for name in inside) and all(
            held[name] + count < counts[name] for name, count in inside.items()
        ):
            chosen.add(names[i])
            held.update(inside)
    for row in rows:
        if row.split == TRAIN and row.group in chosen:
            row.split = HOLDOUT


def check_splits(rows: Sequence[Row]) -> None:
    """LayoutError where a class has no usable face to train on or to hold out."""
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        reasons[row.label][row.reason] += 1
    usable = {(row.label, row.split) for row in rows if row.used}
    lacking = [
        f"{name} ({', '.join(f'{reason} {n}' for reason, n in reasons[name].most_common())})"
        for name in sorted(reasons)
        if not {(name, TRAIN), (name, HOLDOUT)} <= usable
    ]
    if lacking:
        raise LayoutError(
            "There are not enough usable faces to train on and to hold some out of: "
            f"{'; '.join(lacking).replace('_', ' ')}; two different faces of each class are the "
            "least"
        )
