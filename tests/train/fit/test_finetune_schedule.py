"""The preset finetune: its schedule, its plots, several processes, a run that is killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from gender_demo.vision.checkpoint import Config, build_model, load_checkpoint
from gender_demo.vision.preflight import SHIPPED
from tests.support.paths import ROOT
from train.__main__ import main
from train.fit.augment import augment
from train.fit.finetune_schedule import FineTune, freeze, parameter_groups
from train.fit.lr_finder import steepest
from train.fit.views import resized_crop

FLAGS = [
    *["--preset", "finetune", "--plan", "2@104", "--device", "cpu", "--batch", "16", "--from"],
    str(SHIPPED),
]


@pytest.fixture(scope="module")
def data(
    tmp_path_factory: pytest.TempPathFactory, draw_portrait: Callable[..., Image.Image]
) -> Path:
    """Prepared faces: 40 plain ones and 20 with a hat."""
    source, out = tmp_path_factory.mktemp("faces"), tmp_path_factory.mktemp("prepared") / "hats"
    for kind, count in (("plain", 40), ("hat", 20)):
        (source / kind).mkdir()
        for i in range(count):
            draw_portrait(i, kind).save(source / kind / f"{i}.png")
    assert main(["prepare", str(source), str(out), "--layout", "folder", "--workers", "1"]) == 0
    return out


def metrics(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "hats"
    assert main(["fit", str(data), "--out", str(out), *FLAGS]) == 0
    return out


def test_schedule_is_that_of_fastai() -> None:
    plan = FineTune(4, 128, 10)
    assert plan.total == 50
    assert [plan.frozen(step) for step in (0, 9, 10, 49)] == [True, True, False, False]
    assert plan.factor(9) == pytest.approx(1, abs=0.05)
    after = [plan.factor(step) for step in range(10, 50)]
    assert after[0] == pytest.approx(0.1)
    assert max(after) == pytest.approx(0.5)
    assert after.index(max(after)) == 12
    assert after[-1] < 0.01
    assert plan.rate(20, "head") == pytest.approx(10 * plan.rate(20, "middle"))
    assert plan.rate(20, "head") == pytest.approx(100 * plan.rate(20, "first"))
    assert plan.momentum(22) == pytest.approx(0.85)
    assert plan.momentum(10) == pytest.approx(0.95)


def test_every_parameter_is_in_one_group_and_only_the_head_learns_at_first() -> None:
    model: Any = build_model(Config("x", ("a", "b")))
    groups: list[Any] = parameter_groups(model)
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    freeze(model, True)
    learning = [name for name, p in model.named_parameters() if p.requires_grad]
    assert learning == ["fc.weight", "fc.bias"]
    assert not model.layer1[0].bn1.training
    freeze(model, False)
    assert all(p.requires_grad for p in model.parameters())
    assert model.layer1[0].bn1.training


def test_views_are_seeded_and_the_same_for_shares_of_a_batch(data: Path) -> None:
    pixels = torch.from_numpy(np.load(data / "crops.npy")[:12])

    def views(share: tuple[int, int]) -> torch.Tensor:
        rank, processes = share
        generator = torch.Generator().manual_seed(3)
        mine = pixels[rank::processes]
        return augment(mine, 1.25, 32, generator, webcam=False, view=resized_crop, share=share)

    whole = views((0, 1))
    assert whole.shape == (12, 3, 32, 32)
    assert torch.equal(whole, views((0, 1)))
    for rank in (0, 1):
        assert torch.allclose(whole[rank::2], views((rank, 2)), atol=1e-4)


def test_it_draws_what_it_did(data: Path, finished: Path) -> None:
    rows = metrics(finished)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert all(row["error_rate"] == pytest.approx(1 - row["accuracy"]) for row in rows)
    assert load_checkpoint(finished / "checkpoint").config.classes == ("hat", "plain")
    for name in ("show_batch", "learning_curves", "confusion", "top_losses"):
        with Image.open(finished / f"{name}.png") as picture:
            assert picture.width > 200
    events = b"".join(path.read_bytes() for path in finished.glob("events*"))
    for tag in (b"show_batch", b"confusion", b"held_out/error_rate", b"train/epoch_loss"):
        assert tag in events


def test_rare_classes_weigh_more_and_it_is_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--from", "none", "--find-lr", *FLAGS]
    assert main(["fit", str(data), "--out", str(tmp_path), *flags]) == 0
    said = capsys.readouterr().out
    assert "imbalanced, so their faces are weighted: hat 16 × 1.50, plain 32 × 0.75" in said
    assert re.search(r"--lr \d\.\de-\d+ is where the loss falls fastest", said)
    assert (tmp_path / "lr_finder.png").exists()
    assert not (tmp_path / "run.pt").exists()


def test_steepest_fall() -> None:
    losses = [1.0] * 10 + [0.9, 0.7, 0.4, 0.2, 0.15] + [0.15] * 5 + [3.0]
    assert steepest([10.0 ** (i - 21) for i in range(21)], losses) == pytest.approx(10.0**-10)


def start_two(data: Path, out: Path) -> subprocess.Popen[bytes]:
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    return subprocess.Popen(
        [sys.executable, *launch, "-m", "train", "fit", str(data), "--out", str(out), *FLAGS],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def shared(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of ``finished``, its batches shared by two processes."""
    out = tmp_path_factory.mktemp("shared")
    assert start_two(data, out).wait(250) == 0
    assert torch.load(out / "run.pt", weights_only=True)["recipe"]["processes"] == 2
    return out


@pytest.mark.timeout(600)
def test_two_processes_draw_the_same_loss_curve(finished: Path, shared: Path) -> None:
    """As far as batch norm allows: each process has the statistics of its own four faces."""
    one, two = metrics(finished), metrics(shared)
    assert [row["step"] for row in one] == [row["step"] for row in two]
    # In the frozen epoch batch norms stand still, and the curves are the same.
    assert two[0]["train_loss"] == pytest.approx(one[0]["train_loss"], rel=0.01)
    assert two[0]["loss"] == pytest.approx(one[0]["loss"], rel=0.02)
    for mine, other in zip(one, two, strict=True):
        # Not so the loss on the twelve held-out faces, once batch norm has learnt from four each.
        assert other["train_loss"] == pytest.approx(mine["train_loss"], rel=0.25)


@pytest.mark.timeout(600)
def test_killed_processes_end_with_the_same_metrics(
    data: Path, shared: Path, tmp_path: Path
) -> None:
    run = start_two(data, tmp_path)
    started = time.monotonic()
    while not (tmp_path / "run.pt").exists():
        assert run.poll() is None
        assert time.monotonic() - started < 200
        time.sleep(0.01)
    for process in [*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)]:
        process.kill()
    run.wait()
    assert len(metrics(tmp_path)) < 3
    assert start_two(data, tmp_path).wait(250) == 0
    assert metrics(tmp_path)[-1] == metrics(shared)[-1]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--from", "imagenet"], "ImageNet weights cannot be downloaded .* give --from"),
        (["--from", "nowhere"], "There is no checkpoint folder at nowhere"),
        (["--plan", "2@32,2@64"], "takes one stage"),
    ],
)
def test_bad_starts_are_told(
    data: Path, tmp_path: Path, flags: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_args: object, **_more: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(SystemExit, match=said):
        main(["fit", str(data), "--out", str(tmp_path), *FLAGS, *flags])
