from __future__ import annotations

import dataclasses
import json

import pytest

import gender_demo
from gender_demo.results import (
    Analysis,
    Face,
    Prediction,
)

FACE = Face((1.0, 2.0, 3.0, 4.0), 0.99, ((0.0, 0.0),) * 5)
PREDICTION = Prediction(FACE, None, 0.6, (("female", 0.6), ("male", 0.4)), ("close_call",))


def test_an_analysis_is_json_and_back() -> None:
    analysis = Analysis((640, 480), (PREDICTION,))
    again = json.loads(json.dumps(dataclasses.asdict(analysis)))
    assert again["predictions"][0]["probabilities"] == [["female", 0.6], ["male", 0.4]]
    assert again["predictions"][0]["label"] is None
    assert again["size"] == [640, 480]


def test_results_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PREDICTION.label = "female"  # type: ignore[misc]


def test_the_python_interface_is_these_names() -> None:
    names = {"Analysis", "Face", "Pipeline", "Prediction", "Tracker", "load_pipeline"}
    assert set(gender_demo.__all__) == names
    assert all(getattr(gender_demo, name).__name__ == name for name in names)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gender_demo.nothing
