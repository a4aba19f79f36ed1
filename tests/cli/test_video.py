"""The video command as a person uses it: files, output, exit codes, an end by Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gender_demo.__main__ import main
from tests.support.clips import make_clip, portrait, read_clip
from tests.support.paths import ROOT

KINDS = ("csv", "jpg", "json", "mp4")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(random_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def video(*arguments: str | Path) -> tuple[int, str, str]:
        flags = ["--checkpoint", str(random_checkpoint), "--device", "cpu"]
        code = main(["video", *map(str, arguments), *flags])
        said = capsys.readouterr()
        return code, said.out, said.err

    return video


def test_several_files_a_broken_one_among_them(run: Run, tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", sound=False)
    make_clip(tmp_path / "deep.mkv", [portrait()] * 10, sound=False)
    (tmp_path / "broken.mov").write_bytes(b"nothing")
    out = tmp_path / "out"
    code, said, err = run(tmp_path, tmp_path / "gone.avi", "--out", out)
    assert code == 1
    lines = said.splitlines()
    assert lines[0] == f"{tmp_path / 'a.mp4'}: 1.0 s, 1 face followed"
    assert lines[1].split() == ["track", "seconds", "perceived", "as", "labelled", "unsure,",
                                "and", "why"]  # fmt: skip
    assert lines[2].startswith("  1      0.0 to 1.0")
    assert any(line.startswith(f"{tmp_path / 'broken.mov'}: broken.mov is not") for line in lines)
    assert lines[-1] == f"{tmp_path / 'gone.avi'}: gone.avi does not exist."
    assert "left" in err, "the progress bar tells the time left"
    assert sorted(path.name for path in out.iterdir()) == [
        f"{name}-annotated.{kind}" for name in ("a", "deep") for kind in KINDS
    ]


def test_no_source_is_written_over(run: Run, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", sound=False)
    shutil.copy(clip, tmp_path / "a-annotated.mp4")
    before = clip.read_bytes()
    assert run(tmp_path, "--out", tmp_path)[0] == 0
    assert clip.read_bytes() == (tmp_path / "a-annotated.mp4").read_bytes() == before
    assert (tmp_path / "a-annotated-2.mp4").exists()
    assert (tmp_path / "a-annotated-annotated.mp4").exists()


def test_results_that_cannot_be_written_are_that_files_sentence(run: Run, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", sound=False)
    (tmp_path / "out" / "a-annotated.mp4").mkdir(parents=True)
    code, said, _ = run(clip, "--out", tmp_path / "out")
    assert code == 1
    assert "a-annotated.mp4 cannot be written (Is a directory)." in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing/*.mp4", "--out", "x"], "No videos were found in nothing/*.mp4."),
        (["app.py", "--out", "/dev/null/x"], "/dev/null/x cannot be written to"),
        (["app.py", "--out", "x", "--device", "abacus"], "The device 'abacus' is not known"),
    ],
)
def test_wrong_use_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["video", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_before_the_end_leaves_whole_files_only(
    random_checkpoint: Path, tmp_path: Path, end: signal.Signals
) -> None:
    first = make_clip(tmp_path / "first.mp4", [portrait()] * 5, sound=False)
    second = make_clip(tmp_path / "second.mp4", [portrait(x=n % 9) for n in range(3000)])
    out = tmp_path / "out"
    command = [sys.executable, "-m", "gender_demo", "video", first, second, "--out", out,
               "--checkpoint", random_checkpoint, "--device", "cpu"]  # fmt: skip
    with subprocess.Popen(
        [*map(str, command)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 120
        while not list(out.glob(".unfinished-*/second-annotated.mp4")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(1)
        os.kill(process.pid, end)
        said, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.startswith(f"{first}: 0.2 s, ")
    assert err.splitlines()[-1].endswith(f"Stopped: nothing of {second} was kept.")
    assert "Traceback" not in err
    assert sorted(path.name for path in out.iterdir()) == [
        f"first-annotated.{kind}" for kind in KINDS
    ]
    assert len(read_clip(out / "first-annotated.mp4")[0]) == 5
