"""The live view's server side: what is let in, who waits, what is answered, what is left behind."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gender_demo.results import (
    Analysis,
)
from gender_demo.web import sessions
from gender_demo.web.frames import (
    Frame,
    read_frame,
)
from gender_demo.web.sessions import LiveService
from tests.support.live_service import Track, jpeg, new_service, one_face, request


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


def test_full_is_said_and_an_idle_viewer_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    service = new_service(lambda: one_face, max_viewers=2)
    for viewer in (1, 2):
        assert service.submit(request(0, viewer)).result(10)["marks"]
    assert service.submit(request(0, 3)).result(10)["full"]
    monkeypatch.setattr(sessions, "EVICTABLE_S", 0.0)
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


def test_two_workers_serve_two_viewers_at_once_but_never_one_viewer_twice() -> None:
    gates = {number: Gate() for number in (1, 2)}
    order: list[float] = []

    def track_all(frames: Sequence[tuple[Gate, Image.Image, float]]) -> list[Analysis]:
        ((gate, picture, at_s),) = frames
        gate(picture, at_s)
        order.append(at_s)
        return [one_face(picture, at_s)]

    trackers = iter(gates.values())
    service = LiveService(lambda: next(trackers), track_all, workers=2)
    first = service.submit(request(0, 1))
    assert gates[1].entered.wait(10)
    other = service.submit(request(0, 2))
    assert gates[2].entered.wait(10), "the second viewer does not wait for the first"
    next_one = service.submit(request(1, 1))
    gates[2].open.set()
    assert other.result(10)["marks"]
    time.sleep(0.1)
    assert not next_one.done(), "its viewer's frame before it is still analysed"
    gates[1].open.set()
    assert [f.result(10)["frame"] for f in (first, next_one)] == [0, 1]
    assert order == [0.0, 0.0, 0.04]


def test_the_second_worker_rests_while_there_is_other_work() -> None:
    gate, busy = Gate(), [True]
    trackers: Iterator[Track] = iter([gate, one_face, one_face])
    service = new_service(lambda: next(trackers), workers=2, other_work=lambda: busy[0])
    waiting = [service.submit(request(0, 1))]
    assert gate.entered.wait(10)
    waiting.append(service.submit(request(0, 2)))
    time.sleep(0.1)
    assert not waiting[1].done()
    busy[0] = False
    waiting.append(service.submit(request(0, 3)))
    assert waiting[1].result(10)["marks"]
    assert waiting[2].result(10)["marks"]
    gate.open.set()
    assert waiting[0].result(10)["marks"]


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


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    service = new_service(lambda: one_face)
    for number in range(50):
        service.submit(request(number)).result(10)
    assert not list(tmp_path.rglob("*"))
