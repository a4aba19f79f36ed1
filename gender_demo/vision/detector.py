"""FaceDetector: facenet-pytorch's MTCNN nets under a batched cascade of our own.

The nets, weights, thresholds and order are those of Zhang et al. 2016, "Joint Face Detection and
Alignment using Multi-task Cascaded Convolutional Networks". The stock cascade reads whole pictures
as floats, cuts candidates in a Python loop and synchronises at every stage. Here pictures stay
bytes until a net sees a small piece (on the CPU), or are cut all at once by ``roi_align`` (on a
GPU), and each stage can be had alone, which is what makes following a face cheap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision.ops import roi_align

from gender_demo.results import (
    Box,
    Face,
)
from gender_demo.vision.low_light import brighten
from gender_demo.vision.mtcnn import (
    FEW_SEATS,
    SEATS,
    areas,
    around,
    likeliest,
    nms_by_smaller,
    regress,
    same_place,
    squared,
    suppress,
)

CELL_PX = 12
"""What P-Net's one output cell sees; a face of ``min_face_px`` is shrunk to this."""
STRIDE_PX = 2
PYRAMID_FACTOR = 0.709
BORDER = 0.2
"""Grey border, as a share of the shorter side, for the second look at a picture that seemed
empty: MTCNN misses faces that fill the picture."""
GREY = 127
MAX_PROPOSALS, MAX_CANDIDATES = 4000, 800
"""Of each picture, how many of the likeliest places R-Net and O-Net look at: a picture that is
tiled with faces must not take all memory. A group of 170 faces needs 3,500 and 480."""
SMALL_PX, SMALL_SCORE = 40, 0.9
"""Boxes smaller than this (root of their area) need this score: most false ones are small, and
below it serving gives no label anyway. train/LOG.md has the figures."""
MOST_SETTLED, SETTLED_AT_ONCE = 100, 64
"""Of each picture, how many faces are looked at again, and how many together."""


