"""FaceDetector: facenet-pytorch's MTCNN nets under a batched cascade of our own.

The stock cascade cuts candidates in a Python loop and synchronises at every stage. Here all
candidates of all pictures are cut at once by ``roi_align``. The nets, their weights, thresholds and
order are those of Zhang et al. 2016, "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.ops import batched_nms, roi_align

from gender_demo.results import Face

CELL_PX = 12
"""What P-Net's one output cell sees; a face of ``min_face_px`` is shrunk to this."""
STRIDE_PX = 2
PYRAMID_FACTOR = 0.709
BORDER = 0.2
"""Grey border, as a share of the shorter side, for the second look at a picture that seemed
empty: MTCNN misses faces that fill the picture."""


class FaceDetector:
    """Finds faces of ``min_face_px`` pixels and more in RGB pictures of any size.

    ``thresholds`` are the least scores that pass P-Net, R-Net and O-Net.
    """

    def __init__(
        self,
        device: str | torch.device = "cpu",
        *,
        min_face_px: int = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
    ) -> None:
        nets = MTCNN(keep_all=True, device=torch.device(device))
        self.device = torch.device(device)
        self.pnet, self.rnet, self.onet = nets.pnet, nets.rnet, nets.onet
        self.min_face_px = min_face_px
        self.thresholds = thresholds

    @torch.inference_mode()
    def detect(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        """Faces of each picture, largest first. Pictures of one size are searched as one batch.

        A picture that seems empty is looked at once more with a grey border.
        """
        found = self._detect_by_size(pictures)
        empty = [i for i, faces in enumerate(found) if not faces]
        borders = [round(BORDER * min(pictures[i].size)) for i in empty]
        bordered = [
            ImageOps.expand(pictures[i], border, (127, 127, 127))
            for i, border in zip(empty, borders, strict=True)
        ]
        for i, border, faces in zip(empty, borders, self._detect_by_size(bordered), strict=True):
            found[i] = [_shift(face, -border) for face in faces]
        return found

    def _detect_by_size(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        found: list[list[Face]] = [[] for _ in pictures]
        by_size: dict[tuple[int, int], list[int]] = {}
        for i, picture in enumerate(pictures):
            by_size.setdefault(picture.size, []).append(i)
        for indices in by_size.values():
            images = to_tensor([pictures[i] for i in indices], self.device)
            for i, faces in zip(indices, self._cascade(images), strict=True):
                found[i] = faces
        return found

    def _cascade(self, images: Tensor) -> list[list[Face]]:
        boxes, owners = self.propose(images, pyramid_scales(images.shape[2:], self.min_face_px))
        boxes, owners = self.reject(images, boxes, owners)
        boxes, owners, scores, points = self.refine(images, boxes, owners)
        boxes_l, scores_l = boxes.tolist(), scores.tolist()
        points_l, owners_l = points.tolist(), owners.tolist()
        result: list[list[Face]] = [[] for _ in range(len(images))]
        for box, score, landmarks, owner in zip(boxes_l, scores_l, points_l, owners_l, strict=True):
            result[owner].append(Face(tuple(box), score, tuple((x, y) for x, y in landmarks)))
        for faces in result:
            faces.sort(key=lambda face: -_area(face))
        return result

    def propose(self, images: Tensor, scales: Sequence[float]) -> tuple[Tensor, Tensor]:
        """P-Net over the scales: squares that may hold a face, (n, 4), and their picture, (n,).

        ``images`` is (n, 3, height, width), 0 to 255 centred and scaled by ``to_tensor``.
        """
        boxes, scores, owners = [], [], []
        height, width = images.shape[2:]
        for scale in scales:
            small = (int(height * scale + 1), int(width * scale + 1))
            regression, probability = self.pnet(interpolate(images, small, mode="area"))
            mask = probability[:, 1] >= self.thresholds[0]
            owner, row, column = mask.nonzero(as_tuple=True)
            corner = torch.stack([column, row], 1) * STRIDE_PX
            per = torch.tensor([width / small[1], height / small[0]], device=images.device)
            square = torch.cat([corner * per, (corner + CELL_PX) * per], 1)
            score = probability[:, 1][mask]
            keep = batched_nms(square, score, owner, 0.5)
            moved = _regress(square, regression.permute(0, 2, 3, 1)[mask])
            boxes.append(moved[keep])
            scores.append(score[keep])
            owners.append(owner[keep])
        if not boxes:
            none = torch.zeros(0, device=images.device)
            return none.reshape(0, 4), none.long()
        all_boxes, all_owners = torch.cat(boxes), torch.cat(owners)
        keep = batched_nms(all_boxes, torch.cat(scores), all_owners, 0.7)
        return _square(all_boxes[keep]), all_owners[keep]

    def reject(self, images: Tensor, boxes: Tensor, owners: Tensor) -> tuple[Tensor, Tensor]:
        """R-Net: most candidates go, the others are moved closer."""
        if not len(boxes):
            return boxes, owners
        regression, probability = self.rnet(_cut(images, boxes, owners, 24))
        score = probability[:, 1]
        ok = score > self.thresholds[1]
        boxes, owners, score, regression = boxes[ok], owners[ok], score[ok], regression[ok]
        keep = batched_nms(boxes, score, owners, 0.7)
        return _square(_regress(boxes[keep], regression[keep])), owners[keep]

    def refine(
        self, images: Tensor, boxes: Tensor, owners: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """O-Net: boxes (n, 4), their pictures (n,), scores (n,), landmarks (n, 5, 2)."""
        if not len(boxes):
            none = boxes.new_zeros(0)
            return boxes, owners, none, none.reshape(0, 5, 2)
        regression, points, probability = self.onet(_cut(images, boxes, owners, 48))
        score = probability[:, 1]
        ok = score > self.thresholds[2]
        boxes, owners, score = boxes[ok], owners[ok], score[ok]
        size = (boxes[:, 2:] - boxes[:, :2]).unsqueeze(1)
        landmarks = points[ok].reshape(-1, 2, 5).transpose(1, 2) * size + boxes[:, None, :2]
        boxes = _regress(boxes, regression[ok])
        keep = _nms_by_smaller(boxes, score, owners, 0.7)
        return boxes[keep], owners[keep], score[keep], landmarks[keep]


def to_tensor(pictures: Sequence[Image.Image], device: torch.device) -> Tensor:
    """RGB pictures of one size -> float (n, 3, height, width), (value - 127.5) / 128."""
    stacked = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    return (stacked.to(device).permute(0, 3, 1, 2).float() - 127.5) * 0.0078125


def pyramid_scales(size: Sequence[int], min_face_px: float) -> list[float]:
    """Shrink factors at which P-Net's cell covers min_face_px, then ever larger faces."""
    scale, scales = CELL_PX / min_face_px, []
    while min(size) * scale >= CELL_PX:
        scales.append(scale)
        scale *= PYRAMID_FACTOR
    return scales


def _cut(images: Tensor, boxes: Tensor, owners: Tensor, size_px: int) -> Tensor:
    rois = torch.cat([owners.to(boxes.dtype).unsqueeze(1), boxes], 1)
    return roi_align(images, rois, size_px, sampling_ratio=-1, aligned=True)


def _regress(boxes: Tensor, regression: Tensor) -> Tensor:
    size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + regression * size


def _square(boxes: Tensor) -> Tensor:
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([centre - half, centre + half], 1)


def _nms_by_smaller(boxes: Tensor, scores: Tensor, owners: Tensor, threshold: float) -> Tensor:
    """Greedy suppression by intersection over the *smaller* area, as MTCNN ends."""
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low).clamp(min=0).prod(2) / torch.minimum(area[:, None], area[None]).clamp(
        min=1e-9
    )
    clash = ((overlap > threshold) & (owners[:, None] == owners[None])).cpu().numpy()
    keep: list[int] = []
    for i in scores.argsort(descending=True).tolist():
        if not clash[i, keep].any():
            keep.append(i)
    return torch.tensor(keep, dtype=torch.long, device=boxes.device)


def _area(face: Face) -> float:
    x0, y0, x1, y1 = face.box
    return (x1 - x0) * (y1 - y0)


def _shift(face: Face, by: float) -> Face:
    x0, y0, x1, y1 = face.box
    return Face(
        (x0 + by, y0 + by, x1 + by, y1 + by),
        face.score,
        tuple((x + by, y + by) for x, y in face.landmarks),
    )
