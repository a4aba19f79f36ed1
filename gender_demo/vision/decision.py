"""decide(): probabilities and the look of a crop -> a label, or "unsure" with named reasons."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gender_demo.boxes import (
    area,
    overlap,
)
from gender_demo.results import (
    Box,
    Face,
)

NOT_YET = "just_found"

REASONS = {
    "close_call": "the model is not sure enough",
    "small": "the face is too small",
    "blurred": "the face is too blurred",
    "cut_off": "the face is cut off by the picture's border",
    "barely_detected": "this may not be a face",
    NOT_YET: "the face was only just found",
}
"""Reason name -> plain words, in the order in which they are worth telling."""

GENDERS = {"female", "male", "woman", "man", "women", "men", "girl", "boy", "girls", "boys"}


@dataclass(frozen=True)
class Rules:
    """When the label is withheld. The thresholds belong to a checkpoint and are kept in it.

    ``min_probability``: of the likeliest class, after temperature. ``min_face_px``: square root of
    the box's area in the picture's own pixels. ``min_sharpness``: see ``sharpness``.
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
    """The likeliest class, or None and every reason why it is withheld, in REASONS' order.

    ``size`` is the picture's (width, height), ``crop_sharpness`` that of the face's crop.
    """
    best = max(range(len(classes)), key=probabilities.__getitem__)
    why = {
        "close_call": probabilities[best] < rules.min_probability,
        "small": face_px(face.box) < rules.min_face_px,
        "blurred": crop_sharpness < rules.min_sharpness,
        "cut_off": cut_share(face.box, size) > rules.max_cut_share,
        "barely_detected": face.score < rules.min_score,
    }
    reasons = tuple(name for name, applies in why.items() if applies)
    return (None if reasons else classes[best]), reasons


def about_gender(classes: Sequence[str]) -> bool:
    """Whether every class name has a word for a gender in it, as in "Male Faces"."""
    return all(GENDERS & set(re.findall("[a-z]+", name.lower())) for name in classes)


def in_words(label: str, classes: Sequence[str]) -> str:
    """ "perceived as female"; "looks like: no glasses" where the classes are no genders."""
    said = "perceived as" if about_gender(classes) else "looks like:"
    return f"{said} {label.replace('_', ' ')}"


def certainty(probability: float) -> str:
    """ "93 %"; never "100 %": no guess about a face is certain."""
    return f"{min(99, round(100 * probability))} %"


def face_px(box: Box) -> float:
    """A face's size in pixels: the side of a square as large as its box."""
    return math.sqrt(area(box))


def cut_share(box: Box, size: tuple[int, int]) -> float:
    """Share of the box's area that lies outside a (width, height) picture, 0 to 1."""
    whole = area(box)
    return 1.0 - overlap(box, (0, 0, *size)) / whole if whole else 1.0


def sharpness(crop: Image.Image) -> float:
    """Strength of the finest detail against all detail in the middle of a crop, in percent.

    Standard deviation of the grey picture's Laplacian over that of the picture itself, so that a
    dark or pale picture is not taken for a blurred one.
    """
    grey = np.asarray(crop.convert("L"), dtype=np.float32)
    rows, columns = (slice(n // 6, n - n // 6) for n in grey.shape)
    middle = grey[rows, columns]
    laplacian = (
        middle[:-2, 1:-1] + middle[2:, 1:-1] + middle[1:-1, :-2] + middle[1:-1, 2:]
    ) - 4 * middle[1:-1, 1:-1]
    return float(100 * laplacian.std() / (middle.std() + 1.0))
