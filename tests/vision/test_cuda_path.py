"""What runs on a GPU, as far as a CPU can tell: float pictures cut by roi_align, half precision."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gender_demo.results import Box
from gender_demo.vision.box_ops import nms_by_minimum
from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.classifier import Served
from gender_demo.vision.crops import crop_face
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import DetectorSettings, Mtcnn, pyramid_scales
from tests.support.paths import ASTRONAUT, SOLVAY

SETTINGS = DetectorSettings()


def boxes_of(mtcnn: Mtcnn, images: Tensor, score: float) -> list[Box]:
    """All stages, as FaceDetector runs them, on one picture of either kind."""
    scales = pyramid_scales((images.shape[3], images.shape[2]), SETTINGS.min_face_px)
    found = mtcnn.locate(images, *mtcnn.reject(images, *mtcnn.propose(images, scales)))
    found = found[found.scores > score]
    best = nms_by_minimum(found.boxes, found.scores, found.image_index, 0.7)
    faces = mtcnn.refine(images, found, best, SETTINGS.jitters)[0][best]
    return [Box(*box) for box in faces.boxes.tolist()]


def test_float_pictures_give_the_boxes_of_bytes() -> None:
    mtcnn = Mtcnn("cpu", SETTINGS, "torch")
    for path, count in ((ASTRONAUT, 1), (SOLVAY, 27)):
        pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB")))
        pixels = pixels.permute(2, 0, 1)[None]
        for first, second in ((pixels, pixels.float()), (pixels.float(), pixels)):
            with torch.inference_mode():
                sure, all_found = boxes_of(mtcnn, first, 0.95), boxes_of(mtcnn, second, 0.7)
            assert len(sure) >= count
            ious = [max(box.iou(other) for other in all_found) for box in sure]
            assert min(ious) > 0.85
            assert sum(ious) / len(ious) > 0.96


def test_half_precision_gives_the_probabilities_of_single() -> None:
    checkpoint = load_checkpoint()
    config = checkpoint.config
    picture = Image.open(SOLVAY).convert("RGB")
    faces = FaceDetector("cpu").detect([picture])[0][:8]
    crops = [crop_face(picture, f, config.crop_px, margin=config.crop_margin) for f in faces]
    pixels = torch.from_numpy(np.stack([np.asarray(crop) for crop in crops])).permute(0, 3, 1, 2)
    served = Served(config, checkpoint.state).eval()
    with torch.inference_mode():
        single, half = served(pixels), served.half()(pixels)
    assert half.dtype == torch.float32
    assert torch.allclose(single, half, atol=0.01)
    assert single.max(1).values.min() > 0.5  # they are probabilities of two classes, not all even
