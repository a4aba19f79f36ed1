"""The detector against stock facenet-pytorch and against pictures whose faces are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from PIL import Image
from torchvision.ops import batched_nms

from gender_demo.results import Box
from gender_demo.vision.box_ops import nms
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import DetectorSettings, pyramid_scales
from tests.support.paths import EXAMPLES


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def example(name: str) -> Image.Image:
    return Image.open(EXAMPLES / name).convert("RGB")


def matches(boxes: list[Box], others: list[Box], least: float) -> int:
    return sum(any(box.iou(other) >= least for other in others) for box in boxes)


def test_it_finds_what_stock_finds(detector: FaceDetector) -> None:
    picture = example("solvay_1927.jpg")
    boxes, scores = MTCNN(keep_all=True).detect(picture)
    sure = [Box(*box) for box, score in zip(boxes, scores, strict=True) if score > 0.9]
    found = [face.box for face in detector.detect([picture])[0]]
    assert len(sure) == 29
    assert matches(sure, found, 0.7) == 29
    assert len(found) <= 30


def test_a_portrait_has_one_face(detector: FaceDetector) -> None:
    """With one threshold for all sizes there is a second, small one on the spacesuit."""
    assert len(detector.detect([example("astronaut.jpg")])[0]) == 1


def test_landmarks_lie_where_a_face_has_them(detector: FaceDetector) -> None:
    face = detector.detect([example("astronaut.jpg")])[0][0]
    (lx, ly), (rx, ry), (nx, ny), (mlx, mly), (mrx, mry) = face.landmarks
    assert lx < nx < rx
    assert mlx < mrx
    assert max(ly, ry) < ny < min(mly, mry)
    assert all(face.box.contains(point) for point in face.landmarks)


def test_a_batch_is_the_same_as_one_by_one(detector: FaceDetector) -> None:
    astronaut, solvay = (
        example("astronaut.jpg"),
        example("solvay_1927.jpg").crop((800, 600, 1312, 1112)),
    )
    other, empty = solvay.resize(astronaut.size), Image.new("RGB", (300, 200))
    pictures = [astronaut, astronaut, empty, other, astronaut, astronaut]
    together = detector.detect(pictures)
    alone = [detector.detect([picture])[0] for picture in pictures]
    for faces, others in zip(together, alone, strict=True):
        assert len(faces) == len(others)
        for face, twin in zip(faces, others, strict=True):
            assert face.box == pytest.approx(twin.box, abs=0.5)
    assert together[2] == []


@pytest.mark.parametrize("size_px", [40, 60, 250])
def test_small_and_large_faces(detector: FaceDetector, size_px: int) -> None:
    """The astronaut's face is about 0.2 of the picture's height."""
    picture = example("astronaut.jpg")
    scale = size_px / (0.2 * picture.height)
    small = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    whole = detector.detect([picture])[0][0].box
    expected = whole.scaled(small.width / picture.width)
    assert matches([expected], [face.box for face in detector.detect([small])[0]], 0.7) == 1


def test_a_face_that_fills_the_picture_or_is_cut_by_its_border(detector: FaceDetector) -> None:
    picture = example("astronaut.jpg")
    x0, y0, x1, y1 = (round(v) for v in detector.detect([picture])[0][0].box)
    filling = detector.detect([picture.crop((x0, y0, x1, y1))])[0]
    assert filling
    assert filling[0].box.iou(Box(0, 0, x1 - x0, y1 - y0)) > 0.7
    third = (x1 - x0) // 3
    for cut in ((x0 + third, 0, picture.width, picture.height), (0, 0, x1 - third, picture.height)):
        found = detector.detect([picture.crop(cut)])[0]
        here = Box(x0 - cut[0], y0, x1 - cut[0], y1)
        assert any(face.box.iou(here) > 0.4 for face in found), cut


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (11, 11), (12, 12), (19, 30)])
def test_pictures_below_the_smallest_scale_have_no_faces(
    detector: FaceDetector, size: tuple[int, int]
) -> None:
    assert detector.detect([Image.new("RGB", size, (90, 120, 30))]) == [[]]


def test_no_pictures_no_answers(detector: FaceDetector) -> None:
    assert detector.detect([]) == []


def test_follow_finds_the_face_from_a_rough_box_and_doubts_elsewhere(
    detector: FaceDetector,
) -> None:
    picture = example("astronaut.jpg")
    box = detector.detect([picture])[0][0].box
    rough = box.shifted(0.1 * box.width, -0.07 * box.height)
    nothing = Box(2.0, picture.height - 80.0, 60.0, picture.height - 10.0)
    ((here, there), ()) = detector.follow([picture, picture], [[rough, nothing], []])
    assert here.score > 0.95
    assert here.box.iou(box) > rough.iou(box)
    assert there.score < 0.5
    assert detector.follow([picture], [[]]) == [[]]


def test_search_passes_over_known_faces(detector: FaceDetector) -> None:
    picture = example("astronaut.jpg")
    known = [face.box for face in detector.detect([picture])[0]]
    assert detector.search([picture], detector.scales(picture.size), [known]) == [[]]


def test_the_pyramid_starts_at_the_smallest_face_and_ends_at_the_largest() -> None:
    scales = pyramid_scales((640, 480), 40)
    assert scales[0] == pytest.approx(12 / 40)
    assert 12 <= 480 * scales[-1] < 12 / 0.709


def test_a_picture_tiled_with_faces_takes_bounded_work() -> None:
    face = example("astronaut.jpg").crop((170, 50, 280, 180)).resize((32, 38))
    tiled = Image.new("RGB", (320, 304))
    for i in range(10):
        for j in range(8):
            tiled.paste(face, (32 * i, 38 * j))
    bounded = FaceDetector(settings=DetectorSettings(max_proposals=60, max_candidates=20))
    found = bounded.detect([tiled, tiled.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
    assert all(0 < len(faces) <= 20 for faces in found)


def test_boxes_hold_still_when_the_picture_moves() -> None:
    crowd = example("solvay_1927.jpg")
    moves = [(0, 0), (1, 2), (2, 1), (3, 3), (4, 2)]
    pictures = [crowd.crop((500 + x, 500 + y, 1300 + x, 1100 + y)) for x, y in moves]

    def spread(detector: FaceDetector) -> float:
        """Mean standard deviation of the sides, in shares of the side."""
        found = detector.detect(pictures)
        sides = []
        for face in found[0]:
            same = [
                min(faces, key=lambda other: math.dist(other.landmarks[2], face.landmarks[2]))
                for faces in found
            ]
            sides.append([other.box.size_px for other in same])
        return float(np.mean(np.std(sides, axis=1) / np.mean(sides, axis=1)))

    refined = spread(FaceDetector())
    unrefined = spread(FaceDetector(settings=DetectorSettings(max_refined=0)))
    assert refined < 0.7 * unrefined


def test_nms_keeps_what_torchvision_keeps_in_each_picture() -> None:
    torch.manual_seed(0)
    corner = torch.rand(300, 2) * 200 - 20
    boxes = torch.cat([corner, corner + 10 + torch.rand(300, 2) * 40], 1)
    scores, image_index = torch.rand(300), torch.arange(300) % 3
    expected = batched_nms(boxes.double(), scores.double(), image_index, 0.3)
    assert 20 < len(expected) < 250
    assert torch.equal(nms(boxes, scores, image_index, 0.3), expected)
    assert len(nms(boxes[:0], scores[:0], image_index[:0], 0.3)) == 0
