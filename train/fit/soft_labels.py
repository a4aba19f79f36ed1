"""Soft labels: what a trained checkpoint says of each training crop, computed once.

Blended with the hard labels they pass on what it knows, and take the weight off labels that it
doubts: a net that learnt under strong augmentation hardly knows its training labels by heart.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.classifier import soften
from gender_demo.vision.networks import build_network
from train.data.crops import Crops
from train.fit.augment import serve

VIEW = 1.1
"""The square that the network sees, in units of serving's."""


@torch.inference_mode()
def soft_labels(folder: Path, crops: Crops, batch: int = 128) -> Tensor:
    """Probabilities (n, classes) of the served label, mirror images averaged, at the checkpoint's
    temperature. DataError for a checkpoint of other classes."""
    checkpoint = load_checkpoint(folder)
    config = checkpoint.config
    if config.classes != crops.served:
        raise DataError(
            f"{folder} knows {', '.join(config.classes)} and the data {', '.join(crops.served)}: "
            "soft labels need the same."
        )
    model = build_network(config.arch, config.outputs)
    model.load_state_dict({name: value.float() for name, value in checkpoint.state.items()})
    model = model.to(crops.pixels.device).to(memory_format=torch.channels_last).eval()
    result = []
    for start in range(0, len(crops), batch):
        pixels = crops.pixels[start : start + batch]
        pictures = serve(pixels, crops.margin / VIEW, config.input_px)
        outputs = (model(pictures) + model(pictures.flip(3))).float() / 2
        logits = soften(outputs, len(config.classes))
        result.append((logits / config.temperature).softmax(1))
    return torch.cat(result).clone()


def disagreement(labels: Tensor, crops: Crops, by: str, least: float = 0.3) -> dict[str, float]:
    """Of each group of the label ``by``, the share of faces whose own label has a probability under
    ``least`` in ``labels`` (n, classes): where the data may be wrong."""
    own = labels.gather(1, crops.target.unsqueeze(1)).squeeze(1)
    return {
        name: round(float((own[crops.targets[by] == i] < least).float().mean()), 4)
        for i, name in enumerate(crops.classes[by])
    }
