"""Candidates between the cascade's nets: boxes as tensors (n, 4), x0, y0, x1, y1 in pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from gender_demo.results import Box

SEATS = (
    (0.06, 0.06, 1.0), (-0.06, -0.06, 1.0), (0.0, 0.0, 0.88), (0.0, 0.0, 1.12),
    (0.06, -0.06, 1.0), (-0.06, 0.06, 1.0), (0.0, 0.0, 0.94), (0.0, 0.0, 1.06),
)  # fmt: skip
"""From where O-Net looks at a found face again: steps to the right and down in sides of its square,
and the square's size. The mean of what it says holds 2.8 times as still under shifts of a few
pixels as its first word, and a third fewer labels flip (train/LOG.md, 19)."""
FEW_SEATS = 2
"""The first ones, from where a face that is followed is looked at in every frame: half the jitter
for a millisecond; four bring little more."""


def regress(boxes: Tensor, regression: Tensor) -> Tensor:
    return boxes + regression * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)


def squared(boxes: Tensor) -> Tensor:
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([centre - half, centre + half], 1)


def around(boxes: Tensor, count: int) -> Tensor:
    """The squares (n * count, 4) that the first of SEATS name around boxes (n, 4)."""
    seats = boxes.new_tensor(SEATS[:count])
    centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    side = (boxes[:, 2:] - boxes[:, :2]).amax(1)[:, None, None]
    centre = centre + seats[:, :2] * side
    half = seats[:, 2:] * side / 2
    return torch.cat([centre - half, centre + half], 2).flatten(0, 1)


def likeliest(keep: Tensor, owners: Tensor, most: int) -> Tensor:
    """The first ``most`` indices of each owner; ``keep`` is in falling order of score."""
    if len(keep) <= most:
        return keep
    return torch.cat([keep[owners == owner][:most] for owner in range(int(owners.max()) + 1)])


def suppress(boxes: Tensor, scores: Tensor, owners: Tensor, threshold: float) -> Tensor:
    """``batched_nms``, which moves each picture's boxes apart: in double precision, or a picture's
    faces would depend on its place in the batch."""
    keep: Tensor = batched_nms(boxes.double(), scores.double(), owners, threshold)
    return keep


def nms_by_smaller(boxes: Tensor, scores: Tensor, owners: Tensor, threshold: float) -> Tensor:
    """Greedy suppression by intersection over the *smaller* area, as MTCNN ends."""
    sizes = areas(boxes)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    smaller = torch.minimum(sizes[:, None], sizes[None]).clamp(min=1e-9)
    overlap = (high - low).clamp(min=0).prod(2) / smaller
    clash = ((overlap > threshold) & (owners[:, None] == owners[None])).cpu().numpy()
    keep: list[int] = []
    for i in scores.argsort(descending=True).tolist():
        if not clash[i, keep].any():
            keep.append(i)
    return torch.tensor(keep, dtype=torch.long, device=boxes.device)


def areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)


def same_place(box: Box, known: Box) -> bool:
    """Whether a candidate only finds again what is known: its centre inside, of like size."""
    return known.contains(box.centre) and 0.25 < box.area / max(1.0, known.area) < 4
