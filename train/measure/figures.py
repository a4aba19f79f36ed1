"""Observations -> the figures that audit.json holds (its form: ``gender_demo.audit.report``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from gender_demo.audit.report import wilson
from train.data.records import AGES
from train.measure.observe import Observation

BINS = 15
SIZES = (40, 60, 80, 100, 120, 160, 200)
"""Borders in pixels between the bands of face sizes."""
COVERAGES = (1.0, 0.975, 0.95, 0.925, *(n / 100 for n in range(90, 5, -5)))
CHILDREN = AGES[:2]
"""Bands below 10 years."""

Row = dict[str, Any]
Groups = dict[str, str]


def row(observations: Sequence[Observation], group: Groups | None = None) -> Row:
    """One group's counts, accuracy with its interval, coverage and error with abstention."""
    judged = [o for o in observations if o.guess is not None]
    right = sum(o.right for o in judged)
    answered = [o for o in observations if o.label is not None]
    wrong = sum(not o.right for o in answered)
    low, high = wilson(right, len(judged))
    return {
        "group": group or {},
        "pictures": len(observations),
        "missed": sum(o.face_px is None for o in observations),
        "count": len(judged),
        "right": right,
        "accuracy": _share(right, len(judged)),
        "low": _round(low),
        "high": _round(high),
        "answered": len(answered),
        "answered_wrong": wrong,
        "coverage": _share(len(answered), len(observations)),
        "error": _share(wrong, len(answered)),
    }


def rows_by(observations: Sequence[Observation], *names: str) -> list[Row]:
    """A row for each group of a kind (label, race, age, face_px) or of several kinds together."""
    found: dict[tuple[str, ...], list[Observation]] = {}
    for o in observations:
        key = tuple(KINDS[name](o) or "" for name in names)
        if all(key):
            found.setdefault(key, []).append(o)
    order = [*AGES, *_size_bands()]
    return [
        row(found[key], dict(zip(names, key, strict=True)))
        for key in sorted(
            found, key=lambda key: [(order.index(k) if k in order else -1, k) for k in key]
        )
    ]


def summary(observations: Sequence[Observation], temperature: float) -> Row:
    """Everything about one set: all, groups, worst and best cell, calibration, risk, reasons."""
    cells = rows_by(observations, "race", "label")
    worst, best = worst_and_best(cells)
    grown = [o for o in observations if o.sample.age not in (None, *CHILDREN)]
    children = [o for o in observations if o.sample.age in CHILDREN]
    return {
        "all": row(observations),
        "by": {
            "label": rows_by(observations, "label"),
            "race": rows_by(observations, "race"),
            "race_label": cells,
            "age": rows_by(observations, "age"),
            "face_px": rows_by(observations, "face_px"),
        },
        "age_10_and_over": row(grown, {"age": "10 and over"}) if grown else None,
        "age_under_10": row(children, {"age": "under 10"}) if children else None,
        "worst": worst,
        "best": best,
        "gap_points": _round(100 * (best["accuracy"] - worst["accuracy"]), 3)
        if worst and best
        else None,
        "label_gap_points": label_gap(observations),
        "reasons": dict(Counter(reason for o in observations for reason in o.reasons)),
        "calibration": calibration(observations, temperature),
        "risk_coverage": risk_coverage(observations),
    }


def worst_and_best(cells: Sequence[Row]) -> tuple[Row | None, Row | None]:
    """The cells with the least and the most right; None where there are no two to compare."""
    judged = [cell for cell in cells if cell["count"]]
    if len(judged) < 2:
        return None, None
    by_accuracy = sorted(judged, key=lambda cell: cell["accuracy"])
    return by_accuracy[0], by_accuracy[-1]


def label_gap(observations: Sequence[Observation]) -> float | None:
    """Points between the best and the worst recall of the labels."""
    recalls = [r["accuracy"] for r in rows_by(observations, "label") if r["count"]]
    return _round(100 * (max(recalls) - min(recalls)), 3) if len(recalls) > 1 else None


