"""audit.json -> the sentences, tables and charts that page and card show, and no others.

`python -m train evaluate FAIRFACE --utkface UTKFACE --write-audit` writes it:

    version, date, parameters, machine
    checkpoint        name, weights_sha256
    settings          what else of config.json decides an answer; an audit of others is not shown
    sets.fairface     title, split, files, sha256, contradictory; all: ROW; by.label, by.race,
                      by.race_label, by.age, by.face_px: [ROW]; age_10_and_over, age_under_10,
                      worst, best: ROW or null; gap_points (best - worst cell), label_gap_points;
                      reasons {name: pictures}; calibration {temperature, ece, ece_before, bins};
                      risk_coverage [{coverage, count, wrong, error, low, high, from_probability}]
    sets.utkface      the same, from elsewhere; may be missing
    context           title, split, files, sha256; given: ROW (the same faces' chips);
                      shown: [ROW + name, found_share, same_faces_given, behind_points, by]
    degraded          [ROW + name, lost_points, label_gap_points, worst: ROW or null]
    flips             [{name, count, flips, share, low, high, flips_shown}]
    speed             picture_px, pictures, ms_per_picture, ms_per_face

    ROW: group {kind: name}, pictures, missed (no face found), count (classified), right, accuracy,
    low, high (Wilson, 95 %); answered, answered_wrong, coverage, error (with abstention).

Shares are 0 to 1; "points" are percentage points. Race and age are the data sets' labels: they
serve here and nowhere else.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

from gender_demo.audit import charts
from gender_demo.audit.charts import Measured
from gender_demo.audit.tables import (
    Row,
    Table,
    group_name,
    percent,
    tables,
    with_interval,
)
from gender_demo.wording import about_gender

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Config

VERSION = 1
ALL = 2
"""The charts' colour and shape for faces of all labels; 0, 1 … are the classes'."""
NO_AUDIT = "No audit: nothing was measured, so no numbers are shown."
NOT_MEASURED = "How often it is wrong was not measured."
MISSED_OFTEN = 0.05
"""Share of missed faces from which the notice tells of them."""
SPOTS = (
    ("faces of 40 pixels", "face of 40 pixels"),
    ("dark pictures", "dark"),
    ("blur", "blur"),
)
FELT = 1.0
"""Points lost from which worse pictures are called a weak spot."""
OTHER_AUDIT = (
    "The audit belongs to other weights or settings, so no numbers are shown: measure again with "
    "python -m train evaluate --write-audit."
)


@dataclass(frozen=True)
class Chart:
    """``svg`` stands inline and takes the page's colours; ``table`` says the same in figures."""

    title: str
    svg: str
    alt: str
    table: Table


@dataclass(frozen=True)
class Report:
    """``headline``: how often it is wrong, in short; ``sentences``: the panel's eight lines."""

    headline: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]


def report(audit: Row | None, config: Config) -> Report:
    """Everything to show; without an audit of this very checkpoint there are no numbers in it."""
    fitting = audit if fits(audit, config) else None
    missing = NO_AUDIT if audit is None else OTHER_AUDIT
    if fitting is None:
        return Report(NOT_MEASURED, _sentences(None, config, missing), (), ())
    return Report(
        _headline(fitting),
        _sentences(fitting, config, missing),
        tuple(tables(fitting)),
        tuple(_charts(fitting, config.classes)),
    )


def settings(config: Config) -> Row:
    """What decides an answer besides the weights, as it looks after a round trip through JSON."""
    names = ("arch", "classes", "input_px", "mean", "std", "flip_average", "temperature", "views")
    values = {**{name: getattr(config, name) for name in names}, "rules": asdict(config.rules)}
    result: Row = json.loads(json.dumps(values))
    return result


def fits(audit: Row | None, config: Config) -> bool:
    """Whether the audit was made with this checkpoint's weights and settings."""
    return (
        audit is not None
        and audit.get("version") == VERSION
        and audit.get("checkpoint", {}).get("weights_sha256") == config.weights_sha256
        and {"views": [1.0], **audit.get("settings", {})} == settings(config)
    )


