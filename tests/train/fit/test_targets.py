"""Targets: smoothing, mixup and a teacher, by hand and through a run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import Config, build_model, load_checkpoint, save_checkpoint
from gender_demo.vision.preflight import SHIPPED
from train.data.crops import Crops
from train.fit.presets import make_settings
from train.fit.recipe import Recipe
from train.fit.saved_run import SavedRun
from train.fit.start import starting_network
from train.fit.targets import loss, mix_up, one_hot
from train.fit.teacher import Teacher

CLASSES = {"gender": ("female", "male"), "age": ("young", "middle", "old")}
CPU = torch.device("cpu")


@pytest.fixture
def crops() -> Crops:
    targets = {"gender": torch.tensor([0, 1, 1, 0]), "age": torch.tensor([2, 0, 1, 1])}
    return Crops(torch.zeros(4, 8, 8, 3, dtype=torch.uint8), targets, CLASSES, 1.25, "tiny")


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = Config("teacher", CLASSES["gender"], input_px=32)
    save_checkpoint(tmp_path, config, build_model(config).state_dict())
    return tmp_path


def test_smoothed_loss_is_torchs(crops: Crops) -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    expected = functional.cross_entropy(
        logits[:, :2], crops.targets["gender"], label_smoothing=0.1
    ) + 0.5 * functional.cross_entropy(logits[:, 2:], crops.targets["age"], label_smoothing=0.1)
    found = loss(logits, one_hot(crops, torch.arange(4), 0.1), CLASSES, 0.5)
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


def test_mixup_mixes_pictures_and_targets_alike(crops: Crops) -> None:
    hot = one_hot(crops, torch.arange(4), 0.0)
    pictures = hot[:, :, None, None].expand(4, 5, 2, 2)
    mixed, wanted = mix_up(pictures, hot, 0.4, torch.Generator().manual_seed(7))
    assert torch.allclose(mixed[:, :, 0, 0], wanted)
    assert torch.allclose(wanted[:, :2].sum(1), torch.ones(4))
    assert not torch.equal(wanted, hot)
    again, _ = mix_up(pictures, hot, 0.4, torch.Generator().manual_seed(7))
    assert torch.equal(again, mixed)
    assert mix_up(pictures, hot, 0.0, torch.Generator())[0] is pictures


def test_a_teacher_speaks_where_it_knows(crops: Crops, teacher: Path) -> None:
    hot = one_hot(crops, torch.arange(4), 0.0)
    pictures = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    master = Teacher(teacher, CLASSES, CPU)
    said = master.model(pictures).softmax(1)
    half = master.blend(pictures, hot, 0.5)
    assert torch.allclose(half[:, :2], (hot[:, :2] + said) / 2, atol=1e-6)
    assert torch.equal(half[:, 2:], hot[:, 2:])


def test_the_shipped_network_teaches_and_starts_a_run(crops: Crops) -> None:
    shipped = load_checkpoint()
    assert shipped.config.doubt, "it has more outputs than labels"
    teacher = Teacher(SHIPPED, CLASSES, CPU)
    assert teacher.model(torch.zeros(1, 3, 112, 112)).shape == (1, 2)
    recipe = Recipe.of(make_settings(), shipped.config.arch, crops)
    head = starting_network(recipe, crops, str(SHIPPED)).get_parameter("fc.weight")
    assert torch.equal(head[:2], shipped.state["fc.weight"][:2].float())


def test_a_teacher_of_other_classes_is_refused(crops: Crops, teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="knows female, male, the data cat, dog"):
        Teacher(teacher, {"label": ("cat", "dog")}, CPU)
    config = Config("other", CLASSES["gender"], mean=(0.0, 0.0, 0.0))
    state = build_model(config).state_dict()
    save_checkpoint(tmp_path / "grey", config, state)
    with pytest.raises(DataError, match="in the same colours"):
        Teacher(tmp_path / "grey", CLASSES, CPU)
    recipe = Recipe.of(make_settings(), "resnet18", crops)
    SavedRun(recipe, state, state, optimizer={}, step=1, seconds=1.0).write(tmp_path)
    with pytest.raises(DataError, match="has 2 outputs and the data 5"):
        Teacher(tmp_path, CLASSES, CPU)
