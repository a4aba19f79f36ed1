"""The sharpness threshold: below it no label is given. It is set on blurred held-out crops.

Each crop is blurred step by step, cut and classified by the serving code. Where the answers that
pass the probability threshold are wrong more than TOLERATED times as often as on the sharp crops,
the label is withheld.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter
from scipy.optimize import isotonic_regression

from gender_demo.vision.checkpoint import Checkpoint
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_whole
from gender_demo.vision.quality import sharpness
from train.data.crops import Crops

BLURS = (0.0, 0.01, 0.02, 0.03, 0.045, 0.07)
"""Sigma of the Gaussian as a share of the served crop's side."""
TOLERATED = 2.0
SACRIFICED = 0.01
"""At most this share of the sharp crops may lose its label by the threshold."""
FEWEST = 200
"""Answers below the threshold that it takes to set one."""


@dataclass(frozen=True)
class BlurSeries:
    """Each crop at each blur. ``sharpness`` is in the unit of ``decision.sharpness``, ``right`` and
    ``answered`` are booleans; each (len(BLURS), crops)."""

    sharpness: np.ndarray
    right: np.ndarray
    answered: np.ndarray

    def figures(self) -> dict[str, dict[str, float]]:
        """For each blur: median sharpness, share right, share answered, share of those wrong."""
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


def classify_blurred(checkpoint: Checkpoint, crops: Crops, count: int = 800) -> BlurSeries:
    """Classify the first ``count`` crops at every blur, with no threshold but the probability's."""
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
        probabilities = np.array(classify(served))
        rows.append(
            (
                [sharpness(crop) for crop in served],
                probabilities.argmax(1) == target,
                probabilities.max(1) >= config.rules.min_probability,
            )
        )
    sharp, right, answered = (np.array(values) for values in zip(*rows, strict=True))
    return BlurSeries(sharp, right, answered)


def fit_sharpness(series: BlurSeries) -> float:
    """The sharpness below which answers are wrong too often; 0 where they never are.

    Errors are taken to fall with sharpness, which an isotonic regression turns into steps.
    """
    unblurred = (~series.right[0][series.answered[0]]).mean()
    order = np.argsort(series.sharpness[series.answered])
    sharp = series.sharpness[series.answered][order]
    wrong = ~series.right[series.answered][order]
    error = isotonic_regression(wrong.astype(float), increasing=False).x
    too_often = sharp[error > TOLERATED * unblurred]
    threshold = float(too_often[-1]) if len(too_often) >= FEWEST else 0.0
    return round(min(threshold, float(np.quantile(series.sharpness[0], SACRIFICED))), 2)
