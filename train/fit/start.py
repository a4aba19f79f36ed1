"""The network a run begins with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torchvision
from torch import Tensor, nn

from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.networks import build_network
from train.data.crops import Crops
from train.fit.recipe import Recipe


def starting_network(recipe: Recipe, crops: Crops, start: str) -> nn.Module:
    """One last layer for all labels together, the served one's rows first.

    ``start``: "none", "imagenet", or a checkpoint folder; its last layer is taken over too where
    it knows the same classes.
    """
    torch.manual_seed(recipe.seed)
    model = build_network(recipe.arch, sum(map(len, crops.classes.values())))
    if start == "none":
        return model
    if start == "imagenet":
        state = _imagenet(recipe.arch)
    else:
        checkpoint = load_checkpoint(start)
        if checkpoint.config.arch != recipe.arch:
            raise CheckpointError(f"{start} holds a {checkpoint.config.arch}, not a {recipe.arch}")
        state = {name: value.float() for name, value in checkpoint.state.items()}
        if checkpoint.config.classes == crops.served:
            with torch.no_grad():
                for name in ("fc.weight", "fc.bias"):
                    model.get_parameter(name)[: len(crops.served)] = state[name]
    backbone = {name: value for name, value in state.items() if not name.startswith("fc.")}
    model.load_state_dict(backbone, strict=False)
    return model


def _imagenet(arch: str) -> Mapping[str, Tensor]:
    weights = torchvision.models.get_model_weights(arch).DEFAULT
    try:
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise CheckpointError(
            f"ImageNet weights cannot be downloaded ({error}): give --from a folder or none"
        ) from None
    return state
