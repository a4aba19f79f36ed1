from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gender_demo.label_words import JUST_FOUND, REASONS, in_words
from gender_demo.results import Box, Face
from gender_demo.vision.decision import Rules, decide
from gender_demo.vision.quality import sharpness

RULES = Rules(min_probability=0.8, min_face_px=24, min_sharpness=3, min_score=0.9)
FACE = Face(Box(100, 100, 200, 200), 0.99, ((0, 0),) * 5)
CLASSES = ("female", "male")


def judged(
    face: Face = FACE, likely: float = 0.95, sharp: float = 9
) -> tuple[str | None, tuple[str, ...]]:
    return decide((1 - likely, likely), CLASSES, RULES, face, (640, 480), sharp)


def test_a_good_face_gets_its_likeliest_label() -> None:
    assert judged() == ("male", ())
    assert judged(likely=0.1) == ("female", ())


@pytest.mark.parametrize(
    ("reason", "face", "likely", "sharp"),
    [
        ("close_call", FACE, 0.79, 9),
        ("small", replace(FACE, box=Box(100, 100, 120, 122)), 0.95, 9),
        ("blurred", FACE, 0.95, 2.9),
        ("cut_off", replace(FACE, box=Box(-40, 100, 60, 200)), 0.95, 9),
        ("barely_detected", replace(FACE, score=0.85), 0.95, 9),
    ],
)
def test_each_reason_withholds_the_label(
    reason: str, face: Face, likely: float, sharp: float
) -> None:
    assert judged(face, likely, sharp) == (None, (reason,))


def test_reasons_add_up_and_all_have_words() -> None:
    poor = Face(Box(-50, 100, -30, 120), 0.5, FACE.landmarks)
    label, reasons = judged(poor, 0.6, 0)
    assert label is None
    assert {*reasons, JUST_FOUND} == set(REASONS)


def test_the_threshold_itself_is_sure_enough() -> None:
    assert judged(likely=0.8)[0] == "male"


def test_sharpness_falls_with_blur_and_not_with_darkness() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8)
    crop = Image.fromarray(noise).resize((112, 112), Image.Resampling.BICUBIC)
    blurred = [sharpness(crop.filter(ImageFilter.GaussianBlur(r))) for r in (0, 1, 2, 4)]
    assert blurred == sorted(blurred, reverse=True)
    assert sharpness(crop.point(lambda v: v // 3)) == pytest.approx(sharpness(crop), rel=0.1)
    assert sharpness(Image.new("RGB", (112, 112), (90, 90, 90))) == 0


@pytest.mark.parametrize(
    ("label", "classes", "told"),
    [
        ("female", CLASSES, "perceived as female"),
        ("Male Faces", ("Female Faces", "Male Faces"), "perceived as Male Faces"),
        ("no_glasses", ("glasses", "no_glasses"), "looks like: no glasses"),
        ("man", ("man", "statue"), "looks like: man"),
        ("manga", ("manga", "womanly"), "looks like: manga"),
    ],
)
def test_only_genders_are_perceived(label: str, classes: tuple[str, ...], told: str) -> None:
    assert in_words(label, classes) == told
