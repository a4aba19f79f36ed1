"""The photos tab and the two API routes: many files in; gallery, table and downloads out.

Outputs go into gradio's own cache folder, from which ``delete_cache`` removes them after minutes.
"""

from __future__ import annotations

import ctypes
import io
import re
import string
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from gender_demo.drawing.marks import (
    CROWD,
    draw,
    marks,
)
from gender_demo.errors import PictureError
from gender_demo.files.export import (
    NO_FACE,
    UNSURE,
    FileResult,
    analyze_files,
    annotated_name,
    percent,
    rows,
    to_csv,
    to_json,
)
from gender_demo.vision.decision import in_words
from gender_demo.vision.pictures import (
    clean_name,
    open_picture,
)

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

MAX_FILES = 100
PREVIEW_PX = 1600
"""Longer side of a gallery picture; the zip has them at full size."""
HEADERS = ["File", "Face", "Perceived as", "Probability", "Reasons", "Box"]

Photos = tuple[list[tuple[str, str]], list[list[Any]], str, str, str]
"""Gallery of (path, caption), table rows by HEADERS, paths of the CSV, the JSON and the zip."""


class Annotator:
    """What the page's events call, over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def annotate(self, picture: str) -> tuple[str, dict[str, Any]]:
        """Path of the annotated JPEG and the analysis as JSON, for one picture file."""
        if not picture:
            raise gr.Error("Send one picture.", print_exception=False)
        try:
            opened = open_picture(picture)
        except PictureError as error:
            raise gr.Error(str(error), print_exception=False) from None
        try:
            analysis = self.pipeline.analyze(opened)
            drawn = draw(opened, marks(analysis))
            return _keep(_jpeg(drawn), annotated_name(picture)), asdict(analysis)
        finally:
            _give_memory_back()

    def photos(
        self,
        files: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as the default
    ) -> Photos:
        """Analyse many picture files; a file that cannot be read becomes a note in the table."""
        if not files:
            raise gr.Error("Choose one picture or more.", print_exception=False)
        if len(files) > MAX_FILES:
            raise gr.Error(
                f"These are {len(files)} files: send {MAX_FILES} at most at once.",
                print_exception=False,
            )
        gallery: list[tuple[str, str]] = []
        results: list[FileResult] = []
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            named = [(Path(file).name, Path(file)) for file in files]
            for result in analyze_files(self.pipeline, named):
                progress((len(results), len(files)), desc=result.name, unit="pictures")
                results.append(replace(result, picture=None))
                if result.picture is None or result.analysis is None:
                    continue
                drawn = draw(result.picture, marks(result.analysis))
                name = _free_name(result.name, archive.namelist())
                archive.writestr(name, _jpeg(drawn))
                drawn.thumbnail((PREVIEW_PX, PREVIEW_PX))
                gallery.append((_keep(_jpeg(drawn), name), _describe(result)))
        _give_memory_back()
        return (
            gallery,
            [_cells(row) for result in results for row in rows(result)],
            _keep(to_csv(results).encode(), "faces.csv"),
            _keep(to_json(results).encode(), "faces.json"),
            _keep(packed.getvalue(), "annotated.zip"),
        )


def summarize(table: Sequence[Sequence[Any]]) -> str:
    """Markdown: how many pictures and faces, and a sentence for every file that failed."""
    files = sum(1 for row in table if row[1] in ("", 1))  # names may stand twice
    faces = sum(1 for row in table if row[1] != "")
    failed = [row[4] for row in table if row[1] == "" and row[4] != NO_FACE]
    unsure = sum(1 for row in table if row[2] == UNSURE)
    words = f"{_count(files - len(failed), 'picture')}, {_count(faces, 'face')}"
    lines = [f"{words}, {unsure} of them unsure." if unsure else f"{words}."]
    if any(row[1] != "" and row[1] > CROWD for row in table):
        lines.append(
            f"Where there are more than {CROWD} faces, the numbers are those of the table."
        )
    if not any_read(table):
        lines = ["Nothing could be read:"]
    elif failed:
        lines.append(f"{_count(len(failed), 'file')} could not be read:")
    told = "\n".join(f"- {escape_markdown(str(sentence))}" for sentence in failed)
    return "\n\n".join([*lines, told]).rstrip()


def any_read(table: Sequence[Sequence[Any]]) -> bool:
    """Whether any of the files was a picture."""
    return any(row[1] != "" or row[4] == NO_FACE for row in table)


def _cells(row: dict[str, Any]) -> list[Any]:
    box = ", ".join(f"{row[key]:.0f}" for key in ("x0", "y0", "x1", "y1")) if row["face"] else ""
    said = row["reasons"] or row["note"]
    return [row["file"], row["face"], row["label"], percent(row), said, box]


def _describe(result: FileResult) -> str:
    """What the picture's caption says, also to a screen reader."""
    found = marks(result.analysis) if result.analysis else []
    words = [mark["caption"] for mark in found]
    if len(words) > 3 and result.analysis:
        labels = Counter(p.label for p in result.analysis.predictions).most_common()
        classes = [name for name, _ in result.analysis.predictions[0].probabilities]
        words = [f"{n} {in_words(label, classes) if label else UNSURE}" for label, n in labels]
        return f"{clean_name(result.name)}: {len(found)} faces, {', '.join(words)}"
    said = "; ".join(words) if words else NO_FACE
    return f"{clean_name(result.name)}: {said}"


def _free_name(name: str, taken: Sequence[str]) -> str:
    names = (annotated_name(name, number) for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=90)
    return data.getvalue()


def _keep(data: bytes, name: str) -> str:
    """Write into gradio's cache, where gradio serves it from and deletes it in time."""
    return str(save_bytes_to_cache(data, name, get_upload_folder()))


def _give_memory_back() -> None:
    """glibc holds on to what large pictures took until it is asked; elsewhere nothing is done."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(f"([{re.escape(string.punctuation)}])", r"\\\1", text)
