"""MTCNN: the three nets and what each stage makes of a batch of pictures of one size.

propose (P-Net) -> reject (R-Net) -> locate (O-Net) -> refine (O-Net on jittered boxes)

Nets, weights and order are those of Zhang et al. 2016, "Joint Face Detection and Alignment using
Multi-task Cascaded Convolutional Networks", as facenet-pytorch has them. Stock code reads whole
pictures as floats, cuts candidates in a Python loop and synchronises at every stage. Here pictures
stay bytes until a net sees a small piece (on the CPU), or are cut all at once by ``roi_align`` (on
a GPU), and each stage can be had alone, which is what makes following a face cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from gender_demo.vision.backends import Engine, Network, Precision, choose_backend
from gender_demo.vision.box_ops import (
    apply_regression,
    jittered_boxes,
    nms,
    to_square,
    top_k,
)
from gender_demo.vision.mtcnn_networks import ONet, PNet, RNet, load_stock
from gender_demo.vision.torchvision_ops import compiled_ops

CELL_PX, STRIDE_PX = 12, 2
"""What one output cell of P-Net sees, and how far it is to the next."""
PYRAMID_FACTOR = 0.709
RNET_PX, ONET_PX = 24, 48
GREY = 127
"""What stands outside a picture."""
REFINED_AT_ONCE = 64
"""Faces whose jittered boxes go through O-Net together; bounds the memory a crowd takes."""


@dataclass(frozen=True)
class DetectorSettings:
    """What decides which faces are found. Hashable, so that results may be cached by it.

    ``min_face_px``: the smallest face searched for, in pixels of the searched picture.
    ``thresholds``: the least scores that pass P-Net, R-Net and O-Net, 0 to 1.
    ``small_px``, ``small_score``: boxes of a ``size_px`` below the first need the second as score:
    most false ones are small, and below it serving gives no label anyway (train/LOG.md).
    ``steady_px``: below it O-Net must see the face in the mean of its jittered boxes too, since a
    wall may resemble a face from one place. ``tile_score``: in tiles, where so much is searched,
    the mean of that and the score must be above it; a face of 40 px may have 0.68.
    ``max_proposals``, ``max_candidates``: of each picture, how many of the most probable places
    R-Net and O-Net see, so that a picture tiled with faces does not take all memory. A group of 170
    faces needs 3,500 and 480.
    ``jitters``: how many JITTERS a found face's box is averaged over: with eight it holds 2.8 times
    as still under shifts of a few pixels, and a third fewer labels flip (train/LOG.md, 19).
    ``follow_jitters``: the same for a face that is followed, in every frame; two hold a still face
    a third steadier, a moving one hardly, for a tenth of what following a crowd costs.
    ``max_refined``: of each picture, how many faces get such an averaged box.
    """

    min_face_px: float = 20.0
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    small_px: float = 40.0
    small_score: float = 0.9
    steady_px: float = 30.0
    tile_score: float = 0.65
    max_proposals: int = 4000
    max_candidates: int = 800
    jitters: int = 8
    follow_jitters: int = 1
    max_refined: int = 100


@dataclass(frozen=True)
class Detections:
    """Faces of a batch: ``boxes`` (n, 4) and ``landmarks`` (n, 5, 2) in pixels, ``scores`` (n,)
    0 to 1, ``image_index`` (n,)."""

    boxes: Tensor
    scores: Tensor
    landmarks: Tensor
    image_index: Tensor

    def __getitem__(self, index: Tensor) -> Detections:
        return Detections(
            self.boxes[index], self.scores[index], self.landmarks[index], self.image_index[index]
        )


class Mtcnn:
    """The nets on a device, and their stages.

    ``images`` is always (n, 3, height, width) RGB of 0 to 255: bytes on the CPU, floats on a GPU.
    """

    def __init__(
        self, device: str | torch.device, settings: DetectorSettings, engine: Engine = "auto"
    ) -> None:
        self.device, self.settings = torch.device(device), settings
        pnet, rnet, onet = stock_networks()
        backend = choose_backend(self.device, engine)

        def load(
            net: nn.Module, side_px: int, *, any_size: bool = False, least: Precision = "float32"
        ) -> Network:
            example = torch.zeros((1, 3, side_px, side_px), dtype=torch.uint8)
            return backend.load(net, example, any_size=any_size, least=least)

        self.pnet = load(pnet, 2 * CELL_PX, any_size=True)
        self.rnet, self.onet = load(rnet, RNET_PX), load(onet, ONET_PX)
        # What is averaged may be less exact: of 646 boxes none moved below an IoU of 0.98, while
        # 0.3 % did where O-Net's first word was in bfloat16 too.
        on_cpu = self.device.type == "cpu"
        self.onet_again = load(onet, ONET_PX, least="bfloat16") if on_cpu else self.onet

    def propose(self, images: Tensor, scales: Sequence[float]) -> tuple[Tensor, Tensor]:
        """P-Net over the scales: squares that may hold a face, (n, 4), and their image_index."""
        settings = self.settings
        none = torch.zeros(0, device=self.device)
        boxes, scores, image_index = [none.reshape(0, 4)], [none], [none.long()]
        for scale in scales:
            square, score, regression, image = self._propose_at(images, scale)
            keep = nms(square, score, image, 0.5)
            boxes.append(apply_regression(square, regression)[keep])
            scores.append(score[keep])
            image_index.append(image[keep])
        all_boxes, all_images = torch.cat(boxes), torch.cat(image_index)
        keep = nms(all_boxes, torch.cat(scores), all_images, 0.7)
        keep = top_k(keep, all_images[keep], settings.max_proposals)
        return to_square(all_boxes[keep]), all_images[keep]

    def _propose_at(self, images: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cells (n, 4) that pass P-Net at one scale, in pixels; scores, regression, image_index."""
        height, width = images.shape[2:]
        small = (int(height * scale + 1), int(width * scale + 1))
        shrunk = interpolate(images, small, mode="bilinear", antialias=True)
        regression, probability = self.pnet(shrunk)
        mask = probability[:, 1] >= self.settings.thresholds[0]
        image, row, column = mask.nonzero(as_tuple=True)
        corner = torch.stack([column, row], 1) * STRIDE_PX
        per = torch.tensor([width / small[1], height / small[0]], device=self.device)
        square = torch.cat([corner * per, (corner + CELL_PX) * per], 1)
        return square, probability[:, 1][mask], regression.permute(0, 2, 3, 1)[mask], image

    def reject(self, images: Tensor, boxes: Tensor, image_index: Tensor) -> tuple[Tensor, Tensor]:
        """R-Net: most candidates (n, 4) go, the others are moved closer; with their image_index."""
        if not len(boxes):
            return boxes, image_index
        pieces, boxes = cut_pieces(images, boxes, image_index, RNET_PX)
        regression, probability = self.rnet(pieces)
        score = probability[:, 1]
        ok = score > self.settings.thresholds[1]
        boxes, image_index, score, regression = (
            boxes[ok],
            image_index[ok],
            score[ok],
            regression[ok],
        )
        keep = nms(boxes, score, image_index, 0.7)
        keep = top_k(keep, image_index[keep], self.settings.max_candidates)
        return to_square(apply_regression(boxes[keep], regression[keep])), image_index[keep]

    def locate(self, images: Tensor, boxes: Tensor, image_index: Tensor) -> Detections:
        """O-Net: one detection for each candidate (n, 4), in their order."""
        return self._locate(self.onet, images, boxes, image_index)

    def locate_again(self, images: Tensor, boxes: Tensor, image_index: Tensor) -> Detections:
        """The same, less exactly: for boxes that are averaged, or smoothed over time."""
        return self._locate(self.onet_again, images, boxes, image_index)

    def _locate(
        self, onet: Network, images: Tensor, boxes: Tensor, image_index: Tensor
    ) -> Detections:
        if not len(boxes):
            return Detections(boxes, boxes.new_zeros(0), boxes.new_zeros(0, 5, 2), image_index)
        pieces, boxes = cut_pieces(images, boxes, image_index, ONET_PX)
        regression, points, probability = onet(pieces)
        size = (boxes[:, 2:] - boxes[:, :2]).unsqueeze(1)
        landmarks = points.reshape(-1, 2, 5).transpose(1, 2) * size + boxes[:, None, :2]
        return Detections(
            apply_regression(boxes, regression), probability[:, 1], landmarks, image_index
        )

    def refine(
        self, images: Tensor, found: Detections, faces: Tensor, jitters: int
    ) -> tuple[Detections, Tensor]:
        """The detections, with boxes and landmarks of ``faces`` (indices, best first) averaged.

        The mean is over what O-Net said already and what it says of ``jitters`` jittered boxes;
        those in which it sees no face do not count. Also returns the mean score (n,) of these,
        1 for those outside ``faces``.
        """
        boxes, landmarks = found.boxes.clone(), found.landmarks.clone()
        agreement = torch.ones_like(found.scores)
        faces = top_k(faces, found.image_index[faces], self.settings.max_refined)
        for some in torch.split(faces, REFINED_AT_ONCE) if len(faces) else ():
            around = jittered_boxes(boxes[some], jitters)
            index = found.image_index[some].repeat_interleave(jitters)
            again = self.locate_again(images, around, index)
            agreement[some] = again.scores.reshape(len(some), jitters).mean(1)
            weight = (again.scores > self.settings.thresholds[2]).to(boxes.dtype)
            weight = weight.reshape(len(some), jitters, 1)
            for first, others in ((boxes, again.boxes), (landmarks, again.landmarks)):
                total = (others.reshape(len(some), jitters, -1) * weight).sum(1)
                mean = (first[some].flatten(1) + total) / (1 + weight.sum(1))
                first[some] = mean.reshape(first[some].shape)
        return replace(found, boxes=boxes, landmarks=landmarks), agreement


