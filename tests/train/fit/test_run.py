"""A small training run from drawn pictures to a checkpoint folder that serving loads."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.distributed.run import get_args_parser

from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.classifier import Classifier
from tests.support.paths import ROOT
from tests.support.prepared import draw_people, prepare_people
from train import flags
from train.__main__ import main
from train.data.crops import load_crops
from train.data.faces import cut
from train.fit.loop import STOPPED
from train.fit.trainer import Trainer


@pytest.fixture(scope="module")
def data(
    tmp_path_factory: pytest.TempPathFactory, draw_portrait: Callable[..., Image.Image]
) -> Path:
    """What ``train prepare`` makes of 96 pictures and a broken one."""
    source = draw_people(tmp_path_factory, draw_portrait, 48)
    (source / "plain" / "broken.png").write_bytes(b"no picture")
    return prepare_people(tmp_path_factory, source)


def fit(data: Path, out: Path, plan: str = "2@32") -> int:
    flags = ["--plan", plan, "--batch", "16", "--warmup", "4", "--device", "cpu", "--lr", "1e-3"]
    return main(["fit", str(data), "--out", str(out), "--from", "none", *flags])


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    assert fit(data, out) == 0
    return out


def test_prepare_tells_what_it_could_not_read(data: Path) -> None:
    rows = pq.read_table(data / "manifest.parquet").to_pylist()
    assert len(rows) == 97
    assert [row["path"] for row in rows if row["reason"] == "unreadable"] == ["plain/broken.png"]
    by_group: dict[str, set[str]] = {}
    for row in rows:
        by_group.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in by_group.values())
    train, held_out = load_crops(data, ["train", "holdout"])
    assert len(train) + len(held_out) == 96
    assert len(held_out) >= 24


def test_run_ends_in_a_checkpoint_that_serving_loads(data: Path, finished: Path) -> None:
    facts = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in facts] == [1.0, 2.0]
    assert facts[-1]["accuracy"] >= 0.5
    checkpoint = load_checkpoint(finished / "checkpoint")
    assert checkpoint.config.classes == ("hat", "plain")
    assert checkpoint.config.input_px == 32
    assert 0.5 <= checkpoint.config.rules.min_probability <= 1
    (served,) = Classifier(checkpoint, torch.device("cpu"))([Image.new("RGB", (32, 32))])
    assert sum(served) == pytest.approx(1, abs=1e-5)


def test_interrupted_run_ends_with_the_same_weights(
    data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.train_step

    def interrupted(run: Trainer) -> torch.Tensor:
        loss = step(run)
        if run.step == 3:
            # The handler as Python would call it. The signal itself, sent to a process in which
            # OpenVINO and torch have both computed, ends it (seen with OpenVINO 2026.4).
            handler = signal.getsignal(signal.SIGTERM)
            assert callable(handler)
            handler(signal.SIGTERM, None)
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", interrupted)
        assert fit(data, tmp_path) == STOPPED
    assert fit(data, tmp_path) == 0
    one, other = (torch.load(run / "run.pt", weights_only=True) for run in (finished, tmp_path))
    for part in ("model", "average"):
        assert all(torch.equal(one[part][name], other[part][name]) for name in one[part]), part


def test_a_signal_to_the_command_itself_saves_and_ends_it(data: Path, tmp_path: Path) -> None:
    command = ["-m", "train", "fit", str(data), "--out", str(tmp_path), "--plan", "999@32"]
    process = subprocess.Popen(
        [sys.executable, *command, "--batch", "16", "--device", "cpu", "--from", "none"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "show_batch.png").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == STOPPED, err
    assert out.endswith("the same command goes on\n")
    assert (tmp_path / "run.pt").exists()
    assert "Traceback" not in err


def test_damaged_run_is_told_in_a_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "run.pt").write_bytes(b"half a file")
    with pytest.raises(SystemExit, match=r"cannot be read .*delete it or change --out"):
        fit(data, tmp_path)


@pytest.mark.parametrize("recipe", [{"depth": 18}, None])
def test_run_of_another_version_is_told_in_a_sentence(
    data: Path, finished: Path, tmp_path: Path, recipe: dict[str, int] | None
) -> None:
    saved = torch.load(finished / "run.pt", weights_only=True)
    saved |= {"recipe": recipe} if recipe else {"model": {"first.weight": torch.zeros(1)}}
    torch.save(saved, tmp_path / "run.pt")
    with pytest.raises(SystemExit, match=r"cannot be read .*another version: delete it or change"):
        fit(data, tmp_path)


def test_other_flags_do_not_continue_a_run(data: Path, finished: Path) -> None:
    with pytest.raises(SystemExit, match="seed 0 -> 1"):
        main(["fit", str(data), "--out", str(finished), "--plan", "2@32", "--batch", "16",
              "--warmup", "4", "--lr", "1e-3", "--from", "none", "--seed", "1"])  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--valid-split", "test"], "the split 'test' of .* is empty; it has holdout, train"),
        (["--plan", "ten"], "is not of the form"),
        (["--plan", "1@33"], "multiples of 8"),
    ],
)
def test_bad_flags_are_told_in_a_sentence(
    data: Path, tmp_path: Path, flags: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        main(["fit", str(data), "--out", str(tmp_path), *flags])


def test_bad_folders_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="run python -m train prepare first"):
        main(["fit", str(tmp_path), "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit, match="0 class folders"):
        main(["prepare", str(tmp_path), str(tmp_path / "out"), "--layout", "folder"])


def test_whole_picture_stands_in_the_middle_of_its_crop() -> None:
    crop = np.asarray(cut(Image.new("RGB", (50, 50), (255, 0, 0)), None))
    assert crop.shape == (144, 144, 3)
    inside = (crop[..., 0] > 250).mean()
    assert inside == pytest.approx((1 / 1.25) ** 2, abs=0.02)


def test_export_writes_the_better_of_what_it_tried(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    flags = ["--px", "32,40", "--facts", '{"licence": "cc-by-4.0"}']
    assert main(["export", str(finished), str(data), "--out", str(out), *flags]) == 0
    lines = [line.split(" ", 1) for line in capsys.readouterr().out.splitlines()[:-1]]
    tried = [(weights, json.loads(facts)) for weights, facts in lines]
    assert len(tried) == 4
    config = load_checkpoint(out).config
    assert config.training["licence"] == "cc-by-4.0"
    assert config.training["blurred"]["sigma 0 of the side"]["right"] > 0.5
    held_out = config.training["held out"]
    best = max((facts for _, facts in tried), key=lambda facts: facts["accuracy"])
    assert list(config.views) == held_out["views"] == best["views"]
    assert config.input_px == held_out["size_px"] == best["size_px"]
    again = tmp_path / "again"
    assert main(["export", str(out), str(data), "--out", str(again)]) == 0
    one, other = (load_checkpoint(folder) for folder in (out, again))
    assert one.config.weights_sha256 == other.config.weights_sha256
    assert other.config.training["steps"] == one.config.training["steps"]
    with pytest.raises(SystemExit, match=r"run\.pt is missing"):
        main(["export", str(tmp_path), str(data), "--out", str(out)])


def test_export_takes_weights_that_another_program_trained(
    data: Path, finished: Path, tmp_path: Path
) -> None:
    """With an output for faces behind the labels', of which serving sees none here."""
    state = torch.load(finished / "run.pt", weights_only=True)["average"]
    longer = {n: torch.cat([state[n], state[n][:1]]) for n in ("fc.weight", "fc.bias")}
    file, out = tmp_path / "weights.pt", tmp_path / "mine"
    torch.save({"state": {**state, **longer}, "steps": 7}, file)
    assert main(["export", str(file), str(data), "--out", str(out), "--px", "32"]) == 0
    checkpoint = load_checkpoint(out)
    assert checkpoint.config.training["steps"] == 7
    assert len(checkpoint.state["fc.bias"]) == 2
    assert torch.equal(checkpoint.state["conv1.weight"], state["conv1.weight"].half())
    torch.save({"state": {"first.weight": torch.zeros(1)}}, file)
    with pytest.raises(SystemExit, match="weights of another network than resnet18"):
        main(["export", str(file), str(data), "--out", str(out)])
    file.write_bytes(b"half a file")
    with pytest.raises(SystemExit, match=r"holds no weights .*: give a run folder"):
        main(["export", str(file), str(data), "--out", str(out)])


def test_torchrun_hands_every_flag_on() -> None:
    """Other than a script's own parser, it also takes the beginnings of its flags' names."""
    parser = argparse.ArgumentParser()
    flags.fit(parser)
    for action in parser._actions:
        flag = next((name for name in action.option_strings if name.startswith("--")), None)
        if flag is None or flag == "--help":
            continue
        given = ["--nproc-per-node", "2", "-m", "train", "fit", "data", flag]
        assert get_args_parser().parse_args(given).training_script_args[-1] == flag
