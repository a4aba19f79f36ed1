"""Temperature and threshold of a classifier, fitted to logits of faces whose label is known."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

ANSWERED = 0.9
"""Share of held-out faces that get a label: the surest ones."""


def mean_probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities (n, classes) of logits (views, n, classes), averaged over the views.

    The same as ``gender_demo.vision.classifier`` does.
    """
    return (logits.mean(0) / temperature).softmax(-1)


def fit_temperature(logits: Tensor, target: Tensor) -> float:
    """The temperature at which logits (views, n, classes) give the class numbers ``target`` (n,)
    the least negative log-likelihood, by golden-section search from 0.1 to 10."""
    logits = logits.double()

    def loss(log_temperature: float) -> float:
        probabilities = mean_probabilities(logits, math.exp(log_temperature))
        return float(functional.nll_loss(probabilities.clamp(min=1e-12).log(), target))

    low, high, golden = math.log(0.1), math.log(10.0), (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return math.exp((low + high) / 2)


def fit_threshold(probabilities: Tensor, answered: float = ANSWERED) -> float:
    """The least probability of the top class at which the share ``answered`` of the faces gets a
    label; ``probabilities`` is (n, classes)."""
    return round(float(probabilities.amax(1).quantile(1 - answered)), 4)
