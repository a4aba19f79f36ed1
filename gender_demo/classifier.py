"""Classifier: crops -> probabilities, by the checkpoint's ResNet, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from gender_demo.checkpoint import Checkpoint, build_model

BATCH = 64
"""Crops that go through the net together; bounds the memory a crowd takes."""


class Classifier:
    """The checkpoint's net on a device; half precision on CUDA."""

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device = "cpu") -> None:
        self.config = checkpoint.config
        self.device = torch.device(device)
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        model = build_model(self.config)
        model.load_state_dict(dict(checkpoint.state))
        if self.device.type == "cpu":
            model = _fuse(model)
        self.model = model.to(self.device, self.dtype).to(memory_format=torch.channels_last)
        self._mean = self._per_channel(self.config.mean)
        self._std = self._per_channel(self.config.std)

    @torch.inference_mode()
    def __call__(self, crops: Sequence[Image.Image]) -> list[tuple[float, ...]]:
        """Probabilities of each RGB crop of ``input_px`` squared, in the order of the classes.

        The mean of the crop's and its mirror image's logits over the temperature, then softmax.
        """
        result: list[tuple[float, ...]] = []
        for start in range(0, len(crops), BATCH):
            stacked = np.stack([np.asarray(crop) for crop in crops[start : start + BATCH]])
            pixels = torch.from_numpy(stacked).to(self.device).permute(0, 3, 1, 2)
            images = (pixels.to(self.dtype) / 255 - self._mean) / self._std
            if self.config.flip_average:
                images = torch.cat([images, images.flip(3)])
            logits = self.model(images.contiguous(memory_format=torch.channels_last)).float()
            if self.config.flip_average:
                logits = torch.stack(logits.chunk(2)).mean(0)
            probabilities = (logits / self.config.temperature).softmax(1)
            result += [tuple(row) for row in probabilities.tolist()]
        return result

    def _per_channel(self, values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(values, device=self.device, dtype=self.dtype).view(1, 3, 1, 1)


def _fuse(model: torch.nn.Module) -> torch.nn.Module:
    """Fold each batch norm into its convolution: the same function, less to do on a CPU."""
    from torch.fx.experimental.optimization import fuse

    fused: torch.nn.Module = fuse(model)
    return fused
