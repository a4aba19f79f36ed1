"""LiveService: frames of many viewers in, the marks of the faces in them out.

Server functions bypass gradio's queue, so admission is decided here: a viewer has at most one
frame waiting, a newer one takes its place, and "busy" is an answer, not an error. Frames live in
memory only, until they are answered; nothing about faces is logged.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

from PIL import Image

from gender_demo.drawing.marks import marks
from gender_demo.errors import FrameError
from gender_demo.results import Analysis
from gender_demo.web import limits
from gender_demo.web.frames import Frame, decode, read_frame

IDLE_S = 60.0
"""A viewer who sent nothing for this long is forgotten, and with them the faces tracked."""
EVICTABLE_S = 10.0
"""When all places are taken, a viewer silent for this long makes room."""


class Answer(TypedDict, total=False):
    """What ``static/js/link.js`` gets: the marks of one frame, or why there are none."""

    frame: int
    size: list[int]
    marks: list[dict[str, object]]
    large: bool
    server_ms: float
    busy: bool
    full: bool
    error: str


TrackerT = TypeVar("TrackerT")
TrackAll = Callable[[Sequence[tuple[TrackerT, Image.Image, float]]], list[Analysis]]


@dataclass
class Session(Generic[TrackerT]):
    """One viewer's tracker, when it was last used by the server's clock, its last frame."""

    tracker: TrackerT
    used_s: float
    number: int = -1


Ready = tuple[Frame, Session[TrackerT], Image.Image]


class LiveService(Generic[TrackerT]):
    """Takes frames of many viewers, lets worker threads track the faces in them, each viewer's in
    one thread at a time.

    ``new_tracker`` makes the state of one viewer; ``track_all`` takes (state, RGB picture, time in
    seconds) of at most ``batch_size`` viewers. ``wants_large`` says whether a viewer's next frame
    should be a large one. All ``workers`` but the first rest while there is ``other_work``.
    """

    def __init__(  # noqa: PLR0913 - keywords with defaults
        self,
        new_tracker: Callable[[], TrackerT],
        track_all: TrackAll[TrackerT],
        *,
        wants_large: Callable[[TrackerT], bool] = lambda _: False,
        other_work: Callable[[], bool] = lambda: False,
        workers: int = 1,
        batch_size: int = 1,
        max_viewers: int = limits.MAX_VIEWERS,
        idle_s: float = IDLE_S,
    ) -> None:
        self._new_tracker, self._track_all = new_tracker, track_all
        self._wants_large, self._other_work = wants_large, other_work
        self._batch_size, self._max_viewers, self._idle_s = batch_size, max_viewers, idle_s
        self._sessions: OrderedDict[str, Session[TrackerT]] = OrderedDict()
        self._waiting: OrderedDict[str, tuple[Frame, Future[Answer]]] = OrderedDict()
        self._in_work: set[str] = set()
        self._change = threading.Condition()
        self._workers, self._started = workers, False

    def submit(self, request: object) -> Future[Answer]:
        """Answer of one request, now or later; bad input is answered with {"error": sentence}."""
        future: Future[Answer] = Future()
        try:
            frame = read_frame(request)
        except FrameError as bad:
            future.set_result({"error": str(bad)})
            return future
        with self._change:
            replaced = self._waiting.get(frame.viewer)
            if replaced is None and len(self._waiting) >= self._max_viewers:
                future.set_result(_full(frame))
                return future
            if replaced is not None and replaced[0].number > frame.number:
                future.set_result(_busy(frame))
                return future
            self._waiting[frame.viewer] = (frame, future)
            if not self._started:
                self._started = True
                for number in range(self._workers):
                    args = (number > 0,)
                    threading.Thread(target=self._work, args=args, name="live", daemon=True).start()
            self._change.notify_all()
        if replaced is not None:
            _resolve(replaced[1], _busy(replaced[0]))
        return future

    @property
    def viewers(self) -> int:
        """How many viewers are tracked just now."""
        return len(self._sessions)

    def _work(self, helps: bool) -> None:
        while True:
            self._process_next(helps)

    def _process_next(self, helps: bool) -> None:
        """Wait for frames, answer some. A call of its own, so that nothing of them outlasts it."""
        with self._change:
            if not self._free(helps):
                self._change.wait(timeout=min(5.0, self._idle_s))
            self._forget_idle(self._idle_s)
            viewers = self._free(helps)
            self._in_work.update(viewers)
            taken = [self._waiting.pop(viewer) for viewer in viewers]
        answers = self._answer([frame for frame, _ in taken])
        with self._change:
            self._in_work.difference_update(viewers)
            self._change.notify_all()
        for (_, future), answer in zip(taken, answers, strict=True):
            _resolve(future, answer)

    def _free(self, helps: bool) -> list[str]:
        """The viewers whose frames a worker should take next: its share of those that wait."""
        alone = self._other_work()
        if helps and alone:
            return []
        free = [viewer for viewer in self._waiting if viewer not in self._in_work]
        share = math.ceil(len(free) / (1 if alone else self._workers))
        return free[: min(self._batch_size, share)]

    def _answer(self, frames: list[Frame]) -> list[Answer]:
        """Answers of frames of different viewers, in their order."""
        ready = [self._prepare(frame) for frame in frames]
        tracked = iter(self._track([item for item in ready if not isinstance(item, dict)]))
        return [item if isinstance(item, dict) else next(tracked) for item in ready]

    def _track(self, ready: list[Ready[TrackerT]]) -> list[Answer]:
        if not ready:
            return []
        try:
            analyses = self._track_all([(s.tracker, p, f.at_s) for f, s, p in ready])
        except Exception:
            if len(ready) > 1:  # only the one that fails is to suffer
                return [answer for item in ready for answer in self._track([item])]
            frame = ready[0][0]
            logging.getLogger(__name__).exception("a live frame could not be analysed")
            with self._change:
                self._sessions.pop(frame.viewer, None)
            return [_failed(frame)]
        return [
            _answered(frame, done, large=self._wants_large(session.tracker))
            for (frame, session, _), done in zip(ready, analyses, strict=True)
        ]

    def _prepare(self, frame: Frame) -> Ready[TrackerT] | Answer:
        """What tracking a frame needs, or the answer that says why it cannot be done."""
        try:
            picture = decode(frame.jpeg)
        except FrameError as bad:
            return {"frame": frame.number, "error": str(bad)}
        with self._change:
            session = self._session(frame.viewer)
        if session is None:
            return _full(frame)
        if frame.number <= session.number:
            return _busy(frame)
        session.number = frame.number
        return frame, session, picture

    def _session(self, viewer: str) -> Session[TrackerT] | None:
        """The viewer's session, made if there is room for one; None if all places are taken."""
        now = time.monotonic()
        session = self._sessions.get(viewer)
        if session is None:
            if len(self._sessions) >= self._max_viewers:
                self._forget_idle(min(self._idle_s, EVICTABLE_S))
            if len(self._sessions) >= self._max_viewers:
                return None
            session = self._sessions[viewer] = Session(self._new_tracker(), now)
        session.used_s = now
        self._sessions.move_to_end(viewer)
        return session

    def _forget_idle(self, idle_s: float) -> None:
        old = time.monotonic() - idle_s
        while self._sessions and next(iter(self._sessions.values())).used_s < old:
            self._sessions.popitem(last=False)


def _answered(frame: Frame, analysis: Analysis, *, large: bool) -> Answer:
    shown = marks(analysis, shown_px=frame.shown_px)
    return {
        "frame": frame.number,
        "size": list(analysis.size),
        "marks": [mark.to_json() for mark in shown],
        "large": large,
        "server_ms": round((time.monotonic() - frame.came_s) * 1000, 1),
    }


def _failed(frame: Frame) -> Answer:
    sentence = "The server could not analyse this frame; it goes on with the next one."
    return {"frame": frame.number, "error": sentence}


def _busy(frame: Frame) -> Answer:
    return {"frame": frame.number, "busy": True}


def _full(frame: Frame) -> Answer:
    return {"frame": frame.number, "busy": True, "full": True}


def _resolve(future: Future[Answer], answer: Answer) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(answer)
