"""The rows of the last layer behind ``Config.doubt``: what serving knows of fair abstention and of
what is no face. It gives neither away.

The first row says how much clearer a face must be (``train.export.abstention``). The second one is
above 0 for what is no face: the network's own output for faces turned round where it was trained
with one, else the border between training faces and ``non_faces`` in the last layer's inputs
(logistic regression). A third one is above 0 for faces of whom nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gender_demo.vision.classifier import soften
from train.data.crops import Crops
from train.export.abstention import AGE, SIGNALS, Rise, Withheld
from train.export.border import Row, separate, with_border

FACES_BELOW, CLEAR = 0.998, 0.1
"""Share of held-out faces on the faces' side of the border, and the share of what is no face that
may lie nearer to the border than the point where serving doubts most."""


@dataclass(frozen=True)
class Doubt:
    """Two or three rows: ``weight`` (2, k), ``bias`` (2,)."""

    weight: Tensor
    bias: Tensor

    def soften(self, logits: Tensor, inputs: Tensor) -> Tensor:
        """The served logits (n, classes) as serving will have them, given the last layer's inputs
        (n, k)."""
        outputs = torch.cat([logits, inputs @ self.weight.T + self.bias], 1)
        return soften(outputs, logits.shape[1])


def make_doubt(
    fc: nn.Linear,
    crops: Crops,
    rise: Rise,
    held_out: Tensor,
    examples: tuple[Tensor, Tensor],
    withheld: Withheld | None = None,
) -> Doubt:
    """The rows for a last layer with the outputs of all labels of ``crops``, and perhaps one for
    faces after them.

    ``held_out`` (n, k) and ``examples``, training faces (m, k) and what is none (l, k): inputs of
    the layer.
    """
    layer_weight, layer_bias = fc.weight.detach(), fc.bias.detach()

    def output(shares: Tensor, constant: float, names: Sequence[str]) -> Row:
        own = [crops.columns[name] for name in names if name in crops.columns]
        weight = torch.cat([layer_weight[part] for part in own])
        bias = torch.cat([layer_bias[part] for part in own])
        return shares @ weight, float(shares @ bias) + constant

    hard: Row = (torch.zeros(fc.in_features), 0.0)
    if len(rise.shares):
        hard = output(rise.shares, rise.constant, SIGNALS)
    labels = sum(map(len, crops.classes.values()))
    faces, others = examples
    direction = -layer_weight[labels] if fc.out_features > labels else separate(faces, others)
    rows = [hard, with_border(direction, held_out, others, (FACES_BELOW, CLEAR))]
    if withheld is not None:
        rows.append(output(withheld.shares, withheld.constant, [AGE]))
    weights = torch.stack([weight for weight, _ in rows])
    return Doubt(weights, torch.tensor([bias for _, bias in rows]))
