"""The photos tab and the two API routes: many files in; gallery, table and downloads out.

Outputs go into gradio's own cache folder, from which ``delete_cache`` removes them after minutes.
"""

from __future__ import annotations

import ctypes
import io
import json
import re
import string
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from gender_demo.drawing.hide import hide
from gender_demo.drawing.marks import CROWD, Mark, marks
from gender_demo.drawing.paint import draw
from gender_demo.errors import PictureError
from gender_demo.files.about import About
from gender_demo.files.analyze import FileResult, analyze_files
from gender_demo.files.export import to_csv, to_jpeg, to_json
from gender_demo.files.names import annotated_name, free_name, name_key, printable
from gender_demo.files.rows import NO_FACE, UNSURE, FaceRow, rows
from gender_demo.label_words import in_words
from gender_demo.vision.pictures import clean_name, open_picture
from gender_demo.web import limits
from gender_demo.web.why import Explanations

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

PREVIEW_PX = 1600
"""Longer side of a gallery picture; the zip has them at full size."""


class TableRow(NamedTuple):
    """One line of the photos table; all that the browser is sent and sends back.

    ``face`` counts from 1 and is "" where a file has none; ``remark`` says why it is unsure, or
    what is wrong with the file.
    """

    file: str
    face: int | str
    label: str
    percent: str
    remark: str
    box: str

    @classmethod
    def of(cls, row: FaceRow) -> TableRow:
        """The line of one face or one file."""
        box = ", ".join(f"{value:.0f}" for value in row.box) if row.box else ""
        face = "" if row.face is None else row.face
        return cls(printable(row.file), face, row.label, row.percent, row.remark, box)

    @property
    def failed(self) -> bool:
        """Whether this file was no picture."""
        return self.face == "" and self.remark != NO_FACE


HEADERS = ["File", "Face", "Perceived as", "Probability", "Reasons", "Box"]
"""Titles of TableRow's fields."""


@dataclass(frozen=True)
class Photo:
    """One picture as the page shows it: a preview without marks, and the marks beside it.

    ``size`` (width, height) and marks are in the pixels of the picture as it was sent.
    """

    name: str
    preview_path: str
    size: tuple[int, int]
    marks: list[Mark]

    def to_json(self) -> dict[str, object]:
        """For static/js/photos.js."""
        marks = [mark.to_json() for mark in self.marks]
        return {"name": self.name, "path": self.preview_path, "size": self.size, "marks": marks}


@dataclass(frozen=True)
class Photos:
    """What many files gave: drawn pictures or previews, the table, the downloads.

    ``gallery`` has (path, caption) of each drawn picture, ``photos`` what the page draws itself;
    only one of them is filled.
    """

    gallery: list[tuple[str, str]]
    photos: list[Photo]
    table: list[TableRow]
    csv_path: str
    json_path: str
    zip_path: str

    def outputs(self) -> tuple[Any, ...]:
        """The values of gallery, table and three buttons, in the order of the API route."""
        table = [list(row) for row in self.table]
        return (self.gallery, table, self.csv_path, self.json_path, self.zip_path)


