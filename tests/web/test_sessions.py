"""The live view's server side: what is let in, who waits, what is answered, what is left behind."""

from __future__ import annotations

import base64
import gc
import io
import random
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gender_demo.errors import FrameError
from gender_demo.results import (
    Analysis,
    Box,
    Face,
    Prediction,
)
from gender_demo.web import sessions
from gender_demo.web.frames import (
    MAX_JPEG_BYTES,
    Frame,
    decode,
    read_frame,
)
from gender_demo.web.sessions import LiveService
from tests.support.client import frame
from tests.support.paths import ASTRONAUT

Track = Callable[[Image.Image, float], Analysis]


def jpeg(width: int = 64, height: int = 48, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(file, "JPEG", **options)
    return file.getvalue()


def request(number: int = 0, viewer: int = 1, picture: bytes | None = None) -> dict[str, Any]:
    return frame(number, jpeg() if picture is None else picture, viewer=viewer)


def one_face(picture: Image.Image, at_s: float) -> Analysis:
    """A tracker that has found one face, whatever the picture."""
    face = Face(Box(8.0, 8.0, 40.0, 40.0), 0.99, ((0.0, 0.0),) * 5)
    guess = Prediction(face, "female", 0.9, (("female", 0.9), ("male", 0.1)), track=1)
    return Analysis(picture.size, (guess,))


def new_service(new_tracker: Callable[[], Track], **options: Any) -> LiveService[Track]:
    """A service whose trackers are plain functions, called one after the other."""

    def track_all(frames: Sequence[tuple[Track, Image.Image, float]]) -> list[Analysis]:
        return [track(picture, at_s) for track, picture, at_s in frames]

    return LiveService(new_tracker, track_all, **options)


class Gate:
    """A tracker that waits to be let on, and notes the times of the frames it was given."""

    def __init__(self) -> None:
        self.open, self.entered = threading.Event(), threading.Event()
        self.times: list[float] = []

    def __call__(self, picture: Image.Image, at_s: float) -> Analysis:
        self.times.append(at_s)
        self.entered.set()
        assert self.open.wait(10)
        return one_face(picture, at_s)


def test_a_good_frame_is_answered_with_its_marks() -> None:
    answer = new_service(lambda: one_face).submit(request(7)).result(10)
    assert (answer["frame"], answer["size"]) == (7, [64, 48])
    (mark,) = answer["marks"]
    assert mark["box"] == [8.0, 8.0, 40.0, 40.0]
    assert (mark["label"], mark["track"], mark["dash"]) == ("female", 1, False)
    assert "perceived as female" in str(mark["caption"])
    assert answer["server_ms"] >= 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"viewer": None}, "viewer"),
        ({"viewer": "../../etc/passwd"}, "viewer"),
        ({"viewer": "A" * 32}, "viewer"),
        ({"frame": -1}, "frame"),
        ({"frame": True}, "frame"),
        ({"frame": "1"}, "frame"),
        ({"frame": 2**60}, "frame"),
        ({"at_ms": None}, "at_ms"),
        ({"at_ms": float("nan")}, "at_ms"),
        ({"at_ms": float("inf")}, "at_ms"),
        ({"at_ms": -1}, "at_ms"),
        ({"picture": None}, "picture"),
        ({"picture": ["x"]}, "picture"),
        ({"picture": "äöü"}, "base64"),
        ({"picture": "!!!!"}, "base64"),
        ({"picture": base64.b64encode(b"GIF89a" * 9).decode()}, "JPEG"),
        ({"picture": "A" * (2 * MAX_JPEG_BYTES)}, "too large"),
    ],
)
def test_a_wrong_request_gets_one_sentence(change: dict[str, Any], words: str) -> None:
    answer = new_service(lambda: one_face).submit(request() | change).result(0)
    assert words in answer["error"]
    assert answer["error"].endswith(".")
    assert "\n" not in answer["error"]


