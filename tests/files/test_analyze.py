"""Many files in: results in order and in batches; one row per face or file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gender_demo.files import analyze
from gender_demo.files.analyze import FileResult, analyze_files
from gender_demo.files.rows import FaceRow, rows
from gender_demo.results import Analysis
from tests.files.predictions import SURE, UNSURE


class Counting:
    """Finds one face in every picture and remembers how large the batches were."""

    def __init__(self, device: str = "cuda") -> None:
        self.device = torch.device(device)
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
    on_a_cpu: Any = Counting("cpu")
    assert [result.name for result in analyze_files(on_a_cpu, named)] == [n for n, _ in named]
    assert on_a_cpu.batches == [1] * 19


@pytest.mark.parametrize(("large", "waits"), [(100_000, False), (1000, True)])
def test_the_next_one_is_analysed_while_one_is_drawn_unless_they_are_large(
    folder: Path, monkeypatch: pytest.MonkeyPatch, large: int, waits: bool
) -> None:
    begun = threading.Semaphore(0)

    class Noting(Counting):
        def analyze_batch(self, pictures: Sequence[Image.Image]) -> list[Analysis]:
            begun.release()
            return super().analyze_batch(pictures)

    monkeypatch.setattr(analyze, "BATCH_PIXELS", large)
    pipeline: Any = Noting("cpu")
    results = analyze_files(pipeline, [(p.name, p) for p in sorted(folder.iterdir())[:3]])
    next(results)
    assert begun.acquire(timeout=10)
    assert begun.acquire(timeout=0.2 if waits else 10) is not waits
    assert len(list(results)) == 2


def test_two_pictures_are_analysed_at_once_on_a_cpu(folder: Path) -> None:
    together = threading.Barrier(2)

    class Meeting(Counting):
        def analyze_batch(self, pictures: Sequence[Image.Image]) -> list[Analysis]:
            together.wait(timeout=10)
            return super().analyze_batch(pictures)

    pipeline: Any = Meeting("cpu")
    results = list(analyze_files(pipeline, [(p.name, p) for p in sorted(folder.iterdir())[:4]]))
    assert all(result.analysis for result in results)


def test_large_pictures_make_small_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyze, "BATCH_PIXELS", 2000)
    pipeline: Any = Counting()
    list(analyze_files(pipeline, [(p.name, p) for p in sorted(folder.iterdir())]))
    assert max(pipeline.batches) == 2


def test_a_picture_that_breaks_the_analysis_costs_no_other_its_result(folder: Path) -> None:
    class Breaking(Counting):
        def analyze_batch(self, pictures: Sequence[Image.Image]) -> list[Analysis]:
            if any(picture.width in (33, 41) for picture in pictures):
                raise RuntimeError("new dims are undefined")
            return super().analyze_batch(pictures)

    pipeline: Any = Breaking()
    results = list(analyze_files(pipeline, [(p.name, p) for p in sorted(folder.iterdir())]))
    failed = [result for result in results if result.error and result.name != "05.png"]
    assert [result.name for result in failed] == ["03.png", "11.png"]
    assert failed[0].error == (
        "03.png could not be analysed (33 x 40 pixels, RuntimeError): shrink it or leave it out, "
        "and report it, for it should not happen."
    )
    assert sum(result.analysis is not None for result in results) == 17


def test_rows() -> None:
    found = FileResult("a.png", Path("a.png"), None, Analysis((50, 60), (SURE, UNSURE)))
    first, second = rows(found)
    assert first == FaceRow("a.png", 1, "female", 0.9124, "", SURE.face.box, "")
    assert second.label == "unsure"
    assert second.reasons == "the model is not sure enough; the face is too small"


def test_files_without_faces_and_broken_ones_have_a_row_each() -> None:
    (empty,) = rows(FileResult("a", Path("a"), None, Analysis((5, 5), ())))
    (broken,) = rows(FileResult("b", Path("b"), error="b is empty."))
    assert (empty.face, empty.remark) == (None, "no face found")
    assert (broken.face, broken.remark) == (None, "b is empty.")


def test_a_note_stands_once_and_beside_what_is_said_anyway() -> None:
    two = Analysis((50, 60), (UNSURE, SURE))
    told = rows(FileResult("a", Path("a"), None, two, note="not drawn"))
    assert [row.note for row in told] == ["not drawn", ""]
    assert told[0].remark.endswith("too small; not drawn")
    (empty,) = rows(FileResult("a", Path("a"), None, Analysis((5, 5), ()), note="not drawn"))
    assert empty.remark == "no face found; not drawn"


@pytest.mark.parametrize(
    ("label", "probability", "told"),
    [("female", 0.912, "91 %"), ("male", 0.9996, "99 %"), ("unsure", 0.99, ""), ("", None, "")],
)
def test_certainty_is_told_with_a_label_only(
    label: str, probability: float | None, told: str
) -> None:
    assert FaceRow("a", 1, label, probability).percent == told
