"""How sharp a crop must be for its label to be given: found on held-out crops, blurred on purpose.

Each crop is blurred step by step, cut and classified by the serving code. Where the answers that
the probability's threshold lets through are wrong more than TOLERATED times as often as on the
crops as they are, the label is withheld.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from scipy.optimize import isotonic_regression

from gender_demo.vision.checkpoint import Checkpoint
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_whole
from gender_demo.vision.decision import sharpness
from train.data.crops import Crops

BLURS = (0.0, 0.01, 0.02, 0.03, 0.045, 0.07)
"""Sigma of the Gaussian as a share of the served crop's side."""
TOLERATED = 2.0
SACRIFICED = 0.01
"""Of the crops as they are, at most this share may lose its label for want of sharpness."""
FEWEST = 200
"""Answers below the limit that it takes to set one."""


@dataclass(frozen=True)
class Blurred:
    """``sharpness``, ``right``, ``answered``: each (len(BLURS), crops)."""

    sharpness: np.ndarray
    right: np.ndarray
    answered: np.ndarray

    def facts(self) -> dict[str, dict[str, Any]]:
        """For each blur what came of it."""
        return {
            f"sigma {blur:g} of the side": {
                "median sharpness": round(float(np.median(sharp)), 2),
                "right": round(float(right.mean()), 4),
                "answered": round(float(answered.mean()), 4),
                "wrong of answered": round(float((~right[answered]).mean()), 4),
            }
            for blur, sharp, right, answered in zip(
                BLURS, self.sharpness, self.right, self.answered, strict=True
            )
        }


def look_blurred(checkpoint: Checkpoint, crops: Crops, count: int = 800) -> Blurred:
    """Classify the first ``count`` crops at every blur; no threshold but the probability's."""
    config, classify = checkpoint.config, Classifier(checkpoint)
    target = crops.target[:count].numpy()
    pictures = [Image.fromarray(pixels.numpy()) for pixels in crops.pixels[:count]]
    side, margin = pictures[0].width / crops.margin, config.crop_margin / crops.margin
    rows = []
    for blur in BLURS:
        served = [
            crop_whole(
                picture.filter(ImageFilter.GaussianBlur(blur * side)) if blur else picture,
                config.crop_px,
                margin=margin,
            )
            for picture in pictures
        ]
        said = np.array(classify(served))
        rows.append(
            (
                [sharpness(crop) for crop in served],
                said.argmax(1) == target,
                said.max(1) >= config.rules.min_probability,
            )
        )
    sharp, right, answered = (np.array(values) for values in zip(*rows, strict=True))
    return Blurred(sharp, right, answered)


def fit_sharpness(seen: Blurred) -> float:
    """The sharpness below which answers are wrong too often; 0 where they never are.

    Errors are taken to fall with sharpness, which an isotonic regression turns into steps.
    """
    clean = (~seen.right[0][seen.answered[0]]).mean()
    order = np.argsort(seen.sharpness[seen.answered])
    sharp = seen.sharpness[seen.answered][order]
    wrong = ~seen.right[seen.answered][order]
    error = isotonic_regression(wrong.astype(float), increasing=False).x
    too_often = sharp[error > TOLERATED * clean]
    least = float(too_often[-1]) if len(too_often) >= FEWEST else 0.0
    return round(min(least, float(np.quantile(seen.sharpness[0], SACRIFICED))), 2)
