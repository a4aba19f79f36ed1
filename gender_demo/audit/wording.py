"""The audit in sentences: the headline, the panel before the camera starts, the report's findings.

Errors of the labels that are shown come first, then those with a label for every face, then
children and the worst group.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from gender_demo.audit.brief import NOT_MEASURED
from gender_demo.audit.cells import group_name
from gender_demo.audit.figures import Rate, rest_of
from gender_demo.audit.fractions import one_in, whole_percent, wrong
from gender_demo.audit.schema import Audit, Bin, SetFigures
from gender_demo.audit.weak_spots import WeakSpot, condition, often_missed, weak_spots
from gender_demo.audit.working_points import working_points
from gender_demo.label_words import about_gender

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Config

NO_AUDIT = "No audit: nothing was measured, so no numbers are shown."
OTHER_AUDIT = (
    "The audit belongs to other weights or settings, so no numbers are shown: measure again with "
    "python -m train evaluate --write-audit."
)
ALWAYS = "if every face had to get one"

MADE_OF_PHOTOS = "made of photos"
"""In the name of drawings that show people after all."""


class Sentences(NamedTuple):
    """What panel and model card say, in the order in which it is read."""

    purpose: str
    labels: str
    error_rates: str
    weak_spots: str
    privacy: str
    not_for: str
    unsure: str
    control: str


class Findings(NamedTuple):
    """What the report says of one audit, a sentence each; empty where it was not measured."""

    shown: str
    forced: str
    children: str
    worst_group: str
    calibration: str
    trade_off: str
    covered: str
    drawings: str


def sentences(audit: Audit | None, config: Config, missing: str = NO_AUDIT) -> Sentences:
    """What the panel says; ``missing`` stands where the figures would, were there an audit."""
    return Sentences(
        purpose="It guesses how a face may be perceived; it cannot know who somebody is or how "
        "they identify.",
        labels=_labels(config.classes),
        error_rates=_error_rates(audit) if audit else missing,
        weak_spots=_weak_spots(audit),
        privacy="Frames stay in the server's memory, are answered and forgotten; behind a share "
        "link they pass through the share service.",
        not_for="It must not be used for decisions about a person, for access, advertising or "
        "surveillance, nor to judge anybody at work or school.",
        unsure=_unsure(audit, config),
        control="Stop the camera whenever you like, hide the labels with the switch, and find "
        "every figure in the report.",
    )


def headline(audit: Audit | None) -> str:
    """How often shown labels are wrong, and how often with a label for every face."""
    if audit is None:
        return NOT_MEASURED
    everybody = audit.primary.all
    if not everybody.answered:
        return _sentence(f"no labels were shown; {ALWAYS}, {wrong(everybody.forced, 'of them')}")
    return _sentence(f"{wrong(everybody.shown)}; {ALWAYS}, {one_in(everybody.forced)}")


def findings(audit: Audit, config: Config) -> Findings:
    """The report's sentences."""
    data = audit.primary
    everybody = data.all
    return Findings(
        shown=_sentence(
            f"of {everybody.pictures:,} {data.name} pictures {everybody.answered:,} got a label, "
            f"and {wrong(everybody.shown)}"
        ),
        forced=_sentence(f"{ALWAYS}, {wrong(everybody.forced, 'labels')}"),
        children=_children(data),
        worst_group=_worst_group(data),
        calibration=_calibration(data, config.rules.min_probability),
        trade_off=_trade_off(data, config.rules.min_probability),
        covered=_covered(audit),
        drawings=_drawings(audit),
    )


def long_date(day: date) -> str:
    """ "22 November 2026"."""
    return f"{day.day} {day:%B} {day.year}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _labels(classes: tuple[str, ...]) -> str:
    two = len(classes) == 2
    names = (" and " if two else ", ").join(name.replace("_", " ") for name in classes)
    outside = "neither" if two else "none of these"
    always = (
        f"so it is always wrong for people who are {outside}"
        if about_gender(classes)
        else f"and has no word for a face that is {outside}"
    )
    return f"It knows {'two' if two else len(classes)} labels only, {names}, {always}."


def _error_rates(audit: Audit) -> str:
    data = audit.primary
    parts = (
        headline(audit),
        _children(data),
        _worst_group(data),
        f"Measured on {long_date(audit.date)} on {data.all.pictures:,} {data.name} pictures.",
    )
    return " ".join(filter(None, parts))


def _children(data: SetFigures) -> str:
    children = data.age_under_10
    if not children or not children.answered:
        return ""
    return _sentence(f"for children under 10 {wrong(children.shown)}")


def _worst_group(data: SetFigures) -> str:
    worst = data.worst_shown
    if worst is None:
        return ""
    cells = len(data.by.race_label)
    clear = worst.shown.clearly_above(rest_of(data.all, worst).shown, cells)
    chance = "" if clear else f", which among {cells} groups may be chance"
    return (
        f"The worst of the groups by race and label is “{group_name(worst.group)}”: "
        f"{wrong(worst.shown)}{chance}."
    )


