"""Lists of files as people's programs write them, and names that are too long or too strange."""

from __future__ import annotations

import errno
import io
import os
import sys
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gender_demo.cli.sources import find_files, read_list
from gender_demo.errors import PictureError, UsageError
from gender_demo.vision.pictures import open_picture

NAMES = ["a.jpg", "b c.png", "Müller.jpg"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "data",
    [
        "\n".join(NAMES).encode(),
        "".join(f"{name}\n\n" for name in NAMES).encode(),
        "\r\n".join(NAMES).encode() + b"\r\n",
        b"\xef\xbb\xbf" + "\n".join(NAMES).encode(),
        "\r\n".join(NAMES).encode("utf-16"),
        b"\xfe\xff" + "\n".join(NAMES).encode("utf-16-be"),
        "\0".join(NAMES).encode() + b"\0",
        "\n".join(NAMES).encode("latin-1"),
        "\r\n".join(NAMES).encode("cp1252"),
        "\r\n".join(NAMES).encode("cp850"),
        "\r\n".join(f'"{name}"' for name in NAMES).encode(),
        "\n".join(f"'{name}'  " for name in NAMES).encode(),
        "\n".join(f" {name}\t" for name in NAMES).encode(),
        unicodedata.normalize("NFD", "\n".join(NAMES)).encode(),
        "\n".join(map(quote, NAMES)).encode(),
    ],
    ids=[
        "plain",
        "blank lines",
        "CRLF",
        "BOM",
        "UTF-16",
        "UTF-16 BE",
        "NUL",
        "Latin-1",
        "cp1252",
        "cp850",
        "quotes",
        "single quotes",
        "spaces",
        "NFD",
        "as addresses",
    ],
)
def test_lists_of_many_kinds(folder: Path, data: bytes) -> None:
    assert list(read_list(data)) == NAMES


def test_addresses_and_accents_taken_apart(folder: Path) -> None:
    """As file managers copy them, and as macOS writes names that Linux has composed."""
    Path("e\u0301%.jpg").touch()
    lines = [(folder / "Müller.jpg").as_uri(), (folder / "b c.png").as_uri().upper()[:4] + "://"
             "localhost" + quote(str(folder / "b c.png")), "é%.jpg"]  # fmt: skip
    found = list(read_list("\n".join(lines).encode()))
    assert found == [str(folder / "Müller.jpg"), str(folder / "b c.png"), "e\u0301%.jpg"]


def test_a_name_that_is_no_text_is_found_as_the_disk_has_it(folder: Path) -> None:
    raw = b"M\xfcller \xff.jpg"
    try:
        Path(os.fsdecode(raw)).touch()
    except OSError:
        pytest.skip("this file system takes text only")
    (name,) = read_list(raw + b"\n")
    assert os.fsencode(name) == raw


def test_a_name_that_ends_with_a_carriage_return_is_kept(folder: Path) -> None:
    Path("odd\r").touch()
    assert list(read_list(b"odd\r\na.jpg\r\n")) == ["odd\r", "a.jpg"]


@given(st.binary(max_size=200))
def test_no_list_breaks_it(data: bytes) -> None:
    for name in read_list(data):
        assert name
        assert "\0" not in name


@pytest.mark.parametrize(
    "name", ["x" * 300, "a/" * 3000, "x" * 300 + "*.jpg", "[" * 300, "ü" * 200, "\udcff" * 300, "~"]
)
def test_a_name_that_cannot_be_there_is_handed_on(folder: Path, name: str) -> None:
    assert len(list(find_files([name]))) <= 1


def test_standard_input_as_bytes_and_as_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"M\xfcller.jpg\n")))
    assert list(find_files(["-"])) == [Path("Müller.jpg")]
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.jpg\n"))
    assert list(find_files(["-"])) == [Path("a.jpg")]


def test_no_standard_input_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for there in (None, closed):
        monkeypatch.setattr(sys, "stdin", there)
        with pytest.raises(UsageError, match="Standard input cannot be read: give it a list"):
            list(find_files(["-"]))


def test_a_folder_that_is_deleted_meanwhile_costs_no_other_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1", "2", "3"):
        (folder / name).mkdir()
        (folder / name / "x.jpg").touch()
    (folder / "round").symlink_to(folder)
    list_folder = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith(("2", "4")):
            gone = str(path).endswith("2")
            raise OSError(errno.ENOENT if gone else errno.EACCES, "x", str(path))
        return list_folder(path)

    (folder / "4").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    found = [path.relative_to(folder).as_posix() for path in find_files([str(folder)])]
    assert found == ["1/x.jpg", "3/x.jpg", "4", "Müller.jpg", "a.jpg", "b c.png"]
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PictureError, match=r"^4 may not be listed: look at its permissions\.$"):
        open_picture(folder / "4")
