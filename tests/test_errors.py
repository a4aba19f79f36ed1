"""What cannot work is refused in one sentence with exit code 2, before anything heavy is loaded."""

from __future__ import annotations

import ctypes
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gender_demo.errors import DeviceError, of_machine
from gender_demo.vision.preflight import check_device
from tests.support.paths import ROOT

LONG = "x" * 300
"""No file's name on any system."""
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
        (f"app.py --checkpoint {LONG}", f"There is no checkpoint folder at {LONG}"),
        (f"-m gender_demo deploy a/b --dry-run --checkpoint {LONG}", "There is no checkpoint"),
        (f"-m train prepare {LONG} x --layout csv", f"{LONG} cannot be used (File name too long)"),
        (f"-m train fit {LONG} --out x", f"{LONG} cannot be used (File name too long): look at"),
        (f"-m train export {LONG}", f"{LONG} cannot be used (File name too long): look at its"),
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


@pytest.mark.parametrize(
    ("variable", "value", "code", "said"),
    [
        (
            "A_TIMEOUT",
            "abc",
            "int({v})",
            "invalid literal for int() with base 10: 'abc'): unset A_",
        ),
        (
            "A_LIST",
            "+x,y",
            "raise ValueError('\\n Not known: ' + {v} + ', help')",
            "+x,y, help): un",
        ),
        (
            "A_PATH",
            "/gone",
            "1 / 0",
            "(division by zero): give it more memory, or run make install",
        ),
        ("A_FILE", "/gone/x", "open({v})", "/gone/x cannot be used (No such file or directory): "),
        ("A_NAME", "no_such", "__import__({v})", "(No module named 'no_such'): unset A_NAME"),
        ("A_SIZE", "", "raise MemoryError", "A library cannot be loaded (no memory): give it more"),
    ],
)
def test_what_a_library_meets_while_it_is_loaded(
    variable: str, value: str, code: str, said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(variable, value)
    monkeypatch.syspath_prepend(tmp_path)
    getter = f"__import__('os').environ[{variable!r}]"
    (tmp_path / f"lib_{variable.lower()}.py").write_text(code.replace("{v}", getter))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        importlib.import_module(f"lib_{variable.lower()}")
    assert said in str(of_machine(caught.value))


def test_what_is_no_matter_of_the_machine_stays_a_bug() -> None:
    for error in (ValueError("x"), OSError("x"), KeyError("x")):
        with pytest.raises(type(error)) as caught:
            raise error
        assert of_machine(caught.value) is None


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
