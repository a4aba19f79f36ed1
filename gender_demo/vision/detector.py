"""FaceDetector: pictures -> faces, by MTCNN's stages in batches of pictures of one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import interpolate

from gender_demo.results import Box, Face
from gender_demo.vision.backends import Engine
from gender_demo.vision.box_ops import areas, nms_by_minimum, same_place, to_square
from gender_demo.vision.low_light import apply_gain_to
from gender_demo.vision.memory_fallback import retry_with_half_batch
from gender_demo.vision.mtcnn import GREY, Detections, DetectorSettings, Mtcnn, pyramid_scales

BORDER = 0.2
"""Grey border, as a share of the shorter side, for the second look at a picture that seemed
empty: MTCNN misses faces that fill the picture."""


Picture = Image.Image | Tensor
"""An RGB picture, or what ``prepare`` made of it."""


def prepare(picture: Image.Image, size: tuple[int, int] | None = None) -> Tensor:
    """An RGB picture, shrunk to (width, height), in ordinary light: bytes (height, width, 3).

    In a third of the time that Pillow takes to shrink it.
    """
    pixels = np.array(picture)
    if size is not None and size != picture.size:
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        shrunk = interpolate(image, (size[1], size[0]), mode="bilinear", antialias=True)
        pixels = shrunk[0].permute(1, 2, 0).numpy()
    return torch.from_numpy(apply_gain_to(pixels))


class FaceDetector:
    """Finds faces in RGB pictures of any size.

    On CUDA out-of-memory the batch is halved, then the CPU takes over.
    """

    def __init__(
        self,
        device: str | torch.device = "cpu",
        settings: DetectorSettings | None = None,
        engine: Engine = "auto",
    ) -> None:
        self.settings = settings or DetectorSettings()
        self._mtcnn = Mtcnn(device, self.settings, engine)

    @property
    def device(self) -> torch.device:
        """Where the nets are; the CPU once the GPU's memory was full."""
        return self._mtcnn.device

    def detect(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        """Faces of each picture, largest first. Pictures of one size are searched as one batch.

        A picture that seems empty is searched once more with a grey border.
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

    def search(
        self,
        pictures: Sequence[Picture],
        scales: Sequence[float],
        known: Sequence[Sequence[Box]] | None = None,
        *,
        only_steady: bool = False,
    ) -> list[list[Face]]:
        """Faces at some scales only, in pictures of one size, largest first.

        ``known`` are boxes of each picture whose faces are passed over; ``only_steady``: all
        must pass ``DetectorSettings.tile_score``.
        """

        def run(some: Sequence[int]) -> list[list[Face]]:
            passed_over = [known[i] for i in some] if known is not None else [()] * len(some)
            return self._search([pictures[i] for i in some], scales, passed_over, only_steady)

        return retry_with_half_batch(run, range(len(pictures)), self._use_cpu)

    def follow(
        self, pictures: Sequence[Picture], boxes: Sequence[Sequence[Box]]
    ) -> list[list[Face]]:
        """O-Net alone where faces are expected, in pictures of one size.

        One face for each box, in its order; its score is low where there is no face.
        """

        def run(some: Sequence[int]) -> list[list[Face]]:
            return self._follow([pictures[i] for i in some], [boxes[i] for i in some])

        return retry_with_half_batch(run, range(len(pictures)), self._use_cpu)

    def scales(self, size: tuple[int, int]) -> list[float]:
        """The whole pyramid for a (width, height) picture, costliest first."""
        return pyramid_scales(size, self.settings.min_face_px)

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

    @torch.inference_mode()
    def _search(
        self,
        pictures: Sequence[Picture],
        scales: Sequence[float],
        known: Sequence[Sequence[Box]],
        only_steady: bool,
    ) -> list[list[Face]]:
        mtcnn, settings = self._mtcnn, self.settings
        images = self._load(pictures)
        boxes, image_index = mtcnn.propose(images, scales)
        if any(known) and len(boxes):
            flat = boxes.new_tensor([box for each in known for box in each])
            theirs = image_index.new_tensor([i for i, each in enumerate(known) for _ in each])
            again = same_place(boxes, flat) & (image_index[:, None] == theirs)
            new = ~again.any(1)
            boxes, image_index = boxes[new], image_index[new]
        boxes, image_index = mtcnn.reject(images, boxes, image_index)
        found = mtcnn.locate(images, boxes, image_index)
        least = settings.thresholds[2]
        small = areas(found.boxes) < settings.small_px**2
        passes = found.scores > torch.where(small, max(settings.small_score, least), least)
        found = found[passes]
        best = nms_by_minimum(found.boxes, found.scores, found.image_index, 0.7)
        refined, agreement = mtcnn.refine(images, found, best, settings.jitters)
        steady = (areas(refined.boxes) >= settings.steady_px**2) | (agreement > least)
        if only_steady:
            steady &= (found.scores + agreement) / 2 > settings.tile_score
        best = best[steady[best]]
        faces = refined[best]
        result: list[list[Face]] = [[] for _ in pictures]
        for face, image in zip(_to_faces(faces), faces.image_index.tolist(), strict=True):
            result[image].append(face)
        return [sorted(each, key=lambda face: -face.box.area) for each in result]

    @torch.inference_mode()
    def _follow(
        self, pictures: Sequence[Picture], boxes: Sequence[Sequence[Box]]
    ) -> list[list[Face]]:
        flat = [box for each in boxes for box in each]
        if not flat:
            return [[] for _ in pictures]
        index = torch.tensor([i for i, each in enumerate(boxes) for _ in each], device=self.device)
        images = self._load(pictures)
        squares = to_square(torch.tensor(flat, device=self.device))
        found = self._mtcnn.locate_again(images, squares, index)
        here = (found.scores > self.settings.thresholds[2]).nonzero()[:, 0]
        found, _ = self._mtcnn.refine(images, found, here, self.settings.follow_jitters)
        faces = iter(_to_faces(found))
        return [[next(faces) for _ in each] for each in boxes]

    def _load(self, pictures: Sequence[Picture]) -> Tensor:
        """Pictures of one size -> (n, 3, height, width): bytes on the CPU, floats on a GPU."""
        ready = [p if isinstance(p, Tensor) else prepare(p) for p in pictures]
        # A live frame comes alone, and copying it would take as long as a small net.
        images = ready[0][None] if len(ready) == 1 else torch.stack(ready)
        images = images.to(self.device).permute(0, 3, 1, 2)
        return images if self.device.type == "cpu" else images.float()

    def _use_cpu(self) -> None:
        self._mtcnn = Mtcnn("cpu", self.settings)


def _to_faces(found: Detections) -> list[Face]:
    return [
        Face(Box(*box), score, tuple((x, y) for x, y in landmarks))
        for box, score, landmarks in zip(
            found.boxes.tolist(), found.scores.tolist(), found.landmarks.tolist(), strict=True
        )
    ]
