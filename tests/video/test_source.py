"""What is no video, or too large a one, is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gender_demo.errors import VideoError
from gender_demo.video.limits import Limits
from gender_demo.video.source import CUT_SHORT, VideoSource
from tests.support.clips import FORMATS, make_clip, portrait
from tests.support.paths import EXAMPLES


def sentence(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(VideoError) as caught, VideoSource(path, limits) as source:
        for _ in source.read():
            pass
    said = str(caught.value)
    assert said.endswith(".")
    assert said.count("\n") == 0
    return said


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.mp4", b"", "empty.mp4 is empty."),
        ("text.mp4", b"#EXTM3U\n/etc/passwd\n", "text.mp4 is not a video of a known kind"),
        ("picture.mp4", (EXAMPLES / "astronaut.jpg").read_bytes(), "is not a video of a known"),
        ("head.mp4", b"\0\0\0\x18ftypmp42" + bytes(500), "damaged, cut short or encrypted"),
        ("noise.mkv", b"\x1aE\xdf\xa3" + bytes(range(256)) * 40, "damaged, cut short or"),
        ("noise.avi", b"RIFF\0\0\0\0AVI LIST" + bytes(range(256)) * 40, "has no moving picture"),
    ],
)
def test_what_is_no_video(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert said in sentence(tmp_path / name)


def test_folders_missing_files_and_endless_names(tmp_path: Path) -> None:
    assert sentence(tmp_path).endswith("is a folder, not a video.")
    assert sentence(tmp_path / "gone.mp4") == "gone.mp4 does not exist."
    assert sentence(Path("x" * 400)).endswith("does not exist.")


def test_a_heic_or_one_picture_is_no_video(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "one.mp4", [portrait()], sound=False)
    assert sentence(path) == "one.mp4 is one picture, not a video: give it to predict."
    portrait().save(tmp_path / "x.avif")
    (tmp_path / "x.avif").rename(tmp_path / "avif.mp4")
    assert "avif.mp4 " in sentence(tmp_path / "avif.mp4")


def test_sound_alone_has_no_picture(tmp_path: Path) -> None:
    import av
    import numpy as np

    with av.open(str(tmp_path / "song.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    assert sentence(tmp_path / "song.mp4") == "song.mp4 has no moving picture."


@pytest.mark.parametrize("kind", FORMATS)
def test_cut_short_is_read_as_far_as_it_goes_or_refused(tmp_path: Path, kind: str) -> None:
    clip = make_clip(tmp_path / f"clip{kind}", [portrait(x=n) for n in range(100)])
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 6 // 10])
    if kind in (".mp4", ".mov"):  # their table of contents stands at the end
        assert "damaged, cut short or encrypted" in sentence(clip)
        return
    with VideoSource(clip) as source:
        assert 10 < sum(1 for _ in source.read()) < 250
        # Of an AVI without its index FFmpeg guesses the length from what is there.
        assert source.note == (None if kind == ".avi" else CUT_SHORT)


def test_encrypted(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "secret.mp4", sound=False, encryption_scheme="cenc-aes-ctr",
        encryption_key="00112233445566778899aabbccddeeff",
        encryption_kid="a7e61c373e219033c21091fa607bf3b8",
    )  # fmt: skip
    assert "encrypted" in sentence(clip)


def test_limits(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    assert sentence(clip, Limits(minutes=0.01)) == (
        "clip.mp4 is longer than 0.01 minutes or 1,000,000 frames: cut it first."
    )
    assert "longer than" in sentence(clip, Limits(frames=10))
    assert sentence(clip, Limits(bytes=1000)) == "clip.mp4 is larger than 0 MB."
    assert "more than 0.0 million pixels" in sentence(clip, Limits(pixels=10_000))


def test_a_length_that_lies_is_found_out(tmp_path: Path) -> None:
    """Ten hours that the head does not tell of end at the limit."""
    clip = make_clip(tmp_path / "long.mkv", times=lambda n: n * 1500.0, sound=False)
    assert "longer than 120 minutes" in sentence(clip)


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", [portrait(x=n) for n in range(100)])
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    clip.write_bytes(data)
    with VideoSource(clip) as source:
        assert sum(1 for _ in source.read()) > 50


def test_a_playlist_named_like_a_video_opens_no_other_file(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    (tmp_path / "list.mkv").write_text(f"ffconcat version 1.0\nfile {clip.name}\n")
    assert "not a video of a known kind" in sentence(tmp_path / "list.mkv")
