"""The border between two groups of faces as an output of the last layer, above 0 beyond it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from gender_demo.vision.classifier import MAX_DOUBT

Row = tuple[Tensor, float]
"""Weights (k,) and bias of an output."""


def separate(faces: Tensor, others: Tensor) -> Tensor:
    """A direction (k,) that grows from ``faces`` (n, k) to ``others`` (m, k)."""
    inputs = torch.cat([faces, others])
    mean, std = inputs.mean(0), inputs.std(0).clamp(min=1e-3)
    target = torch.cat([torch.zeros(len(faces)), torch.ones(len(others))])
    return logistic_regression((inputs - mean) / std, target, 0.002)[0] / std


def with_border(
    direction: Tensor, faces: Tensor, others: Tensor, shares: tuple[float, float]
) -> Row:
    """The direction (k,) as an output: 0 where the first of the ``shares`` of ``faces`` (n, k) lies
    below, and as large as serving counts for all but the second one of ``others`` (m, k)."""
    border, far = (faces @ direction).quantile(shares[0]), (others @ direction).quantile(shares[1])
    scale = 2 * MAX_DOUBT / (far - border).clamp(min=direction.norm() * 1e-2)
    return direction * scale, float(-border * scale)


def logistic_regression(inputs: Tensor, target: Tensor, decay: float) -> tuple[Tensor, float]:
    """Weights (k,) and bias for ``inputs`` (n, k) and ``target`` (n,) from 0 to 1."""
    weights = torch.zeros(inputs.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        lost = binary_cross_entropy_with_logits(inputs @ weights + bias, target)
        lost = lost + decay * weights.square().sum()
        lost.backward()  # type: ignore[no-untyped-call]
        return lost

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach(), float(bias.detach())
