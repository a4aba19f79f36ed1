"""The ONNX file answers as serving does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageEnhance

from gender_demo.vision.checkpoint import Config, load_checkpoint
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import cut_square
from gender_demo.vision.pictures import open_picture
from tests.support.paths import ASTRONAUT as EXAMPLE
from tests.support.paths import ROOT
from train.__main__ import main

VAL = ROOT.parent / "shared" / "data" / "fairface" / "val-00000-of-00001.parquet"
COUNT = 500


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("onnx") / "model.onnx"
    shipped = ROOT / "checkpoints" / "resnet18-fairface"
    assert main(["export", str(shipped), "--onnx", str(file)]) == 0
    return file


def faces(config: Config) -> list[Image.Image]:
    """FairFace val where it is at hand, else one face in many lights and places."""
    if VAL.exists():
        column = pq.read_table(VAL, columns=["image"])["image"][:COUNT].to_pylist()
        pictures = [open_picture(image["bytes"], image["path"]) for image in column]
        return [picture.resize((config.crop_px,) * 2) for picture in pictures]
    random, portrait = np.random.default_rng(0), open_picture(EXAMPLE)
    return [
        ImageEnhance.Brightness(
            cut_square(
                portrait,
                random.normal(221, 20),
                random.normal(117, 20),
                random.uniform(60, 180),
                random.normal(0, 0.3),
                config.crop_px,
            )
        ).enhance(random.uniform(0.4, 1.6))
        for _ in range(COUNT)
    ]


def test_500_faces_get_the_same_probabilities(file: Path) -> None:
    checkpoint = load_checkpoint()
    crops = faces(checkpoint.config)
    assert len(crops) == COUNT
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    pixels = np.stack([np.asarray(crop) for crop in crops]).transpose(0, 3, 1, 2)
    theirs = np.concatenate(
        [session.run(["probabilities"], {"pixels": part})[0] for part in np.split(pixels, 10)]
    )
    ours = np.array(Classifier(checkpoint)(crops))
    assert len(np.unique(ours.argmax(1))) == 2
    assert np.abs(theirs - ours).max() < 1e-3


def test_the_file_says_what_it_is(file: Path) -> None:
    config = load_checkpoint().config
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(facts["classes"])) == config.classes
    assert facts["weights_sha256"] == config.weights_sha256
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert session.get_inputs()[0].shape[1:] == [3, config.crop_px, config.crop_px]


def test_a_checkpoint_needs_a_file_to_write(tmp_path: Path) -> None:
    shipped = str(ROOT / "checkpoints" / "resnet18-fairface")
    for words in ([shipped], [str(tmp_path)], [shipped, str(tmp_path), "--onnx", "a.onnx"]):
        with pytest.raises(SystemExit, match="or a checkpoint folder and --onnx FILE"):
            main(["export", *words])
