"""Publishing with the real client, against a small server that speaks the Hub's endpoints."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gender_demo.cli import deploy
from gender_demo.cli.deploy import (
    prepare,
    wait_until_running,
)
from gender_demo.cli.space_settings import read_settings
from gender_demo.errors import CheckpointError, DeployError
from gender_demo.vision.preflight import CHECKPOINT_VARIABLE, SHIPPED
from tests.support.hub_server import TOKEN, Hub, hub_environment, hub_server
from tests.support.paths import ROOT


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as server:
        yield server


def run(
    hub: Hub, *flags: str, home: Path, token: str | None = TOKEN
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gender_demo", "deploy", "ann/faces", *flags],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        env=hub_environment(hub, home, token),
    )  # fmt: skip


def test_a_space_is_made_filled_and_updated(hub: Hub, tmp_path: Path) -> None:
    done = run(hub, "--private", "--hardware", "t4-small", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"The page is at {hub.url}/spaces/ann/faces"
    assert "The Space is app starting." in done.stdout
    (made,) = hub.created
    assert (made["sdk"], made["hardware"]) == ("gradio", "t4-small")
    assert "private" in (made.get("visibility"), made.get("private") and "private")
    expected = {str(file): (ROOT / file).read_bytes() for file in prepare().files}
    assert hub.spaces["ann/faces"] == expected | {".gitattributes": b""}

    hub.spaces["ann/faces"]["old.py"] = b"of an older version"
    done = run(hub, "--operator", "Ann", "--contact", "ann@example.org", home=tmp_path)
    assert done.returncode == 0, done.stderr
    named = {"GENDER_DEMO_OPERATOR": "Ann", "GENDER_DEMO_CONTACT": "mailto:ann@example.org"}
    assert hub.variables == named
    assert "Updating ann/faces" in done.stdout
    assert len(hub.created) == 1
    assert hub.spaces["ann/faces"] == expected | {".gitattributes": b""}

    mine = copy_with(tmp_path / "my faces", name="mine")
    done = run(hub, "--private", "--checkpoint", str(mine), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert hub.variables == named | {CHECKPOINT_VARIABLE: "checkpoints/my_faces"}
    models = {name for name in hub.spaces["ann/faces"] if name.startswith("checkpoints/")}
    files = ("README.md", "config.json", "audit.json", "model.safetensors")
    assert models == {f"checkpoints/my_faces/{name}" for name in files}

    done = run(hub, "--private", home=tmp_path)
    assert hub.variables == named
    assert hub.spaces["ann/faces"] == expected | {".gitattributes": b""}


def copy_with(folder: Path, **settings: object) -> Path:
    """A copy of the shipped checkpoint with another config."""
    shutil.copytree(SHIPPED, folder)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | settings))
    return folder


def test_what_must_not_be_published_of_a_checkpoint(tmp_path: Path) -> None:
    cases: tuple[tuple[dict[str, object], str], ...] = (
        ({"classes": ["muslim", "other"]}, "The label muslim sorts people by religion"),
        ({"classes": ["sad", "happy"]}, "The labels sad, happy sort people by emotions"),
        ({"training": {"data": f"{Path.home()}/faces"}}, "names your folder"),
        ({"weights_sha256": "0" * 64}, "do not match their hash"),
    )  # fmt: skip
    for number, (settings, said) in enumerate(cases):
        with pytest.raises(DeployError, match=said):
            prepare(checkpoint=copy_with(tmp_path / str(number), **settings))
    with pytest.raises(CheckpointError, match="There is no checkpoint folder at"):
        prepare(checkpoint=tmp_path / "none")


def test_a_dry_run_lists_and_asks_nobody(hub: Hub, tmp_path: Path) -> None:
    done = run(hub, "--dry-run", home=tmp_path, token=None)
    assert done.returncode == 0, done.stderr
    assert "short_description: " in done.stdout
    lines = done.stdout.splitlines()
    assert any(line.endswith("checkpoints/resnet29-fairface/model.safetensors") for line in lines)
    assert hub.asked == []


def test_what_fails_at_the_hub_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    for token, said in ((None, "Log in first"), ("hf_wrong", "The token is not valid")):
        done = run(hub, "--no-operator", home=tmp_path, token=token)
        assert done.returncode == 2
        assert done.stderr.startswith(said), done.stderr
        assert done.stderr.count("\n") == 1
    hub.stages = ["BUILDING", "BUILD_ERROR"]
    done = run(hub, "--no-operator", home=tmp_path)
    assert done.returncode == 2
    assert "The Space failed (no such package): its log is at" in done.stderr


def test_what_is_published_does_not_hold_what_publishes() -> None:
    names = [file.as_posix() for file in prepare().files]
    assert not [name for name in names if name.startswith("gender_demo/cli/")]
    assert {"gender_demo/__init__.py", "gender_demo/web/page.py", "app.py"} <= set(names)


def test_only_listed_files_are_staged(tmp_path: Path) -> None:
    clone = copy_of(tmp_path)
    examples = "gender_demo/web/static/examples"
    strays = (".env", "gender_demo/.secret.py", "gender_demo/notes.txt", "photo.jpg",
              "docs/me.jpg", f"{examples}/me.jpg")  # fmt: skip
    for stray in strays:
        (clone / stray).write_text("private")
    (clone / "gender_demo" / "link.py").symlink_to("/etc/passwd")
    bundle = prepare(clone)
    names = {file.as_posix() for file in bundle.files}
    assert {"app.py", "README.md", "requirements.txt", "gender_demo/web/static/js/live.js"} <= names
    top = {name.split("/")[0] for name in names}
    assert top == {"README.md", "LICENSE", "ATTRIBUTION.md", "SECURITY.md", "app.py",
                   "requirements.txt", "docs", "gender_demo", "checkpoints"}  # fmt: skip
    assert not names & {*strays, "gender_demo/link.py"}
    assert len(names) == len(bundle.files)


def copy_of(folder: Path) -> Path:
    clone = folder / "clone"
    shutil.copytree(ROOT / "gender_demo", clone / "gender_demo")
    shutil.copytree(ROOT / "checkpoints", clone / "checkpoints")
    shutil.copytree(ROOT / "docs", clone / "docs")
    for name in (*(name for name in deploy.STAGED if "/" not in name), "requirements.lock"):
        shutil.copy(ROOT / name, clone / name)
    return clone


def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    clone = copy_of(tmp_path)
    weights = clone / "checkpoints" / SHIPPED.name / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(DeployError, match="do not match their hash"):
        prepare(clone)
    (clone / "app.py").unlink()
    with pytest.raises(DeployError, match=r"app\.py is missing: deploy from a whole clone"):
        prepare(clone)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("colorFrom: gray", "colorFrom: teal", "colorFrom must be one of red, yellow"),
        ("sdk_version: ", "sdk_version: 1", r"sdk_version must be \d.* as in requirements.lock"),
        ('python_version: "3.11"', "python_version: 3.11", "python_version must be a version in"),
        ("license: apache-2.0", "license: beer", "license must be apache-2.0"),
        ("short_description: ", f"short_description: {'x' * 60}", "60 characters at most"),
        ("app_file: app.py", "app_file: main.py", "app_file must be app.py"),
        ("sdk: gradio", "sdk: docker", "sdk must be gradio"),
        ("license:", "licence: x\nlicense:", "licence is no setting of a Space"),
        ("title: ", "title: [", "front matter cannot be read"),
        ("---", "", "must begin with the Space's settings"),
    ],
)
def test_front_matter_is_checked_before_the_upload(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (ROOT / "README.md").read_text()
    (tmp_path / "requirements.lock").write_text((ROOT / "requirements.lock").read_text())
    (tmp_path / "README.md").write_text(text)
    assert read_settings(tmp_path)["sdk"] == "gradio"
    assert old in text
    (tmp_path / "README.md").write_text(text.replace(old, new, 1 if old != "---" else 2))
    with pytest.raises(DeployError, match=said):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["faces"], "'faces' is not a Space's name"),
        (["a/b", "--hardware", "abacus"], "'abacus' is"),
        (["a/b", "--hardware", "zero-a10g"], "'zero-a10g' lends its GPU to single calls"),
        (["a/b", "--hardware", "zero-xl"], "'zero-xl' lends its GPU"),
        (["a/b", "--hardware", "ZeroGPU"], "'ZeroGPU' lends its GPU"),
        (["a/b", "--hardware", ""], "'' is no hardware of the Hub: use cpu-basic"),
        (["a/b", "--hardware", "T4-small"], "'T4-small' is no hardware of the Hub"),
        (["a/b"], "A public page says who runs it: give --operator NAME and --contact URL"),
        (["a/b", "--operator", "Ann"], "Give both, --operator NAME and --contact URL"),
        (["a/b", "--contact", "https://a.org"], "Give both, --operator NAME and --contact URL"),
        (["a/b", "--operator", "A", "--contact", "x"], "'x' is no way to reach anybody"),
        (["a/b/c"], "'a/b/c' is not a Space's name"),
        *(
            ([name], f"{name!r} is not a Space's name: give it as USER/SPACE")
            for name in (
                "a/b--c",
                "a/b..c",
                "a/b.git",
                "a/b.ipynb",
                "a/b-",
                "a./b",
                "a/" + 97 * "b",
                "https://huggingface.co/spaces/a/b",
                "a/b@main",
                "ä/b",
                "a/b ",
            )
        ),
        (["a/b", "--hardware", "zero-gpu"], "'zero-gpu' lends its GPU"),
        (["a/b", "--hardware", "t4-small "], "'t4-small ' is no hardware of the Hub"),
        (["a/b", "--hardware", "cpu"], "'cpu' is no hardware of the Hub: use cpu-basic"),
        (["a/b", "--hardware", "zero\x1b[31m"], "'zero\\x1b[31m' lends its GPU"),
    ],
)
def test_wrong_flags_are_one_sentence(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from gender_demo.__main__ import main

    assert main(["deploy", *flags]) == 2
    assert capsys.readouterr().err.startswith(said)


def test_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older commit that still runs is not the one that was sent."""
    monkeypatch.setattr(deploy, "ASK_EVERY_S", 0.0)

    def api(stage: str, sha: str) -> SimpleNamespace:
        runtime = SimpleNamespace(stage=stage, raw={"sha": sha})
        return SimpleNamespace(endpoint="http://hub", get_space_runtime=lambda space: runtime)

    said: list[str] = []
    wait_until_running(api("RUNNING", "new"), "a/b", "new", report=said.append)
    with pytest.raises(DeployError, match="not running after"):
        wait_until_running(api("RUNNING", "old"), "a/b", "new", report=said.append, patience_s=0.05)
    with pytest.raises(DeployError, match="is paused: restart it"):
        wait_until_running(api("PAUSED", "new"), "a/b", "new", report=said.append)
