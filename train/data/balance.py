"""Sentences about classes and groups that are thin or lopsided."""

from __future__ import annotations

import pandas as pd

THIN, LOPSIDED = 50, 3.0
"""Fewer train faces than this are thin; classes are lopsided above this ratio."""


def warn(trained: pd.DataFrame) -> list[str]:
    """``trained``: the faces that are trained on, with the columns of ``report.as_frame``."""
    counts = trained["class"].value_counts()
    result = [
        f"The class {name} is thin: {count} faces to train on, {THIN} or more are better."
        for name, count in counts.items()
        if count < THIN
    ]
    if counts.max() > LOPSIDED * counts.min():
        result.append(
            f"The classes are lopsided: {counts.max()} of {counts.idxmax()} to {counts.min()} of "
            f"{counts.idxmin()}; fit weighs the rarer ones more, but more pictures help more."
        )
    for kind in (name for name in trained if name.startswith("by ")):
        for group, inside in pd.crosstab(trained[kind], trained["class"]).iterrows():
            name = f"The group {kind.removeprefix('by ')} {group}"
            if inside.sum() < THIN:
                result.append(f"{name} is thin: {inside.sum()} faces.")
            elif inside.max() > LOPSIDED * inside.min():
                result.append(
                    f"{name} is lopsided: only {inside.min()} of its {inside.sum()} faces are "
                    f"{inside.idxmin()}."
                )
    return result