def wilson(hits: int, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); (0, 1) where nothing was counted."""
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, z * z
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = z / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == count else centre + half
    return low, high


def long_date(text: str) -> str:
    """ "2026-11-22" -> "22 November 2026"."""
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B} {day.year}"


def _sentences(audit: Row | None, config: Config, missing: str) -> tuple[str, ...]:
    classes = config.classes
    two = len(classes) == 2
    names = (" and " if two else ", ").join(name.replace("_", " ") for name in classes)
    outside = "neither" if two else "none of these"
    always = (
        f"so it is always wrong for people who are {outside}"
        if about_gender(classes)
        else f"and has no word for a face that is {outside}"
    )
    return (
        "It guesses how a face may be perceived; it cannot know who somebody is or how they "
        "identify.",
        f"It knows {'two' if two else len(classes)} labels only, {names}, {always}.",
        missing if audit is None else _measured(audit),
        _weak_spots(audit),
        "Frames stay in the server's memory, are answered and forgotten; behind a share link they "
        "pass through the share service.",
        "It must not be used for decisions about a person, for access, advertising or "
        "surveillance, nor to judge anybody at work or school.",
        _unsure(audit, config),
        "Stop the camera whenever you like, hide the labels with the switch, and find every figure "
        "in the report.",
    )


def _headline(audit: Row) -> str:
    all_ = audit["sets"]["fairface"]["all"]
    wrong = all_["count"] - all_["right"]
    if not wrong:
        return f"None of {all_['count']:,} guesses was wrong."
    return f"About 1 in {round(all_['count'] / wrong)} guesses is wrong."


def _measured(audit: Row) -> str:
    data = audit["sets"]["fairface"]
    text = (
        f"{_headline(audit)} Measured on {long_date(audit['date'])}: right for "
        f"{with_interval(data['all'])} {data['title']} {data['split']} pictures"
    )
    if data["worst"] is None:
        return f"{text}."
    worst, best = data["worst"], data["best"]
    return (
        f"{text}; of the groups by race and label together, in the worst "
        f"({group_name(worst['group'])}) for {with_interval(worst)}, in the best "
        f"({group_name(best['group'])}) for {with_interval(best)}."
    )


def _weak_spots(audit: Row | None) -> str:
    if audit is None:
        return "Known weak spots: children, small, dark, blurred, covered or turned faces."
    data = audit["sets"]["fairface"]
    children, worse = data["age_under_10"], {row["name"]: row for row in audit["degraded"]}
    words = [f"children (under 10: {_told(children)})"] if children else []
    words += [f"{name} ({_told(row)})" for name, row in _weak_groups(data)]
    for name, key in SPOTS:
        row = worse.get(key)
        if row and (row["lost_points"] >= FELT or _missed_often(row)):
            words.append(f"{name} ({_told(row)})")
    known = f"Known weak spots: {', '.join(words)}. " if words else ""
    return f"{known}Covered or turned faces were not measured."


def _weak_groups(data: Row) -> list[tuple[str, Row]]:
    """Ages from ten up and races for which even the interval's upper end is below what is right
    of all."""
    told = {"age": "faces {}", "race": "{} faces"}
    return [
        (told[kind].format(group_name(row["group"])), row)
        for kind in told
        for row in data["by"][kind]
        if row["count"] and row["high"] < data["all"]["accuracy"] and not _is_child(row["group"])
    ]


def _is_child(group: dict[str, str]) -> bool:
    first_year = re.match(r"\d+", group.get("age", ""))
    return first_year is not None and int(first_year.group()) < 10


def _told(row: Row) -> str:
    missed, seen = row["missed"], f"{percent(row['accuracy'])} % of {row['count']:,} right"
    if "lost_points" in row:
        seen += f" instead of {percent(row['accuracy'] + row['lost_points'] / 100)} %"
        seen += f", {percent(row['coverage'])} % answered"
    return f"{seen}, no face found in {missed:,} of them" if _missed_often(row) else seen


def _missed_often(row: Row) -> bool:
    return bool(row["missed"] > MISSED_OFTEN * row["pictures"])


def _unsure(audit: Row | None, config: Config) -> str:
    rules = config.rules
    blurred = "too blurred, " if rules.min_sharpness > 0 else ""
    text = (
        f"It says “unsure” when it gives its guess less than {100 * rules.min_probability:.0f} %, "
        f"and for faces that are too small, {blurred}cut off or barely detected"
    )
    if audit is None:
        return f"{text}."
    data = audit["sets"]["fairface"]
    all_, groups = data["all"], sorted(row["coverage"] for row in data["by"]["race_label"])
    spread = (
        f" ({percent(groups[0])} to {percent(groups[-1])} % by race and label)" if groups else ""
    )
    text += (
        f"; of {all_['pictures']:,} pictures it answered {percent(all_['coverage'])} %"
        f"{spread}, and {percent(all_['error'])} % of those answers were wrong."
    )
    if not audit["context"]["shown"]:
        return text
    shown = audit["context"]["shown"][0]
    return (
        f"{text} Most of those pictures are cut close around the face; shown with their "
        f"surroundings, of {shown['count']:,} faces found it answered {percent(shown['coverage'])} "
        f"% ({percent(shown['error'])} % wrong)."
    )


def _charts(audit: Row, classes: tuple[str, ...]) -> list[Chart]:
    by_title = {table.title: table for table in tables(audit)}
    result = []

    def add(title: str, table: str, svg: str, alt: str) -> None:
        result.append(Chart(title, svg, alt, by_title[table]))

    for data in audit["sets"].values():
        name = f"{data['title']} {data['split']}"
        if data["by"]["race_label"]:
            title = f"{name}: share right, by race and label"
            alt = f"{title}. {_ends(data)}"
            svg = charts.intervals(alt, _by_race(data["by"]["race_label"], classes), classes)
            add(title, f"{name}, by race and label", svg, alt)
        if data["by"]["age"]:
            title = f"{name}: share right, by age"
            rows = [(row["group"]["age"], [_measured_as(row, ALL)]) for row in data["by"]["age"]]
            alt = f"{title}, with 95 % intervals."
            add(title, f"{name}, by age", charts.intervals(alt, rows), alt)
    fairface = audit["sets"]["fairface"]
    rows = [("as given", [_measured_as(fairface["all"], ALL)])]
    rows += [(row["name"], [_measured_as(row, ALL)]) for row in audit["degraded"] if row["count"]]
    alt = "Right on worse pictures, with 95 % intervals."
    add("Worse pictures: share right", "Worse pictures", charts.intervals(alt, rows), alt)
    bins = [(b["confidence"], _measured_as(b, ALL)) for b in fairface["calibration"]["bins"]]
    alt = (
        "Share right against the probability given. On the dashed line both are the same; below it "
        "the model was surer than it was right."
    )
    add("Is a given probability true?", "Calibration", charts.reliability(alt, bins), alt)
    points = [
        (p["coverage"], Measured(p["error"], p["low"], p["high"], ALL))
        for p in fairface["risk_coverage"]
    ]
    alt = "Share wrong against the share of faces answered, the surest first."
    svg = charts.curve(alt, points, "answered", "wrong")
    add("Wrong, if only the surest are answered", "If only the surest are answered", svg, alt)
    return result


def _ends(data: Row) -> str:
    worst, best = data["worst"], data["best"]
    if worst is None:
        return "One group only."
    return (
        f"Worst: {group_name(worst['group'])}, {percent(worst['accuracy'])} %; "
        f"best: {group_name(best['group'])}, {percent(best['accuracy'])} %."
    )


def _by_race(cells: list[Row], classes: tuple[str, ...]) -> list[tuple[str, list[Measured]]]:
    races = sorted({cell["group"]["race"] for cell in cells})
    return [
        (
            race.replace("_", "/"),
            [
                _measured_as(cell, classes.index(cell["group"]["label"]))
                for cell in cells
                if cell["group"]["race"] == race
            ],
        )
        for race in races
    ]


def _measured_as(row: Row, series: int) -> Measured:
    name = group_name(row["group"]) + ": " if row.get("group") else ""
    return Measured(row["accuracy"], row["low"], row["high"], series, name + with_interval(row))
