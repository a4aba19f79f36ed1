"""Videos of every kind: what comes out has the same times and sound, and marks on the face."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageChops

from gender_demo.video.annotate import VideoResult, annotate_video
from gender_demo.video.tracks import TrackRow
from gender_demo.video.writer import SILENT
from tests.support.clips import FORMATS, FPS, SECONDS, SIZE, make_clip, portrait, read_clip
from tests.support.detail import detail

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

FACE = (100, 65, 150, 140)
"""Of the first frame, in pixels, inside the detector's box."""


@pytest.fixture
def annotate(random_pipeline: Pipeline, tmp_path: Path):
    def run(clip: Path, **flags: bool) -> VideoResult:
        return annotate_video(random_pipeline, clip, tmp_path / "done", **flags)  # type: ignore[arg-type]

    return run


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.asarray(ImageChops.difference(one, other), dtype=float).mean())


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_keeps_times_and_sound(annotate, tmp_path: Path, kind: str) -> None:
    clip = make_clip(tmp_path / f"clip{kind}")
    done = annotate(clip)
    (before, sound), (after, copied) = read_clip(clip), read_clip(done.paths[0])
    assert len(after) == len(before) == SECONDS * FPS
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before], abs=0.002)
    assert copied == sound
    assert len(sound) > 20
    (track,) = done.tracks
    assert (track.track, track.first_s) == (1, 0.0)
    assert track.last_s == pytest.approx(before[-1][0] - before[0][0], abs=0.002)
    assert track.share_labelled + track.share_unsure == pytest.approx(1)
    drawn = after[10][1].size
    assert drawn == SIZE
    assert 0.5 < difference(before[10][1], after[10][1]) < 15, "marks, and nothing but marks"


def test_without_sound(annotate, tmp_path: Path) -> None:
    done = annotate(make_clip(tmp_path / "quiet.mp4", sound=False))
    frames, sound = read_clip(done.paths[0])
    assert (len(frames), sound) == (SECONDS * FPS, [])


def test_sound_that_mp4_cannot_hold_goes_into_matroska(annotate, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "camera.mov", sound_codec="pcm_s16le")
    done = annotate(clip)
    assert done.paths[0].suffix == ".mkv"
    before, after = (read_clip(path) for path in (clip, done.paths[0]))
    assert b"".join(after[1]) == b"".join(before[1])
    assert len(after[0]) == len(before[0])