def _weak_spots(audit: Audit | None) -> str:
    if audit is None:
        return "Known weak spots: children, small, dark, blurred, covered or turned faces."
    spots, comparisons = weak_spots(audit)
    words = ", ".join(f"{spot.name} ({_how_often(spot)})" for spot in spots)
    known = (
        f"It is clearly wrong more often about {words}: each time by more than chance explains "
        f"among {comparisons} comparisons. "
        if words
        else "No group is clearly worse than the others. "
    )
    missed = "".join(
        f"It finds no face in {one_in(Rate(hits=row.missed, count=row.pictures))} "
        f"{condition(row)}. "
        for row in (*audit.corruptions, *audit.covered)
        if often_missed(row)
    )
    unknown = "Turned" if audit.covered else "Covered or turned"
    return f"{known}{missed}{unknown} faces were not measured."


def _how_often(spot: WeakSpot) -> str:
    shown = f"{one_in(spot.shown)} labels shown" if spot.shown.count else "no labels shown"
    return f"{one_in(spot.rate)} {ALWAYS}, but {shown}" if spot.forced else shown


def _unsure(audit: Audit | None, config: Config) -> str:
    rules = config.rules
    blurred = "too blurred, " if rules.min_sharpness > 0 else ""
    text = (
        f"It says “unsure” when it gives its guess less than "
        f"{whole_percent(rules.min_probability)}, and for faces that are too small, {blurred}"
        "cut off or barely detected"
    )
    if audit is None:
        return f"{text}."
    everybody = audit.primary.all
    text = f"{text}: {one_in(_unlabelled(everybody.answered, everybody.pictures))} pictures"
    if not audit.full_pictures.shown:
        return f"{text}."
    whole = audit.full_pictures.shown[0]
    return (
        f"{text} that are cut close around the face, "
        f"{one_in(_unlabelled(whole.answered, whole.pictures))} where its surroundings are seen."
    )


def _unlabelled(answered: int, pictures: int) -> Rate:
    return Rate(hits=pictures - answered, count=pictures)


def _calibration(data: SetFigures, min_probability: float) -> str:
    """Whether probabilities above the threshold, short of the surest bin, hold what they say."""
    bins = [
        each
        for each in (data.calibration.bins if data.calibration else ())
        if min_probability < each.end < 1
    ]
    count = sum(each.count for each in bins)
    if not count:
        return ""
    pooled = Bin(
        hits=sum(each.hits for each in bins),
        count=count,
        start=bins[0].start,
        end=bins[-1].end,
        confidence=sum(each.confidence * each.count for each in bins) / count,
    )
    said, right = whole_percent(pooled.confidence), whole_percent(pooled.share or 0)
    verdict = "and was right about as often as it said"
    if pooled.high < pooled.confidence:
        verdict = "and was right less often than it said: such probabilities are too high"
    elif pooled.low > pooled.confidence:
        verdict = "and was right more often than it said"
    return (
        f"Where it gave {whole_percent(pooled.start)} to {whole_percent(pooled.end)}, that is "
        f"{said} on average, it was right for {right} of {count:,} faces, {verdict}."
    )


def _trade_off(data: SetFigures, min_probability: float) -> str:
    points = working_points(data, min_probability)
    if len(points) < 2:
        return ""
    first = points[0]
    stricter = next((p for p in points if p.threshold >= 0.9), points[-1])
    less, more = (
        f"from {whole_percent(p.threshold)} on {whole_percent(p.coverage)} of the faces get a "
        f"label and {wrong(p, 'of them')}"
        for p in (first, stricter)
    )
    alone = "" if data.working_points else ", by its probability alone"
    return (
        "The surer it must be, the fewer faces get a label and the fewer labels are wrong"
        f"{alone}: {less}; {more}."
    )


def _covered(audit: Audit) -> str:
    if not audit.covered:
        return ""
    rows = (
        f"with {row.name} {one_in(row.shown) if row.answered else 'no label at all'}"
        for row in audit.covered
    )
    return (
        f"Of the labels shown for faces with something drawn over them are wrong: "
        f"{', '.join(rows)}."
    )


def _drawings(audit: Audit) -> str:
    if not audit.drawings:
        return ""
    nobody = [row for row in audit.drawings if MADE_OF_PHOTOS not in row.name]
    hits, count = sum(row.hits for row in nobody), sum(row.count for row in nobody)
    said = f"{hits} of {count} pictures that show nobody got a label"
    rows = [f"{row.hits} of {row.count} {row.name}" for row in audit.drawings if row not in nobody]
    return _sentence(f"{said}; with people in them, {', '.join(rows)} did" if rows else said)
