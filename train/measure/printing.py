"""What ``train evaluate`` prints."""

from __future__ import annotations

from gender_demo.audit.figures import GroupFigures
from gender_demo.audit.schema import Audit


def print_accuracy(name: str, figures: GroupFigures) -> None:
    """One line: accuracy with counts and interval, or that no face was found."""
    if figures.count:
        correct = figures.correct
        print(
            f"{name} {correct.share:.4f} ({correct.hits} of {correct.count}, 95 % "
            f"interval {correct.low:.4f}–{correct.high:.4f})"
        )
    else:
        print(f"{name}: no face was found in {figures.pictures} pictures")


def print_audit(audit: Audit) -> None:
    """The figures that a release is judged by, in one place."""
    for data in audit.sets:
        print(data.name)
        surest = {point.coverage: point.share for point in data.risk_coverage}
        lines = {
            "accuracy_given": data.all.accuracy,
            "ages 10 and over": _accuracy(data.age_10_and_over),
            "worst race × label cell": _accuracy(data.worst),
            "points between labels": data.label_gap_points,
            "surest 90 %": 1 - (surest[0.9] or 0) if 0.9 in surest else None,
            "calibration error": data.calibration.ece if data.calibration else None,
        }
        for name, value in lines.items():
            print(f"  {name:<24}{_four_decimals(value)}")
    full = audit.full_pictures.shown
    rows = {
        **{f"found, {row.name}": row.found_share for row in full},
        **{f"points behind, {row.name}": row.behind_points for row in full},
        **{
            f"points lost, {row.name}": row.lost_points
            for row in (*audit.corruptions, *audit.covered)
        },
        **{f"labelled, {row.name}": row.share for row in audit.drawings},
        **{f"label flips, {pair.name}": pair.share for pair in audit.invariance},
    }
    for name, value in rows.items():
        print(f"{name:<62}{_four_decimals(value)}")


def _accuracy(row: GroupFigures | None) -> float | None:
    return row.accuracy if row else None


def _four_decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
