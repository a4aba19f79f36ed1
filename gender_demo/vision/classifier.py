"""Classifier: crops -> probabilities, by the checkpoint's ResNet, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gender_demo.vision.backends import Engine, Precision, choose_backend
from gender_demo.vision.checkpoint import (
    Checkpoint,
    Config,
    build_model,
)
from gender_demo.vision.memory_fallback import retry_with_half_batch

MAX_BATCH_IMAGES = 128
"""Views and mirror images that go through the net together; bounds the memory a crowd takes."""

MAX_DOUBT = 2.0
"""Log of the most by which the first output for doubt divides or multiplies logits; the second one
divides by up to twice that."""
PART_IMAGES = 24
"""The same where a CPU is to be free for others in between: half a second at most."""
View = tuple[Image.Image, tuple[bool, ...]]
"""A crop, and as what the net sees it: as it is (False), mirrored (True)."""
PRECISION: Precision = "bfloat16"
"""Of 2,000 faces no probability moves by more than 0.01 and no label changes, in half the time
(benchmarks/engine.py)."""


class Served(nn.Module):
    """The checkpoint's net with all that stands around it: pixels in, probabilities out."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: Config, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.net = build_model(config)
        self.net.load_state_dict(dict(state))
        self.flip_average, self.temperature = config.flip_average, config.temperature
        self.classes = len(config.classes)
        self.windows = [(config.crop_px - px) // 2 for px in map(config.view_px, config.views)]
        self.images_per_crop = len(config.views) * (2 if config.flip_average else 1)
        self.input_px = config.input_px
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """RGB bytes (n, 3, crop_px, crop_px) -> probabilities (n, classes)."""
        return to_probabilities(self.outputs(pixels), self.classes, self.temperature)

    def outputs(self, pixels: Tensor) -> Tensor:
        """RGB bytes (n, 3, crop_px, crop_px) -> the network's outputs (n, outputs), averaged over
        all views and their mirror images."""
        whole = (pixels.to(self.mean.dtype) / 255 - self.mean) / self.std
        views = [self._window(whole, border) for border in self.windows]
        if self.flip_average:
            views += [view.flip(3) for view in views]
        images = torch.cat(views).contiguous(memory_format=torch.channels_last)
        outputs: Tensor = self.net(images).float().unflatten(0, (len(views), -1)).mean(0)
        return outputs

    def _window(self, whole: Tensor, border: int) -> Tensor:
        """The middle of the crops, at the net's own side."""
        if border:
            whole = whole[:, :, border:-border, border:-border]
        if whole.shape[-1] == self.input_px:
            return whole
        return interpolate(whole, (self.input_px, self.input_px), mode="bilinear")


def to_probabilities(outputs: Tensor, classes: int, temperature: float) -> Tensor:
    """Outputs (n, classes), or two or three more, -> probabilities (n, classes)."""
    return (soften(outputs, classes) / temperature).softmax(1)


def soften(outputs: Tensor, classes: int) -> Tensor:
    """Outputs (n, classes), or two or three more, -> logits (n, classes).

    These are the log of what the logits are divided by, so that probabilities move towards 1 /
    classes: the first one is larger for faces of a kind that is often judged wrongly (tanh keeps it
    in bounds), the second one above 0 for what is no face, the third one for kinds of faces that
    get no label.
    """
    logits, doubt = outputs[:, :classes], outputs[:, classes:]
    if not doubt.shape[1]:
        return logits
    above = doubt[:, 1:].clamp(0.0, 2 * MAX_DOUBT)
    rise = MAX_DOUBT * doubt[:, :1].tanh() + above.sum(1, keepdim=True)
    return logits * (-rise).exp()


class Outputs(nn.Module):
    """A served net up to its outputs, for engines that take a module."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.served = served

    def forward(self, pixels: Tensor) -> Tensor:
        """RGB bytes (n, 3, crop_px, crop_px) -> outputs (n, outputs), averaged over views."""
        return self.served.outputs(pixels)


class Classifier:
    """The served net on a device. ``engine`` says on what it runs and how exactly.

    On CUDA out-of-memory the batch is halved, then the CPU takes over.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str | torch.device = "cpu",
        engine: Engine = "auto",
        precision: Precision = PRECISION,
    ) -> None:
        self.checkpoint, self._precision = checkpoint, precision
        self._place(device, engine)

    def __call__(self, crops: Sequence[Image.Image]) -> list[tuple[float, ...]]:
        """Probabilities of each RGB crop of ``crop_px`` squared, in the order of the classes."""
        both = self.checkpoint.config.flip_average
        return self._run([(crop, (False, True) if both else (False,)) for crop in crops])

    def by_turns(
        self, crops: Sequence[Image.Image], turns: Sequence[int]
    ) -> list[tuple[float, ...]]:
        """The same at half the cost, for a face that is classified again and again: of the crop
        where its turn is even, of its mirror image where it is odd."""
        both = self.checkpoint.config.flip_average
        return self._run(
            [(crop, (both and turn % 2 == 1,)) for crop, turn in zip(crops, turns, strict=True)]
        )

    def _run(self, views: Sequence[View]) -> list[tuple[float, ...]]:
        return retry_with_half_batch(self._classify, views, lambda: self._place("cpu", "auto"))

    def _place(self, device: str | torch.device, engine: Engine) -> None:
        self.device, config = torch.device(device), self.checkpoint.config
        served = Served(replace(config, flip_average=False), self.checkpoint.state)
        backend = choose_backend(self.device, engine)
        if self.device.type == "cpu" and not backend.folds_norms:
            served.net = fuse(served.net)
        example = torch.zeros((1, 3, config.crop_px, config.crop_px), dtype=torch.uint8)
        part = max(1, PART_IMAGES // served.images_per_crop)
        self.network = backend.load(Outputs(served), example, least=self._precision, part=part)
        self.engine = f"{backend.name}, {backend.precision(self._precision)}"
        self._batch = max(1, MAX_BATCH_IMAGES // served.images_per_crop)

    def _classify(self, views: Sequence[View]) -> list[tuple[float, ...]]:
        if not views:
            return []
        config, outputs = self.checkpoint.config, list[Tensor]()
        arrays = [
            np.asarray(crop)[:, :: -1 if flip else 1] for crop, flips in views for flip in flips
        ]
        for start in range(0, len(arrays), self._batch):
            pixels = torch.from_numpy(np.stack(arrays[start : start + self._batch]))
            outputs.append(self.network(pixels.to(self.device).permute(0, 3, 1, 2))[0])
        of_each = torch.split(torch.cat(outputs), [len(flips) for _, flips in views])
        means = torch.stack([rows.mean(0) for rows in of_each])
        found = to_probabilities(means, len(config.classes), config.temperature)
        return [tuple(row) for row in found.tolist()]


def fuse(model: nn.Module) -> nn.Module:
    """Fold each batch norm into its convolution: the same function, less to do on a CPU."""
    from torch.fx.experimental.optimization import fuse

    fused: nn.Module = fuse(model.eval())
    return fused
