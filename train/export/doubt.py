"""The two rows of the last layer behind ``Config.doubt``: what serving knows of fair abstention and
of what is no face. It gives neither away.

The first row stands for all age bands at once: it says how much clearer a face must be
(``train.export.abstention``), and no age can be told from it. The second one is above 0 for what is
no face: the network's own output for faces turned round where it was trained with one, else the
border between training faces and ``non_faces`` in the last layer's inputs (logistic regression).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gender_demo.vision.classifier import MAX_DOUBT, soften
from train.data.crops import Crops
from train.export.abstention import SIGNAL

FACES_BELOW, CLEAR = 0.998, 0.1
"""Share of held-out faces on the faces' side of the border, and the share of what is no face that
may lie nearer to the border than the point where serving doubts most."""
Row = tuple[Tensor, float]
"""Weights (k,) and bias of an output of the last layer."""


@dataclass(frozen=True)
class Doubt:
    """Both rows: ``weight`` (2, k), ``bias`` (2,)."""

    weight: Tensor
    bias: Tensor

    def soften(self, logits: Tensor, inputs: Tensor) -> Tensor:
        """The served logits (n, classes) as serving will have them, given the last layer's inputs
        (n, k)."""
        outputs = torch.cat([logits, inputs @ self.weight.T + self.bias], 1)
        return soften(outputs, logits.shape[1])


def make_doubt(
    fc: nn.Linear, crops: Crops, weights: Tensor, held_out: Tensor, examples: tuple[Tensor, Tensor]
) -> Doubt:
    """Both rows for a last layer with the outputs of all labels of ``crops``, and perhaps one for
    faces after them.

    ``weights`` (bands,): those of ``Abstention``. ``held_out`` (n, k) and ``examples``, training
    faces (m, k) and what is none (l, k): inputs of the layer.
    """
    layer_weight, layer_bias = fc.weight.detach(), fc.bias.detach()
    hard: Row = (torch.zeros(fc.in_features), 0.0)
    if len(weights):
        own = crops.columns[SIGNAL]
        shares, constant = one_output(weights, held_out @ layer_weight[own].T + layer_bias[own])
        hard = (shares @ layer_weight[own], float(shares @ layer_bias[own]) + constant)
    labels = sum(map(len, crops.classes.values()))
    faces, others = examples
    direction = -layer_weight[labels] if fc.out_features > labels else separate(faces, others)
    rows = (hard, with_border(direction, held_out, others))
    weight = torch.stack([weight for weight, _ in rows])
    return Doubt(weight, torch.tensor([bias for _, bias in rows]))


def one_output(weights: Tensor, logits: Tensor) -> Row:
    """Shares (bands,) of the bands' ``logits`` (n, bands) and a constant, for an output whose tanh
    times MAX_DOUBT is what ``weights`` (bands,) make of the bands, less the mean."""
    wanted = logits.softmax(1) @ weights
    wanted = ((wanted - wanted.mean()) / MAX_DOUBT).clamp(-0.98, 0.98)
    shares, constant = _logistic_regression(logits, (wanted + 1) / 2, 1e-4)
    return shares / 2, constant / 2  # tanh(x) = 2 sigmoid(2 x) - 1


def separate(faces: Tensor, others: Tensor) -> Tensor:
    """A direction (k,) that grows from ``faces`` (n, k) to ``others`` (m, k)."""
    inputs = torch.cat([faces, others])
    mean, std = inputs.mean(0), inputs.std(0).clamp(min=1e-3)
    target = torch.cat([torch.zeros(len(faces)), torch.ones(len(others))])
    return _logistic_regression((inputs - mean) / std, target, 0.002)[0] / std


def with_border(direction: Tensor, held_out: Tensor, others: Tensor) -> Row:
    """The direction (k,) as an output: 0 where FACES_BELOW of the held-out faces (n, k) lie below,
    and as large as serving counts for all but CLEAR of what is no face (m, k)."""
    border = (held_out @ direction).quantile(FACES_BELOW)
    far = (others @ direction).quantile(CLEAR)
    scale = 2 * MAX_DOUBT / (far - border).clamp(min=direction.norm() * 1e-2)
    return direction * scale, float(-border * scale)


def _logistic_regression(inputs: Tensor, target: Tensor, decay: float) -> Row:
    """For ``inputs`` (n, k) and ``target`` (n,) from 0 to 1."""
    weights = torch.zeros(inputs.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)

    def loss() -> Tensor:
        lost = binary_cross_entropy_with_logits(inputs @ weights + bias, target)
        return lost + decay * weights.square().sum()

    _minimise(loss, [weights, bias])
    return weights.detach(), float(bias.detach())


def _minimise(loss: Callable[[], Tensor], parameters: list[Tensor]) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        lost = loss()
        lost.backward()  # type: ignore[no-untyped-call]
        return lost

    optimizer.step(closure)  # type: ignore[no-untyped-call]
