"""Faces in pictures that are large, long, turned or overexposed."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from gender_demo.label_words import NOTES
from gender_demo.results import Face
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.find import MAX_SEARCH_PX, TURNED_PX, find_faces
from tests.support.paths import ASTRONAUT, EXAMPLES


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(ASTRONAUT).convert("RGB")


def on_a_canvas(
    picture: Image.Image, size: tuple[int, int], corner: tuple[int, int]
) -> Image.Image:
    canvas = Image.new("RGB", size, (120, 125, 130))
    canvas.paste(picture, corner)
    return canvas


def test_29_people_on_a_canvas_of_four_times_their_picture(detector: FaceDetector) -> None:
    crowd = Image.open(EXAMPLES / "solvay_1927.jpg").convert("RGB")
    there = find_faces([crowd], detector)[0].faces
    corner = (3 * crowd.width - 500, 2 * crowd.height + 77)
    canvas = on_a_canvas(crowd, (4 * crowd.width, 4 * crowd.height), corner)
    (found,) = find_faces([canvas], detector)
    expected = [face.box.shifted(*corner) for face in there]
    assert sum(any(box.iou(f.box) > 0.6 for f in found.faces) for box in expected) >= 29
    assert len(found.faces) <= 31
    assert found.notes == ()


def test_a_wall_that_looks_like_a_face_from_one_place_is_none(detector: FaceDetector) -> None:
    """At this size O-Net gives a piece of the wall a score of 0.99, and a mean of 0.6 around it."""
    crowd = (
        Image.open(EXAMPLES / "solvay_1927.jpg")
        .convert("RGB")
        .resize((2560, 1706), Image.Resampling.LANCZOS)
    )
    assert len(find_faces([crowd], detector)[0].faces) == 29


@pytest.mark.parametrize("size", [(20_000, 1_000), (1_000, 20_000), (5_200, 3_900), (2_400, 1_800)])
@pytest.mark.parametrize("face_px", [40, 95, 150])
def test_a_face_of_40_px_and_more_is_found_in_any_shape(
    size: tuple[int, int], face_px: int, detector: FaceDetector, portrait: Image.Image
) -> None:
    (face,) = detector.detect([portrait])[0]
    scale = face_px / face.box.size_px
    small = portrait.resize((round(portrait.width * scale),) * 2)
    corner = (size[0] * 5 // 8, min(size[1] - small.height, size[1] * 5 // 8))
    (found,) = find_faces([on_a_canvas(small, size, corner)], detector)
    expected = face.box.scaled(scale).shifted(*corner)
    assert len(found.faces) == 1
    assert found.faces[0].box.iou(expected) > 0.6


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (3, 4_000), (29, 3_000), (2_500, 30)])
def test_a_strip_too_narrow_for_a_face_has_none(
    size: tuple[int, int], detector: FaceDetector
) -> None:
    assert find_faces([Image.new("RGB", size, "red")], detector)[0].faces == []


def test_what_is_over_50_megapixels_is_told(detector: FaceDetector) -> None:
    (found,) = find_faces([Image.new("RGB", (30_000, 1_700))], detector)
    assert found.notes == ("very_large",)
    assert set(found.notes) <= set(NOTES)


@pytest.mark.parametrize(
    "turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
)
def test_a_turned_picture_is_told(
    turn: Image.Transpose, detector: FaceDetector, portrait: Image.Image
) -> None:
    wide = on_a_canvas(portrait, (700, 520), (60, 4))
    (upright,) = find_faces([wide], detector)
    assert upright.notes == ()
    (found,) = find_faces([wide.transpose(turn)], detector)
    assert found.notes == ("turned",)
    (before,), (face,) = upright.faces, found.faces
    assert face.box.size_px == pytest.approx(before.box.size_px, rel=0.05)
    nose = Image.new("L", wide.size)
    nose.putpixel((round(before.landmarks[2][0]), round(before.landmarks[2][1])), 255)
    x, y, _, _ = nose.transpose(turn).getbbox() or (0, 0, 0, 0)
    assert math.dist(face.landmarks[2], (x, y)) < 4
    degrees = {2: -90, 3: 180, 4: 90}[turn]
    assert math.cos(face.roll - before.roll - math.radians(degrees)) > 0.98


def test_all_faces_of_a_large_turned_picture_are_found(detector: FaceDetector) -> None:
    crowd = Image.open(EXAMPLES / "solvay_1927.jpg").convert("RGB")
    assert max(crowd.size) > MAX_SEARCH_PX
    (found,) = find_faces([crowd.transpose(Image.Transpose.ROTATE_90)], detector)
    assert (len(found.faces), found.notes) == (29, ("turned",))


def test_an_overexposed_face_is_found(detector: FaceDetector, portrait: Image.Image) -> None:
    bright = portrait.point(lambda value: min(255, 2 * value))
    assert detector.detect([bright]) == [[]]
    (found,) = find_faces([bright], detector)
    (face,) = detector.detect([portrait])[0]
    assert any(face.box.iou(other.box) > 0.5 for other in found.faces)


def test_any_callable_may_detect() -> None:
    seen: list[tuple[int, int]] = []

    def nothing(pictures: object) -> list[list[Face]]:
        seen.extend(picture.size for picture in pictures)  # type: ignore[attr-defined]
        return [[] for _ in pictures]  # type: ignore[attr-defined]

    (found,) = find_faces([Image.new("RGB", (2 * MAX_SEARCH_PX, 100))], nothing)
    assert found.faces == []
    turned = TURNED_PX, round(50 * TURNED_PX / MAX_SEARCH_PX)
    assert seen == [(MAX_SEARCH_PX, 50), turned[::-1], turned[::-1], turned]