@pytest.mark.parametrize("bad", [None, [], "x", 3, {}, [request()]])
def test_what_is_no_object_gets_one_sentence(bad: object) -> None:
    assert "error" in new_service(lambda: one_face).submit(bad).result(0)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"\xff\xd8\xff" + b"no jpeg at all", "damaged"),
        (jpeg()[:200], "damaged"),
        (jpeg(4000, 40, quality=1), "4000x40"),
        (jpeg(8, 8), "8x8"),
    ],
)
def test_a_wrong_picture_gets_one_sentence_and_the_next_goes_on(picture: bytes, words: str) -> None:
    service = new_service(lambda: one_face)
    answer = service.submit(request(1, picture=picture)).result(10)
    assert words in answer["error"]
    assert service.submit(request(2)).result(10)["marks"]


def test_seeded_damage_never_breaks_the_service() -> None:
    random.seed(3)
    good, service = ASTRONAUT.read_bytes(), new_service(lambda: one_face)
    for number in range(300):
        damaged = bytearray(good[: random.choice([len(good), random.randrange(4, len(good))])])
        for _ in range(random.randrange(1, 30)):
            damaged[random.randrange(3, len(damaged))] = random.randrange(256)
        answer = service.submit(request(number, picture=bytes(damaged))).result(10)
        assert "marks" in answer or answer["error"].endswith(".")
    assert service.submit(request(1000, picture=good)).result(10)["size"] == [512, 512]


