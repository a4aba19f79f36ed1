"""What the README says is true: front matter, commands, output, links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from gender_demo.audit.report import read_report
from gender_demo.cli.space_settings import read_settings
from gender_demo.vision.checkpoint import load_checkpoint
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text()
ATTRIBUTION = (ROOT / "ATTRIBUTION.md").read_text()


def test_front_matter_is_what_spaces_takes() -> None:
    assert read_settings()["sdk"] == "gradio"


def test_the_commands_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for target in re.findall(r"^ +make ([a-z]+)", README, re.M):
        assert target in targets


def test_every_link_leads_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "train/README.md"):
        text = (ROOT / name).read_text()
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if not link.startswith("http"):
                assert ((ROOT / name).parent / link).exists(), f"{name}: {link}"


@pytest.mark.parametrize("block", re.findall(r"```console\n(.*?)```", README, re.S))
def test_command_lines_print_what_is_shown(block: str) -> None:
    command, _, shown = block.partition("\n")
    words = shlex.split(command.removeprefix("$ python "))
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == shown.strip()


def test_flags_are_those_of_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    stated = re.search(r"`python app\.py (.*?)`", README, re.S)
    assert stated is not None
    for flag in re.findall(r"--[a-z-]+", stated[1]):
        assert flag in done.stdout


def test_the_python_example_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    example = re.search(r"```python\n(from gender_demo .*?)```", README, re.S)
    assert example is not None
    exec(compile(example[1], "README.md", "exec"), {})
    assert capsys.readouterr().out


def licences() -> dict[str, str]:
    """Package -> licence, by ATTRIBUTION.md's tables; the licence stands in the last column."""
    rows = re.findall(r"^\| (\S+)[^|\n]* \|(?: .* \|)? ([^|\n]+) \|$", ATTRIBUTION, re.M)
    return {name: licence.strip() for name, licence in rows}


def test_each_dependency_is_bounded_and_attributed() -> None:
    lines = [
        *(ROOT / "requirements.txt").read_text().splitlines(),
        *(ROOT / "train" / "requirements.txt").read_text().splitlines(),
        *re.findall(r'^    "([a-z].*?)",', (ROOT / "pyproject.toml").read_text(), re.M),
    ]
    for line in lines:
        if line and not line.startswith("#"):
            name = re.split(r"[=<>~! ]", line)[0]
            assert licences().get(name), f"{name} has no licence in ATTRIBUTION.md"
            assert "==" in line or ("<" in line and ">=" in line), f"{name} has no bounds"


def test_what_dependencies_bring_along_has_a_licence_too() -> None:
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.M))
    assert len(locked) > 50
    assert sorted(name for name in locked if not licences().get(name)) == []


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert lock.count("--hash=sha256:") > 100


def test_readme_says_how_often_it_is_wrong() -> None:
    told = read_report(load_checkpoint()).headline
    assert told.removesuffix(".") in README
