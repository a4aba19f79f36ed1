"""train/README.md's walkthrough, line by line, on pictures that the test makes: to the page."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import ModelCard
from PIL import Image

from gender_demo.audit.reading import read_audit
from gender_demo.audit.wording import NO_AUDIT
from gender_demo.vision.checkpoint import load_checkpoint
from tests.support.paths import ROOT
from tests.support.server import free_port
from train.__main__ import main

Draw = Callable[..., Image.Image]


def commands() -> list[str]:
    text = (ROOT / "train" / "README.md").read_text(encoding="utf-8")
    part = text.split("<!-- walkthrough")[1].split("<!-- end of walkthrough -->")[0]
    return re.findall(r"^    (python .+)$", part, re.MULTILINE)


def make_faces(folder: Path, draw: Draw, kinds: dict[str, str], count: int) -> None:
    for name, kind in kinds.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            draw(i, kind).save(folder / name / f"{i:02d}.jpg", quality=92)


def serve(command: list[str], check: Callable[[str], None]) -> None:
    """Run a command that serves a page, check what it serves, stop it."""
    server = subprocess.Popen(
        [*command, "--port", str(free_port())],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert server.stdout is not None
    try:
        found = re.search(r"http://[\d.:]+", server.stdout.readline())
        assert found
        check(found[0])
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


@pytest.mark.timeout(900)
def test_walkthrough(tmp_path: Path, draw_portrait: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = {"glasses": "glasses", "no_glasses": "plain"}
    make_faces(tmp_path / "my_faces", draw_portrait, kinds, 32)
    lines = commands()
    assert [shlex.split(line)[1:4] for line in lines] == [
        ["-m", "train", "prepare"],
        ["-m", "train", "fit"],
        ["-m", "train", "review"],
        ["-m", "train", "evaluate"],
        ["-m", "train", "card"],
        ["app.py", "--checkpoint", "runs/mine/checkpoint"],
    ]
    for line in lines:
        words = shlex.split(line)
        if "review" in words:
            serve([sys.executable, *words[1:]], review_shows_the_faces)
        elif words[1] == "app.py":
            serve([sys.executable, str(ROOT / "app.py"), *words[2:]], page_shows_the_model)
        else:
            assert main(words[3:]) == 0, line
    last = json.loads((tmp_path / "runs/mine/metrics.jsonl").read_text().splitlines()[-1])
    assert last["epoch"] == 5
    assert last["error_rate"] <= 0.25
    checkpoint = load_checkpoint(tmp_path / "runs/mine/checkpoint")
    assert checkpoint.config.classes == ("glasses", "no_glasses")
    audit = read_audit(checkpoint.audit)
    assert audit
    assert (audit.primary.title, audit.primary.split) == ("mine", "holdout")
    assert audit.primary.all.count == 12
    assert not audit.others
    card = (checkpoint.path / "README.md").read_text()
    assert ModelCard(card).data.to_dict()["license"] == "unknown"
    assert "glasses and no_glasses" in card
    assert "faces to train on: no glasses" in card
    assert "set on these very pictures" in card
    assert "FairFace" not in card


def review_shows_the_faces(url: str) -> None:
    config = json.load(urlopen(f"{url}/config"))
    words = json.dumps(config["components"])
    for button in ("Keep (K)", "Drop (D)", "glasses (1)", "no_glasses (2)", "Undo (U)"):
        assert button in words


def page_shows_the_model(url: str) -> None:
    config = json.load(urlopen(f"{url}/config"))
    words = json.dumps(config["components"], ensure_ascii=False).replace("\\", "")
    assert "not the project's own) knows the labels glasses, no_glasses" in words
    assert NO_AUDIT not in words
    assert "mine holdout" in words
    assert "“female” or “male”" not in words
    face = Path("my_faces/glasses/00.jpg")
    _, analysis = Client(url, verbose=False).predict(handle_file(face), api_name="/annotate")
    (seen,) = analysis["predictions"]
    assert [name for name, _ in seen["probabilities"]] == ["glasses", "no_glasses"]
    assert "female" not in json.dumps(analysis)


def test_three_classes_end_on_the_page_too(
    tmp_path: Path, draw_portrait: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = {"hat": "hat", "glasses": "glasses", "plain": "plain"}
    make_faces(tmp_path / "my_faces", draw_portrait, kinds, 16)
    assert main(["prepare", "my_faces", "prepared/three", "--layout", "folder"]) == 0
    fit = ["fit", "prepared/three", "--out", "runs/three", "--preset", "finetune"]
    assert main([*fit, "--plan", "1@104"]) == 0
    serve([sys.executable, str(ROOT / "app.py"), "--checkpoint", "runs/three/checkpoint"], three)
    evaluate = ["evaluate", "prepared/three", "--checkpoint", "runs/three/checkpoint"]
    assert main([*evaluate, "--end-to-end", "--no-cache", "--json", "out.json"]) == 0
    assert json.loads(Path("out.json").read_text())["count"] == 9


def three(url: str) -> None:
    config = json.load(urlopen(f"{url}/config"))
    words = json.dumps(config["components"], ensure_ascii=False).replace("\\", "")
    assert "It knows 3 labels only, glasses, hat, plain" in words
    assert NO_AUDIT in words
    face = handle_file("my_faces/hat/00.jpg")
    _, analysis = Client(url, verbose=False).predict(face, api_name="/annotate")
    (seen,) = analysis["predictions"]
    assert [name for name, _ in seen["probabilities"]] == ["glasses", "hat", "plain"]
    assert sum(value for _, value in seen["probabilities"]) == pytest.approx(1)
