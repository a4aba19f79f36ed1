"""The functions behind the video part of the Photos tab and /video, called as gradio calls them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest

from gender_demo.web import videos as module
from gender_demo.web.limits import VIDEO
from gender_demo.web.static_files import read_static
from gender_demo.web.videos import Videos
from tests.support.clips import make_clip, portrait, read_clip
from tests.support.detail import detail

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

VISITOR: Any = SimpleNamespace(session_hash="ann")


@pytest.fixture
def videos(random_pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Videos:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Videos(random_pipeline)


def told(shares: list[float]) -> Any:
    return lambda share, desc: shares.append(share)


def test_a_video_becomes_four_files_in_the_cache(
    videos: Videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORT_EVERY_S", 0.0)
    clip = make_clip(tmp_path / "holiday.mp4", [portrait(x=n) for n in range(30)])
    shares: list[float] = []
    video, csv_path, json_path, sheet = videos.annotate(str(clip), False, VISITOR, told(shares))
    assert [Path(path).suffix for path in (video, csv_path, json_path, sheet)] == [
        ".mp4", ".csv", ".json", ".jpg"
    ]  # fmt: skip
    assert all(Path(p).is_relative_to(tmp_path / "cache") for p in (video, csv_path, json_path))
    assert Path(video).name == "holiday-annotated.mp4"
    assert len(read_clip(Path(video))[0]) == 30
    assert json.loads(Path(json_path).read_text(encoding="utf-8"))["tracks"][0]["track"] == 1
    assert shares == sorted(shares)
    assert len(shares) > 10
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"holiday.mp4", "cache"}, "nothing lies where it was made"


def test_faces_are_hidden_where_that_is_asked_for(videos: Videos, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", [portrait()] * 10, sound=False)
    video, *_ = videos.annotate(str(clip), True, VISITOR, told([]))
    assert all(detail(p, (100, 65, 150, 140)) == 0 for _, p in read_clip(Path(video))[0])


def test_a_visitor_can_stop_their_own_video_only(videos: Videos, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", [portrait()] * 40, sound=False)
    other: Any = SimpleNamespace(session_hash="bob")

    def stop_after(visitor: Any) -> Any:
        def progress(share: float, desc: str) -> None:
            videos.stop(visitor)

        return progress

    assert videos.annotate(str(clip), False, VISITOR, stop_after(other))
    with pytest.raises(gr.Error, match="Stopped; nothing of it was kept"):
        videos.annotate(str(clip), False, VISITOR, stop_after(VISITOR))
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "cache"}
    assert videos.annotate(str(clip), False, VISITOR, told([])), "the next one runs again"


def test_what_is_no_video_is_one_sentence(videos: Videos, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing at all")
    with pytest.raises(gr.Error, match=r"a\.mp4 is not a video of a known kind"):
        videos.annotate(str(tmp_path / "a.mp4"), False, VISITOR, told([]))
    with pytest.raises(gr.Error, match=r"Choose a video\."):
        videos.annotate(None, False, VISITOR, told([]))


def test_the_page_states_its_limits() -> None:
    said = read_static("video.md")
    assert f"{VIDEO.bytes // 1_000_000} MB" in said
    assert f"{VIDEO.minutes:g} minutes" in said
    assert f"{VIDEO.pixels / 1_000_000:.1f} million pixels" in said