def stock_networks() -> tuple[nn.Module, nn.Module, nn.Module]:
    """P-, R- and O-Net for pixels (n, 3, height, width) of 0 to 255; facenet-pytorch's weights."""
    pnet, rnet, onet = map(load_stock, (PNet(), RNet(), ONet()))
    return _Normalized(pnet), _Normalized(rnet), _Normalized(onet)


class _Normalized(nn.Module):
    """A net of MTCNN's behind its normalisation: pixels of 0 to 255 become -1 to 1."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        outputs: tuple[Tensor, ...] = self.net((pixels.float() - 127.5) * 0.0078125)
        return outputs


def pyramid_scales(size: tuple[int, int], min_face_px: float) -> list[float]:
    """Shrink factors for a (width, height) picture, costliest first: at the first one P-Net's cell
    covers ``min_face_px``, then ever larger faces."""
    scale, scales = CELL_PX / min_face_px, []
    while min(size) * scale >= CELL_PX:
        scales.append(scale)
        scale *= PYRAMID_FACTOR
    return scales


def cut_pieces(
    images: Tensor, boxes: Tensor, image_index: Tensor, size_px: int
) -> tuple[Tensor, Tensor]:
    """Pieces (n, 3, size_px, size_px) of 0 to 255, and the boxes (n, 4) that were really cut.

    Outside a picture there is grey. On the CPU boxes are cut at whole pixels.
    """
    if images.is_floating_point():
        rois = torch.cat([image_index.to(boxes.dtype).unsqueeze(1), boxes], 1)
        pieces = compiled_ops().roi_align(images - GREY, rois, 1.0, size_px, size_px, -1, True)
        return pieces + GREY, boxes
    height, width = images.shape[2:]
    whole = torch.stack([boxes[:, 0], boxes[:, 1], boxes[:, 2] + 1, boxes[:, 3] + 1], 1).floor()
    shape = len(boxes), 3, size_px, size_px
    pieces = torch.empty(shape, dtype=torch.uint8, memory_format=torch.channels_last)
    for i, (image, (x0, y0, x1, y1)) in enumerate(
        zip(image_index.tolist(), whole.long().tolist(), strict=True)
    ):
        inside = images[image : image + 1, :, max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
        outside = (max(0, -x0), max(0, x1 - width), max(0, -y0), max(0, y1 - height))
        if inside.numel() == 0:
            pieces[i] = GREY
            continue
        if any(outside):
            inside = pad(inside, outside, value=GREY)
        pieces[i] = interpolate(inside, (size_px, size_px), mode="bilinear", antialias=True)[0]
    return pieces, whole
