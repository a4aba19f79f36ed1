"""The pipeline with two small functions in place of the nets, then with the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gender_demo.errors import DeviceError
from gender_demo.results import Box, Face
from gender_demo.vision.checkpoint import (
    Checkpoint,
    Config,
    build_model,
    save_checkpoint,
)
from gender_demo.vision.decision import Rules
from gender_demo.vision.find import MAX_FACES, MAX_SEARCH_PX
from gender_demo.vision.pipeline import (
    Pipeline,
    load_pipeline,
    pick_device,
)
from tests.support.paths import EXAMPLES

RULES = Rules(min_probability=0.7, min_face_px=20)
CHECKPOINT = Checkpoint(Path(), Config("two", ("red", "blue"), rules=RULES), {})


def bright_squares(pictures: Sequence[Image.Image]) -> list[list[Face]]:
    """ "Faces" are the bounding boxes of what is not black."""
    boxes = [picture.getbbox() for picture in pictures]
    points = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    return [
        []
        if box is None
        else [
            Face(
                Box(*map(float, box)),
                0.99,
                tuple(
                    (box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1]))
                    for x, y in points
                ),
            )
        ]
        for box in boxes
    ]


def redness(crops: Sequence[Image.Image]) -> list[tuple[float, ...]]:
    reds = [np.asarray(crop, float)[40:70, 40:70].mean((0, 1))[0] / 255 for crop in crops]
    return [(red, 1 - red) for red in reds]


def square(
    colour: tuple[int, int, int], size: tuple[int, int] = (300, 200), side: int = 60
) -> Image.Image:
    picture = Image.new("RGB", size)
    picture.paste(colour, (50, 40, 50 + side, 40 + side))
    return picture


PIPELINE = Pipeline(bright_squares, redness, CHECKPOINT)


def test_the_arrow() -> None:
    analysis = PIPELINE.analyze(square((255, 0, 0)))
    (prediction,) = analysis.predictions
    assert analysis.size == (300, 200)
    assert prediction.face.box == (50, 40, 110, 100)
    assert (prediction.label, prediction.reasons, prediction.track) == ("red", (), None)
    assert prediction.probability == pytest.approx(1)
    assert [name for name, _ in prediction.probabilities] == ["red", "blue"]


def test_a_batch_keeps_pictures_apart() -> None:
    pictures = [
        square((255, 0, 0)),
        Image.new("RGB", (80, 80)),
        square((0, 0, 255), (90, 120)),
        square((140, 0, 0)),
    ]
    labels = [[p.label for p in a.predictions] for a in PIPELINE.analyze_batch(pictures)]
    assert labels == [["red"], [], ["blue"], [None]]
    assert PIPELINE.analyze_batch([]) == []


def test_large_pictures_are_searched_small_and_answered_in_their_own_pixels() -> None:
    searched: list[tuple[int, int]] = []

    def detect(pictures: Sequence[Image.Image]) -> list[list[Face]]:
        searched.extend(picture.size for picture in pictures)
        return bright_squares(pictures)

    big = square((0, 0, 255), (4 * MAX_SEARCH_PX, 1000), 800)
    (prediction,) = Pipeline(detect, redness, CHECKPOINT).analyze(big).predictions
    assert searched == [(MAX_SEARCH_PX, 250)]
    assert prediction.face.box == pytest.approx((50, 40, 850, 840), abs=8)
    assert prediction.label == "blue"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = Config("random", ("female", "male"))
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, config, build_model(config).state_dict())
    return folder


def test_the_real_nets_on_29_people(folder: Path) -> None:
    picture = Image.open(EXAMPLES / "solvay_1927.jpg").convert("RGB")
    analysis = load_pipeline(folder, "cpu").analyze(picture)
    assert 29 <= len(analysis.predictions) <= 30
    for prediction in analysis.predictions:
        assert sum(p for _, p in prediction.probabilities) == pytest.approx(1)
        assert prediction.probability == max(p for _, p in prediction.probabilities)
        assert (prediction.label is None) == bool(prediction.reasons)


def test_devices() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name, words in (
        ("tpu", "not known"),
        ("cpu:1", "not on this"),
        ("cuda:99", "not on this"),
        ("", "not known"),
    ):
        with pytest.raises(DeviceError, match=words):
            pick_device(name)


def test_a_crowd_is_told_of_up_to_a_limit() -> None:
    def crowd(pictures: Sequence[Image.Image]) -> list[list[Face]]:
        points = ((1.0, 1.0),) * 5
        return [[Face(Box(0.0, 0.0, 30.0, 30.0), 0.9, points)] * (MAX_FACES + 5) for _ in pictures]

    pipeline = Pipeline(crowd, redness, CHECKPOINT)
    analysis = pipeline.analyze(square((255, 0, 0)))
    assert len(analysis.predictions) == MAX_FACES
    assert analysis.notes == ("most_faces",)
