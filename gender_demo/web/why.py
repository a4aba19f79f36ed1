"""Why this guess? A face of a photo that was just analysed -> what ``static/js/why.js`` shows.

Server functions bypass gradio's queue, so admission is decided here: one explanation is worked on
at a time, a visitor has one under way, and few wait. Nothing is written: the picture is the upload
that lies there for its minutes, and the sheet goes back inside the answer. Of a photo this holds,
in memory, where its file is and its faces.
"""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from gender_demo.errors import PictureError
from gender_demo.files.about import About
from gender_demo.files.export import to_jpeg
from gender_demo.label_words import certainty
from gender_demo.results import Analysis, Face
from gender_demo.vision.pictures import open_picture
from gender_demo.web import limits
from gender_demo.web.frames import VIEWER

if TYPE_CHECKING:
    from gender_demo.explain.explain import Explanation
    from gender_demo.explain.steadiness import Variant
    from gender_demo.vision.pipeline import Pipeline

EXPIRED = (
    "This picture is no longer on the server, where pictures are kept for minutes only: choose it "
    "again."
)
BUSY = "The server is busy with other explanations: try again in a few seconds."
ONE_AT_A_TIME = "One face at a time: wait for the other explanation, then try again."
UNREADABLE = "Send one object with visitor (32 hexadecimal digits), path and face."
SHEET_COLUMNS = 3
"""The sheet stands beside a photo or on a phone."""


class Answer(TypedDict, total=False):
    """What the page shows: sentences, (way, label, probability) of each way, the sheet as a data
    URL with its description; or ``error``, the sentence that says why there is nothing."""

    error: str
    sentence: str
    steady: str
    caveat: str
    rows: list[tuple[str, str, str]]
    sheet: str
    alt: str


class Explanations:
    """Explains faces of remembered photos, by the path of their preview."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._photos: OrderedDict[str, tuple[Path, list[Face]]] = OrderedDict()
        self._visitors: set[str] = set()
        self._change, self._turn = threading.Lock(), threading.Lock()

    def remember(self, preview: str, source: Path, analysis: Analysis) -> None:
        """Take note of a photo whose faces may be asked about while its preview exists."""
        with self._change:
            self._photos[preview] = source, [p.face for p in analysis.predictions]
            self._photos.move_to_end(preview)
            while len(self._photos) > limits.MAX_EXPLAINED or self._oldest_is_gone():
                self._photos.popitem(last=False)

    def answer(self, request: object) -> Answer:
        """Answer {visitor, path of the preview, face (from 0)}; ``error`` where that fails."""
        asked = _read(request)
        if asked is None:
            return {"error": UNREADABLE}
        visitor, preview, number = asked
        with self._change:
            source, faces = self._photos.get(preview, (Path(), []))
            if not 0 <= number < len(faces):
                return {"error": EXPIRED}
            if visitor in self._visitors:
                return {"error": ONE_AT_A_TIME}
            if len(self._visitors) >= limits.MAX_EXPLANATIONS:
                return {"error": BUSY}
            self._visitors.add(visitor)
        try:
            with self._turn:
                return self._explain(Path(preview), source, faces[number])
        finally:
            with self._change:
                self._visitors.discard(visitor)

    def _oldest_is_gone(self) -> bool:
        return bool(self._photos) and not Path(next(iter(self._photos))).exists()

    def _explain(self, preview: Path, source: Path, face: Face) -> Answer:
        from gender_demo.explain.explain import CAVEAT, explain  # loads torch
        from gender_demo.explain.sheet import draw_sheet

        if not preview.exists():
            return {"error": EXPIRED}
        try:
            picture = open_picture(source)
        except PictureError:  # it could be read a moment ago
            return {"error": EXPIRED}
        explained = explain(self.pipeline, picture, face)
        about = About.today(self.pipeline.checkpoint.config)
        sheet = base64.b64encode(to_jpeg(draw_sheet(explained, SHEET_COLUMNS), about)).decode()
        return {
            "sentence": explained.sentence,
            "steady": explained.steady,
            "caveat": CAVEAT,
            "rows": [_row(variant) for variant in explained.variants],
            "sheet": f"data:image/jpeg;base64,{sheet}",
            "alt": _describe(explained),
        }


def _read(request: object) -> tuple[str, str, int] | None:
    """Visitor, path and face of a request; None if it is none."""
    if not isinstance(request, dict):
        return None
    visitor, path, face = request.get("visitor"), request.get("path"), request.get("face")
    if not isinstance(visitor, str) or not VIEWER.fullmatch(visitor):
        return None
    if not isinstance(path, str) or not isinstance(face, int) or isinstance(face, bool):
        return None
    return visitor, path, face


def _row(variant: Variant) -> tuple[str, str, str]:
    from gender_demo.explain.explain import reasons_in_words  # loads torch

    guess = variant.guess.replace("_", " ")
    label = guess if variant.label else f"unsure: {reasons_in_words(variant)} (likelier {guess})"
    return variant.name, label, certainty(variant.probability)


def _describe(explained: Explanation) -> str:
    ways = ", ".join(variant.name for variant in explained.variants)
    return (
        "The face in grey with orange where covering it lowers the probability and purple where "
        f"that raises it; then the face {ways}. The table says what each gives."
    )