def test_sound_of_an_unknown_kind_is_left_out_and_said(annotate, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv")
    data = clip.read_bytes()
    assert data.count(b"A_AAC") == 1
    clip.write_bytes(data.replace(b"A_AAC", b"A_ZZZ"))
    done = annotate(clip)
    assert done.note == SILENT
    assert read_clip(done.paths[0])[1] == []
    assert SILENT in done.paths[2].read_text(encoding="utf-8")


def test_times_of_a_variable_rate_are_kept(annotate, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "phone.mp4", times=lambda n: 0.03 * n + 0.01 * (n % 3))
    done = annotate(clip)
    before, after = ([t for t, _ in read_clip(path)[0]] for path in (clip, done.paths[0]))
    assert set(np.diff(before).round(3)) == {0.01, 0.04}
    assert after == pytest.approx(before, abs=0.001)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_clip_comes_out_upright(annotate, tmp_path: Path, degrees: int) -> None:
    """As a phone writes it: the picture lies on its side, and a note says how to turn it."""
    lying = [portrait(x=n).rotate(-degrees, expand=True) for n in range(12)]
    done = annotate(make_clip(tmp_path / "phone.mov", lying, degrees=degrees))
    frames, _ = read_clip(done.paths[0])
    assert frames[5][1].size == SIZE
    assert difference(frames[5][1], portrait(x=5)) < 20
    assert len(done.tracks) == 1


def test_odd_sizes_and_large_frames(annotate, tmp_path: Path) -> None:
    odd = [portrait((321, 241))] * 5
    done = annotate(make_clip(tmp_path / "odd.avi", odd))
    assert read_clip(done.paths[0])[0][0][1].size == (320, 240)
    large = [portrait((3840, 2160))] * 3
    done = annotate(make_clip(tmp_path / "large.mp4", large))
    assert read_clip(done.paths[0])[0][0][1].size == (3840, 2160)
    assert len(done.tracks) == 1


def test_tables_say_what_was_seen(annotate, tmp_path: Path) -> None:
    """The face goes away for a while, and comes back as the same or as another track."""
    empty = Image.new("RGB", SIZE, (20, 130, 120))
    pictures = [portrait()] * 25 + [empty] * 75 + [portrait()] * 25
    done = annotate(make_clip(tmp_path / "=gone.mp4", pictures))
    (_, csv_path, json_path, sheet_path) = done.paths
    first, second = done.tracks
    assert first.last_s == pytest.approx(1, abs=0.1)
    assert second.first_s == pytest.approx(4, abs=0.2)
    rows = list(csv.DictReader(io.StringIO(csv_path.read_text(encoding="utf-8"))))
    assert [row["track"] for row in rows] == ["1", "2"]
    assert rows[0]["file"] == "'=gone.mp4"
    assert float(rows[0]["share labelled"]) == first.share_labelled
    stated = json.loads(json_path.read_text(encoding="utf-8"))
    assert stated["file"] == "=gone.mp4"
    assert stated["tracks"][1]["first_s"] == second.first_s
    assert stated["about"]["model"] == rows[0]["model"]
    with Image.open(sheet_path) as sheet:
        assert detail(sheet.convert("RGB"), (0, 0, 160, 160)) > 300
        assert detail(sheet.convert("RGB"), (160, 0, 320, 160)) > 300
        assert detail(sheet.convert("RGB"), (320, 0, 480, 160)) == 0


def test_why_it_is_unsure_is_told_in_shares() -> None:
    row = TrackRow(1, 0.0, 2.0, "unsure", 20, 0.4, 0.6, (("small", 0.5), ("blurred", 0.001)))
    assert row.why == "the face is too small (50 %); the face is too blurred (under 1 %)"


def test_blurred_faces_are_in_no_frame_and_not_on_the_sheet(annotate, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", [portrait()] * 25)
    clear, sheet = annotate(clip).paths[0], tmp_path / "done.jpg"
    assert all(detail(picture, FACE) > 100 for _, picture in read_clip(clear)[0])
    assert detail(Image.open(sheet).convert("RGB"), (40, 40, 120, 120)) > 100
    hidden = annotate(clip, blur_faces=True).paths[0]
    assert all(detail(picture, FACE) == 0 for _, picture in read_clip(hidden)[0])
    assert detail(Image.open(sheet).convert("RGB"), (40, 60, 120, 100)) < 10
    assert read_clip(clear)[1] == read_clip(hidden)[1], "the sound stays"


def test_a_face_is_hidden_before_it_is_found_and_after_it_is_lost(annotate, tmp_path: Path) -> None:
    """Half covered it cannot be found; what is seen of it then is hidden with it all the same."""
    half = portrait().copy()
    half.paste((20, 130, 120), (0, 0, 125, 240))
    pictures = [half] * 8 + [portrait()] * 12 + [half] * 12
    hidden, _ = read_clip(
        annotate(make_clip(tmp_path / "clip.mp4", pictures), blur_faces=True).paths[0]
    )
    seen = (128, 65, 150, 140)
    assert detail(half, seen) > 30
    assert all(detail(picture, seen) == 0 for _, picture in hidden)


def test_a_hidden_face_has_the_same_colours_in_every_frame(annotate, tmp_path: Path) -> None:
    """Many mosaics of a moving face would together say more than one."""
    clip = make_clip(tmp_path / "clip.mp4", [portrait(x=n // 4) for n in range(30)])
    hidden, _ = read_clip(annotate(clip, blur_faces=True).paths[0])
    middles = np.array([picture.getpixel((120 + n // 4, 100)) for n, (_, picture) in
                        enumerate(hidden)], dtype=float)  # fmt: skip
    assert middles.std(axis=0).max() < 3


def test_colours_are_those_of_the_source(annotate, tmp_path: Path) -> None:
    pictures = [Image.new("RGB", SIZE, (200, 30, 40))] * 5
    clip = make_clip(tmp_path / "red.mp4", pictures)
    (_, picture), *_ = read_clip(annotate(clip).paths[0])[0]
    assert picture.getpixel((50, 50)) == pytest.approx((200, 30, 40), abs=4)


def test_place_and_camera_are_not_taken_over(annotate, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mov")
    assert b"+52.52" in clip.read_bytes()
    assert b"+52.52" not in annotate(clip).paths[0].read_bytes()
