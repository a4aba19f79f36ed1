"""The functions behind the photos tab and the API routes, called as gradio calls them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from PIL import Image

from gender_demo.errors import PictureError
from gender_demo.vision.find import MIN_FACE_PX
from gender_demo.web import limits, upload_folder
from gender_demo.web.photos import (
    HEADERS,
    Annotator,
    TableRow,
    escape_markdown,
    summarize,
)
from tests.support.detail import detail

if TYPE_CHECKING:
    pass


@pytest.fixture
def uploads(tmp_path: Path, astronaut_path: Path) -> list[str]:
    """The same name twice, a picture without a face, a broken file."""
    paths = [tmp_path / "1" / "face.jpg", tmp_path / "2" / "face.jpg"]
    for path in paths:
        path.parent.mkdir()
        shutil.copy(astronaut_path, path)
    wall, broken = tmp_path / "wall.png", tmp_path / "${broken}*.jpg"
    Image.new("RGB", (60, 40)).save(wall)
    broken.write_bytes(b"nothing")
    return [str(path) for path in (*paths, broken, wall)]


def test_photos_gives_the_same_in_every_form(annotator: Annotator, uploads: list[str]) -> None:
    gallery, table, csv_path, json_path, zip_path = annotator.photos(uploads)
    assert len(gallery) == 3
    assert gallery[0][1].startswith("face.jpg: perceived as ")
    assert gallery[2][1] == "wall.png: no face found"
    assert all(len(row) == len(HEADERS) for row in table)
    with Path(csv_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [row[0] for row in table]
    entries = json.loads(Path(json_path).read_text(encoding="utf-8"))
    assert [entry["error"] is None for entry in entries] == [True, True, False, True]
    with zipfile.ZipFile(zip_path) as archive:
        assert archive.namelist() == [
            "face-annotated.jpg", "face-annotated-2.jpg", "wall-annotated.jpg"
        ]  # fmt: skip
        with Image.open(archive.open("face-annotated.jpg")) as drawn:
            assert drawn.size == (512, 512)


def test_the_summary_counts_and_names_what_failed(annotator: Annotator, uploads: list[str]) -> None:
    _, rows, *_ = annotator.photos(uploads)
    table = [TableRow(*row) for row in rows]
    first, *rest = summarize(table).splitlines()
    assert first.startswith("3 pictures, ")
    missed, count, failed = [line for line in rest if line]
    assert missed.startswith(f"Where no face was found, it may be smaller than about {MIN_FACE_PX}")
    assert count == "1 file could not be read:"
    assert failed.startswith("- \\$\\{broken\\}\\*\\.jpg is not a picture")


def test_a_picture_with_a_note_and_no_face_was_read() -> None:
    note = "no face found; the file is cut short: the end of the picture may be missing"
    assert not TableRow("a.jpg", "", "", "", note, "").failed
    assert TableRow("a.jpg", "", "", "", "a.jpg is empty.", "").failed


def test_the_summary_says_what_the_numbers_in_a_crowd_are() -> None:
    rows = [TableRow("a.jpg", number, "female", "90 %", "", "") for number in range(1, 10)]
    assert "the numbers are those of the table" in summarize(rows)
    assert "numbers" not in summarize(rows[:8])
    assert "no face" not in summarize(rows)


def test_previews_are_small_and_the_zip_is_full_size(annotator: Annotator, tmp_path: Path) -> None:
    Image.new("RGB", (4000, 1000), "teal").save(tmp_path / "wide.jpg")
    ((preview, _),), _, _, _, zip_path = annotator.photos([str(tmp_path / "wide.jpg")])
    with Image.open(preview) as small, zipfile.ZipFile(zip_path) as archive:
        assert small.size == (1600, 400)
        with Image.open(archive.open("wide-annotated.jpg")) as full:
            assert full.size == (4000, 1000)


def test_everything_lands_in_the_cache_that_gradio_empties(
    annotator: Annotator, uploads: list[str], tmp_path: Path
) -> None:
    gallery, _, *downloads = annotator.photos(uploads)
    for path in [path for path, _ in gallery] + downloads:
        assert Path(str(path)).is_relative_to(tmp_path / "cache")


def made(annotator: Annotator, token: str, kind: str, *faces: dict[str, object]) -> Path:
    return Path(annotator.files.make({"token": token, "kind": kind, "faces": faces})[0])


def packed(annotator: Annotator, token: str, *faces: dict[str, object]) -> Image.Image:
    """The first picture of the zip."""
    with zipfile.ZipFile(made(annotator, token, "zip", *faces)) as archive:
        return Image.open(io.BytesIO(archive.read("face-annotated.jpg")))


def test_no_blurred_face_is_sent_back(annotator: Annotator, uploads: list[str]) -> None:
    def pictures(blur_faces: bool) -> list[Image.Image]:
        done = annotator.show(uploads[:1], gr.Progress(), blur_faces=blur_faces)
        assert all(bool(mark.caption) != blur_faces for mark in done.photos[0].marks)
        assert (done.table[0].label == "hidden") == blur_faces
        wish = {"file": 0, "face": 1, "word": "Anna"}  # it does not bring the face back
        return [Image.open(done.photos[0].preview_path), packed(annotator, done.token, wish)]

    for seen, hidden in zip(pictures(False), pictures(True), strict=True):
        assert detail(seen) > 1000
        assert detail(hidden) == 0


def test_downloads_follow_what_is_wanted_of_each_face(
    annotator: Annotator, uploads: list[str], tmp_path: Path
) -> None:
    done = annotator.show(uploads, gr.Progress())
    assert done.keys == ["0:1", "1:1", "2:", "3:"]
    wishes: list[dict[str, object]] = [
        {"file": 0, "face": 1, "hidden": True}, {"file": 1, "face": 1, "word": "Anna"},
        {"file": 9, "face": 7, "word": "nobody"},
    ]  # fmt: skip
    with made(annotator, done.token, "csv", *wishes).open(encoding="utf-8", newline="") as file:
        first, second, broken, _ = csv.DictReader(file)
    assert (first["perceived as"], first["probability"]) == ("hidden", "")
    assert second["corrected to"] == "Anna"
    assert second["perceived as"] in ("female", "male", "unsure")
    assert "is not a picture" in broken["note"]
    entries = json.loads(made(annotator, done.token, "json", *wishes).read_text(encoding="utf-8"))
    assert entries[0]["analysis"]["predictions"][0]["probability"] is None
    assert detail(packed(annotator, done.token)) > 1000
    assert detail(packed(annotator, done.token, *wishes)) == 0
    path, name = annotator.files.make(
        {"token": done.token, "kind": "picture", "file": 1, "faces": wishes}
    )
    assert name == "face-annotated.jpg"
    with Image.open(path) as single:
        assert detail(single) > 1000
    assert Path(path).is_relative_to(tmp_path / "cache")


def test_a_download_that_cannot_be_made_is_one_sentence(
    annotator: Annotator, uploads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = annotator.show(uploads[:1], gr.Progress()).token
    for request in (None, {"token": token, "kind": "exe"}, {"token": token, "kind": "picture",
                    "file": 3, "faces": []}):  # fmt: skip
        with pytest.raises(PictureError, match="reload the page"):
            annotator.files.make(request)
    Path(uploads[0]).unlink()
    with pytest.raises(PictureError, match="no longer on the server"):
        made(annotator, token, "zip")
    assert made(annotator, token, "csv").exists()
    monkeypatch.setattr(upload_folder, "SWEEP_AFTER_S", 0.0)
    with pytest.raises(PictureError, match="your corrections and what you hid come back"):
        made(annotator, token, "csv")


def test_annotate(annotator: Annotator, astronaut_path: Path) -> None:
    analysis: Any
    path, analysis = annotator.annotate(str(astronaut_path))
    assert analysis["size"] == [512, 512]
    assert type(analysis["predictions"][0]["face"]["box"]) is list, "gradio turns a Box into text"
    assert abs(analysis["predictions"][0]["face"]["box"][0] - 179) < 15
    with Image.open(path) as drawn, Image.open(astronaut_path) as source:
        assert drawn.size == source.size
        assert drawn.tobytes() != source.tobytes()


def test_too_many_and_too_few(annotator: Annotator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILES", 2)
    with pytest.raises(gr.Error, match="These are 3 files: send 2 at most at once"):
        annotator.photos(["a", "b", "c"])
    with pytest.raises(gr.Error, match="Choose one picture or more"):
        annotator.photos(None)


def test_a_bad_picture_is_one_sentence(annotator: Annotator, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(gr.Error, match=r"^'?empty\.png is empty\.'?$"):
        annotator.annotate(str(tmp_path / "empty.png"))


def test_escape_markdown() -> None:
    assert escape_markdown("a_b [x](y) “q” – é") == r"a\_b \[x\]\(y\) “q” – é"
