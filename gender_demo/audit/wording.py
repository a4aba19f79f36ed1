"""The audit in sentences: the headline, and the lines of the panel before the camera starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from gender_demo.audit.figures import GroupFigures, is_child
from gender_demo.audit.schema import Audit, CorruptionFigures, SetFigures
from gender_demo.audit.tables import group_name, percent, with_interval
from gender_demo.wording import about_gender

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Config

NO_AUDIT = "No audit: nothing was measured, so no numbers are shown."
NOT_MEASURED = "How often it is wrong was not measured."
OTHER_AUDIT = (
    "The audit belongs to other weights or settings, so no numbers are shown: measure again with "
    "python -m train evaluate --write-audit."
)
MISSED_OFTEN = 0.05
"""Share of missed faces from which the notice mentions them."""
SPOTS = {
    "face of 40 pixels": "faces of 40 pixels",
    "dark": "dark pictures",
    "blur": "blur",
}
"""Corruptions that a visitor can do something about, and how the notice calls them."""
NOTICEABLE_POINTS = 1.0
"""Points lost from which a corruption is called a weak spot."""


class Sentences(NamedTuple):
    """The panel's lines, in the order in which they are read."""

    purpose: str
    labels: str
    error_rates: str
    weak_spots: str
    privacy: str
    not_for: str
    unsure: str
    control: str


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
    """How often it is wrong, as a plain fraction."""
    if audit is None:
        return NOT_MEASURED
    forced = audit.primary.all.forced
    if not forced.hits:
        return f"None of {forced.count:,} guesses was wrong."
    return f"About 1 in {round(forced.count / forced.hits)} guesses is wrong."


def long_date(day: date) -> str:
    """ "22 November 2026"."""
    return f"{day.day} {day:%B} {day.year}"


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
    data, worst, best = audit.primary, audit.primary.worst, audit.primary.best
    text = (
        f"{headline(audit)} Measured on {long_date(audit.date)}: right for "
        f"{with_interval(data.all.correct)} {data.name} pictures"
    )
    if worst is None or best is None:
        return f"{text}."
    return (
        f"{text}; of the groups by race and label together, in the worst "
        f"({group_name(worst.group)}) for {with_interval(worst.correct)}, in the best "
        f"({group_name(best.group)}) for {with_interval(best.correct)}."
    )


def _weak_spots(audit: Audit | None) -> str:
    if audit is None:
        return "Known weak spots: children, small, dark, blurred, covered or turned faces."
    data, children = audit.primary, audit.primary.age_under_10
    words = [f"children (under 10: {_accuracy(children)})"] if children else []
    words += [f"{name} ({_accuracy(row)})" for name, row in _weak_groups(data)]
    words += [
        f"{SPOTS[row.name]} ({_accuracy_corrupted(row)})"
        for row in sorted(audit.corruptions, key=lambda row: [*SPOTS, row.name].index(row.name))
        if row.name in SPOTS and ((row.lost_points or 0) >= NOTICEABLE_POINTS or _often_missed(row))
    ]
    known = f"Known weak spots: {', '.join(words)}. " if words else ""
    return f"{known}Covered or turned faces were not measured."


def _weak_groups(data: SetFigures) -> Iterator[tuple[str, GroupFigures]]:
    """Ages from ten up and races for which even the interval's upper end is below what is right
    of all."""
    for words, kind in (("faces {}", data.by.age), ("{} faces", data.by.race)):
        for row in kind:
            if row.count and row.correct.high < (data.all.accuracy or 0) and not is_child(row):
                yield words.format(group_name(row.group)), row


def _accuracy(row: GroupFigures) -> str:
    return f"{percent(row.accuracy)} % of {row.count:,} right{_misses(row)}"


def _accuracy_corrupted(row: CorruptionFigures) -> str:
    return (
        f"{percent(row.accuracy)} % of {row.count:,} right instead of "
        f"{percent(row.clean_accuracy)} %, {percent(row.coverage)} % answered{_misses(row)}"
    )


def _misses(row: GroupFigures) -> str:
    return f", no face found in {row.missed:,} of them" if _often_missed(row) else ""


def _often_missed(row: GroupFigures) -> bool:
    return row.missed > MISSED_OFTEN * row.pictures


def _unsure(audit: Audit | None, config: Config) -> str:
    rules = config.rules
    blurred = "too blurred, " if rules.min_sharpness > 0 else ""
    text = (
        f"It says “unsure” when it gives its guess less than {100 * rules.min_probability:.0f} %, "
        f"and for faces that are too small, {blurred}cut off or barely detected"
    )
    if audit is None:
        return f"{text}."
    everybody = audit.primary.all
    groups = sorted(row.coverage or 0 for row in audit.primary.by.race_label)
    spread = (
        f" ({percent(groups[0])} to {percent(groups[-1])} % by race and label)" if groups else ""
    )
    text += (
        f"; of {everybody.pictures:,} pictures it answered {percent(everybody.coverage)} %"
        f"{spread}, and {percent(everybody.error)} % of those answers were wrong."
    )
    if not audit.full_pictures.shown:
        return text
    shown = audit.full_pictures.shown[0]
    return (
        f"{text} Most of those pictures are cut close around the face; shown with their "
        f"surroundings, of {shown.count:,} faces found it answered {percent(shown.coverage)} "
        f"% ({percent(shown.error)} % wrong)."
    )
