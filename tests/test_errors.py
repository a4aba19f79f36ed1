"""What cannot work is refused in one sentence with exit code 2, before anything heavy is loaded."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gender_demo.errors import DeviceError
from gender_demo.vision.preflight import check_device
from tests.support.paths import ROOT

HEAVY = {"torch", "gradio", "accelerate", "pyarrow", "ray"}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("app.py --checkpoint nowhere", "There is no checkpoint folder at nowhere"),
        ("app.py --checkpoint docs", "docs/config.json cannot be read"),
        ("app.py --device abacus", "The device 'abacus' is not known"),
        ("app.py --device cuda:x", "The device 'cuda:x' is not on this machine"),
        ("-m gender_demo predict gone.jpg", "No pictures were found in gone.jpg"),
        ("-m gender_demo predict app.py --checkpoint nowhere", "There is no checkpoint folder"),
        ("-m gender_demo predict app.py --device cuda:x", "The device 'cuda:x' is not on this"),
        ("-m train prepare nowhere x --layout folder", "There is nothing at nowhere"),
        ("-m train pack nowhere x", "There is nothing at nowhere: give a folder that python -m"),
        ("-m train fit nowhere --out x", "There is nothing at nowhere: give a folder that python"),
        ("-m train fit docs --out x --from nowhere", "There is no checkpoint folder at nowhere"),
        ("-m train fit docs --out x --teacher nowhere", "There is nothing at nowhere: give a run"),
        ("-m train review docs --checkpoint nowhere", "There is no checkpoint folder at nowhere"),
        ("-m train export nowhere --onnx x", "There is nothing at nowhere: give the --out of"),
        ("-m train evaluate nowhere", "There is nothing at nowhere"),
        ("-m train evaluate docs --device cuda:x", "The device 'cuda:x' is not on this machine"),
        ("-m train card nowhere", "There is no checkpoint folder at nowhere"),
    ],
)
def test_wrong_paths_and_devices(command: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command.split()],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    loaded = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    (sentence,) = (line for line in lines if not line.startswith("import time:"))
    assert said in sentence
    assert done.returncode == 2
    assert "argparse" in loaded
    assert not HEAVY & loaded


def test_a_sentence_of_later_ends_with_2_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "train", "fit", str(tmp_path), "--out", str(tmp_path / "x")],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        f"{tmp_path / 'manifest.parquet'} is missing: run python -m train prepare first\n"
    )


@pytest.mark.skipif(sys.platform != "linux" or Path("/dev/kfd").exists(), reason="AMD's driver")
def test_without_a_driver_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *_: Any) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    for name in ("cuda", "cuda:0"):
        with pytest.raises(DeviceError, match="is not on this machine: use --device auto or cpu"):
            check_device(name)
    check_device("auto")
    check_device("cpu")
