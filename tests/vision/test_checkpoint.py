from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint import (
    Config,
    build_model,
    load_checkpoint,
    save_checkpoint,
)
from gender_demo.vision.decision import Rules

CONFIG = Config(
    "tiny", ("a", "b", "c"), rules=Rules(min_probability=0.6), training={"date": "2026"}
)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build_model(CONFIG).state_dict()


@pytest.fixture
def folder(tmp_path: Path, state: dict[str, torch.Tensor]) -> Path:
    save_checkpoint(tmp_path / "ck", CONFIG, state, {"accuracy": 0.5})
    return tmp_path / "ck"


def test_what_was_saved_comes_back_bit_for_bit(
    folder: Path, state: dict[str, torch.Tensor]
) -> None:
    loaded = load_checkpoint(folder)
    assert replace(loaded.config, weights_sha256="") == CONFIG
    assert loaded.audit == {"accuracy": 0.5}
    for name, value in state.items():
        expected = value.half() if value.is_floating_point() else value
        assert torch.equal(loaded.state[name], expected), name
    before = (folder / "model.safetensors").read_bytes()
    again = save_checkpoint(folder, loaded.config, loaded.state, loaded.audit)
    assert again == loaded.config
    assert (folder / "model.safetensors").read_bytes() == before


def test_new_weights_drop_the_old_audit(folder: Path, state: dict[str, torch.Tensor]) -> None:
    save_checkpoint(folder, CONFIG, state)
    assert load_checkpoint(folder).audit is None


def test_a_ruined_folder_gets_one_sentence(folder: Path) -> None:
    def refused(words: str) -> None:
        with pytest.raises(CheckpointError, match=words) as caught:
            load_checkpoint(folder)
        assert "\n" not in str(caught.value)

    weights, config = folder / "model.safetensors", folder / "config.json"
    good_weights, good_config = weights.read_bytes(), config.read_text()
    (folder / "audit.json").write_text("{")
    refused("audit.json is not JSON")
    (folder / "audit.json").unlink()
    weights.write_bytes(good_weights[:-1])
    refused("does not match the hash")
    weights.unlink()
    refused("cannot be read")
    weights.write_bytes(good_weights)
    two = good_config.replace('"a",', "")  # a config that is sound, of other weights
    for ruin in ("", "[]", '{"name": 1}', two, two.replace('"b",', "")):
        config.write_text(ruin)
        refused("is not a checkpoint's config" if ruin != two else "not those of")
    config.write_text(json.dumps({**json.loads(good_config), "arch": "vgg"}))
    refused("architecture 'vgg' is not known")
    config.write_text(json.dumps({**json.loads(good_config), "arch": "resnet34"}))
    refused("not those of a resnet34")
    config.write_text(json.dumps({**json.loads(good_config), "temperature": 0}))
    refused("temperature: Input should be greater than 0")
    config.write_text(json.dumps({**json.loads(good_config), "views": [1, 3]}))
    refused("views.1: Input should be less than or equal to 2")
    config.unlink()
    refused("config.json cannot be read")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint folder at"):
        load_checkpoint(tmp_path / "nowhere")
