"""One network with an output more than there are classes, "this is a face", and how it learns."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gender_demo.errors import DataError
from gender_demo.vision.networks import DLIB, build_network
from train.data.crops import Crops
from train.fit.cross_fit.batches import Batch, Batches
from train.fit.face_weights import FACES
from train.fit.start import face_network_state
from train.fit.targets import Classes, loss

AUX_WEIGHT, FACE_WEIGHT = 0.4, 0.3
WEIGHT_DECAY, BETAS, WARMUP, EMA = 0.05, (0.9, 0.99), 100, 0.998
FIRST_OUTPUTS = 0.3
"""The last layer's random weights are made so much smaller: early answers are close to even."""


def new_network(crops: Crops, start: str, seed: int) -> nn.Module:
    """dlib's face ResNet with outputs for all labels and one for faces, on the crops' device;
    ``start``: FACES for its public-domain weights, or "none"."""
    torch.manual_seed(seed)
    net = build_network(DLIB, sum(map(len, crops.classes.values())) + 1)
    if start == FACES:
        state = face_network_state(crops)
        net.load_state_dict({k: v for k, v in state.items() if k[:3] != "fc."}, strict=False)
    with torch.no_grad():
        net.get_parameter("fc.weight").mul_(FIRST_OUTPUTS)
        net.get_parameter("fc.bias").zero_()
    return net.to(crops.pixels.device).to(memory_format=torch.channels_last)


def learn(
    net: nn.Module,
    batches: Batches,
    steps: int,
    lr: float,
    teachers: Sequence[nn.Module] = (),
    teacher_weight: float = 0.6,
) -> nn.Module:
    """AdamW with warm-up and a cosine over ``steps``; returns the moving average, in eval mode.

    ``teachers``: one for each block of a batch, which must not have seen its folds.
    """
    classes, device = batches.data.train.classes, batches.data.train.pixels.device
    groups: list[dict[str, Any]] = [
        {"params": [p for p in net.parameters() if p.ndim > 1]},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    cuda = device.type == "cuda"
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=cuda)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    averaged, current = (_numbers(each) for each in (average, net))
    net.train()
    for step in range(steps):
        rate = lr * min(1, (step + 1) / WARMUP) * (1 + math.cos(math.pi * step / steps)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batches.draw()
        with torch.autocast(device.type, torch.bfloat16, enabled=cuda):
            wanted = blend(teachers, batch, classes, teacher_weight)
            outputs = net(batch.pictures).float()
        step_loss = batch_loss(outputs, wanted, classes)
        optimizer.zero_grad(set_to_none=True)
        step_loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        keep = min(EMA, (2 + step) / (11 + step))  # at first it forgets faster
        get_ema_multi_avg_fn(keep)(averaged, current, step)  # type: ignore[no-untyped-call]
        if (step + 1) % 500 == 0 or step in (19, 99):
            print(f"  step {step + 1} of {steps}: loss {float(step_loss):.4f}", flush=True)
            if not math.isfinite(float(step_loss)):
                raise DataError("The loss is no number any more: give a smaller --lr.")
    return average


@torch.no_grad()
def blend(teachers: Sequence[nn.Module], batch: Batch, classes: Classes, weight: float) -> Tensor:
    """The batch's targets (faces, outputs), those of block i moved towards the probabilities that
    ``teachers[i]`` gives for the very same views, by ``weight``; as they are without teachers."""
    if not teachers:
        return batch.wanted
    counts = [len(names) for names in classes.values()]
    blocks = torch.split(batch.pictures[: len(batch.wanted)], batch.per_block)
    soft = []
    for teacher, pictures in zip(teachers, blocks, strict=True):
        *parts, _ = torch.split(teacher(pictures).float(), [*counts, 1], 1)
        soft.append(torch.cat([part.softmax(1) for part in parts], 1))
    return batch.wanted.lerp(torch.cat(soft), weight)


def batch_loss(outputs: Tensor, wanted: Tensor, classes: Classes) -> Tensor:
    """Mean over ``outputs`` (n, classes + 1), of which the first ``wanted`` (faces, classes) are
    faces: all labels of a face, the served one of a non-face, which is to be even, and whether it
    is a face."""
    faces, labels, served = len(wanted), wanted.shape[1], len(next(iter(classes.values())))
    others = outputs[faces:, :served]
    even = torch.full_like(others, 1 / served)
    labelled = loss(outputs[:faces, :labels], wanted, classes, AUX_WEIGHT) * faces
    doubted = functional.cross_entropy(others, even, reduction="sum")
    is_face = (torch.arange(len(outputs), device=outputs.device) < faces).float()
    face_loss = functional.binary_cross_entropy_with_logits(outputs[:, labels], is_face)
    return (labelled + doubted) / len(outputs) + FACE_WEIGHT * face_loss


def save_weights(net: nn.Module, path: Path, **facts: float) -> None:
    """In the form that ``train export`` takes, convolutions in half precision."""
    state = {k: (v.half() if v.ndim == 4 else v).cpu() for k, v in net.state_dict().items()}
    torch.save({"state": state, **facts}, path)


def _numbers(net: nn.Module) -> list[Tensor]:
    """Weights and the batch norms' statistics, as they lie in the network."""
    return [value for value in net.state_dict().values() if value.is_floating_point()]
