"""Which faces are held out: seeded, the same share of each class, groups never torn apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from gender_demo.errors import LayoutError
from train.data.faces import Row
from train.data.records import (
    HOLDOUT,
    TRAIN,
)


def assign_holdout(rows: Sequence[Row], label: str, share: float, seed: int) -> None:
    """Move ``share`` of each class's usable train rows, whole groups at a time, to the hold-out.

    Does nothing where the source has a hold-out of its own. LayoutError where a class cannot stand
    on both sides.
    """
    if any(row["split"] == HOLDOUT for row in rows):
        return
    usable = [row for row in rows if row["split"] == TRAIN and row["row"] >= 0]
    counts = Counter(row[label] for row in usable)
    members: dict[str, Counter[str]] = {}
    for row in usable:
        members.setdefault(row["group"], Counter())[row[label]] += 1
    names = sorted(members)
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
        if row["split"] == TRAIN and row["group"] in chosen:
            row["split"] = HOLDOUT


def check_splits(rows: Sequence[Row], label: str) -> None:
    """LayoutError where a class has no usable face to train on or to hold out."""
    reasons: dict[str, Counter[str]] = {}
    usable: dict[str, Counter[str]] = {}
    for row in rows:
        reasons.setdefault(row[label], Counter())[row["reason"]] += 1
        if row["row"] >= 0:
            usable.setdefault(row[label], Counter())[row["split"]] += 1
    lacking = [
        name
        for name in sorted(reasons)
        if not all(usable.get(name, Counter())[split] for split in (TRAIN, HOLDOUT))
    ]
    if lacking:
        told = "; ".join(
            f"{name} ({', '.join(f'{reason} {n}' for reason, n in reasons[name].most_common())})"
            for name in lacking
        )
        raise LayoutError(
            "There are not enough usable faces to train on and to hold some out of: "
            f"{told.replace('_', ' ')}; two different faces of each class are the least"
        )
