"""The ONNX file answers as serving does."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageEnhance

from gender_demo.results import Box
from gender_demo.vision.checkpoint import (
    Config,
    build_model,
    load_checkpoint,
    save_checkpoint,
)
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import cut_square
from gender_demo.vision.pictures import open_picture
from gender_demo.vision.pipeline import load_pipeline
from tests.support.paths import ASTRONAUT as EXAMPLE
from tests.support.paths import ROOT, SOLVAY
from train.__main__ import main

VAL = ROOT.parent / "shared" / "data" / "fairface" / "val-00000-of-00001.parquet"
COUNT = 500


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped checkpoint and the detector as ONNX files."""
    folder = tmp_path_factory.mktemp("onnx") / "chain"
    shipped = ROOT / "checkpoints" / "resnet29-fairface"
    assert main(["export", str(shipped), "--onnx-chain", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def file(chain: Path) -> Path:
    return chain / "classifier.onnx"


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
    ours = np.array(Classifier(checkpoint, precision="float32")(crops))
    assert len(np.unique(ours.argmax(1))) == 2
    assert np.abs(theirs - ours).max() < 1e-3


def test_doubt_is_in_the_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = Config("toy", ("a", "b"), "dlib-resnet29", input_px=104, doubt=True)
    folder = tmp_path / "toy"
    save_checkpoint(folder, config, build_model(config).state_dict())
    assert main(["export", str(folder), "--onnx", str(tmp_path / "toy.onnx")]) == 0
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 104, 104), dtype=np.uint8)
    session = onnxruntime.InferenceSession(tmp_path / "toy.onnx")
    (theirs,) = session.run(["probabilities"], {"pixels": pixels})
    crops = [Image.fromarray(each.transpose(1, 2, 0)) for each in pixels]
    ours = Classifier(load_checkpoint(folder), precision="float32")(crops)
    assert theirs == pytest.approx(np.array(ours), abs=1e-4)


def test_the_file_says_what_it_is(file: Path) -> None:
    config = load_checkpoint().config
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(facts["classes"])) == config.classes
    assert facts["weights_sha256"] == config.weights_sha256
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert session.get_inputs()[0].shape[1:] == [3, config.crop_px, config.crop_px]


def test_the_example_without_torch_agrees_with_the_demo(
    chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its 29 faces of the Solvay conference are those of ``analyze``, with the same guesses."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    example = importlib.import_module("onnx_example")
    picture = open_picture(SOLVAY)
    theirs = load_pipeline(device="cpu").analyze(picture).predictions
    mine = [(Box(*box), values) for box, values in example.Chain(chain).analyze(picture)]
    assert len(mine) == len(theirs) == 29
    for prediction in theirs:
        box, values = max(mine, key=lambda each: prediction.face.box.iou(each[0]))
        assert prediction.face.box.iou(box) >= 0.95
        assert [value for _, value in prediction.probabilities] == pytest.approx(values, abs=0.01)


def test_a_checkpoint_needs_a_file_to_write(tmp_path: Path) -> None:
    shipped = str(ROOT / "checkpoints" / "resnet29-fairface")
    for words in ([shipped], [str(tmp_path)], [shipped, str(tmp_path), "--onnx", "a.onnx"]):
        with pytest.raises(SystemExit, match="or a checkpoint folder and --onnx FILE"):
            main(["export", *words])
