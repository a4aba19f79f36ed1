"""How sure must it be? What each answer to that costs, for the report's slider."""

from __future__ import annotations

from dataclasses import dataclass

from gender_demo.audit.figures import RANKED_FROM
from gender_demo.audit.fractions import whole_percent, wrong
from gender_demo.audit.schema import Audit, SetFigures, WorkingPoint

COUNTED_BELOW = 10
"""So few errors are no fraction that would hold in another sample."""


@dataclass(frozen=True)
class Stop:
    """One stop of the slider: the probability that a label needs, as a number and as it is shown,
    the shares of all faces that get a label and a wrong one (0 to 1), and both in a sentence."""

    threshold: float
    percent: str
    answered: float
    wrong: float
    words: str


def working_points(data: SetFigures, min_probability: float) -> tuple[WorkingPoint, ...]:
    """From the checkpoint's own threshold upwards; never below it, because nothing is shown there.

    With all other reasons for "unsure" in force. Audits of version 1 hold the risk–coverage curve
    alone: there a label is withheld for its probability only.
    """
    points = data.working_points or tuple(
        WorkingPoint(
            hits=point.hits,
            count=point.count,
            threshold=point.from_probability,
            coverage=point.coverage,
        )
        for point in data.risk_coverage
    )
    allowed = (point for point in points if point.threshold >= min_probability - 1e-9)
    return tuple(sorted(allowed, key=lambda point: point.threshold))


def stops(audit: Audit, min_probability: float) -> tuple[Stop, ...]:
    """The slider's stops, one for each whole percent at most; none of fewer faces than are
    ranked."""
    found: dict[str, Stop] = {}
    for point in working_points(audit.primary, min_probability):
        percent = whole_percent(point.threshold)
        if point.count >= RANKED_FROM and percent not in found:
            found[percent] = _stop(point, percent)
    return tuple(found.values())


def stops_note(audit: Audit) -> str:
    """What the slider's figures are of."""
    data = audit.primary
    alone = "" if data.working_points else " Its other reasons for “unsure” come on top of these."
    return (
        "The surer it must be, the more faces stay “unsure” and the fewer labels are wrong: "
        f"measured on {data.all.pictures:,} {data.name} pictures.{alone}"
    )


def _stop(point: WorkingPoint, percent: str) -> Stop:
    labelled = max(1, int(100 * point.coverage + 1e-9))  # rounded as all percentages are
    return Stop(
        threshold=point.threshold,
        percent=percent,
        answered=point.coverage,
        wrong=point.coverage * (point.share or 0),
        words=f"From {percent} on: {labelled} of 100 faces get a label, and {_errors(point)}.",
    )


def _errors(point: WorkingPoint) -> str:
    """A fraction, or the count where it is too small for one."""
    if point.hits >= COUNTED_BELOW:
        return wrong(point, "of these labels")
    are = "is" if point.hits == 1 else "are"
    return f"{point.hits or 'none'} of the {point.count:,} labels measured {are} wrong"
