"""Why this guess?, asked of the server as the page asks it."""

from __future__ import annotations

import base64
import io
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from PIL import Image

from gender_demo.explain import explain as explain_module
from gender_demo.web import limits
from gender_demo.web.photos import Annotator
from gender_demo.web.why import BUSY, EXPIRED, ONE_AT_A_TIME, UNREADABLE

if TYPE_CHECKING:
    pass

ANN, BEN = "a" * 32, "b" * 32


@pytest.fixture
def upload(tmp_path: Path, astronaut_path: Path) -> Path:
    return Path(shutil.copy(astronaut_path, tmp_path / "face.jpg"))


def look_at(annotator: Annotator, upload: Path, *, blur_faces: bool = False) -> str:
    """The path of the preview."""
    files = [str(upload)]
    done = annotator.show(files, gr.Progress(), blur_faces=blur_faces)
    return done.photos[0].preview_path


def ask(annotator: Annotator, path: object, visitor: object = ANN, face: object = 0) -> Any:
    request = {"visitor": visitor, "path": path, "face": face}
    return annotator.explanations.answer(request)


def test_a_face_is_explained_and_nothing_is_written(
    annotator: Annotator, upload: Path, tmp_path: Path
) -> None:
    path = look_at(annotator, upload)
    before = sorted(tmp_path.rglob("*"))
    answer = ask(annotator, path)
    assert sorted(tmp_path.rglob("*")) == before
    assert answer["rows"][0][0] == "as it is"
    assert len(answer["rows"]) == 10
    assert "not therefore right" in answer["caveat"]
    head, data = answer["sheet"].split(",")
    assert head == "data:image/jpeg;base64"
    sheet = Image.open(io.BytesIO(base64.b64decode(data)))
    assert sheet.width < 600
    assert all(row[0] in answer["alt"] for row in answer["rows"])


def test_a_photo_that_is_gone_is_said(annotator: Annotator, upload: Path) -> None:
    path = look_at(annotator, upload)
    assert ask(annotator, path, face=1) == {"error": EXPIRED}
    assert ask(annotator, str(upload)) == {"error": EXPIRED}, "only what a preview was made of"
    upload.rename(upload.with_suffix(".away"))
    assert ask(annotator, path) == {"error": EXPIRED}
    upload.with_suffix(".away").rename(upload)
    assert "rows" in ask(annotator, path)
    Path(path).unlink()
    assert ask(annotator, path) == {"error": EXPIRED}


def test_a_hidden_face_is_not_explained(annotator: Annotator, upload: Path) -> None:
    path = look_at(annotator, upload, blur_faces=True)
    assert ask(annotator, path) == {"error": EXPIRED}


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"visitor": ANN},
        {"visitor": "x", "path": "a", "face": 0},
        {"visitor": ANN, "path": 3, "face": 0},
        {"visitor": ANN, "path": "a", "face": True},
    ],
)
def test_what_is_no_request_gets_one_sentence(annotator: Annotator, sent: object) -> None:
    assert annotator.explanations.answer(sent) == {"error": UNREADABLE}


def test_one_at_a_time_for_a_visitor_and_few_for_all(
    annotator: Annotator, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_EXPLANATIONS", 1)
    path = look_at(annotator, upload)
    begun, go_on, explain = threading.Event(), threading.Event(), explain_module.explain

    def slow(*args: Any) -> explain_module.Explanation:
        begun.set()
        assert go_on.wait(30)
        return explain(*args)

    monkeypatch.setattr(explain_module, "explain", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, annotator, path)
        try:
            assert begun.wait(30)
            assert ask(annotator, path) == {"error": ONE_AT_A_TIME}
            assert ask(annotator, path, BEN) == {"error": BUSY}
        finally:
            go_on.set()
        assert "rows" in first.result()
    assert "rows" in ask(annotator, path, BEN), "the place is free again"


def test_few_photos_are_remembered(
    annotator: Annotator, upload: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_EXPLAINED", 1)
    old = look_at(annotator, upload)
    Image.new("RGB", (60, 40)).save(tmp_path / "wall.png")
    look_at(annotator, tmp_path / "wall.png")
    assert ask(annotator, old) == {"error": EXPIRED}
