"""The report's charts: the figures each draws, its words, and the table that says the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gender_demo.audit import svg
from gender_demo.audit.figures import GroupFigures, Rate
from gender_demo.audit.schema import Audit, SetFigures
from gender_demo.audit.svg import Measured
from gender_demo.audit.tables import (
    Table,
    calibration_table,
    corruption_table,
    group_name,
    group_table,
    percent,
    risk_table,
    with_interval,
)

ALL = 2
"""Colour and shape for faces of all labels; 0, 1 … are the classes'."""


@dataclass(frozen=True)
class Chart:
    """``svg`` stands inline and takes the page's colours; ``table`` says the same in figures."""

    title: str
    svg: str
    alt: str
    table: Table


def charts(audit: Audit, classes: tuple[str, ...]) -> tuple[Chart, ...]:
    """Every chart of the report, in the order in which they are read."""
    primary = audit.primary
    return (
        *(
            chart
            for data in audit.sets
            for chart in (_by_race_and_label(data, classes), _by_age(data))
            if chart
        ),
        _corruptions(audit),
        *([_reliability(primary)] if primary.calibration else []),
        *([_risk_coverage(primary)] if primary.risk_coverage else []),
    )


def _by_race_and_label(data: SetFigures, classes: tuple[str, ...]) -> Chart | None:
    if not data.by.race_label:
        return None
    title = f"{data.name}: share right, by race and label"
    alt = f"{title}. {_ends(data)}"
    races = sorted({cell.group["race"] for cell in data.by.race_label})
    rows = [
        (
            race.replace("_", "/"),
            [
                _measured(cell, classes.index(cell.group["label"]))
                for cell in data.by.race_label
                if cell.group["race"] == race
            ],
        )
        for race in races
    ]
    return Chart(title, svg.intervals(alt, rows, classes), alt, group_table(data, "race_label"))


def _ends(data: SetFigures) -> str:
    worst, best = data.worst, data.best
    if worst is None or best is None:
        return "One group only."
    return (
        f"Worst: {group_name(worst.group)}, {percent(worst.accuracy)} %; "
        f"best: {group_name(best.group)}, {percent(best.accuracy)} %."
    )


def _by_age(data: SetFigures) -> Chart | None:
    if not data.by.age:
        return None
    title = f"{data.name}: share right, by age"
    alt = f"{title}, with 95 % intervals."
    drawing = _intervals(alt, ((row.group["age"], row) for row in data.by.age))
    return Chart(title, drawing, alt, group_table(data, "age"))


def _corruptions(audit: Audit) -> Chart:
    alt = "Right on worse pictures, with 95 % intervals."
    rows = [("chips as they are", audit.primary.all)]
    rows += [(row.name, row) for row in audit.corruptions if row.count]
    return Chart("Worse pictures: share right", _intervals(alt, rows), alt, corruption_table(audit))


def _reliability(data: SetFigures) -> Chart:
    bins = data.calibration.bins if data.calibration else ()
    alt = (
        "Share right against the probability given. On the dashed line both are the same; below it "
        "the model was surer than it was right."
    )
    drawing = svg.reliability(alt, [(each.confidence, _rate(each)) for each in bins])
    return Chart("Is a given probability true?", drawing, alt, calibration_table(data))


def _risk_coverage(data: SetFigures) -> Chart:
    alt = "Share wrong against the share of faces answered, the surest first."
    points = [(point.coverage, _rate(point)) for point in data.risk_coverage]
    drawing = svg.curve(alt, points, "answered", "wrong")
    return Chart("Wrong, if only the surest are answered", drawing, alt, risk_table(data))


def _intervals(alt: str, rows: Iterable[tuple[str, GroupFigures]]) -> str:
    return svg.intervals(alt, [(name, [_measured(row, ALL)]) for name, row in rows])


def _measured(row: GroupFigures, series: int) -> Measured:
    name = group_name(row.group) + ": " if row.group else ""
    return _rate(row.correct, series, name)


def _rate(rate: Rate, series: int = ALL, name: str = "") -> Measured:
    return Measured(rate.share or 0, rate.low, rate.high, series, name + with_interval(rate))
