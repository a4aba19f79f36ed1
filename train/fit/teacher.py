"""A trained network whose answers a run learns from too (knowledge distillation).

It sees the very same views, which is the consistent teacher of Beyer et al. 2022.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.networks import build_network
from train.fit.augment import MEAN, STD
from train.fit.saved_run import RUN, read_run
from train.fit.targets import Classes


class Teacher:
    """A trained net that answers in a training run's columns: all labels, or the served one."""

    def __init__(self, path: Path, classes: Classes, device: torch.device) -> None:
        """``path``: a run folder of ``train fit`` (all labels) or a checkpoint (the first one)."""
        self.counts = [len(names) for names in classes.values()]
        if (path / RUN).exists():
            saved = read_run(path)
            arch, state = saved.recipe.arch, saved.average
        else:
            arch, state = _served(path, next(iter(classes.values())))
            del self.counts[1:]
        outputs = sum(self.counts)
        if len(state["fc.bias"]) != outputs:
            raise DataError(
                f"the teacher {path} has {len(state['fc.bias'])} outputs and the data "
                f"{outputs}: it must be trained on the same labels"
            )
        model = build_network(arch, outputs)
        model.load_state_dict(state)
        self.model = model.to(device).to(memory_format=torch.channels_last).eval()
        self.model.requires_grad_(False)

    @torch.no_grad()
    def blend(self, pictures: Tensor, targets: Tensor, weight: float) -> Tensor:
        """``targets`` (n, outputs) moved towards the teacher's probabilities for ``pictures``
        (n, 3, side, side) by ``weight``, in the columns that it knows."""
        columns = sum(self.counts)
        parts = torch.split(self.model(pictures).float(), self.counts, 1)
        soft = torch.cat([part.softmax(1) for part in parts], 1)
        return torch.cat([targets[:, :columns].lerp(soft, weight), targets[:, columns:]], 1)


def _served(path: Path, classes: tuple[str, ...]) -> tuple[str, dict[str, Tensor]]:
    checkpoint = load_checkpoint(path)
    config = checkpoint.config
    if config.classes != classes or (config.mean, config.std) != (MEAN, STD):
        raise DataError(
            f"the teacher {path} knows {', '.join(config.classes)}, the data "
            f"{', '.join(classes)}: it must know the same, in the same colours"
        )
    return config.arch, checkpoint.label_state()
