"""Targets of a step: one row of probabilities per picture, all labels side by side.

Hard labels are smoothed and mixed with those of another picture (mixup, Zhang et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor
from torch.nn import functional

from train.data.crops import Crops

Classes = Mapping[str, tuple[str, ...]]


def one_hot(crops: Crops, chosen: Tensor, smoothing: float) -> Tensor:
    """Targets (n, outputs) of the ``chosen`` crops; each label's columns add up to 1."""
    parts = []
    for name, classes in crops.classes.items():
        hot = functional.one_hot(crops.targets[name][chosen], len(classes)).float()
        parts.append(hot * (1 - smoothing) + smoothing / len(classes))
    return torch.cat(parts, 1)


def mix_up(
    pictures: Tensor, targets: Tensor, alpha: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Each picture (n, 3, side, side) and its targets (n, outputs) blended with another one's, by a
    share drawn from Beta(alpha, alpha); 0: as is."""
    if not alpha:
        return pictures, targets
    n, device = len(pictures), pictures.device
    shape = torch.full((2, n), alpha, device=device)
    # torch.distributions takes no generator.
    gammas = torch._standard_gamma(shape, generator=generator).clamp(min=1e-12)  # noqa: SLF001 - it is all there is
    share = gammas[0] / gammas.sum(0)
    other = torch.randperm(n, generator=generator, device=device)
    mixed = torch.lerp(pictures[other], pictures, share.view(n, 1, 1, 1))
    return mixed, torch.lerp(targets[other], targets, share.view(n, 1))


def loss(logits: Tensor, targets: Tensor, classes: Classes, aux_weight: float) -> Tensor:
    """Cross-entropy of the first label plus that of each other one times ``aux_weight``.

    ``logits`` and ``targets``: (n, outputs), all labels side by side.
    """
    counts = [len(names) for names in classes.values()]
    parts = zip(torch.split(logits, counts, 1), torch.split(targets, counts, 1), strict=True)
    first, *others = (functional.cross_entropy(part, target) for part, target in parts)
    return sum((aux_weight * other for other in others), start=first)
