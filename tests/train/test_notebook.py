"""train/walkthrough.ipynb, cell by cell, on pictures that the test makes; the functions it uses."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gender_demo.errors import UsageError
from gender_demo.vision.preflight import SHIPPED
from tests.support.paths import ROOT
from train import api

NOTEBOOK = json.loads((ROOT / "train" / "walkthrough.ipynb").read_text(encoding="utf-8"))


def last_value(cell: str, names: dict[str, Any]) -> Any:
    """What a notebook shows under a cell: the value of its last line, if it is an expression."""
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(ast.unparse(last), names) if last else None


# It shows pictures from files that it leaves to the garbage collector, as notebooks do.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(900)
def test_every_cell_runs(
    tmp_path: Path,
    draw_portrait: Callable[..., Image.Image],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, kind in {"glasses": "glasses", "no_glasses": "plain"}.items():
        (tmp_path / "my_faces" / name).mkdir(parents=True)
        for i in range(16):
            draw_portrait(i, kind).save(tmp_path / "my_faces" / name / f"{i:02d}.jpg")
    cells = ["".join(c["source"]) for c in NOTEBOOK["cells"] if c["cell_type"] == "code"]
    names: dict[str, Any] = {}
    shown = [last_value(cell.replace("epochs=4", "epochs=1"), names) for cell in cells]
    pictures = [value for value in shown if isinstance(value, Image.Image)]
    assert [picture.width > 100 for picture in pictures] == [True] * 5
    assert names["figures"]["count"] >= 6
    assert names["analysis"].predictions
    printed = capsys.readouterr().out
    assert len([line for line in printed.splitlines() if ": labelled " in line]) == 5
    assert f"of {names['figures']['count']} held-out faces are right" in printed
    assert not any(cell.get("outputs") for cell in NOTEBOOK["cells"]), "clear the outputs"


def test_what_a_command_refuses_is_raised(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is nothing at nowhere: give a folder"):
        api.prepare("nowhere", tmp_path, layout="folder")
    with pytest.raises(UsageError, match="run python -m train prepare first"):
        api.fit(tmp_path, tmp_path / "run", start=SHIPPED, no_webcam=True)
