"""Many files in, results in order; rows, CSV and JSON say the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gender_demo.files import export as files
from gender_demo.files.export import (
    COLUMNS,
    FileResult,
    analyze_files,
    annotated_name,
    percent,
    rows,
    to_csv,
)
from gender_demo.results import (
    Analysis,
    Face,
    Prediction,
)

FACE = Face((1.04, 2, 30, 40), 0.99, ((0, 0),) * 5)
SURE = Prediction(FACE, "female", 0.91236, (("female", 0.91236), ("male", 0.08764)))
UNSURE = Prediction(
    FACE, None, 0.6, (("female", 0.6), ("male", 0.4)), ("close_call", "small")
)  # fmt: skip


class Counting:
    """Finds one face in every picture and remembers how large the batches were."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def analyze_batch(self, pictures: Sequence[Image.Image]) -> list[Analysis]:
        self.batches.append(len(pictures))
        return [Analysis(picture.size, (SURE,)) for picture in pictures]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(20):
        Image.new("RGB", (30 + i, 40)).save(tmp_path / f"{i:02}.png")
    (tmp_path / "05.png").write_bytes(b"not a picture")
    return tmp_path


def test_results_come_in_order_and_in_batches(folder: Path) -> None:
    pipeline: Any = Counting()
    named = [(path.name, path) for path in sorted(folder.iterdir())]
    results = list(analyze_files(pipeline, named))
    assert [result.name for result in results] == [name for name, _ in named]
    assert [r.analysis.size[0] for r in results if r.analysis] == [
        30 + i for i in range(20) if i != 5
    ]
    assert [r.name for r in results if r.error] == ["05.png"]
    assert pipeline.batches == [7, 8, 4]


def test_large_pictures_make_small_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_PIXELS", 2000)
    pipeline: Any = Counting()
    list(analyze_files(pipeline, [(p.name, p) for p in sorted(folder.iterdir())]))
    assert max(pipeline.batches) == 2


def test_rows() -> None:
    found = FileResult("a.png", Path("a.png"), None, Analysis((50, 60), (SURE, UNSURE)))
    first, second = rows(found)
    assert tuple(first) == COLUMNS
    assert first == {
        "file": "a.png", "face": 1, "label": "female", "probability": 0.9124, "reasons": "",
        "x0": 1.0, "y0": 2, "x1": 30, "y1": 40, "note": "",
    }  # fmt: skip
    assert second["label"] == "unsure"
    assert second["reasons"] == "the model is not sure enough; the face is too small"


def test_files_without_faces_and_broken_ones_have_a_row_each() -> None:
    (empty,) = rows(FileResult("a", Path("a"), None, Analysis((5, 5), ())))
    (broken,) = rows(FileResult("b", Path("b"), error="b is empty."))
    assert (empty["face"], empty["note"]) == ("", "no face found")
    assert (broken["face"], broken["note"]) == ("", "b is empty.")


def test_csv_reads_back_whatever_the_name() -> None:
    name = 'a "strange", name\nin two lines.png'
    text = to_csv([FileResult(name, Path("a"), None, Analysis((5, 5), (SURE,)))])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["file"] == name
    assert row["probability"] == "0.9124"


def test_json_holds_everything() -> None:
    found = FileResult("a", Path("a"), None, Analysis((5, 6), (SURE,)))
    (entry,) = json.loads(files.to_json([found]))
    assert entry["analysis"]["size"] == [5, 6]
    (prediction,) = entry["analysis"]["predictions"]
    assert prediction["probabilities"] == [["female", 0.91236], ["male", 0.08764]]
    assert prediction["face"]["box"] == [1.04, 2, 30, 40]


def test_annotated_names() -> None:
    assert annotated_name("holiday/a.b.png") == "a.b-annotated.jpg"
    assert annotated_name("a.png", 3) == "a-annotated-3.jpg"
    assert "/" not in annotated_name("..")


@pytest.mark.parametrize(
    ("label", "probability", "told"),
    [("female", 0.912, "91 %"), ("male", 0.9996, "99 %"), ("unsure", 0.99, ""), ("", "", "")],
)
def test_certainty_is_told_with_a_label_only(label: str, probability: Any, told: str) -> None:
    assert percent({"label": label, "probability": probability}) == told
