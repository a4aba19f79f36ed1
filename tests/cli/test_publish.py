"""Publishing a model with the real client, and using what was published."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from gender_demo.__main__ import main
from gender_demo.vision.preflight import SHIPPED
from tests.support.hub_server import TOKEN, Hub, hub_environment, hub_server
from tests.support.paths import EXAMPLES, ROOT

FILES = {"README.md", "config.json", "audit.json", "model.safetensors"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as server:
        yield server


def run(
    hub: Hub, *words: str, home: Path, token: str | None = TOKEN, package: str = "gender_demo"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", package, *words],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        env=hub_environment(hub, home, token),
    )  # fmt: skip


def copy_of_shipped(folder: Path) -> Path:
    shutil.copytree(SHIPPED, folder / "mine")
    return folder / "mine"


def test_a_model_is_published_and_used_by_another(hub: Hub, tmp_path: Path) -> None:
    done = run(hub, "publish", "ann/faces", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Created ann/faces; uploading.",
        f"The model is at {hub.url}/ann/faces",
        f"Use it with --checkpoint hf:ann/faces, or hf:ann/faces@{hub.oid()} for just this.",
    ]
    files = hub.models["ann/faces"]
    assert files.keys() == FILES | {".gitattributes"}
    for name in FILES - {"README.md"}:
        assert files[name] == (SHIPPED / name).read_bytes()
    card = files["README.md"].decode()
    assert 'load_pipeline("hf:ann/faces").analyze(picture)' in card
    assert "`python app.py --checkpoint hf:ann/faces`" in card
    data: Any = ModelCard(card).data
    assert data.eval_results[0].dataset_name == "FairFace val"

    other = tmp_path / "other"
    picture = str(EXAMPLES / "astronaut.jpg")
    predict = ("predict", picture, "--json", "--device", "cpu")
    theirs = run(hub, *predict, "--checkpoint", "hf:ann/faces", home=other, token=None)
    assert theirs.returncode == 0, theirs.stderr
    ours = run(hub, *predict, home=other, token=None)
    told, expected = (json.loads(text.stdout) for text in (theirs, ours))
    assert told == expected


def test_a_model_is_updated_and_nothing_else_is_touched(hub: Hub, tmp_path: Path) -> None:
    mine = copy_of_shipped(tmp_path)
    words = ("publish", "ann/faces", "--checkpoint", str(mine))
    assert run(hub, *words, home=tmp_path).returncode == 0
    (mine / "audit.json").unlink()
    done = run(hub, *words, "--private", home=tmp_path)
    assert done.stdout.startswith("Updating ann/faces; uploading.\n"), done.stderr
    assert hub.models["ann/faces"].keys() == (FILES | {".gitattributes"}) - {"audit.json"}
    assert "ann/faces" in hub.private

    hub.models["ann/bert"] = {"config.json": b"{}", "vocab.txt": b"words"}
    done = run(hub, "publish", "ann/bert", home=tmp_path)
    assert (done.returncode, done.stderr) == (
        2, "ann/bert holds what is no checkpoint's (vocab.txt): choose another name.\n"
    )  # fmt: skip
    assert hub.models["ann/bert"] == {"config.json": b"{}", "vocab.txt": b"words"}


def test_a_dry_run_lists_and_asks_nobody(hub: Hub, tmp_path: Path) -> None:
    done = run(hub, "publish", "ann/faces", "--dry-run", home=tmp_path, token=None)
    assert done.returncode == 0, done.stderr
    assert {line.split()[-1] for line in done.stdout.splitlines()[-5:-1]} == FILES
    assert done.stdout.splitlines()[1] == "license: cc-by-4.0"
    assert hub.asked == []


def test_what_fails_at_the_hub_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    for token, said in ((None, "Log in first"), ("hf_wrong", "The token is not valid")):
        done = run(hub, "publish", "ann/faces", home=tmp_path, token=token)
        assert done.returncode == 2
        assert done.stderr.startswith(said), done.stderr
        assert done.stderr.count("\n") == 1


def test_nothing_is_written_into_what_was_fetched(hub: Hub, tmp_path: Path) -> None:
    for words in (["card", "hf:ann/faces"],
                  ["evaluate", ".", "--checkpoint", "hf:ann/faces", "--write-audit"]):  # fmt: skip
        done = run(hub, *words, home=tmp_path, package="train")
        assert done.returncode == 2
        assert done.stderr.startswith("hf:ann/faces is on the Hub and nothing is written there")
    done = run(hub, "evaluate", ".", "--checkpoint", "hf:ann/faces", home=tmp_path, package="train")
    assert (done.returncode, done.stderr[:25]) == (2, "hf:ann/faces is not at ht")


def refusal(capsys: pytest.CaptureFixture[str], folder: Path, name: str = "ann/faces") -> str:
    assert main(["publish", name, "--checkpoint", str(folder), "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_must_not_be_published_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = copy_of_shipped(tmp_path)
    assert "'faces' is not a model's name: give it as" in refusal(capsys, mine, "faces")
    card = (mine / "README.md").read_text()
    own = card.replace("## Factors", f"## Factors of {Path.home()}/faces")
    (mine / "README.md").write_text(own)
    assert f"README.md names your folder {Path.home()}: train and" in refusal(capsys, mine)
    stated = json.loads((mine / "config.json").read_text())["weights_sha256"]
    for text, said in ((card.replace(stated, "0" * 64), "is not of these weights"),
                       ("no header", "is not of these weights: run `python -m train card"),
                       ("---\na: [\n---\n", "cannot be read (")):  # fmt: skip
        (mine / "README.md").write_text(text)
        assert said in refusal(capsys, mine)
    (mine / "README.md").unlink()
    assert "has no card (README.md): run `python -m train card" in refusal(capsys, mine)
    weights = mine / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "has weights that do not match their hash" in refusal(capsys, mine)
