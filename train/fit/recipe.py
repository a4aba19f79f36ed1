"""What a training run is made of: its settings, its network, its groups of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint import load_checkpoint
from train.data.crops import Crops
from train.fit.finetune import parameter_groups


@dataclass(frozen=True)
class Recipe:
    """What must stay the same for a run to be continued."""

    arch: str
    lr: float
    batch: int
    weight_decay: float
    smoothing: float
    aux_weight: float
    ema: float
    warmup: int
    webcam: bool
    seed: int
    processes: int
    pictures: int
    mixup: float = 0.0
    teacher: str = ""
    teacher_weight: float = 0.0
    preset: str = "scratch"
    balanced: bool = False


def build(recipe: Recipe, crops: Crops, start: str) -> nn.Module:
    """One last layer for all labels together, the served one's rows first.

    ``start``: "none", "imagenet", or a checkpoint folder; its last layer is taken over too where
    it knows the same classes.
    """
    torch.manual_seed(recipe.seed)
    outputs = sum(len(classes) for classes in crops.classes.values())
    model: nn.Module = getattr(torchvision.models, recipe.arch)(num_classes=outputs)
    if start == "none":
        return model
    state: dict[str, Tensor] = {}
    if start == "imagenet":
        weights = torchvision.models.get_model_weights(recipe.arch).DEFAULT
        try:
            state = dict(weights.get_state_dict(progress=False, check_hash=True))
        except OSError as error:
            raise CheckpointError(
                f"ImageNet weights cannot be downloaded ({error}): give --from a folder or none"
            ) from None
    else:
        checkpoint = load_checkpoint(start)
        if checkpoint.config.arch != recipe.arch:
            raise CheckpointError(f"{start} holds a {checkpoint.config.arch}, not a {recipe.arch}")
        state = {name: value.float() for name, value in checkpoint.state.items()}
        if checkpoint.config.classes == crops.served:
            with torch.no_grad():
                for name in ("weight", "bias"):
                    getattr(model.fc, name)[: len(crops.served)] = state[f"fc.{name}"]
    backbone = {name: value for name, value in state.items() if not name.startswith("fc.")}
    model.load_state_dict(backbone, strict=False)
    return model


def groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The optimizer's groups: by depth for finetune; flat parameters are never decayed."""
    if recipe.preset == "finetune":
        return parameter_groups(model)
    return [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]


def class_weights(crops: Crops) -> Tensor:
    """Weights of the served label's classes that give each the same say, 1 on average."""
    counts = torch.tensor(list(crops.counts.values())).float()
    return counts.sum() / (len(counts) * counts.clamp(min=1))
