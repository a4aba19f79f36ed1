"""Which groups and conditions fare clearly worse than the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gender_demo.audit.cells import group_name
from gender_demo.audit.figures import RANKED_FROM, GroupFigures, Rate, is_child, rest_of
from gender_demo.audit.schema import Audit, CorruptionFigures

CONDITIONS = {
    "face of 40 pixels": "faces of 40 pixels",
    "dark": "dark pictures",
    "blur": "blurred pictures",
    "noise": "noisy pictures",
    "JPEG quality 30": "pictures of JPEG quality 30",
}


@dataclass(frozen=True)
class WeakSpot:
    """``rate`` is the error rate that is clearly higher: that of the labels ``shown``, or, where
    ``forced``, that with a label for every face."""

    name: str
    rate: Rate
    shown: Rate
    forced: bool


def weak_spots(audit: Audit) -> tuple[tuple[WeakSpot, ...], int]:
    """Those whose interval lies above that of all other faces, and the number of comparisons.

    Children, older ages and races of RANKED_FROM faces and more are compared with the rest of the
    primary set, by shown labels and with a label for every face; conditions with the same faces as
    they are, with a label for every face. Intervals are corrected for the number of all
    comparisons (Bonferroni).
    """
    compared = [*_groups(audit), *_conditions(audit)]
    found: dict[str, WeakSpot] = {}
    for spot, other in compared:
        if spot.rate.clearly_above(other, len(compared)):
            found.setdefault(spot.name, spot)
    return tuple(found.values()), len(compared)


def _groups(audit: Audit) -> Iterator[tuple[WeakSpot, Rate]]:
    data, children = audit.primary, audit.primary.age_under_10
    groups = [("children under 10", children)] if children else []
    groups += [(f"faces {group_name(row.group)}", row) for row in data.by.age if not is_child(row)]
    groups += [(f"{group_name(row.group)} faces", row) for row in data.by.race]
    for name, row in groups:
        if row.count >= RANKED_FROM:
            others = rest_of(data.all, row)
            yield WeakSpot(name, row.shown, row.shown, forced=False), others.shown
            yield WeakSpot(name, row.forced, row.shown, forced=True), others.forced


def _conditions(audit: Audit) -> Iterator[tuple[WeakSpot, Rate]]:
    for row in (*audit.corruptions, *audit.covered):
        if row.count >= RANKED_FROM and row.clean_accuracy is not None:
            yield WeakSpot(condition(row), row.forced, row.shown, forced=True), _clean(row)


def condition(row: CorruptionFigures) -> str:
    """What the condition is called in a sentence."""
    return CONDITIONS.get(row.name, f"faces with {row.name}")


def _clean(row: CorruptionFigures) -> Rate:
    return Rate(hits=row.count - round((row.clean_accuracy or 0) * row.count), count=row.count)


def often_missed(row: GroupFigures) -> bool:
    """Whether no face was found in more than one of twenty pictures."""
    return row.missed > 0.05 * row.pictures
