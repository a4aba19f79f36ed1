"""Counts of right and wrong guesses, and the shares and intervals that follow from them.

Counts are stored; what follows from them are properties, written beside the counts for whoever
reads audit.json. Shares are 0 to 1, ``*_points`` percentage points.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from statistics import NormalDist
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
RANKED_FROM = 30
"""Faces from which a group is compared with others: fewer say too little."""
COUNTS = ("pictures", "missed", "count", "right", "answered", "answered_wrong")


def wilson(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The two-sided score interval of ``hits / count`` (Wilson 1927); (0, 1) for ``count`` 0."""
    if not count:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, z2 = hits / count, z * z
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = z / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == count else centre + half)


class Figures(BaseModel):
    """A part of the audit; ``derived`` names the properties that are written with the fields."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)
    derived: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _with_derived(self, fields: SerializerFunctionWrapHandler) -> dict[str, object]:
        values: dict[str, object] = fields(self)
        return values | {name: getattr(self, name) for name in self.derived}


class Rate(Figures):
    """``hits`` of ``count``, and the share's interval."""

    derived = ("share", "low", "high")

    hits: Count
    count: Count

    @model_validator(mode="after")
    def _check(self) -> Rate:
        if self.hits > self.count:
            raise ValueError(f"{self.hits} of {self.count}")
        return self

    @property
    def share(self) -> float | None:
        """Hits over count; None where nothing was counted."""
        return share_of(self.hits, self.count)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return round(wilson(self.hits, self.count)[0], 5)

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return round(wilson(self.hits, self.count)[1], 5)

    def clearly_above(self, other: Rate, comparisons: int = 1) -> bool:
        """Whether both intervals do not overlap and this is the higher share; their level is
        corrected for that many comparisons (Bonferroni)."""
        level = 1 - 0.05 / comparisons
        mine, theirs = (wilson(rate.hits, rate.count, level) for rate in (self, other))
        return mine[0] > theirs[1]


class GroupFigures(Figures):
    """How one group of faces fared.

    ``group``: kind to name, as in {"race": "Black"}; empty for all. ``pictures``: shown to the
    detector; ``missed``: no face was found; ``count``: classified, ``right`` of them as labelled,
    abstention off. ``answered``: given a label, not "unsure"; ``answered_wrong`` of them wrong.
    """

    derived: ClassVar[tuple[str, ...]] = ("correct", "coverage", "shown")

    group: dict[str, str] = Field(default_factory=dict)
    pictures: Count
    missed: Count
    count: Count
    right: Count
    answered: Count
    answered_wrong: Count

    @model_validator(mode="after")
    def _check(self) -> GroupFigures:
        if not self.right <= self.count <= self.pictures:
            raise ValueError(f"{self.right} right of {self.count} of {self.pictures} pictures")
        if not self.answered_wrong <= self.answered <= self.pictures:
            raise ValueError(f"{self.answered_wrong} wrong of {self.answered} labels")
        return self

    @property
    def correct(self) -> Rate:
        """Right guesses when every face gets a label."""
        return Rate(hits=self.right, count=self.count)

    @property
    def forced(self) -> Rate:
        """Errors when every face gets a label."""
        return Rate(hits=self.count - self.right, count=self.count)

    @property
    def shown(self) -> Rate:
        """Errors among the labels that are shown."""
        return Rate(hits=self.answered_wrong, count=self.answered)

    @property
    def accuracy(self) -> float | None:
        """Share right, abstention off."""
        return self.correct.share

    @property
    def error(self) -> float | None:
        """Error rate of shown labels."""
        return self.shown.share

    @property
    def coverage(self) -> float | None:
        """Share of the pictures that got a label."""
        return share_of(self.answered, self.pictures)


def is_child(row: GroupFigures) -> bool:
    """Whether the group is an age band that begins below 10 years."""
    first_year = re.match(r"\d+", row.group.get("age", ""))
    return first_year is not None and int(first_year.group()) < 10


def pooled(rows: Iterable[GroupFigures], **group: str) -> GroupFigures | None:
    """Several groups as one; None where there is none."""
    counts = [row.model_dump(include=set(COUNTS)) for row in rows]
    if not counts:
        return None
    return GroupFigures(group=group, **{key: sum(each[key] for each in counts) for key in COUNTS})


def rest_of(everybody: GroupFigures, row: GroupFigures) -> GroupFigures:
    """Everybody but one group."""
    counts = {key: getattr(everybody, key) - getattr(row, key) for key in COUNTS}
    return GroupFigures(group={}, **counts)


def worst_and_best(
    rows: Iterable[GroupFigures],
) -> tuple[GroupFigures | None, GroupFigures | None]:
    """The groups with the lowest and the highest accuracy; None where there are no two of
    RANKED_FROM faces."""
    large = (row for row in rows if row.count >= RANKED_FROM)
    ranked = sorted(large, key=lambda row: row.right / row.count)
    return (ranked[0], ranked[-1]) if len(ranked) > 1 else (None, None)


def spread_points(rows: Iterable[GroupFigures]) -> float | None:
    """Points of accuracy between the best and the worst group."""
    worst, best = worst_and_best(rows)
    return points_between(best.accuracy, worst.accuracy) if worst and best else None


def points_between(more: float | None, less: float | None) -> float | None:
    """The first share less the second, in percentage points."""
    return None if more is None or less is None else round(100 * (more - less), 3)


def share_of(part: int, of: int) -> float | None:
    """``part`` of ``of``; None of nothing."""
    return round(part / of, 5) if of else None
