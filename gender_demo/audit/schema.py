"""audit.json as types: ``train/measure`` writes it, page and model card show it.

Race and age are the data sets' labels: they serve here and nowhere else.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import model_validator

from gender_demo.audit.figures import (
    RANKED_FROM,
    Count,
    Figures,
    GroupFigures,
    Rate,
    Share,
    is_child,
    points_between,
    pooled,
    rest_of,
    share_of,
    spread_points,
    worst_and_best,
)

VERSION: Literal[2] = 2


class Groups(Figures):
    """The figures of each group, by what the pictures are grouped by."""

    label: tuple[GroupFigures, ...]
    race: tuple[GroupFigures, ...]
    age: tuple[GroupFigures, ...]
    face_px: tuple[GroupFigures, ...]
    race_label: tuple[GroupFigures, ...] = ()


class Bin(Rate):
    """Share right (``hits``) of the faces whose probability lies in (``start``, ``end``];
    ``confidence`` is its mean."""

    start: Share
    end: Share
    confidence: Share


class Calibration(Figures):
    """Expected calibration error after and before the temperature, and the bins after it."""

    temperature: float
    ece: Share
    ece_before: Share
    bins: tuple[Bin, ...]


class RiskPoint(Rate):
    """Share wrong (``hits``) when only the surest ``coverage`` of the pictures get a label, which
    are those with a probability of ``from_probability`` and more."""

    coverage: Share
    from_probability: Share


class WorkingPoint(Rate):
    """Labels shown (``count``) and those of them that are wrong (``hits``) when each also needs a
    probability of ``threshold``; ``coverage`` is the share of the pictures that get one."""

    threshold: Share
    coverage: Share


class Source(Figures):
    """Where pictures come from; ``contradictory`` of them stand there under two labels."""

    title: str
    split: str
    files: tuple[str, ...]
    sha256: str
    contradictory: Count

    @property
    def name(self) -> str:
        """ "FairFace val"."""
        return f"{self.title} {self.split}"


class SetFigures(Source):
    """Everything measured on one set's chips; ``reasons``: name to pictures it made "unsure"."""

    derived = (
        "age_10_and_over",
        "age_under_10",
        "worst",
        "best",
        "gap_points",
        "label_gap_points",
    )

    all: GroupFigures
    by: Groups
    reasons: dict[str, Count]
    calibration: Calibration | None
    risk_coverage: tuple[RiskPoint, ...]
    working_points: tuple[WorkingPoint, ...] = ()

    @model_validator(mode="after")
    def _groups_are_parts(self) -> SetFigures:
        for kind in (self.by.label, self.by.race, self.by.age, self.by.race_label):
            for row in kind:
                rest_of(self.all, row)  # raises where a group is larger than all
        return self

    @property
    def age_under_10(self) -> GroupFigures | None:
        """The bands below 10 years together."""
        return pooled([row for row in self.by.age if is_child(row)], age="under 10")

    @property
    def age_10_and_over(self) -> GroupFigures | None:
        """All other bands together."""
        return pooled([row for row in self.by.age if not is_child(row)], age="10 and over")

    @property
    def worst(self) -> GroupFigures | None:
        """The cell of race and label with the lowest accuracy, where there are two."""
        return worst_and_best(self.by.race_label)[0]

    @property
    def best(self) -> GroupFigures | None:
        """The cell of race and label with the highest accuracy, where there are two."""
        return worst_and_best(self.by.race_label)[1]

    @property
    def worst_shown(self) -> GroupFigures | None:
        """The cell of race and label whose shown labels are wrong most often, where there are two
        that were shown RANKED_FROM labels."""
        large = [row for row in self.by.race_label if row.answered >= RANKED_FROM]
        return max(large, key=lambda row: row.error or 0) if len(large) > 1 else None

    @property
    def gap_points(self) -> float | None:
        """Points between ``best`` and ``worst``."""
        return spread_points(self.by.race_label)

    @property
    def label_gap_points(self) -> float | None:
        """Points between the labels' recalls."""
        return spread_points(self.by.label)


class FullPictureFigures(GroupFigures):
    """Full pictures of faces whose chips were measured too; a face is found if its box holds the
    labelled face's middle. ``chips_accuracy``: of the found faces' chips."""

    derived = (*GroupFigures.derived, "found_share", "behind_points")

    name: str
    chips_accuracy: Share | None
    by: Groups

    @property
    def found_share(self) -> float | None:
        """Share of the pictures in which the labelled face was found."""
        return share_of(self.count, self.pictures)

    @property
    def behind_points(self) -> float | None:
        """Points by which accuracy lies behind that of the same faces' chips."""
        return points_between(self.chips_accuracy, self.accuracy)


class FullPictures(Source):
    """The same faces as chips and as full pictures shown in several ways."""

    chips: GroupFigures
    shown: tuple[FullPictureFigures, ...]


class CorruptionFigures(GroupFigures):
    """Chips made worse on purpose; ``clean_accuracy`` is that of the same chips as they are."""

    derived = (*GroupFigures.derived, "lost_points")

    name: str
    clean_accuracy: Share | None
    label_gap_points: float | None
    worst: GroupFigures | None

    @property
    def lost_points(self) -> float | None:
        """Points of accuracy that the corruption costs."""
        return points_between(self.clean_accuracy, self.accuracy)


class InvarianceFigures(Rate):
    """Pairs that a person calls the same picture: share with two guesses (``hits``); in
    ``shown_flips`` of them both were labelled, with different labels."""

    name: str
    shown_flips: Count


class DrawingFigures(Rate):
    """Pictures that show no person: how many got a label (``hits``) of those made (``count``);
    in ``found`` of them the detector saw a face."""

    name: str
    found: Count


class CheckpointId(Figures):
    """Whose audit it is."""

    name: str
    weights_sha256: str


class Machine(Figures):
    """What it was measured on; ``engine`` ran the nets."""

    device: str
    processor: str
    cores: int | None = None
    threads: int
    torch: str
    python: str = ""
    engine: str = "torch"


class Speed(Figures):
    """Median milliseconds: a whole picture, and one found face (crop, classify, decide)."""

    picture_px: tuple[int, int]
    pictures: Count = 0
    ms_per_picture: float
    ms_per_face: float | None


class Audit(Figures):
    """``primary`` is the set that panel and card speak of, ``others`` come from elsewhere.

    ``settings`` holds what else of config.json decides an answer, compared as a whole: an audit of
    other settings is not shown. ``covered``: faces with something drawn over them.
    """

    version: Literal[2] = VERSION
    date: date
    checkpoint: CheckpointId
    settings: dict[str, object]
    parameters: int
    machine: Machine
    primary: SetFigures
    others: tuple[SetFigures, ...] = ()
    full_pictures: FullPictures
    corruptions: tuple[CorruptionFigures, ...]
    covered: tuple[CorruptionFigures, ...] = ()
    drawings: tuple[DrawingFigures, ...] = ()
    invariance: tuple[InvarianceFigures, ...]
    speed: Speed

    @property
    def sets(self) -> tuple[SetFigures, ...]:
        """The primary set, then the others."""
        return (self.primary, *self.others)
