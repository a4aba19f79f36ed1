"""What a step is to answer: one row of probabilities per picture, all labels side by side.

Hard labels are smoothed, mixed with those of another picture (mixup, Zhang et al. 2018), and
blended with what a larger net says about the very same view (a consistent teacher, Beyer et al.
2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Generator, Tensor, nn
from torch.nn import functional

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import load_checkpoint
from train.data.crops import Crops
from train.fit.augment import MEAN, STD

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
    """Each picture laid over another one, its share drawn from Beta(alpha, alpha); 0: as is."""
    if not alpha:
        return pictures, targets
    n, device = len(pictures), pictures.device
    gammas = torch._standard_gamma(
        torch.full((2, n), alpha, device=device), generator=generator
    ).clamp(min=1e-12)
    share = gammas[0] / gammas.sum(0)
    other = torch.randperm(n, generator=generator, device=device)
    mixed = torch.lerp(pictures[other], pictures, share.view(n, 1, 1, 1))
    return mixed, torch.lerp(targets[other], targets, share.view(n, 1))


class Teacher:
    """A trained net that answers in a training run's columns: all labels, or the served one."""

    def __init__(self, path: Path, classes: Classes, device: torch.device) -> None:
        """``path``: a run folder of ``train fit`` (all labels) or a checkpoint (the first one)."""
        counts = [len(names) for names in classes.values()]
        if (path / "run.pt").exists():
            saved: dict[str, Any] = torch.load(
                path / "run.pt", map_location="cpu", weights_only=True
            )
            arch, state, self.counts = saved["recipe"]["arch"], saved["average"], counts
        else:
            checkpoint = load_checkpoint(path)
            config, served = checkpoint.config, next(iter(classes.values()))
            if config.classes != served or (config.mean, config.std) != (MEAN, STD):
                raise DataError(
                    f"the teacher {path} knows {', '.join(config.classes)}, the data "
                    f"{', '.join(served)}: it must know the same, in the same colours"
                )
            arch, self.counts = config.arch, counts[:1]
            state = {name: value.float() for name, value in checkpoint.state.items()}
        outputs = sum(self.counts)
        if len(state["fc.bias"]) != outputs:
            raise DataError(
                f"the teacher {path} has {len(state['fc.bias'])} outputs and the data "
                f"{outputs}: it must be trained on the same labels"
            )
        model: nn.Module = getattr(torchvision.models, arch)(num_classes=outputs)
        model.load_state_dict(state)
        self.model = model.to(device).to(memory_format=torch.channels_last).eval()
        self.model.requires_grad_(False)

    @torch.no_grad()
    def blend(self, pictures: Tensor, targets: Tensor, weight: float) -> Tensor:
        """``targets`` moved towards the teacher's probabilities by ``weight``, where it has any."""
        columns = sum(self.counts)
        parts = torch.split(self.model(pictures).float(), self.counts, 1)
        said = torch.cat([part.softmax(1) for part in parts], 1)
        return torch.cat([targets[:, :columns].lerp(said, weight), targets[:, columns:]], 1)


def loss(logits: Tensor, targets: Tensor, classes: Classes, helping: float) -> Tensor:
    """Cross-entropy of the first label, and of each other one times ``helping``."""
    counts = [len(names) for names in classes.values()]
    total = logits.new_zeros(())
    for i, (part, target) in enumerate(
        zip(torch.split(logits, counts, 1), torch.split(targets, counts, 1), strict=True)
    ):
        total = total + (helping if i else 1.0) * functional.cross_entropy(part, target)
    return total
