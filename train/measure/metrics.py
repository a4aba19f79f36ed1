"""Observations -> the figures that audit.json holds (``gender_demo.audit.schema``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from gender_demo.audit.figures import GroupFigures
from gender_demo.audit.schema import (
    Bin,
    Calibration,
    Groups,
    InvarianceFigures,
    RiskPoint,
    SetFigures,
    Source,
    WorkingPoint,
)
from gender_demo.vision.checkpoint import Config
from train.data.labelled import contradictions
from train.data.records import AGES, LabelledSet
from train.measure.observe import Observation

BINS = 15
SIZES = (40, 60, 80, 100, 120, 160, 200)
"""Borders in pixels between the bands of face sizes."""
SIZE_BANDS = (
    f"under {SIZES[0]} px",
    *(f"{low} to {high - 1} px" for low, high in pairwise(SIZES)),
    f"{SIZES[-1]} px and over",
    "no face found",
)
THRESHOLDS = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)
"""Probabilities for which the labels shown are counted, from the checkpoint's own upwards."""
COVERAGES = (1.0, 0.975, 0.95, 0.925, *(n / 100 for n in range(90, 5, -5)))


def group_figures(
    observations: Sequence[Observation], group: dict[str, str] | None = None
) -> GroupFigures:
    """One group's counts."""
    judged = [o for o in observations if o.guess is not None]
    answered = [o for o in observations if o.label is not None]
    return GroupFigures(
        group=group or {},
        pictures=len(observations),
        missed=sum(o.face_px is None for o in observations),
        count=len(judged),
        right=sum(o.right for o in judged),
        answered=len(answered),
        answered_wrong=sum(not o.right for o in answered),
    )


def figures_by(observations: Iterable[Observation], *kinds: str) -> tuple[GroupFigures, ...]:
    """The figures of each group of a kind (label, race, age, face_px) or of kinds together."""
    found: dict[tuple[str, ...], list[Observation]] = {}
    for o in observations:
        key = tuple(KINDS[kind](o) or "" for kind in kinds)
        if all(key):
            found.setdefault(key, []).append(o)
    order = {name: i for i, name in enumerate((*AGES, *SIZE_BANDS))}
    keys = sorted(found, key=lambda key: [(order.get(name, -1), name) for name in key])
    return tuple(group_figures(found[key], dict(zip(kinds, key, strict=True))) for key in keys)


def groups(observations: Sequence[Observation]) -> Groups:
    """The figures of all groups, by each kind alone."""
    return Groups(**{kind: figures_by(observations, kind) for kind in KINDS})


def set_figures(
    data: LabelledSet, observations: Sequence[Observation], config: Config
) -> SetFigures:
    """Everything about one set's chips, as observed with the checkpoint of ``config``."""
    cells = figures_by(observations, "race", "label")
    return SetFigures(
        **dict(source(data)),
        all=group_figures(observations),
        by=groups(observations).model_copy(update={"race_label": cells}),
        reasons=dict(Counter(reason for o in observations for reason in o.reasons)),
        calibration=calibration(observations, config.temperature),
        risk_coverage=risk_coverage(observations),
        working_points=working_points(observations, config.rules.min_probability),
    )


def source(data: LabelledSet) -> Source:
    """Where the pictures come from."""
    return Source(
        title=data.title,
        split=data.split,
        files=data.files,
        sha256=data.sha256,
        contradictory=len(contradictions(data.samples)),
    )


def calibration(observations: Iterable[Observation], temperature: float) -> Calibration | None:
    """Expected calibration error over equal-width bins (Guo et al. 2017), and the bins.

    Before temperature: softmax of the logits, recovered from the probabilities up to a constant.
    """
    judged = [o for o in observations if o.probabilities]
    if not judged:
        return None
    after = np.array([o.probabilities for o in judged])
    raw = np.log(after.clip(1e-12)) * temperature
    before = np.exp(raw - raw.max(1, keepdims=True))
    before /= before.sum(1, keepdims=True)
    right = np.array([o.right for o in judged])
    return Calibration(
        temperature=temperature,
        ece=round(ece(after.max(1), right), 5),
        ece_before=round(ece(before.max(1), right), 5),
        bins=reliability(after.max(1), right),
    )


def reliability(confidence: np.ndarray, right: np.ndarray) -> tuple[Bin, ...]:
    """The bins of (0, 1] that hold anything; both arrays have shape (faces,)."""
    index = _bin_index(confidence)
    return tuple(
        Bin(
            start=round(i / BINS, 5),
            end=round((i + 1) / BINS, 5),
            count=int(inside.sum()),
            hits=int(right[inside].sum()),
            confidence=round(float(confidence[inside].mean()), 5),
        )
        for i in range(BINS)
        if (inside := index == i).any()
    )


def ece(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between a bin's confidence and its accuracy, weighted by the bin's count."""
    gaps = np.bincount(_bin_index(confidence), weights=confidence - right)
    return float(np.abs(gaps).sum() / len(confidence))


def risk_coverage(observations: Sequence[Observation]) -> tuple[RiskPoint, ...]:
    """Error when only the surest share is answered; what was missed is never answered."""
    surest = sorted((o for o in observations if o.guess), key=lambda o: -o.confidence)
    return tuple(
        RiskPoint(
            coverage=coverage,
            count=count,
            hits=sum(not o.right for o in surest[:count]),
            from_probability=round(surest[count - 1].confidence, 5),
        )
        for coverage in COVERAGES
        if 0 < (count := round(coverage * len(observations))) <= len(surest)
    )


def working_points(
    observations: Sequence[Observation], min_probability: float
) -> tuple[WorkingPoint, ...]:
    """What is left of the shown labels, and wrong, when each needs a higher probability too."""
    thresholds = (min_probability, *(t for t in THRESHOLDS if t > min_probability))
    shown = {
        t: [o for o in observations if o.label is not None and o.confidence >= t]
        for t in thresholds
    }
    return tuple(
        WorkingPoint(
            threshold=threshold,
            coverage=round(len(kept) / max(1, len(observations)), 5),
            count=len(kept),
            hits=sum(not o.right for o in kept),
        )
        for threshold, kept in shown.items()
    )


def invariance(
    before: Sequence[Observation], after: Sequence[Observation], name: str
) -> InvarianceFigures:
    """How many faces get another guess in a copy that a person would call the same picture."""
    pairs = list(zip(before, after, strict=True))
    return InvarianceFigures(
        name=name,
        count=len(pairs),
        hits=sum(a.guess != b.guess for a, b in pairs),
        shown_flips=sum(bool(a.label and b.label) and a.label != b.label for a, b in pairs),
    )


def _size_band(o: Observation) -> str:
    return SIZE_BANDS[-1 if o.face_px is None else sum(o.face_px >= size for size in SIZES)]


def _bin_index(confidence: np.ndarray) -> np.ndarray:
    index: np.ndarray = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    return index


KINDS: dict[str, Callable[[Observation], str | None]] = {
    "label": lambda o: o.record.label,
    "race": lambda o: o.record.race,
    "age": lambda o: o.record.age,
    "face_px": _size_band,
}
