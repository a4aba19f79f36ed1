"""How sure must it be? What each answer to that costs, for the report's slider."""

from __future__ import annotations

from gender_demo.audit.schema import SetFigures, WorkingPoint


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
