"""annotate_video(): a video file -> the annotated video, its table of tracks and a contact sheet.

frames --12 looks a second--> Tracker --between looks--> marks or hidden faces --> writer

Few frames are held at a time, so that memory does not grow with the video.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
from PIL import Image

from gender_demo.drawing.hide import cover, head_box, mosaic
from gender_demo.drawing.marks import marks
from gender_demo.drawing.paint import draw
from gender_demo.errors import VideoError
from gender_demo.files.about import About
from gender_demo.files.export import to_jpeg
from gender_demo.results import Analysis, Box
from gender_demo.tracking.config import DEFAULT
from gender_demo.tracking.tracker import Tracker
from gender_demo.video.between import between
from gender_demo.video.limits import Limits
from gender_demo.video.patch import Patch, around
from gender_demo.video.source import Frame, VideoSource
from gender_demo.video.tracks import TrackLog, TrackRow, tracks_csv, tracks_json
from gender_demo.video.writer import VideoWriter, suffix_for

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

LOOKS_PER_S = 12
FOLLOW = DEFAULT
HIDE = replace(
    DEFAULT, follow_px=960, min_face_share=1 / 27, search_every=1, new_score=0.7,
    show_missed=10**9, gone_score=-1.0,
)  # fmt: skip
"""Where faces are to be hidden: smaller ones and doubtful ones too, and where they were last."""
HELD_S, MAX_HELD, MAX_HELD_PIXELS = 0.5, 24, 50_000_000
"""A face to be hidden is so for HELD_S before it was found, as far as the frames held reach."""

Report = Callable[[float, "float | None"], None]
"""Called with the seconds done and those of the whole video, where they are known."""


@dataclass(frozen=True)
class VideoResult:
    """What came of one video: files written, tracks, its length, what was wrong with it."""

    name: str
    paths: tuple[Path, ...]
    tracks: tuple[TrackRow, ...]
    seconds: float
    note: str | None


Ready = tuple[Frame, "Patch | None"]
"""A frame to be written, and what is drawn on it."""


@dataclass
class _Held:
    """A frame that waits to be written, and its analysis once that is known."""

    frame: Frame
    analysis: Analysis | None = None


class Annotation:
    """One pass over one video: frames go in in their order, drawn frames come out later."""

    def __init__(self, pipeline: Pipeline, *, blur_faces: bool = False) -> None:
        self.config = HIDE if blur_faces else FOLLOW
        self.tracker = Tracker(pipeline, self.config)
        self.log = TrackLog(self.config.keep_score)
        self.blur_faces = blur_faces
        self._held: deque[_Held] = deque()
        self._last: tuple[float, Analysis] | None = None
        self._mosaics: dict[int | None, Image.Image] = {}

    def add(self, frame: Frame) -> Iterator[Ready]:
        """Take in a frame; gives those that are ready, each drawn, or None where nothing is."""
        self._held.append(_Held(frame))
        width, height = frame.size
        room = max(4, min(MAX_HELD, MAX_HELD_PIXELS // (width * height)))
        new = sum(held.analysis is None for held in self._held)
        last_s = self._last[0] if self._last else -1.0
        if frame.at_s - last_s < 0.9 / LOOKS_PER_S and new < room // 2:
            return
        self._look(frame)
        until_s = frame.at_s - HELD_S if self.blur_faces else frame.at_s
        while self._held and (self._held[0].frame.at_s <= until_s or len(self._held) > room):
            yield self._draw(self._held.popleft())

    def finish(self) -> Iterator[Ready]:
        """The rest of the frames."""
        if self._held and self._held[-1].analysis is None:
            self._look(self._held[-1].frame)
        while self._held:
            yield self._draw(self._held.popleft())

    def _look(self, frame: Frame) -> None:
        """Analyse the newest frame, and with it those since the last look."""
        longer_px = None if self.tracker.wants_large else self.config.follow_px
        picture = frame.picture(longer_px)
        analysis = _scaled(self.tracker.follow(picture, frame.at_s), frame.size)
        self.log.add(analysis, frame.at_s)
        last_s, last = self._last or (frame.at_s, analysis)
        known = {p.track for p in last.predictions}
        for held in self._held:
            if held.analysis is None:
                passed = (held.frame.at_s - last_s) / max(1e-9, frame.at_s - last_s)
                held.analysis = between(last, analysis, passed, keep_all=self.blur_faces)
            elif self.blur_faces:
                new = tuple(p for p in analysis.predictions if p.track not in known)
                held.analysis = replace(held.analysis, predictions=held.analysis.predictions + new)
        self._last = frame.at_s, analysis

    def _draw(self, held: _Held) -> Ready:
        frame, analysis = held.frame, held.analysis
        if analysis is None or not analysis.predictions:
            return frame, None
        found = [] if self.blur_faces else marks(analysis)
        boxes = [_with_surroundings(p.face.box) for p in analysis.predictions]
        boxes += [mark.plate.box for mark in found if mark.plate]
        area = around(boxes, frame.size) if frame.is_plain else (0, 0, *frame.size)
        picture, (dx, dy) = frame.picture(area=area), area[:2]
        here = Analysis(
            picture.size,
            tuple(replace(p, face=p.face.shifted(-dx, -dy)) for p in analysis.predictions),
        )
        if self.blur_faces:
            self._hide(picture, here)
        else:
            picture = draw(picture, (mark.shifted(-dx, -dy) for mark in found))
        self.log.keep_thumbs(here, picture)
        return frame, Patch(picture, (dx, dy))

    def _hide(self, picture: Image.Image, analysis: Analysis) -> None:
        """In place. A face keeps its first mosaic: many different ones would say more of it."""
        for seen in analysis.predictions:
            if head := head_box(seen.face.box, picture.size):
                if seen.track not in self._mosaics:
                    self._mosaics[seen.track] = mosaic(picture, head)
                cover(picture, head, self._mosaics[seen.track])


def annotate_video(
    pipeline: Pipeline,
    path: Path,
    stem: Path,
    *,
    blur_faces: bool = False,
    limits: Limits | None = None,
    report: Report | None = None,
) -> VideoResult:
    """Writes ``stem`` with .mp4 (or .mkv, where the sound asks for it), .csv, .json and .jpg.

    Raises VideoError, also where they cannot be written. Whatever ends it before, an exception of
    ``report`` too, leaves files that are not whole: give it a folder that can be thrown away.
    """
    about = About.today(pipeline.checkpoint.config)
    annotation = Annotation(pipeline, blur_faces=blur_faces)
    with VideoSource(path, limits=limits) as source:
        video = stem.with_name(stem.name + suffix_for(source))
        try:
            writer = VideoWriter(video, source, about.sentence())
            seconds = _pass(source, annotation, writer, report)
            writer.close()
        except (av.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise VideoError(
                f"The annotated video of {source.name} cannot be written ({reason})."
            ) from None
        rows, notes = annotation.log.rows(), filter(None, (source.note, writer.note))
        note = "; ".join(notes) or None
        texts = {
            ".csv": tracks_csv(path.name, rows, about).encode(),
            ".json": tracks_json(path.name, seconds, rows, about, note).encode(),
            ".jpg": to_jpeg(annotation.log.sheet(), about),
        }
        for suffix, data in texts.items():
            stem.with_name(stem.name + suffix).write_bytes(data)
        paths = (video, *(stem.with_name(stem.name + suffix) for suffix in texts))
        return VideoResult(path.name, paths, tuple(rows), seconds, note)


def _pass(
    source: VideoSource, annotation: Annotation, writer: VideoWriter, report: Report | None
) -> float:
    seconds = 0.0
    for item in source.read():
        if not isinstance(item, Frame):
            writer.write_sound(item)
            continue
        seconds = item.at_s
        for frame, drawn in annotation.add(item):
            writer.write(frame, drawn)
        if report is not None:
            report(seconds, source.seconds)
    for frame, drawn in annotation.finish():
        writer.write(frame, drawn)
    return seconds


def _scaled(analysis: Analysis, size: tuple[int, int]) -> Analysis:
    """The analysis in pixels of a frame of this (width, height)."""
    by = size[0] / analysis.size[0]
    found = (replace(p, face=p.face.scaled(by)) for p in analysis.predictions)
    return Analysis(size, tuple(found), analysis.notes)


def _with_surroundings(box: Box) -> Box:
    """A face with all that may be hidden with it or shown of it on the sheet."""
    more = 0.6 * max(box.width, box.height)
    return Box(box.x0 - more, box.y0 - more, box.x1 + more, box.y1 + more)
