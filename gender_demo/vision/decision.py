"""decide(): probabilities and the quality of a face -> a label, or "unsure" with named reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gender_demo.results import Face


@dataclass(frozen=True)
class Rules:
    """The thresholds below which a face is "unsure". They belong to a checkpoint, which keeps them.

    ``min_probability``: of the most probable class, after temperature. ``min_face_px``:
    ``Box.size_px`` in the picture's own pixels. ``min_sharpness``: see ``quality.sharpness``.
    ``min_score``: the detector's certainty. ``max_cut_share``: share of the box outside.
    """

    min_probability: float = 0.75
    min_face_px: float = 24.0
    min_sharpness: float = 0.0
    min_score: float = 0.9
    max_cut_share: float = 0.25


def decide(
    probabilities: Sequence[float],
    classes: Sequence[str],
    rules: Rules,
    face: Face,
    size: tuple[int, int],
    crop_sharpness: float,
) -> tuple[str | None, tuple[str, ...]]:
    """The most probable class, or None and every reason why it is withheld, in REASONS' order.

    ``size`` is the picture's (width, height), ``crop_sharpness`` that of the face's crop.
    """
    best = max(range(len(classes)), key=probabilities.__getitem__)
    why = {
        "close_call": probabilities[best] < rules.min_probability,
        "small": face.box.size_px < rules.min_face_px,
        "blurred": crop_sharpness < rules.min_sharpness,
        "cut_off": face.box.share_outside(size) > rules.max_cut_share,
        "barely_detected": face.score < rules.min_score,
    }
    reasons = tuple(name for name, applies in why.items() if applies)
    return (None if reasons else classes[best]), reasons
