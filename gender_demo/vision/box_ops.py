"""Operations on boxes as tensors (n, 4): x0, y0, x1, y1 in pixels of their picture.

``image_index`` (n,) says which picture of the batch each box belongs to.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gender_demo.vision.torchvision_ops import compiled_ops

JITTERS = (
    (0.06, 0.06, 1.0), (-0.06, -0.06, 1.0), (0.0, 0.0, 0.88), (0.0, 0.0, 1.12),
    (0.06, -0.06, 1.0), (-0.06, 0.06, 1.0), (0.0, 0.0, 0.94), (0.0, 0.0, 1.06),
)  # fmt: skip
"""Test-time augmentation of boxes: steps to the right and down in sides of a box's square, and the
size of the jittered square in sides."""


def areas(boxes: Tensor) -> Tensor:
    """Boxes (n, 4) -> square pixels (n,), 0 where a side is negative."""
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)


def to_square(boxes: Tensor) -> Tensor:
    """Boxes (n, 4) -> squares (n, 4) of their longer side around their centres."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([centre - half, centre + half], 1)


def apply_regression(boxes: Tensor, regression: Tensor) -> Tensor:
    """Boxes (n, 4) with each edge moved by ``regression`` (n, 4), in sides of the box."""
    return boxes + regression * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)


def jittered_boxes(boxes: Tensor, count: int) -> Tensor:
    """Boxes (n, 4) -> squares (n * count, 4): each box's square moved by the first JITTERS."""
    jitters = boxes.new_tensor(JITTERS[:count])
    centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    side = (boxes[:, 2:] - boxes[:, :2]).amax(1)[:, None, None]
    centre = centre + jitters[:, :2] * side
    half = jitters[:, 2:] * side / 2
    return torch.cat([centre - half, centre + half], 2).flatten(0, 1)


def top_k(keep: Tensor, image_index: Tensor, k: int) -> Tensor:
    """The first ``k`` of the indices ``keep`` in each picture.

    ``keep`` (n,) is in falling order of score, ``image_index`` (n,) the picture of each.
    """
    if len(keep) <= k:
        return keep
    images = range(int(image_index.max()) + 1)
    return torch.cat([keep[image_index == image][:k] for image in images])


def nms(boxes: Tensor, scores: Tensor, image_index: Tensor, threshold: float) -> Tensor:
    """Non-maximum suppression by IoU within each picture: indices kept, best score first.

    Each picture's boxes are moved apart: in double precision, or a picture's faces would depend on
    its place in the batch.
    """
    apart = boxes.double()
    if len(boxes):
        low, high = apart.aminmax()
        apart = apart + ((high - low + 1) * image_index)[:, None]
    keep: Tensor = compiled_ops().nms(apart, scores.double(), threshold)
    return keep


def nms_by_minimum(boxes: Tensor, scores: Tensor, image_index: Tensor, threshold: float) -> Tensor:
    """The same by intersection over the *smaller* area ("minimum"), as MTCNN ends."""
    sizes = areas(boxes)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    smaller = torch.minimum(sizes[:, None], sizes[None]).clamp(min=1e-9)
    overlap = (high - low).clamp(min=0).prod(2) / smaller
    clash = (overlap > threshold) & (image_index[:, None] == image_index[None])
    suppressed_by = clash.cpu().numpy()
    keep: list[int] = []
    for i in scores.argsort(descending=True).tolist():
        if not suppressed_by[i, keep].any():
            keep.append(i)
    return torch.tensor(keep, dtype=torch.long, device=boxes.device)


def same_place(boxes: Tensor, known: Tensor) -> Tensor:
    """Which boxes (n, 4) only find again one of ``known`` (m, 4), as booleans (n, m).

    The centre lies inside, and the size is alike.
    """
    centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    inside = (known[:, :2] <= centre).all(2) & (centre <= known[:, 2:]).all(2)
    share = areas(boxes)[:, None] / areas(known).clamp(min=1)
    return inside & (share > 0.25) & (share < 4)
