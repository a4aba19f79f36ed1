"""The report's charts: the figures each draws, its one sentence, and its table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gender_demo.audit import svg
from gender_demo.audit.cells import Table, group_name, percent, with_interval
from gender_demo.audit.figures import RANKED_FROM, GroupFigures, Rate
from gender_demo.audit.fractions import one_in
from gender_demo.audit.schema import Audit, CorruptionFigures, SetFigures
from gender_demo.audit.svg import Measured
from gender_demo.audit.tables import (
    CORRUPTIONS,
    COVERED,
    calibration_table,
    corruption_table,
    group_table,
    risk_table,
)

MOST_FACES = 100
"""The picture for everybody draws no more for one rate."""
BOTH_RATES = ("labels shown", "a label for every face")
SHOWN, FORCED = 0, 1
"""Their colour and shape."""
ALL = 2


@dataclass(frozen=True)
class Chart:
    """``svg`` stands inline and takes the page's colours; ``alt`` is its one sentence, and
    ``table`` says the same in figures."""

    title: str
    svg: str
    alt: str
    table: Table


def picture(audit: Audit) -> Chart:
    """The picture for everybody: for each rate as many faces as its fraction in words says, the
    wrong ones crossed out."""
    data, children = audit.primary, audit.primary.age_under_10
    rates = [("Labels shown", data.all.shown), ("A label for every face", data.all.forced)]
    if children and children.answered:
        rates.append(("Shown for children under 10", children.shown))
    rates = [(words, rate) for words, rate in rates if rate.count]
    told = ", ".join(f"{words[:1].lower()}{words[1:]} {one_in(rate)}" for words, rate in rates)
    alt = f"The fewer faces stand in a row, the more often it is wrong: {told}."
    rows = [(f"{words}: {one_in(rate)} wrong", *faces(rate)) for words, rate in rates]
    headers = ("what", "faces", "wrong", "wrong %", "95 % from", "95 % to")
    cells = (
        (words, r.count, r.hits, percent(r.share), percent(r.low), percent(r.high))
        for words, r in rates
    )
    title = "So many labels, and the wrong ones among them"
    return Chart(title, svg.icons(alt, rows), alt, Table(title, headers, tuple(cells)))


def faces(rate: Rate) -> tuple[int, int]:
    """How many faces to cross out, and of how many, so that both agree with ``one_in``."""
    said = [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", one_in(rate))]
    if len(said) == 2 and said[1] <= MOST_FACES:
        return said[0], said[1]
    of = min(MOST_FACES, rate.count)
    return (of if rate.hits == rate.count else 0), of


def charts(audit: Audit, classes: tuple[str, ...]) -> tuple[Chart, ...]:
    """Every chart of the report, in the order in which they are read."""
    primary = audit.primary
    made = [
        *(
            chart
            for data in audit.sets
            for chart in (_by_race_and_label(data, classes), _by_age(data))
        ),
        _conditions(audit, CORRUPTIONS, audit.corruptions),
        _conditions(audit, COVERED, audit.covered),
        _reliability(primary),
        _risk_coverage(primary),
    ]
    return tuple(chart for chart in made if chart)


def _by_race_and_label(data: SetFigures, classes: tuple[str, ...]) -> Chart | None:
    cells = [cell for cell in data.by.race_label if cell.answered >= RANKED_FROM]
    if not cells:
        return None
    ranked = sorted(cells, key=lambda cell: cell.error or 0)
    alt = (
        f"Wrong among the labels shown: fewest for {_told(ranked[0])}, most for "
        f"{_told(ranked[-1])}; where bars overlap, the difference may be chance."
    )
    rows = [
        (
            race.replace("_", "/"),
            [
                _measured(cell, cell.shown, classes.index(cell.group["label"]))
                for cell in cells
                if cell.group["race"] == race
            ],
        )
        for race in sorted({cell.group["race"] for cell in cells})
    ]
    title = f"{data.name}: wrong labels, by race and label"
    return Chart(title, svg.intervals(alt, rows, classes), alt, group_table(data, "race_label"))


def _told(cell: GroupFigures) -> str:
    return f"“{group_name(cell.group)}” ({percent(cell.error)} %)"


def _by_age(data: SetFigures) -> Chart | None:
    rows = [(row.group["age"], row) for row in data.by.age if row.answered >= RANKED_FROM]
    if not rows:
        return None
    ranked = sorted(rows, key=lambda row: row[1].error or 0)
    alt = (
        f"Wrong among the labels shown: fewest at ages {_aged(*ranked[0])}, most at ages "
        f"{_aged(*ranked[-1])}."
    )
    drawing = _both_rates(alt, rows)
    return Chart(f"{data.name}: wrong labels, by age", drawing, alt, group_table(data, "age"))


def _aged(age: str, row: GroupFigures) -> str:
    return f"{age} ({percent(row.error)} %)"


def _conditions(audit: Audit, title: str, rows: tuple[CorruptionFigures, ...]) -> Chart | None:
    judged = [row for row in rows if row.answered]
    if not judged:
        return None
    worst = max(judged, key=lambda row: row.error or 0)
    shown = f"among the labels shown at most {percent(worst.error)} % are wrong ({worst.name})."
    alt = f"{forced}; {shown}" if (forced := _forced(judged)) else f"A{shown[1:]}"
    drawing = _both_rates(
        alt, [("all, as they are", audit.primary.all), *((row.name, row) for row in judged)]
    )
    return Chart(f"{title}: wrong labels", drawing, alt, corruption_table(title, rows))


def _forced(rows: list[CorruptionFigures]) -> str:
    """The same faces as they are and as they fare worst, each with a label."""
    worst = min(rows, key=lambda row: row.accuracy or 0)
    if worst.clean_accuracy is None or worst.accuracy is None:
        return ""
    return (
        f"A label for every face is wrong for {percent(1 - worst.clean_accuracy)} % of these "
        f"{worst.count:,} as they are, for {percent(1 - worst.accuracy)} % where it is worst "
        f"({worst.name})"
    )


def _reliability(data: SetFigures) -> Chart | None:
    if not data.calibration:
        return None
    alt = (
        "Share right against the probability given: on the dashed line both are the same, below it "
        "the model was surer than it was right."
    )
    bins = [(each.confidence, _rate(each)) for each in data.calibration.bins]
    drawing = svg.reliability(alt, bins)
    return Chart("Is a given probability true?", drawing, alt, calibration_table(data))


def _risk_coverage(data: SetFigures) -> Chart | None:
    if not data.risk_coverage:
        return None
    alt = "The fewer faces get a label, the surest first, the fewer of the labels are wrong."
    points = [(point.coverage, _rate(point)) for point in data.risk_coverage]
    drawing = svg.curve(alt, points, "get a label", "wrong")
    return Chart("Wrong, if only the surest get a label", drawing, alt, risk_table(data))


def _both_rates(alt: str, rows: Iterable[tuple[str, GroupFigures]]) -> str:
    drawn = [
        (name, [_measured(row, row.shown, SHOWN), _measured(row, row.forced, FORCED)])
        for name, row in rows
    ]
    return svg.intervals(alt, drawn, BOTH_RATES)


def _measured(row: GroupFigures, rate: Rate, series: int) -> Measured:
    return _rate(rate, series, group_name(row.group) + ": " if row.group else "")


def _rate(rate: Rate, series: int = ALL, name: str = "") -> Measured:
    return Measured(rate.share or 0, rate.low, rate.high, series, name + with_interval(rate))
