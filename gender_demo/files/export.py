"""Many files through the arrow, and what comes out as table rows, CSV and JSON.

Shared by the photos tab and the command line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from PIL import Image

from gender_demo.errors import PictureError
from gender_demo.results import (
    Analysis,
    Prediction,
)
from gender_demo.vision.decision import (
    REASONS,
    certainty,
)
from gender_demo.vision.pictures import (
    clean_name,
    open_picture,
)

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

BATCH_FILES = 8
BATCH_PIXELS = 24_000_000
"""A batch ends at either: pictures are held in memory until their batch is analysed."""

COLUMNS = ("file", "face", "label", "probability", "reasons", "x0", "y0", "x1", "y1", "note")
UNSURE, NO_FACE = "unsure", "no face found"


@dataclass(frozen=True)
class FileResult:
    """One file: its picture and analysis, or the sentence that says what is wrong with it."""

    name: str
    path: Path
    picture: Image.Image | None = None
    analysis: Analysis | None = None
    error: str | None = None


def analyze_files(pipeline: Pipeline, paths: Iterable[tuple[str, Path]]) -> Iterator[FileResult]:
    """Results for (name, path) pairs, in their order, as each batch is done."""
    batch: list[FileResult] = []
    for name, path in paths:
        try:
            batch.append(FileResult(name, path, open_picture(path, name)))
        except PictureError as error:
            batch.append(FileResult(name, path, error=str(error)))
        pixels = sum(done.picture.width * done.picture.height for done in batch if done.picture)
        if len(batch) >= BATCH_FILES or pixels >= BATCH_PIXELS:
            yield from _analyze(pipeline, batch)
            batch = []
    yield from _analyze(pipeline, batch)


def _analyze(pipeline: Pipeline, batch: list[FileResult]) -> Iterator[FileResult]:
    pictures = [done.picture for done in batch if done.picture]
    analyses = iter(pipeline.analyze_batch(pictures) if pictures else [])
    for done in batch:
        if done.picture:
            yield FileResult(done.name, done.path, done.picture, next(analyses))
        else:
            yield done


def rows(result: FileResult) -> list[dict[str, Any]]:
    """One row per face with the keys of COLUMNS; a file without faces has one row and a note."""
    empty = dict.fromkeys(COLUMNS, "") | {"file": result.name}
    if result.analysis is None:
        return [empty | {"note": result.error}]
    if not result.analysis.predictions:
        return [empty | {"note": NO_FACE}]
    return [
        empty | {"face": number} | _row(prediction)
        for number, prediction in enumerate(result.analysis.predictions, 1)
    ]


def _row(prediction: Prediction) -> dict[str, Any]:
    box = (round(value, 1) for value in prediction.face.box)
    return {
        "label": prediction.label or UNSURE,
        "probability": round(prediction.probability, 4),
        "reasons": "; ".join(REASONS[name] for name in prediction.reasons),
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
    }


def percent(row: dict[str, Any]) -> str:
    """A row's probability in words; none without a label."""
    return "" if row["label"] in ("", UNSURE) else certainty(row["probability"])


def to_csv(results: Iterable[FileResult]) -> str:
    """All rows as CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for result in results for row in rows(result))
    return text.getvalue()


def to_json(results: Iterable[FileResult]) -> str:
    """A list of {file, analysis, error}, the analysis with all its figures or null."""
    return json.dumps(
        [
            {
                "file": result.name,
                "analysis": asdict(result.analysis) if result.analysis else None,
                "error": result.error,
            }
            for result in results
        ],
        indent=2,
        ensure_ascii=False,
    )


def annotated_name(name: str, number: int = 1) -> str:
    """ "a.png" -> "a-annotated.jpg", or "a-annotated-2.jpg" where the first is taken."""
    stem = clean_name(PurePath(name).stem) or "picture"
    return f"{stem}-annotated{f'-{number}' if number > 1 else ''}.jpg"
