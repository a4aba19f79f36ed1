from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gender_demo
from gender_demo.results import (
    Analysis,
    Box,
    Face,
    Prediction,
)

FACE = Face(Box(1.0, 2.0, 3.0, 4.0), 0.99, ((0.0, 0.0),) * 5)
PREDICTION = Prediction(FACE, None, 0.6, (("female", 0.6), ("male", 0.4)), ("close_call",))


def test_an_analysis_is_json_and_back() -> None:
    analysis = Analysis((640, 480), (PREDICTION,))
    again = json.loads(json.dumps(dataclasses.asdict(analysis)))
    assert again["predictions"][0]["probabilities"] == [["female", 0.6], ["male", 0.4]]
    assert again["predictions"][0]["label"] is None
    assert again["predictions"][0]["face"]["box"] == [1, 2, 3, 4]
    assert again["size"] == [640, 480]


def test_results_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PREDICTION.label = "female"  # type: ignore[misc]


def test_the_python_interface_is_these_names() -> None:
    names = {"Analysis", "Box", "Face", "Pipeline", "Prediction", "Tracker", "load_pipeline"}
    assert set(gender_demo.__all__) == names
    assert all(getattr(gender_demo, name).__name__ == name for name in names)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gender_demo.nothing


def test_a_box_knows_its_geometry() -> None:
    box = Box(10, 20, 40, 140)
    assert (box.width, box.height, box.centre, box.area) == (30, 120, (25, 80), 3600)
    assert box.size_px == pytest.approx(60)
    assert box.scaled(2) == (20, 40, 80, 280)
    assert box.shifted(-10, 5) == (0, 25, 30, 145)
    assert box.contains((10, 140))
    assert not box.contains((9.9, 100))
    assert Box(5, 5, 2, 9).area == 0


def test_two_boxes_are_compared() -> None:
    box, inside, apart = Box(0, 0, 10, 10), Box(5, 5, 10, 10), Box(11, 0, 20, 10)
    assert box.intersection(inside) == 25
    assert box.iou(inside) == inside.iou(box) == pytest.approx(0.25)
    assert box.iom(inside) == pytest.approx(1)
    assert box.iou(apart) == box.iom(apart) == 0
    assert Box(3, 3, 3, 3).iou(Box(3, 3, 3, 3)) == 0


def test_the_share_of_a_box_outside_the_picture() -> None:
    size = (640, 480)
    assert Box(0, 0, 10, 10).share_outside(size) == 0
    assert Box(-5, 0, 5, 10).share_outside(size) == pytest.approx(0.5)
    assert Box(700, 0, 710, 10).share_outside(size) == 1
    assert Box(5, 5, 5, 5).share_outside(size) == 1


def test_a_face_moves_with_its_landmarks() -> None:
    face = Face(Box(0, 0, 100, 120), 0.9, ((30, 40), (70, 40), (55, 60), (35, 90), (65, 90)))
    assert face.scaled(0.5).landmarks[1] == (35, 20)
    assert face.shifted(3, -4).landmarks[0] == (33, 36)
    assert face.shifted(3, -4).box == (3, -4, 103, 116)
    assert face.roll == pytest.approx(0)
    assert face.yaw == pytest.approx(5 / 40)


PLACES = st.floats(-1e4, 1e4, allow_nan=False, width=32)
BOXES = st.builds(Box, PLACES, PLACES, PLACES, PLACES)


@given(BOXES, BOXES, PLACES, PLACES)
def test_geometry_holds_for_any_boxes(one: Box, other: Box, dx: float, dy: float) -> None:
    assert one.iou(other) == other.iou(one)
    assert 0 <= one.iou(other) <= 1 + 1e-6
    assert one.iou(other) <= one.iom(other) + 1e-6
    assert one.intersection(other) <= min(one.area, other.area) * (1 + 1e-6)
    assert one.scaled(2).area == pytest.approx(4 * one.area)
    assert one.shifted(dx, dy).area == pytest.approx(one.area, rel=1e-2, abs=1e-2 * 1e4)
    if one.x0 <= one.x1 and one.y0 <= one.y1:
        assert one.contains(one.centre)
        assert one.share_outside((1, 1)) == pytest.approx(
            1 - one.intersection(Box(0, 0, 1, 1)) / one.area if one.area else 1
        )
