"""CSV, JSON and JPEG say the same, say what made them, and harm no program that reads them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gender_demo.files.about import CAVEAT, About
from gender_demo.files.analyze import FileResult
from gender_demo.files.export import COLUMNS, to_csv, to_jpeg, to_json, write_csv, write_json
from gender_demo.files.names import is_hidden
from gender_demo.results import Analysis, Wish
from tests.files.predictions import SURE, UNSURE

ABOUT = About("random", "2026-01-02", 0.75)


def result(name: str, *, error: str | None = None) -> FileResult:
    analysis = None if error else Analysis((50, 60), (SURE, UNSURE))
    return FileResult(name, Path("a"), None, analysis, error)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_one_line_per_face_with_all_that_is_known() -> None:
    first, second = read(to_csv([result("a.png")], ABOUT))
    assert tuple(first) == COLUMNS
    assert first == {
        "file": "a.png", "face": "1", "perceived as": "female", "probability": "0.9124",
        "reasons": "", "x0": "1.0", "y0": "2", "x1": "30", "y1": "40", "note": "",
        "model": "random", "date": "2026-01-02", "threshold": "0.75", "caveat": CAVEAT,
    }  # fmt: skip
    assert second["reasons"] == "the model is not sure enough; the face is too small"


def test_what_people_want_stands_in_csv_and_json() -> None:
    """A correction beside the guess; no guess where none is wanted."""
    wishes = {1: Wish("=Anna"), 2: Wish("Bo", hidden=True)}
    asked = replace(result("a"), wishes=wishes)
    first, second = read(to_csv([asked], ABOUT, corrections=True))
    assert tuple(first) == (*COLUMNS[:5], "corrected to", *COLUMNS[5:])
    assert (first["perceived as"], first["corrected to"]) == ("female", "'=Anna")
    assert [second[name] for name in (*COLUMNS[2:5], "corrected to")] == [
        "hidden",
        "",
        "as asked",
        "",
    ]
    one, other = json.loads(to_json([asked], ABOUT))[0]["analysis"]["predictions"]
    assert (one["label"], one["corrected_to"]) == ("female", "=Anna")
    assert other["withheld"] == "hidden"
    assert [other[name] for name in ("label", "probability", "probabilities", "reasons")] == [
        None, None, [], []
    ]  # fmt: skip
    (_, quiet) = read(to_csv([replace(asked, wishes={2: Wish()})], ABOUT))
    assert (quiet["perceived as"], quiet["probability"]) == ("not labelled", "")


def test_csv_reads_back_whatever_the_name() -> None:
    name = 'a "strange", name\nin two lines.png'
    row = read(to_csv([result(name)], ABOUT))[0]
    assert row["file"] == name
    assert row["probability"] == "0.9124"


def test_json_holds_everything() -> None:
    (entry,) = json.loads(to_json([result("a")], ABOUT))
    assert entry["analysis"]["size"] == [50, 60]
    prediction = entry["analysis"]["predictions"][0]
    assert prediction["probabilities"] == [["female", 0.91236], ["male", 0.08764]]
    assert prediction["face"]["box"] == [1.04, 2, 30, 40]
    assert entry["about"] == {
        "model": "random", "date": "2026-01-02", "threshold": 0.75, "caveat": CAVEAT
    }  # fmt: skip


def test_nothing_to_export_is_valid_too() -> None:
    assert json.loads(to_json([], ABOUT)) == []
    assert read(to_csv([], ABOUT)) == []


def test_a_saved_picture_says_what_made_it() -> None:
    saved = to_jpeg(Image.new("RGB", (9, 9)), ABOUT)
    with Image.open(io.BytesIO(saved)) as picture:
        comment = picture.info["comment"].decode()
    assert comment == f"Model random, 2026-01-02, unsure below 0.75. {CAVEAT}"


@pytest.mark.parametrize("size", [(65_501, 2), (1, 70_000), (65_500, 1)])
def test_what_is_longer_than_a_jpeg_may_be_is_saved_smaller(size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(to_jpeg(Image.new("RGB", size), ABOUT))) as picture:
        assert 65_400 < max(picture.size) <= 65_500


def test_about_today() -> None:
    config: Any = SimpleNamespace(name="x", rules=SimpleNamespace(min_probability=0.74683))
    about = About.today(config)
    assert (about.model, about.threshold) == ("x", 0.7468)
    date.fromisoformat(about.date)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=HYPERLINK(1).jpg", "'=HYPERLINK(1).jpg"),
        ("+49.jpg", "'+49.jpg"),
        ("-1.jpg", "'-1.jpg"),
        ("@SUM(A1).jpg", "'@SUM(A1).jpg"),
        ("\t=1.jpg", "\\t=1.jpg"),
        ("\r=1.jpg", "\\r=1.jpg"),
        ("  =1.jpg", "  '=1.jpg"),
        ("＝1.jpg", "'＝1.jpg"),
        ("a;=1.jpg", "a;'=1.jpg"),
        ("﹦1.jpg", "'﹦1.jpg"),
        ("\u3000﹢1.jpg", "\u3000'﹢1.jpg"),
        ("−1.jpg", "'−1.jpg"),
        ("\u200b=1.jpg", "\\u200b=1.jpg"),
        ("\x0b@x.jpg", "\\x0b@x.jpg"),
        ("a\n \n =x.jpg", "a\n \n '=x.jpg"),
        ("a;\u00a0@x.jpg", "a;\u00a0'@x.jpg"),
        ("a,-1.jpg", "a,'-1.jpg"),
        ("a\n@x.jpg", "a\n'@x.jpg"),
        ("holiday-2024=a+b@c.jpg", "holiday-2024=a+b@c.jpg"),
    ],
)
def test_no_cell_is_a_formula(name: str, cell: str) -> None:
    assert read(to_csv([result(name)], ABOUT))[0]["file"] == cell
    assert json.loads(to_json([result(name)], ABOUT))[0]["file"] == name


def test_a_model_with_a_strange_name_and_a_strange_error_make_no_formula() -> None:
    about = About("=cmd|' /C calc'!A0", "2026-01-02", 0.75)
    (row,) = read(to_csv([result("a", error="=x is not a picture.")], about))
    assert row["model"].startswith("'=")
    assert row["note"].startswith("'=")


@given(st.text(st.characters(), max_size=40))
def test_whatever_the_name_the_exports_are_sound(name: str) -> None:
    table, tree = to_csv([result(name)], ABOUT), to_json([result(name)], ABOUT)
    for text in (table, tree):
        text.encode()
        assert not any(is_hidden(c) and c != "\n" for c in text)
    assert json.loads(tree)[0]["file"] == name
    rows = read(table)
    assert len(rows) == 2
    for cell in rows[0].values():
        assert not re.match(r"\s*[=+\-@\t\r]", cell) or re.fullmatch(r"-?[\d.]+", cell)


@pytest.mark.parametrize("write", [write_csv, write_json])
def test_what_is_done_is_written_when_the_rest_fails(write: Any) -> None:
    def results() -> Iterator[FileResult]:
        yield result("first")
        yield result("second")
        raise RuntimeError("the power fails")

    out = io.StringIO()
    with pytest.raises(RuntimeError):
        write(results(), ABOUT, out)
    assert "first" in out.getvalue()
    assert "second" in out.getvalue()
    if write is write_json:  # it can be read all the same
        assert [entry["file"] for entry in json.loads(out.getvalue())] == ["first", "second"]
