"""``prepare --engine ray`` on a local Ray of two workers, one of them killed half-way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support.paths import ROOT
from train.__main__ import main
from train.data import shards

KILLER = ROOT / "tests" / "support" / "kill_a_worker.py"


@pytest.fixture(scope="module")
def faces(
    tmp_path_factory: pytest.TempPathFactory, draw_portrait: Callable[..., Image.Image]
) -> Path:
    source = tmp_path_factory.mktemp("faces")
    for kind in ("plain", "hat"):
        (source / kind).mkdir()
        for i in range(20):
            draw_portrait(i, kind).save(source / kind / f"{i:02d}.png")
    return source


@pytest.mark.timeout(600)
def test_same_manifest_though_a_worker_is_killed(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setattr(shards, "SHARD_SIZE", 8)
    here, there = tmp_path / "here", tmp_path / "there"
    assert main(["prepare", str(faces), str(here), "--layout", "folder", "--workers", "1"]) == 0
    # In a process of its own: Ray leaves threads and sockets behind.
    command = [sys.executable, str(KILLER), str(faces), str(there), "--layout", "folder"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        [*command, "--engine", "ray", "--workers", "2"], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed one" in done.stdout
    one, other = (pq.read_table(run / "manifest.parquet").to_pylist() for run in (here, there))
    assert one == other
    assert (here / "crops.npy").read_bytes() == (there / "crops.npy").read_bytes()


def test_without_ray_it_says_what_to_install(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit, match=r"needs Ray: pip install -r train/requirements-ray\.txt"):
        main(["prepare", str(faces), str(tmp_path / "x"), "--layout", "folder", "--engine", "ray"])
    assert not (tmp_path / "x").exists()
