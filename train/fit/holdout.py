"""What a network says of held-out crops, as serving would show them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from train.data.crops import Crops
from train.fit.augment import serve
from train.fit.calibrate import fit_temperature, mean_probabilities


@dataclass(frozen=True)
class HoldoutFigures:
    """How good predictions on the hold-out are: shares from 0 to 1, the mean loss in nats."""

    size_px: int
    views: tuple[float, ...]
    accuracy: float
    error_rate: float
    loss: float
    recall: dict[str, float]
    held_out: int


@dataclass(frozen=True)
class HoldoutPredictions:
    """``logits`` (sides, n, classes) of n crops, whose class numbers are ``target`` (n,); the mean
    over the sides, such as mirror images, counts. ``size_px`` and ``views`` are the config's; with
    ``doubt_outputs`` of the network the logits are softened already (``classifier.soften``)."""

    logits: Tensor
    target: Tensor
    classes: tuple[str, ...]
    size_px: int
    views: tuple[float, ...] = (1.0,)
    doubt_outputs: int = 0

    def probabilities(self) -> Tensor:
        """(n, classes), as serving will give them."""
        return mean_probabilities(self.logits, fit_temperature(self.logits, self.target))

    def losses(self) -> Tensor:
        """(n,): minus the log of the probability of each face's own label."""
        own = self.probabilities().gather(1, self.target.unsqueeze(1)).squeeze(1)
        return -own.clamp(min=1e-12).log()

    def figures(self) -> HoldoutFigures:
        """Share right, over all and for each label; the loss."""
        right = (self.probabilities().argmax(1) == self.target).float()
        accuracy = float(right.mean())
        return HoldoutFigures(
            size_px=self.size_px,
            views=self.views,
            accuracy=round(accuracy, 4),
            error_rate=round(1 - accuracy, 4),
            loss=round(float(self.losses().mean()), 4),
            recall={
                name: round(float(right[self.target == i].mean()), 4)
                for i, name in enumerate(self.classes)
            },
            held_out=len(self.target),
        )


@torch.inference_mode()
def compute_logits(
    model: nn.Module, crops: Crops, size_px: int, view: float = 1.0, batch: int = 128
) -> Tensor:
    """All that ``model`` (in eval mode) puts out: logits (2, n, outputs) of crops as serving would
    show them in one view, and of their mirror images."""
    sides: list[list[Tensor]] = [[], []]
    for start in range(0, len(crops), batch):
        pictures = serve(crops.pixels[start : start + batch], crops.margin / view, size_px)
        for outputs, side in zip(sides, (pictures, pictures.flip(3)), strict=True):
            outputs.append(model(side).float().cpu())
    return torch.stack([torch.cat(outputs) for outputs in sides])


def holdout_predictions(
    model: nn.Module, crops: Crops, size_px: int, view: float = 1.0
) -> HoldoutPredictions:
    """What ``model`` says of the served label, in one view."""
    classes = crops.served
    logits = compute_logits(model, crops, size_px, view)[..., : len(classes)]
    return HoldoutPredictions(logits, crops.target.cpu(), classes, size_px, (view,))