class Annotator:
    """What the page's events call, over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.explanations = pipeline, Explanations(pipeline)

    def annotate(self, picture: str) -> tuple[str, object]:
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
            name = annotated_name(Path(picture).name)
            # gradio's encoder would make text of a Box; Python's makes a list of it.
            plain = json.loads(json.dumps(asdict(analysis)))
            return _keep(to_jpeg(drawn, self._about()), name), plain
        finally:
            _give_memory_back()

    def photos(
        self,
        files: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as the default
    ) -> tuple[Any, ...]:
        """Analyse many picture files; a file that cannot be read becomes a note in the table."""
        return self.analyze(files, progress, drawn=True).outputs()

    def analyze(
        self,
        files: list[str] | None,
        progress: gr.Progress,
        *,
        drawn: bool,
        blur_faces: bool = False,
    ) -> Photos:
        """All of many picture files, ``drawn`` here or left to the page; raises gr.Error.

        With ``blur_faces`` no picture that is sent back shows a face that was found.
        """
        if not files:
            raise gr.Error("Choose one picture or more.", print_exception=False)
        if len(files) > limits.MAX_FILES:
            raise gr.Error(
                f"These are {len(files)} files: send {limits.MAX_FILES} at most at once.",
                print_exception=False,
            )

        def report(done: int, name: str) -> None:
            progress((done, len(files)), desc=clean_name(name), unit="pictures")

        try:
            paths = [Path(file) for file in files]
            return self._analyze(paths, report, drawn=drawn, blur_faces=blur_faces)
        finally:
            _give_memory_back()

    def _analyze(
        self,
        files: Sequence[Path],
        report: Callable[[int, str], None],
        *,
        drawn: bool,
        blur_faces: bool,
    ) -> Photos:
        about, packed, taken = self._about(), io.BytesIO(), set[str]()
        gallery: list[tuple[str, str]] = []
        photos: list[Photo] = []
        results: list[FileResult] = []
        with zipfile.ZipFile(packed, "w") as archive:
            archive.comment = about.sentence().encode()
            named = [(file.name, file) for file in files]
            for result in analyze_files(self.pipeline, named):
                report(len(results), result.name)
                results.append(replace(result, picture=None))
                if result.picture is None or result.analysis is None:
                    continue
                found = marks(result.analysis, show_labels=not blur_faces)
                source = result.picture
                if blur_faces:
                    source = hide(source, (p.face.box for p in result.analysis.predictions))
                picture = draw(source, found)
                name = free_name(result.name, taken)
                taken.add(name_key(name))
                archive.writestr(name, to_jpeg(picture, about))
                preview = picture if drawn else source
                preview.thumbnail((PREVIEW_PX, PREVIEW_PX))
                path = _keep(to_jpeg(preview, about), name)
                if drawn:
                    gallery.append((path, _describe(result)))
                else:
                    photos.append(Photo(printable(result.name), path, result.analysis.size, found))
                    if not blur_faces:
                        self.explanations.remember(path, result.path, result.analysis)
        return Photos(
            gallery,
            photos,
            [TableRow.of(row) for result in results for row in rows(result)],
            _keep(to_csv(results, about).encode(), "faces.csv"),
            _keep(to_json(results, about).encode(), "faces.json"),
            _keep(packed.getvalue(), "annotated.zip"),
        )

    def _about(self) -> About:
        return About.today(self.pipeline.checkpoint.config)


def summarize(table: Sequence[TableRow]) -> str:
    """Markdown: how many pictures and faces, and a sentence for every file that failed."""
    files = sum(row.face in ("", 1) for row in table)  # names may stand twice
    faces = sum(row.face != "" for row in table)
    failed = [row.remark for row in table if row.failed]
    unsure = sum(row.label == UNSURE for row in table)
    words = f"{_count(files - len(failed), 'picture')}, {_count(faces, 'face')}"
    lines = [f"{words}, {unsure} of them unsure." if unsure else f"{words}."]
    if any(row.face != "" and int(row.face) > CROWD for row in table):
        lines.append(
            f"Where there are more than {CROWD} faces, the numbers are those of the table and "
            "of the cards."
        )
    if not any_read(table):
        lines = ["Nothing could be read:"]
    elif failed:
        lines.append(f"{_count(len(failed), 'file')} could not be read:")
    listing = "\n".join(f"- {escape_markdown(sentence)}" for sentence in failed)
    return "\n\n".join([*lines, listing]).rstrip()


def any_read(table: Sequence[TableRow]) -> bool:
    """Whether any of the files was a picture."""
    return any(not row.failed for row in table)


def _describe(result: FileResult) -> str:
    """What the picture's caption says, also to a screen reader."""
    found = marks(result.analysis) if result.analysis else []
    words = [mark.caption for mark in found]
    if len(words) > 3 and result.analysis:
        labels = Counter(p.label for p in result.analysis.predictions).most_common()
        classes = [name for name, _ in result.analysis.predictions[0].probabilities]
        words = [f"{n} {in_words(label, classes) if label else UNSURE}" for label, n in labels]
        return f"{clean_name(result.name)}: {len(found)} faces, {', '.join(words)}"
    said = "; ".join(words) if words else NO_FACE
    return f"{clean_name(result.name)}: {said}"


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
