"""The downloads of the Photos tab: what a visitor wants of each face -> CSV, JSON or pictures.

They are made when they are asked for, from the uploads while these are there. What was found is
held in memory for as long, under a token that only the visitor's page knows.
"""

from __future__ import annotations

import io
import secrets
import time
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image
from pydantic import BaseModel, Field, ValidationError

from gender_demo.drawing.hide import hide
from gender_demo.drawing.marks import marks
from gender_demo.drawing.paint import draw
from gender_demo.errors import PictureError
from gender_demo.files.about import About
from gender_demo.files.analyze import FileResult
from gender_demo.files.export import to_csv, to_jpeg, to_json
from gender_demo.files.names import free_name, name_key, printable
from gender_demo.results import Wish
from gender_demo.vision.pictures import read_picture
from gender_demo.web import limits, upload_folder

EXPIRED = (
    "These pictures are no longer on the server, where they are kept for minutes only. Choose them "
    "again: your corrections and what you hid come back."
)
UNREADABLE = "This download cannot be made: reload the page, then choose the pictures again."


class WantedFace(BaseModel):
    """One face of one of the files (from 0), by its number from the left, and what is wanted."""

    file: int
    face: int
    word: str = Field("", max_length=limits.MAX_WORD)
    hidden: bool = False


class Wanted(BaseModel):
    """One download; ``file`` says which picture where it is a single one."""

    token: str
    kind: Literal["csv", "json", "zip", "picture"]
    file: int = 0
    faces: list[WantedFace] = Field(max_length=limits.MAX_WISHES)


class Kept(NamedTuple):
    """What was found in the pictures of one request, without their pixels."""

    results: list[FileResult]
    about: About
    at_s: float


class PictureZip:
    """Drawn pictures, packed; each gets a name of its own."""

    def __init__(self, about: About) -> None:
        self._data, self._taken, self._about = io.BytesIO(), set[str](), about
        self._archive = zipfile.ZipFile(self._data, "w")
        self._archive.comment = about.sentence().encode()

    def add(self, name: str, picture: Image.Image) -> str:
        """Pack a picture of a file with this name; returns the name that it got."""
        free = free_name(name, self._taken)
        self._taken.add(name_key(free))
        self._archive.writestr(free, to_jpeg(picture, self._about))
        return free

    def finish(self) -> bytes:
        """The whole archive."""
        self._archive.close()
        return self._data.getvalue()


class PhotoFiles:
    """Makes files of remembered photos, for a few minutes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def remember(self, results: Sequence[FileResult], about: About) -> str:
        """Keep what was found in the pictures of one request; returns the token to ask with."""
        self._forget()
        token = secrets.token_hex(16)
        self._kept[token] = Kept(list(results), about, time.monotonic())
        return token

    def make(self, request: object) -> tuple[str, str]:
        """Path and name of one download, as ``Wanted`` describes it; raises PictureError."""
        try:
            wanted = Wanted.model_validate(request)
        except ValidationError:
            raise PictureError(UNREADABLE) from None
        self._forget()
        kept = self._kept.get(wanted.token)
        if kept is None:
            raise PictureError(EXPIRED)
        results = apply_wishes(kept.results, wanted.faces)
        if wanted.kind == "picture":
            results = results[wanted.file : wanted.file + 1] if wanted.file >= 0 else []
        data, name = _file(wanted.kind, results, kept.about)
        return keep_file(data, name), name

    def _forget(self) -> None:
        """What is older than its uploads can be, and the oldest of too many."""
        photos = sum(len(kept.results) for kept in self._kept.values())
        since_s = time.monotonic() - upload_folder.SWEEP_AFTER_S
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if photos <= limits.MAX_EXPLAINED and oldest.at_s > since_s:
                return
            photos -= len(oldest.results)
            self._kept.popitem(last=False)


def apply_wishes(results: Sequence[FileResult], faces: Sequence[WantedFace]) -> list[FileResult]:
    """Results that know what is wanted; a face that was hidden from the start stays so."""
    wishes: list[dict[int, Wish]] = [{} for _ in results]
    for wanted in faces:
        if 0 <= wanted.file < len(wishes):
            word = printable(wanted.word.strip())
            wishes[wanted.file][wanted.face] = Wish(word, wanted.hidden)
    given = zip(results, wishes, strict=True)
    return [replace(result, wishes={**own, **result.wishes}) for result, own in given]


def hide_faces(picture: Image.Image, result: FileResult) -> Image.Image:
    """The RGB picture without the faces that are to be hidden, else the picture itself."""
    if result.analysis is None or not any(wish.hidden for wish in result.wishes.values()):
        return picture
    found = zip(result.analysis.left_to_right, result.analysis.predictions, strict=True)
    hidden = [p.face.box for number, p in found if result.wishes.get(number, Wish()).hidden]
    return hide(picture, hidden)


def draw_result(picture: Image.Image, result: FileResult) -> Image.Image:
    """A new RGB picture with what was found and is wanted drawn on it."""
    if result.analysis is None:
        return picture.copy()
    return draw(hide_faces(picture, result), marks(result.analysis, wishes=result.wishes))


def keep_file(data: bytes, name: str) -> str:
    """Write into gradio's cache, where gradio serves it from and deletes it in time."""
    return str(save_bytes_to_cache(data, name, get_upload_folder()))


def _file(kind: str, results: Sequence[FileResult], about: About) -> tuple[bytes, str]:
    """The bytes of one download and its name."""
    if kind == "csv":
        return to_csv(results, about, corrections=True).encode(), "faces.csv"
    if kind == "json":
        return to_json(results, about).encode(), "faces.json"
    found = [result for result in results if result.analysis]
    if kind == "picture" and found:
        return to_jpeg(_drawn_again(found[0]), about), free_name(found[0].name, ())
    if kind == "picture":
        raise PictureError(UNREADABLE)
    packed = PictureZip(about)
    for result in found:
        packed.add(result.name, _drawn_again(result))
    return packed.finish(), "annotated.zip"


def _drawn_again(result: FileResult) -> Image.Image:
    if not result.path.exists():
        raise PictureError(EXPIRED)
    return draw_result(read_picture(result.path, result.name)[0], result)
