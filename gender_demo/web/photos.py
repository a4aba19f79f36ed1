"""The photos tab and the two API routes: many files in; pictures and table, or all files, out.

Outputs go into gradio's own cache folder, from which ``delete_cache`` removes them after minutes.
"""

from __future__ import annotations

import ctypes
import json
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from gender_demo.drawing.marks import CROWD, Mark, marks
from gender_demo.drawing.paint import draw
from gender_demo.errors import PictureError
from gender_demo.files.about import About
from gender_demo.files.analyze import FileResult, analyze_files
from gender_demo.files.export import to_csv, to_jpeg, to_json
from gender_demo.files.names import annotated_name, printable
from gender_demo.files.rows import NO_FACE, UNSURE, FaceRow, rows
from gender_demo.label_words import in_words
from gender_demo.results import Wish
from gender_demo.vision.pictures import clean_name, open_picture
from gender_demo.web import limits
from gender_demo.web.photo_files import PhotoFiles, PictureZip, draw_result, hide_faces, keep_file
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
        return self.face == "" and not self.remark.startswith(NO_FACE)


HEADERS = ["File", "Face", "Perceived as", "Probability", "Reasons", "Box"]
"""Titles of TableRow's fields."""


@dataclass(frozen=True)
class Photo:
    """One picture as the page shows it: a preview without marks, and the marks beside it.

    ``file`` counts the files of the request from 0. ``size`` (width, height) and marks are in the
    pixels of the picture as it was sent.
    """

    file: int
    name: str
    preview_path: str
    size: tuple[int, int]
    marks: list[Mark]

    def to_json(self) -> dict[str, object]:
        """For static/js/photos.js."""
        return {
            "file": self.file,
            "name": self.name,
            "path": self.preview_path,
            "size": self.size,
            "marks": [mark.to_json() for mark in self.marks],
        }


@dataclass(frozen=True)
class Photos:
    """What many files gave: previews and marks, which the page draws itself, the table, of each of
    its lines "file:face", and the token with which ``Annotator.files`` makes downloads."""

    photos: list[Photo]
    table: list[TableRow]
    keys: list[str]
    token: str


class Annotator:
    """What the page's events call, over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.explanations, self.files = Explanations(pipeline), PhotoFiles()
        self.busy = False
        """Whether it analyses pictures; requests come one after the other."""

    def annotate(self, picture: str) -> tuple[str, object]:
        """Path of the annotated JPEG and the analysis as JSON, for one picture file."""
        if not picture:
            raise gr.Error("Send one picture.", print_exception=False)
        try:
            opened = open_picture(picture)
        except PictureError as error:
            raise gr.Error(str(error), print_exception=False) from None
        with self._at_work():
            analysis = self.pipeline.analyze(opened)
            drawn = draw(opened, marks(analysis))
            name = annotated_name(Path(picture).name)
            # gradio's encoder would make text of a Box; Python's makes a list of it.
            plain = json.loads(json.dumps(asdict(analysis)))
            return keep_file(to_jpeg(drawn, self._about()), name), plain

    def photos(
        self,
        files: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as the default
    ) -> tuple[Any, ...]:
        """Analyse many picture files; a file that cannot be read becomes a note in the table.

        Returns (path, caption) of each drawn picture, the table, and the paths of CSV, JSON, zip.
        """
        about = self._about()
        packed, gallery, results = PictureZip(about), [], []
        for result in self._results(files, progress):
            results.append(replace(result, picture=None))
            if result.picture is None:
                continue
            picture = draw_result(result.picture, result)
            name = packed.add(result.name, picture)
            picture.thumbnail((PREVIEW_PX, PREVIEW_PX))
            gallery.append((keep_file(to_jpeg(picture, about), name), _describe(result)))
        return (
            gallery,
            [list(row) for row in _table(results)],
            keep_file(to_csv(results, about).encode(), "faces.csv"),
            keep_file(to_json(results, about).encode(), "faces.json"),
            keep_file(packed.finish(), "annotated.zip"),
        )

    def show(
        self, files: list[str] | None, progress: gr.Progress, *, blur_faces: bool = False
    ) -> Photos:
        """Analyse many picture files for the page; raises gr.Error.

        With ``blur_faces`` no picture that is sent back, then or later, shows a face that was
        found.
        """
        about, photos, results = self._about(), list[Photo](), list[FileResult]()
        for result in self._results(files, progress, hide_all=blur_faces):
            results.append(replace(result, picture=None))
            if result.picture is None or result.analysis is None:
                continue
            preview = hide_faces(result.picture, result)
            preview.thumbnail((PREVIEW_PX, PREVIEW_PX))
            path = keep_file(to_jpeg(preview, about), annotated_name(result.name))
            found = marks(result.analysis, wishes=result.wishes)
            name, size = printable(result.name), result.analysis.size
            photos.append(Photo(len(results) - 1, name, path, size, found))
            if not blur_faces:
                self.explanations.remember(path, result.path, result.analysis)
        lines = [(i, row) for i, result in enumerate(results) for row in _table([result])]
        keys, table = [f"{i}:{row.face}" for i, row in lines], [row for _, row in lines]
        return Photos(photos, table, keys, self.files.remember(results, about))

    def _results(
        self, files: list[str] | None, progress: gr.Progress, *, hide_all: bool = False
    ) -> Iterator[FileResult]:
        """What each file gave; with ``hide_all`` every face is to be hidden."""
        if not files:
            raise gr.Error("Choose one picture or more.", print_exception=False)
        if len(files) > limits.MAX_FILES:
            raise gr.Error(
                f"These are {len(files)} files: send {limits.MAX_FILES} at most at once.",
                print_exception=False,
            )
        named = [(Path(file).name, Path(file)) for file in files]
        with self._at_work():
            for done, result in enumerate(analyze_files(self.pipeline, named)):
                progress((done, len(files)), desc=clean_name(result.name), unit="pictures")
                faces = result.analysis.left_to_right if hide_all and result.analysis else ()
                yield replace(result, wishes={face: Wish(hidden=True) for face in faces})

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self.busy = True
        try:
            yield
        finally:
            self.busy = False
            _give_memory_back()

    def _about(self) -> About:
        return About.today(self.pipeline.checkpoint.config)


def _table(results: Sequence[FileResult]) -> list[TableRow]:
    return [TableRow.of(row) for result in results for row in rows(result)]


def summarize(table: Sequence[TableRow]) -> str:
    """Markdown: how many pictures and faces, and a sentence for every file that failed."""
    files = sum(row.face in ("", 1) for row in table)  # names may stand twice
    faces = sum(row.face != "" for row in table)
    failed = [row.remark for row in table if row.failed]
    lines = [f"{_count(files - len(failed), 'picture')}, {_count(faces, 'face')}."]
    if any(row.face != "" and int(row.face) > CROWD for row in table):
        lines.append(
            f"Where there are more than {CROWD} faces, the numbers are those of the table and "
            "of the cards."
        )
    if any(row.remark.startswith(NO_FACE) for row in table):
        from gender_demo.vision.find import MIN_FACE_PX  # loads torch

        lines.append(
            f"Where no face was found, it may be smaller than about {MIN_FACE_PX} pixels, turned "
            "away or covered."
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


def _give_memory_back() -> None:
    """glibc holds on to what large pictures took until it is asked; elsewhere nothing is done."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(f"([{re.escape(string.punctuation)}])", r"\\\1", text)