def test_seeded_junk_gets_a_sentence_each_and_no_place() -> None:
    rng, service = random.Random(4), new_service(lambda: one_face)
    junk: list[Callable[[], object]] = [
        lambda: None,
        lambda: rng.randrange(-(2**70), 2**70),
        lambda: rng.choice([float("nan"), float("inf"), -0.5, 1e308]),
        lambda: "".join(chr(rng.randrange(1, 0xD800)) for _ in range(rng.randrange(99))),
        lambda: "A" * rng.randrange(MAX_JPEG_BYTES * 4 // 3, 10**6),
        lambda: base64.b64encode(rng.randbytes(99)).decode(),
        lambda: [junk[0]()] * rng.randrange(9),
        lambda: {"viewer": {}},
    ]
    for number in range(500):
        bad: object = rng.choice(junk)()
        if number % 3:
            bad = request(number) | {rng.choice(["viewer", "picture"]): bad}
        error = service.submit(bad).result(10)["error"]
        assert error.endswith(".")
        assert len(error) < 100
    assert service.viewers == 0


def test_the_newest_frame_takes_the_place_of_one_that_waits() -> None:
    gate = Gate()
    service = new_service(lambda: gate)
    first = service.submit(request(0))
    assert gate.entered.wait(10)
    second, third = service.submit(request(1)), service.submit(request(2))
    assert second.result(1) == {"frame": 1, "busy": True}
    late = service.submit(request(1))
    assert late.result(1)["busy"]
    gate.open.set()
    assert first.result(10)["marks"]
    assert third.result(10)["marks"]
    assert gate.times == [0.0, 0.08]


def test_a_frame_that_comes_after_a_newer_one_is_not_tracked() -> None:
    service = new_service(lambda: one_face)
    assert service.submit(request(5)).result(10)["marks"]
    assert service.submit(request(4)).result(10) == {"frame": 4, "busy": True}


def test_viewers_take_turns_and_keep_their_own_trackers() -> None:
    gates: list[Gate] = []

    def new_tracker() -> Track:
        gates.append(Gate())
        gates[-1].open.set()
        return gates[-1]

    service = new_service(new_tracker)
    for number in range(3):
        for viewer in (1, 2):
            assert service.submit(request(number, viewer)).result(10)["marks"]
    assert [gate.times for gate in gates] == [[0.0, 0.04, 0.08]] * 2


def test_full_is_said_and_an_idle_viewer_makes_room() -> None:
    service = new_service(lambda: one_face, max_viewers=2, idle_s=0.2)
    for viewer in (1, 2):
        assert service.submit(request(0, viewer)).result(10)["marks"]
    assert service.submit(request(0, 3)).result(10)["full"]
    time.sleep(0.3)
    assert service.submit(request(0, 3)).result(10)["marks"]
    assert service.viewers == 1


def test_an_idle_viewer_is_forgotten_without_anyone_coming() -> None:
    service = new_service(lambda: one_face, idle_s=0.1)
    service.submit(request()).result(10)
    deadline = time.monotonic() + 5
    while service.viewers and time.monotonic() < deadline:
        time.sleep(0.02)
    assert service.viewers == 0


def test_a_tracker_that_fails_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    def broken(picture: Image.Image, at_s: float) -> Analysis:
        raise RuntimeError("no memory")

    trackers = iter([broken, one_face])
    service = new_service(lambda: next(trackers))
    assert "goes on" in service.submit(request(0)).result(10)["error"]
    assert service.submit(request(1)).result(10)["marks"]
    assert [record.getMessage() for record in caplog.records] == [
        "a live frame could not be analysed"
    ]


def test_frames_that_wait_are_tracked_in_one_batch_and_only_the_broken_one_fails() -> None:
    batches: list[int] = []
    gate = Gate()

    def track_all(frames: Sequence[tuple[str, Image.Image, float]]) -> list[Analysis]:
        batches.append(len(frames))
        gate(frames[0][1], 0.0)
        if any(picture.width == 80 for _, picture, _ in frames):
            raise RuntimeError("no memory")
        return [one_face(picture, at_s) for _, picture, at_s in frames]

    service = LiveService(lambda: "tracker", track_all, batch_size=8)
    futures = [service.submit(request(0, 1))]
    assert gate.entered.wait(10)
    futures += [service.submit(request(0, 2)), service.submit(request(0, 3, jpeg(80, 60)))]
    gate.open.set()
    answers = [future.result(10) for future in futures]
    assert ["marks" in answer for answer in answers] == [True, True, False]
    assert batches == [1, 2, 1, 1]


def test_an_answer_says_when_a_large_frame_is_wanted() -> None:
    service = new_service(lambda: one_face, wants_large=lambda tracker: tracker is one_face)
    assert service.submit(request()).result(10)["large"] is True
    assert new_service(lambda: one_face).submit(request()).result(10)["large"] is False


def test_an_answered_frame_is_gone_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[weakref.ref[Any]] = []

    def read(asked: object) -> Frame:
        checked = read_frame(asked)
        kept.append(weakref.ref(checked))
        return checked

    def track(picture: Image.Image, at_s: float) -> Analysis:
        kept.append(weakref.ref(picture))
        return one_face(picture, at_s)

    monkeypatch.setattr(sessions, "read_frame", read)
    service = new_service(lambda: track)
    assert service.submit(request()).result(10)["marks"]
    end = time.monotonic() + 5
    while any(ref() is not None for ref in kept) and time.monotonic() < end:
        time.sleep(0.02)
        gc.collect()
    assert [ref() for ref in kept] == [None, None]


def test_a_frame_is_decoded_as_rgb() -> None:
    file = io.BytesIO()
    Image.new("L", (32, 32), 7).save(file, "JPEG")
    picture = decode(file.getvalue())
    assert (picture.mode, picture.size) == ("RGB", (32, 32))


def test_the_size_is_checked_before_decoding() -> None:
    huge = bytearray(jpeg(64, 64))
    at = huge.index(b"\xff\xc0")
    huge[at + 5 : at + 9] = b"\x23\x28\x23\x28"  # height and width say 9000
    with pytest.raises(FrameError, match="9000x9000"):
        decode(bytes(huge))


def test_a_request_is_read_into_a_frame() -> None:
    read = read_frame(request(3, viewer=255))
    assert (read.viewer, read.number, read.at_s) == (f"{255:032x}", 3, 0.12)


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    service = new_service(lambda: one_face)
    for number in range(50):
        service.submit(request(number)).result(10)
    assert not list(tmp_path.rglob("*"))