def calibration(observations: Sequence[Observation], temperature: float) -> Row | None:
    """Expected calibration error over equal-width bins (Guo et al. 2017), and the bins.

    Before temperature: softmax of the logits, got back from the probabilities up to a constant.
    """
    judged = [o for o in observations if o.probabilities]
    if not judged:
        return None
    after = np.array([o.probabilities for o in judged])
    raw = np.log(after.clip(1e-12)) * temperature
    before = np.exp(raw - raw.max(1, keepdims=True))
    before /= before.sum(1, keepdims=True)
    right = np.array([o.right for o in judged])
    return {
        "temperature": temperature,
        "ece": _round(ece(after.max(1), right)),
        "ece_before": _round(ece(before.max(1), right)),
        "bins": reliability(after.max(1), right),
    }


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[Row]:
    """The bins of (0, 1] that hold anything: mean confidence, accuracy and its interval."""
    index = _bin_index(confidence)
    bins = []
    for i in range(BINS):
        inside = index == i
        count, hits = int(inside.sum()), int(right[inside].sum())
        if count:
            low, high = wilson(hits, count)
            bins.append(
                {
                    "from": _round(i / BINS),
                    "to": _round((i + 1) / BINS),
                    "count": count,
                    "confidence": _round(float(confidence[inside].mean())),
                    "accuracy": _share(hits, count),
                    "low": _round(low),
                    "high": _round(high),
                }
            )
    return bins


def ece(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between a bin's confidence and its accuracy, weighted by the bin's count."""
    index = _bin_index(confidence)
    gaps = [(confidence[index == i] - right[index == i]).sum() for i in range(BINS)]
    return float(np.abs(gaps).sum() / len(confidence))


def risk_coverage(observations: Sequence[Observation]) -> list[Row]:
    """Error when only the surest share is answered; what was missed is never answered."""
    surest = sorted((o for o in observations if o.guess), key=lambda o: -o.confidence)
    curve = []
    for coverage in COVERAGES:
        count = round(coverage * len(observations))
        kept = surest[:count]
        if kept and count <= len(surest):
            wrong = sum(not o.right for o in kept)
            low, high = wilson(wrong, count)
            curve.append(
                {
                    "coverage": _round(coverage),
                    "count": count,
                    "wrong": wrong,
                    "error": _share(wrong, count),
                    "low": _round(low),
                    "high": _round(high),
                    "from_probability": _round(kept[-1].confidence),
                }
            )
    return curve


def flips(before: Sequence[Observation], after: Sequence[Observation], name: str) -> Row:
    """How many faces get another guess in a copy that a person would call the same picture."""
    changed = sum(a.guess != b.guess for a, b in zip(before, after, strict=True))
    shown = sum(
        a.label != b.label and None not in (a.label, b.label)
        for a, b in zip(before, after, strict=True)
    )
    low, high = wilson(changed, len(before))
    return {
        "name": name,
        "count": len(before),
        "flips": changed,
        "share": _share(changed, len(before)),
        "low": _round(low),
        "high": _round(high),
        "flips_shown": shown,
    }


def only(observations: Iterable[Observation], names: set[str]) -> list[Observation]:
    return [o for o in observations if o.sample.path in names]


def _size_band(o: Observation) -> str:
    if o.face_px is None:
        return "no face found"
    return _size_bands()[sum(o.face_px >= size for size in SIZES)]


def _size_bands() -> list[str]:
    between = [f"{low} to {high - 1} px" for low, high in pairwise(SIZES)]
    return [f"under {SIZES[0]} px", *between, f"{SIZES[-1]} px and over", "no face found"]


def _bin_index(confidence: np.ndarray) -> np.ndarray:
    index: np.ndarray = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    return index


def _share(part: int, of: int) -> float | None:
    return _round(part / of) if of else None


def _round(value: float, digits: int = 5) -> float:
    return round(float(value), digits)


KINDS: dict[str, Callable[[Observation], str | None]] = {
    "label": lambda o: o.sample.label,
    "race": lambda o: o.sample.race,
    "age": lambda o: o.sample.age,
    "face_px": _size_band,
}
