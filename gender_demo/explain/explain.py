"""explain(): one face -> Explanation, with its sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from PIL import Image

from gender_demo.explain.occlusion import STEPS, OcclusionMap, occlusion_map
from gender_demo.explain.steadiness import Variant, steadiness
from gender_demo.label_words import REASONS, certainty
from gender_demo.results import Face, Point
from gender_demo.vision.crops import crop_square
from gender_demo.vision.pipeline import Pipeline

FLAT = 0.05
"""If no patch takes more than this from the probability, no part stands out."""
CAVEAT = (
    "The map shows what the model needs for its guess, not what makes a person female or male, nor "
    "why the guess is right or wrong. A part that matters only together with another stays pale; "
    "a covered face is also unlike what the model has learnt from. A guess that stays the same in "
    "all rows is steady, not therefore right."
)
PARTS = (
    *("left eye", "right eye", "nose"),
    *("left corner of the mouth", "right corner of the mouth"),
)
"""Left as the viewer sees it, in the order of ``Face.landmarks``."""


@dataclass(frozen=True)
class Explanation:
    """What one guess rests on, and the face in all ways; ``variants[0]`` is the face as it is."""

    occlusion: OcclusionMap
    variants: list[Variant]
    part: str

    @property
    def sentence(self) -> str:
        """What the map says, in words."""
        guess, before = self.variants[0].guess, certainty(self.variants[0].probability)
        if self.occlusion.drops.max() < FLAT:
            return f"No single part matters much: with any one covered it is still about {before}."
        after = certainty(self.occlusion.lowest)
        return (
            f"It rests most on the {self.part}: with that covered, “{guess}” falls from {before} "
            f"to {after}."
        )

    @property
    def steady(self) -> str:
        """In how many ways the guess stays the same, in words."""
        guess, *others = [variant.guess for variant in self.variants]
        kept = sum(other == guess for other in others)
        return f"The likelier label stays “{guess}” in {kept} of {len(others)} changed pictures."

    def to_json(self) -> dict[str, Any]:
        """Everything but pictures."""
        return {
            "guess": self.variants[0].guess,
            "rests_on": self.part if self.occlusion.drops.max() >= FLAT else None,
            "lowest_probability": self.occlusion.lowest,
            "drops": [[round(float(drop), 4) for drop in row] for row in self.occlusion.drops],
            "variants": [
                {
                    "name": variant.name,
                    "label": variant.label,
                    "likelier": variant.guess,
                    "probability": variant.probability,
                    "reasons": list(variant.reasons),
                }
                for variant in self.variants
            ],
        }


def explain(pipeline: Pipeline, picture: Image.Image, face: Face) -> Explanation:
    """What the guess about one face of an upright RGB picture rests on."""
    variants = steadiness(pipeline, picture, face)
    found = occlusion_map(pipeline.classify, variants[0].crop)
    margin = pipeline.checkpoint.config.crop_margin
    return Explanation(found, variants, name_part(found.peak, face, margin))


def name_part(peak: Point, face: Face, margin: float) -> str:
    """What the patch around ``peak`` (x, y in sides of the crop) covers, by the landmarks."""
    x, y, side, roll = crop_square(face)
    cos, sin = math.cos(roll) / (side * margin), math.sin(roll) / (side * margin)
    points = [
        (0.5 + (px - x) * cos + (py - y) * sin, 0.5 + (py - y) * cos - (px - x) * sin)
        for px, py in face.landmarks
    ]
    reach = 1 / (STEPS + 1)
    covered = [
        part
        for part, (px, py) in zip(PARTS, points, strict=True)
        if max(abs(px - peak[0]), abs(py - peak[1])) <= reach
    ]
    if covered:
        return " and ".join(covered)
    eyes, mouth = (points[0][1] + points[1][1]) / 2, (points[3][1] + points[4][1]) / 2
    if peak[1] < eyes:
        return "forehead or hair"
    if peak[1] > mouth:
        return "chin or what is below"
    return f"{'left' if peak[0] < 0.5 else 'right'} side of the face or what is beside it"


def reasons_in_words(variant: Variant) -> str:
    """Why there is no label, "" where there is one."""
    return "; ".join(REASONS[name] for name in variant.reasons)
