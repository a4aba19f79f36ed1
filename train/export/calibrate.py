"""What a network does on held-out crops, and the checkpoint folder that follows from it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gender_demo.vision.checkpoint import (
    Config,
    save_checkpoint,
)
from gender_demo.vision.decision import Rules
from train.data.crops import Crops
from train.fit.augment import (
    MEAN,
    STD,
    serve,
)

ANSWERED = 0.9
"""Share of held-out faces that get a label: the surest ones."""


@dataclass(frozen=True)
class HeldOut:
    """``logits`` (2 views, n, classes) of n crops and their mirrors at ``size_px``; ``target``
    (n,). ``views`` are the config's."""

    logits: Tensor
    target: Tensor
    classes: tuple[str, ...]
    size_px: int
    views: tuple[float, ...] = (1.0,)

    def probabilities(self) -> Tensor:
        """(n, classes), as serving will give them."""
        return flip_averaged(self.logits, fit_temperature(self))

    def losses(self) -> Tensor:
        """(n,): minus the log of what each face's own label was given."""
        own = self.probabilities().gather(1, self.target.unsqueeze(1)).squeeze(1)
        return -own.clamp(min=1e-12).log()

    def facts(self) -> dict[str, Any]:
        """Share right, over all and for each label."""
        right = self.probabilities().argmax(1) == self.target
        return {
            "size_px": self.size_px,
            "views": self.views,
            "accuracy": round(float(right.float().mean()), 4),
            "error_rate": round(1 - float(right.float().mean()), 4),
            "loss": round(float(self.losses().mean()), 4),
            "recall": {
                name: round(float(right[self.target == i].float().mean()), 4)
                for i, name in enumerate(self.classes)
            },
            "held_out": len(self.target),
        }


@torch.inference_mode()
def raw(
    model: nn.Module, crops: Crops, size_px: int, view: float = 1.0, batch: int = 128
) -> Tensor:
    """All that ``model`` (in eval mode) puts out: logits (2, n, outputs) of crops as serving would
    show them in one view, and of their mirror images."""
    sides: list[list[Tensor]] = [[], []]
    for start in range(0, len(crops), batch):
        pictures = serve(crops.pixels[start : start + batch], crops.margin / view, size_px)
        for seen, side in zip(sides, (pictures, pictures.flip(3)), strict=True):
            seen.append(model(side).float().cpu())
    return torch.stack([torch.cat(seen) for seen in sides])


def look(model: nn.Module, crops: Crops, size_px: int, view: float = 1.0) -> HeldOut:
    """What ``model`` says of the served label, in one view."""
    classes = crops.served
    logits = raw(model, crops, size_px, view)[..., : len(classes)]
    return HeldOut(logits, crops.target.cpu(), classes, size_px, (view,))


def together(parts: Sequence[HeldOut]) -> HeldOut:
    """Several views of the same crops as one."""
    logits = torch.cat([part.logits for part in parts])
    return replace(parts[0], logits=logits, views=tuple(part.views[0] for part in parts))


def flip_averaged(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities (n, classes) from logits (views, n, classes) of crops and their mirrors.

    The same as ``gender_demo.vision.classifier`` does.
    """
    return (logits.mean(0) / temperature).softmax(-1)


def fit_temperature(held: HeldOut) -> float:
    """The temperature with the least negative log-likelihood, by golden-section search."""
    logits = held.logits.double()

    def loss(log_temperature: float) -> float:
        probabilities = flip_averaged(logits, math.exp(log_temperature))
        return float(functional.nll_loss(probabilities.clamp(min=1e-12).log(), held.target))

    low, high, golden = math.log(0.1), math.log(10.0), (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return math.exp((low + high) / 2)


def fit_threshold(probabilities: Tensor, answered: float = ANSWERED) -> float:
    """The least probability of the likeliest class at which ``answered`` of all get a label."""
    return round(float(probabilities.amax(1).quantile(1 - answered)), 4)


def write_folder(
    folder: Path,
    state: Mapping[str, Tensor],
    held: HeldOut,
    *,
    name: str,
    arch: str,
    training: Mapping[str, Any],
) -> Config:
    """Set temperature and threshold by the held-out crops and swap the checkpoint folder in.

    Rows of the last layer that belong to labels used only in training are left out.
    """
    temperature = fit_temperature(held)
    threshold = fit_threshold(flip_averaged(held.logits, temperature))
    config = Config(
        name=name,
        classes=held.classes,
        arch=arch,
        input_px=held.size_px,
        views=held.views,
        mean=MEAN,
        std=STD,
        temperature=round(temperature, 4),
        rules=replace(Rules(), min_probability=threshold),
        training=dict(training),
    )
    served = {
        key: value[: len(held.classes)] if key.startswith("fc.") else value
        for key, value in state.items()
    }
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    config = save_checkpoint(fresh, config, served)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return config
