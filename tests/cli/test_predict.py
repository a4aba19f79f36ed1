"""The command line as a person uses it: output, exit codes, one sentence for what is wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gender_demo.__main__ import main
from tests.support.detail import detail
from tests.support.paths import ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def album(tmp_path: Path, astronaut_path: Path) -> Path:
    """Two pictures with a face, one without, in two folders; beside them a file of another kind."""
    folder = tmp_path / "album"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(astronaut_path, folder / "astronaut.jpg")
    Image.open(astronaut_path).save(folder / "deep" / "astronaut.png")
    Image.new("RGB", (80, 60), "teal").save(folder / "wall.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def run(random_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def predict(*arguments: str | Path) -> tuple[int, str, str]:
        flags = ["--checkpoint", str(random_checkpoint), "--device", "cpu"]
        code = main(["predict", *map(str, arguments), *flags])
        said = capsys.readouterr()
        return code, said.out, said.err

    return predict


def test_folder_as_csv(run: Run, album: Path) -> None:
    code, out, err = run(album, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    names = [str(album / name) for name in ("astronaut.jpg", "deep/astronaut.png", "wall.png")]
    assert list(dict.fromkeys(row["file"] for row in rows)) == names
    face = rows[0]
    assert (face["face"], face["perceived as"]) in {("1", "female"), ("1", "male")}
    assert abs(float(face["x0"]) - 179) < 15
    assert rows[-1]["note"] == "no face found"
    assert "3/3" in err, "the progress bar"


def test_a_broken_file_is_named_and_the_others_go_on(run: Run, album: Path) -> None:
    (album / "broken.jpg").write_bytes(b"\xff\xd8\xff garbage")
    code, out, _ = run(album / "broken.jpg", album / "gone.png", album / "wall.png", "--json")
    entries = json.loads(out)
    assert code == 1
    assert [entry["error"] is None for entry in entries] == [False, False, True]
    assert "broken.jpg is not a picture" in entries[0]["error"]
    assert entries[1]["error"].endswith("gone.png does not exist.")


def test_what_is_missing_of_a_picture_is_told_whether_it_is_drawn_or_not(
    run: Run, album: Path, astronaut_path: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(astronaut_path.read_bytes()[:-99])
    for flags in ([], ["--annotate", str(tmp_path / "drawn")]):
        code, out, _ = run(cut, "--csv", *flags)
        assert code == 0
        assert next(csv.DictReader(io.StringIO(out)))["note"].startswith("the file is cut short")


def test_text_is_a_table(run: Run, album: Path) -> None:
    code, out, err = run(album / "astronaut.jpg")
    header, line, *_ = out.splitlines()
    assert code == 0
    assert header.split()[:2] == ["file", "face"]
    assert line.startswith(str(album / "astronaut.jpg"))
    assert " % " in line + " "
    assert "race" not in out + err


def test_glob_and_standard_input(run: Run, album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, by_glob, _ = run(f"{album}/**/*.png", "--csv")
    listed = f"{album / 'deep' / 'astronaut.png'}\n\n{album / 'wall.png'}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
    _, by_list, _ = run("-", "--csv")
    assert by_glob == by_list
    assert by_glob.count("wall.png") == 1


def test_annotate_never_touches_a_source(run: Run, album: Path) -> None:
    shutil.copy(album / "wall.png", album / "astronaut-annotated.jpg")
    before = {path: path.read_bytes() for path in album.rglob("*") if path.is_file()}
    code, _, _ = run(album, "--annotate", album)
    assert code == 0
    assert {path: path.read_bytes() for path in before} == before
    drawn = sorted(path.name for path in album.iterdir() if "-annotated" in path.name)
    assert drawn == [
        "astronaut-annotated-2.jpg",
        "astronaut-annotated-3.jpg",
        "astronaut-annotated-annotated.jpg",
        "astronaut-annotated.jpg",
        "wall-annotated.jpg",
    ]
    with Image.open(album / "astronaut-annotated-2.jpg") as annotated:
        assert annotated.size == (512, 512)


def test_blurred_faces_are_written_without_labels(run: Run, album: Path, tmp_path: Path) -> None:
    clear, hidden = tmp_path / "clear", tmp_path / "hidden"
    assert run(album, "--annotate", clear)[0] == 0
    assert run(album, "--annotate", hidden, "--blur-faces")[0] == 0
    name = "astronaut-annotated.jpg"
    with Image.open(clear / name) as seen, Image.open(hidden / name) as blurred:
        assert detail(seen) > 1000
        assert detail(blurred) == 0
    assert (clear / "wall-annotated.jpg").read_bytes() == (
        hidden / "wall-annotated.jpg"
    ).read_bytes()


@pytest.fixture
def strange(tmp_path: Path, album: Path) -> list[str]:
    """Pictures whose names terminals, drawings or spreadsheets have trouble with, as arguments."""
    folder = tmp_path / "strange"
    folder.mkdir()
    names = ["M\udcfcller.jpg", "😀 写真.jpg", "x" * 250 + ".jpg", "=1+2.jpg",
             "\x1b[31m\u202ered.jpg", "A.JPG", "a.jpg", "two\nlines.jpg"]  # fmt: skip
    for name in names:
        shutil.copy(album / "wall.png", folder / name)
    return [*(str(folder / name) for name in names), "y" * 300, "gone\x07.jpg"]


@pytest.mark.parametrize(
    ("form", "encoding"),
    [("--csv", "cp1252"), ("--json", "latin-1"), ("", "ascii"), ("", "utf-16")],
)
def test_no_name_costs_the_results_of_the_others(
    strange: list[str], form: str, encoding: str, random_checkpoint: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    flags = ["--checkpoint", str(random_checkpoint), "--device", "cpu",
             "--annotate", str(tmp_path / "drawn")]  # fmt: skip
    assert main(["predict", *strange, *flags, *filter(None, [form])]) == 1, "two are not there"
    sys.stdout.flush()
    out = raw.getvalue().decode("utf-8")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\x07" not in out
    assert "😀 写真.jpg" in out
    if form == "--json":
        assert [entry["file"] for entry in json.loads(out)] == strange
    elif form == "--csv":
        assert len(list(csv.DictReader(io.StringIO(out)))) == len(strange)
    else:
        assert len(out.splitlines()) == len(strange) + 1
    drawn = [path.name for path in (tmp_path / "drawn").iterdir()]
    assert len({name.casefold() for name in drawn}) == len(strange) - 2


def test_a_drawing_that_cannot_be_written_is_that_files_note(
    run: Run, album: Path, tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn"
    (drawn / "wall-annotated.jpg").mkdir(parents=True)
    code, out, _ = run(album, "--annotate", drawn, "--csv")
    notes = {Path(row["file"]).name: row["note"] for row in csv.DictReader(io.StringIO(out))}
    assert code == 1
    assert notes["wall.png"] == (
        "no face found; the drawn picture cannot be written (Is a directory)"
    )
    assert notes["astronaut.jpg"] == ""
    assert {path.name for path in drawn.iterdir()} == {
        "astronaut-annotated.jpg", "astronaut-annotated-2.jpg", "wall-annotated.jpg"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing/*.jpg"], "No pictures were found in nothing/*.jpg."),
        (["a.jpg", "--checkpoint", "/nowhere"], "There is no checkpoint folder at /nowhere"),
        (["a.jpg", "--device", "abacus"], "The device 'abacus' is not known"),
        (["app.py", "--annotate", "/dev/null/x"], "/dev/null/x cannot be made"),
        (["app.py", "--blur-faces"], "--blur-faces is about drawn pictures: say where"),
        (["a.jpg", "b.jpg"], "No pictures were found in a.jpg, b.jpg."),
        (["x" * 300], f"No pictures were found in {'x' * 300}."),
        (["\x1b[2J.jpg"], "No pictures were found in \\x1b[2J.jpg."),
        (["\udcff.jpg"], "No pictures were found in \\udcff.jpg."),
        (["app.py", "--annotate", "x" * 300], f"{'x' * 300} cannot be made (File name too long)"),
    ],
)
def test_wrong_use_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_behind_the_output_is_told(
    random_checkpoint: Path, album: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        flags = ["--checkpoint", str(random_checkpoint), "--device", "cpu", "--csv"]
        assert main(["predict", str(album / "wall.png"), *flags]) == 1
    said = capsys.readouterr().err
    assert said == "What was found cannot be written (No space left on device): make room.\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&-", "<&- 2>&-"])
def test_closed_streams_cost_nothing(closed: str, tmp_path: Path) -> None:
    """Seen with what is refused before anything heavy is loaded."""
    command = [sys.executable, "-m", "gender_demo", "predict", "-", "x.jpg"]
    quoted = " ".join(map(shlex.quote, command))
    shell = [
        "sh",
        "-c",
        f"{quoted} {closed} </dev/null" if "<" not in closed else f"{quoted} {closed}",
    ]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1


def test_unknown_flags_exit_with_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["predict", "a.jpg", "--json", "--csv"])
    assert caught.value.code == 2


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_before_the_end_keeps_the_lines_so_far(
    random_checkpoint: Path, tmp_path: Path, solvay_path: Path, end: signal.Signals
) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.jpg").symlink_to(solvay_path)
    command = [sys.executable, "-m", "gender_demo", "predict", tmp_path, "--csv",
               "--checkpoint", random_checkpoint, "--device", "cpu"]  # fmt: skip
    with (
        (tmp_path / "err.txt").open("w+") as err,
        subprocess.Popen(
            [*map(str, command)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=err
        ) as process,
    ):
        assert process.stdout is not None
        begun = process.stdout.readline() + process.stdout.readline()
        os.kill(process.pid, end)
        lines = list(csv.DictReader(io.StringIO(begun + process.stdout.read())))
        assert process.wait(30) == 130
        err.seek(0)
        assert "Traceback" not in err.read()
    assert 29 <= len(lines) < 300 * 29
    assert all(None not in line.values() for line in lines)
    assert len(lines) % 29 == 0, "a picture's faces are there together"