class FaceDetector:
    """Finds faces of ``min_face_px`` pixels and more in RGB pictures of any size.

    ``thresholds`` are the least scores that pass P-Net, R-Net and O-Net; see also SMALL_SCORE.
    """

    def __init__(
        self,
        device: str | torch.device = "cpu",
        *,
        min_face_px: float = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
    ) -> None:
        self.device = torch.device(device)
        nets = MTCNN(keep_all=True, device=self.device).to(memory_format=torch.channels_last)
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
            ImageOps.expand(pictures[i], border, (GREY, GREY, GREY))
            for i, border in zip(empty, borders, strict=True)
        ]
        for i, border, faces in zip(empty, borders, self._detect_by_size(bordered), strict=True):
            found[i] = [face.shifted(-border, -border) for face in faces]
        return found

    __call__ = detect

    @torch.inference_mode()
    def search(
        self,
        pictures: Sequence[Image.Image],
        scales: Sequence[float],
        known: Sequence[Sequence[Box]] | None = None,
    ) -> list[list[Face]]:
        """Faces at some scales only, in pictures of one size; ``known`` ones are passed over."""
        images = self._load(pictures)
        boxes, owners = self._propose(images, scales)
        if known is not None and len(boxes):
            new = torch.tensor(
                [
                    not any(same_place(Box(*box), other) for other in known[owner])
                    for box, owner in zip(boxes.tolist(), owners.tolist(), strict=True)
                ]
            )
            boxes, owners = boxes[new], owners[new]
        boxes, owners = self._reject(images, boxes, owners)
        boxes, scores, points = self._refine(images, boxes, owners)
        small = areas(boxes) < SMALL_PX**2
        least = torch.where(small, max(SMALL_SCORE, self.thresholds[2]), self.thresholds[2])
        keep = (scores > least).nonzero()[:, 0]
        keep = keep[nms_by_smaller(boxes[keep], scores[keep], owners[keep], 0.7)]
        self._settle(images, boxes, points, owners, keep, len(SEATS))
        result: list[list[Face]] = [[] for _ in pictures]
        faces = _to_faces(boxes[keep], scores[keep], points[keep])
        for face, owner in zip(faces, owners[keep].tolist(), strict=True):
            result[owner].append(face)
        for found in result:
            found.sort(key=lambda face: -face.box.area)
        return result

    @torch.inference_mode()
    def follow(
        self, pictures: Sequence[Image.Image], boxes: Sequence[Sequence[Box]]
    ) -> list[list[Face]]:
        """O-Net alone where faces are expected, in pictures of one size.

        One face for each box, in its order; its score is low where there is no face.
        """
        flat = [box for each in boxes for box in each]
        if not flat:
            return [[] for _ in pictures]
        owners = torch.tensor([i for i, each in enumerate(boxes) for _ in each], device=self.device)
        squares = squared(torch.tensor(flat, device=self.device))
        images = self._load(pictures)
        seen, scores, points = self._refine(images, squares, owners)
        here = (scores > self.thresholds[2]).nonzero()[:, 0]
        self._settle(images, seen, points, owners, here, FEW_SEATS)
        faces = iter(_to_faces(seen, scores, points))
        return [[next(faces) for _ in each] for each in boxes]

    def scales(self, size: tuple[int, int]) -> list[float]:
        """The whole pyramid for a (width, height) picture, costliest first."""
        return pyramid_scales(size, self.min_face_px)

    def _detect_by_size(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        found: list[list[Face]] = [[] for _ in pictures]
        by_size: dict[tuple[int, int], list[int]] = {}
        for i, picture in enumerate(pictures):
            by_size.setdefault(picture.size, []).append(i)
        for size, indices in by_size.items():
            batch = self.search([pictures[i] for i in indices], self.scales(size))
            for i, faces in zip(indices, batch, strict=True):
                found[i] = faces
        return found

    def _load(self, pictures: Sequence[Image.Image]) -> Tensor:
        """RGB pictures of one size -> (n, 3, height, width): bytes on the CPU, floats on a GPU."""
        images = torch.from_numpy(np.stack([np.asarray(brighten(picture)) for picture in pictures]))
        images = images.to(self.device).permute(0, 3, 1, 2)
        return images if self.device.type == "cpu" else images.float()

    def _propose(self, images: Tensor, scales: Sequence[float]) -> tuple[Tensor, Tensor]:
        """P-Net over the scales: squares that may hold a face, (n, 4), and their picture, (n,)."""
        none = torch.zeros(0, device=self.device)
        boxes, scores, owners = [none.reshape(0, 4)], [none], [none.long()]
        height, width = images.shape[2:]
        for scale in scales:
            small = (int(height * scale + 1), int(width * scale + 1))
            shrunk = interpolate(images, small, mode="bilinear", antialias=True)
            regression, probability = self.pnet(_normalize(shrunk))
            mask = probability[:, 1] >= self.thresholds[0]
            owner, row, column = mask.nonzero(as_tuple=True)
            corner = torch.stack([column, row], 1) * STRIDE_PX
            per = torch.tensor([width / small[1], height / small[0]], device=self.device)
            square = torch.cat([corner * per, (corner + CELL_PX) * per], 1)
            score = probability[:, 1][mask]
            keep = suppress(square, score, owner, 0.5)
            boxes.append(regress(square, regression.permute(0, 2, 3, 1)[mask])[keep])
            scores.append(score[keep])
            owners.append(owner[keep])
        all_boxes, all_owners = torch.cat(boxes), torch.cat(owners)
        keep = suppress(all_boxes, torch.cat(scores), all_owners, 0.7)
        keep = likeliest(keep, all_owners[keep], MAX_PROPOSALS)
        return squared(all_boxes[keep]), all_owners[keep]

    def _reject(self, images: Tensor, boxes: Tensor, owners: Tensor) -> tuple[Tensor, Tensor]:
        """R-Net: most candidates go, the others are moved closer."""
        if not len(boxes):
            return boxes, owners
        pieces, boxes = _cut(images, boxes, owners, 24)
        regression, probability = self.rnet(pieces)
        score = probability[:, 1]
        ok = score > self.thresholds[1]
        boxes, owners, score, regression = boxes[ok], owners[ok], score[ok], regression[ok]
        keep = suppress(boxes, score, owners, 0.7)
        keep = likeliest(keep, owners[keep], MAX_CANDIDATES)
        return squared(regress(boxes[keep], regression[keep])), owners[keep]

    def _refine(
        self, images: Tensor, boxes: Tensor, owners: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """O-Net: boxes (n, 4), scores (n,), landmarks (n, 5, 2)."""
        if not len(boxes):
            return boxes, boxes.new_zeros(0), boxes.new_zeros(0, 5, 2)
        pieces, boxes = _cut(images, boxes, owners, 48)
        regression, points, probability = self.onet(pieces)
        size = (boxes[:, 2:] - boxes[:, :2]).unsqueeze(1)
        landmarks = points.reshape(-1, 2, 5).transpose(1, 2) * size + boxes[:, None, :2]
        return regress(boxes, regression), probability[:, 1], landmarks

    def _settle(
        self,
        images: Tensor,
        boxes: Tensor,
        points: Tensor,
        owners: Tensor,
        faces: Tensor,
        seats: int,
    ) -> None:
        """Boxes and landmarks of some of the candidates become means over SEATS and themselves."""
        if not len(faces):
            return
        for some in torch.split(likeliest(faces, owners[faces], MOST_SETTLED), SETTLED_AT_ONCE):
            seen, scores, marks = self._refine(
                images, around(boxes[some], seats), owners[some].repeat_interleave(seats)
            )
            weight = (scores > self.thresholds[2]).to(boxes.dtype).reshape(len(some), seats, 1)
            for all_, ones in ((boxes, seen), (points, marks)):
                before = all_[some].flatten(1)
                told = (ones.reshape(len(some), seats, -1) * weight).sum(1)
                all_[some] = ((before + told) / (1 + weight.sum(1))).reshape(all_[some].shape)


def pyramid_scales(size: tuple[int, int], min_face_px: float) -> list[float]:
    """Shrink factors at which P-Net's cell covers min_face_px, then ever larger faces."""
    scale, scales = CELL_PX / min_face_px, []
    while min(size) * scale >= CELL_PX:
        scales.append(scale)
        scale *= PYRAMID_FACTOR
    return scales


def _normalize(pixels: Tensor) -> Tensor:
    scaled = (pixels.float() - 127.5) * 0.0078125
    return scaled.contiguous(memory_format=torch.channels_last)


def _cut(images: Tensor, boxes: Tensor, owners: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
    """Pieces (n, 3, size_px, size_px) ready for a net, and the boxes that were really cut.

    Outside a picture there is grey. On the CPU boxes are cut at whole pixels.
    """
    if images.is_floating_point():
        rois = torch.cat([owners.to(boxes.dtype).unsqueeze(1), boxes], 1)
        pieces = roi_align(images - GREY, rois, size_px, sampling_ratio=-1, aligned=True)
        return _normalize(pieces + GREY), boxes
    height, width = images.shape[2:]
    whole = torch.stack([boxes[:, 0], boxes[:, 1], boxes[:, 2] + 1, boxes[:, 3] + 1], 1).floor()
    pieces = torch.empty((len(boxes), 3, size_px, size_px), dtype=torch.uint8)
    for i, (owner, (x0, y0, x1, y1)) in enumerate(
        zip(owners.tolist(), whole.long().tolist(), strict=True)
    ):
        inside = images[owner : owner + 1, :, max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
        outside = (max(0, -x0), max(0, x1 - width), max(0, -y0), max(0, y1 - height))
        if inside.numel() == 0:
            pieces[i] = GREY
            continue
        if any(outside):
            inside = pad(inside, outside, value=GREY)
        pieces[i] = interpolate(inside, (size_px, size_px), mode="bilinear", antialias=True)[0]
    return _normalize(pieces), whole


def _to_faces(boxes: Tensor, scores: Tensor, points: Tensor) -> list[Face]:
    return [
        Face(Box(*box), score, tuple((x, y) for x, y in landmarks))
        for box, score, landmarks in zip(
            boxes.tolist(), scores.tolist(), points.tolist(), strict=True
        )
    ]
