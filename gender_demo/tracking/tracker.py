"""Tracker.follow(): the arrow for a video, paying for each step only when it is needed.

A face once found is followed by O-Net alone. The search for new faces is spread over frames, a few
scales at a time. The classifier looks at a face when it is new, has turned or grown, and then ever
more rarely; what it says is averaged, so that the label holds still. Faces are followed at
FOLLOW_PX, but cut out of the frame as it came, so that a viewer may send small frames and a large
one now and then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from gender_demo.results import (
    Analysis,
    Box,
    Face,
    Prediction,
)
from gender_demo.tracking.smoothing import SmoothBox
from gender_demo.tracking.track import (
    GONE_SCORE,
    MEMORY,
    NEW_SCORE,
    Track,
    is_due,
    near,
    owners,
    same_face,
    steadied,
    thumbnail,
)
from gender_demo.vision.decision import decide
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import CELL_PX, pyramid_scales
from gender_demo.vision.pipeline import Pipeline
from gender_demo.vision.quality import sharpness
from gender_demo.wording import JUST_FOUND

FOLLOW_PX = 480
"""The longer side at which faces are followed: larger frames are made smaller for it."""
PATIENCE_S = 1.0
"""A small face waits so long for a frame as large as the largest that came, to be looked at."""
SOON_S = 0.1
"""How early a large frame is wished for."""
SMALLEST_SHARE = 1 / 15
"""The smallest face looked for, as a share of the frame's shorter side."""
SEARCH_EVERY = 3
"""Frames from one part of the search to the next while faces are being followed."""
SHOW_MISSED, FORGET_S = 2, 2.0
"""A face not seen and not surely gone is drawn for SHOW_MISSED frames more; it is remembered,
unseen, for FORGET_S."""
LOOK_NEAR_MISSED, KEEP_SPEED_S = 3, 0.6
"""For so many frames a face not seen is searched for at its own size, which is cheap; found again
within KEEP_SPEED_S it is taken to have moved on steadily. At few frames a second faces move far."""
LOOKS_PER_FRAME = 2


class Tracker:
    """One per viewer or video. ``pipeline.detect`` must be a FaceDetector."""

    def __init__(self, pipeline: Pipeline) -> None:
        if not isinstance(pipeline.detect, FaceDetector):
            raise TypeError("A Tracker needs a pipeline whose detect is a FaceDetector.")
        self.pipeline = pipeline
        self.detector: FaceDetector = pipeline.detect
        self._tracks: list[Track] = []
        self._numbered = 0
        self._frame = 0
        self._last_s = -math.inf
        self._size = (0, 0)  # at which faces are followed
        self._largest_px = 0
        self._due_since_s = math.inf

    def follow(self, picture: Image.Image, at_s: float) -> Analysis:
        """Faces of the next frame, RGB, taken ``at_s`` seconds into the video.

        Oldest track first. A face that was just found may carry no probabilities yet: it is unsure
        for the reason "just_found".
        """
        return follow_all([(self, picture, at_s)])[0]

    @property
    def wants_large(self) -> bool:
        """Whether the classifier is to look at a small face soon: a viewer that sends small frames
        between may send a larger one now."""
        return any(self._is_small(t) and is_due(t, self._last_s + SOON_S) for t in self._tracks)

    def _reduce(self, picture: Image.Image) -> Image.Image:
        """The frame in the size at which this viewer's faces are followed."""
        wide, high = _follow_size(picture.size)
        same_shape = abs(wide * self._size[1] - high * self._size[0]) <= wide + high
        if same_shape and wide <= self._size[0]:
            wide, high = self._size
        if picture.size == (wide, high):
            return picture
        return picture.resize((wide, high), Image.Resampling.BILINEAR)

    def _expect(self, picture: Image.Image, at_s: float) -> list[Box]:
        """Where the faces should be now, in a picture that was reduced."""
        if picture.size != self._size or at_s < self._last_s:
            self._tracks, self._frame, self._size = [], 0, picture.size
            self._largest_px = 0
        self._last_s = at_s
        return [track.box.at(at_s) for track in self._tracks]

    def _see(
        self, picture: Image.Image, at_s: float, expected: Sequence[Box], seen: Sequence[Face]
    ) -> None:
        """Move each track to where O-Net found its face."""
        thumbnails = [thumbnail(picture, face.box) for face in seen]
        owns = owners(self._tracks, expected, seen, thumbnails)
        for i, (track, face) in enumerate(zip(self._tracks, seen, strict=True)):
            others = (f for k, f in enumerate(seen) if k != i and owns[k])
            track.crowded = any(face.box.iou(other.box) > 0.2 for other in others)
            if owns[i]:
                track.missed, track.seen_s = 0, at_s
                track.face = track.box.update(face, at_s)
                if not track.crowded:
                    track.thumbnail = 0.9 * track.thumbnail + 0.1 * thumbnails[i]
            else:
                track.missed += 1
                track.face = replace(track.face, box=expected[i], score=face.score)
        self._tracks = [
            track
            for track in self._tracks
            if at_s - track.seen_s < FORGET_S and track.face.box.share_outside(picture.size) < 0.8
        ]

    def _known(self) -> list[Box]:
        return [track.face.box for track in self._tracks if not track.missed]

    def _scales(self) -> tuple[float, ...]:
        """Where to look for faces in this frame: a part of the pyramid, or nowhere."""
        smallest = max(self.detector.settings.min_face_px, SMALLEST_SHARE * min(self._size))
        scales = tuple(pyramid_scales(self._size, smallest))
        if not self._frame:
            return scales
        lost = [t.face.box.size_px for t in self._tracks if 0 < t.missed <= LOOK_NEAR_MISSED]
        near = [s for s in scales if any(0.5 < CELL_PX / s / px < 1.2 for px in lost)]
        every = SEARCH_EVERY if self._known() else 1
        if self._frame % every:
            return tuple(near)
        # The first scale costs as much as all others together.
        part = scales[:1] if (self._frame // every) % 2 else scales[1:]
        return tuple(s for s in scales if s in near or s in part)

    def _find(self, picture: Image.Image, at_s: float, faces: Sequence[Face]) -> None:
        for face in faces:
            known = any(same_face(box, face.box) for box in self._known())
            if face.score >= NEW_SCORE and not known:
                self._welcome(picture, face, at_s)

    def _welcome(self, picture: Image.Image, face: Face, at_s: float) -> None:
        """A face found by searching: one that was lost, or a new one."""
        look = thumbnail(picture, face.box)
        lost = [
            (float(look @ track.thumbnail), track)
            for track in self._tracks
            if track.missed and near(track.face.box, face.box)
        ]
        likeness, track = max(lost, key=lambda pair: pair[0], default=(0.0, None))
        if track is not None and likeness > 0.5:
            if at_s - track.seen_s > KEEP_SPEED_S:
                track.box = SmoothBox(face, at_s)
            track.face = track.box.update(face, at_s)
            track.missed, track.seen_s = 0, at_s
            return
        self._numbered += 1
        self._tracks.append(Track(self._numbered, face, SmoothBox(face, at_s), at_s, look))

    def _is_small(self, track: Track) -> bool:
        """Whether the classifier would see more of a face in a larger frame."""
        return track.face.box.size_px < self.pipeline.checkpoint.config.input_px

    def _due(self, px: int, at_s: float) -> list[Track]:
        """The few faces that the classifier should look at most in a frame of ``px`` pixels'
        longer side."""
        due = [track for track in self._tracks if is_due(track, at_s)]
        small = any(map(self._is_small, due))
        self._due_since_s = min(self._due_since_s, at_s) if small else math.inf
        if at_s - self._due_since_s > PATIENCE_S:
            self._largest_px = px  # larger ones do not come any more
        if px < self._largest_px:
            due = [track for track in due if not self._is_small(track)]
        else:
            self._largest_px, self._due_since_s = px, math.inf
        return sorted(due, key=lambda track: (track.looks, track.look_s))[:LOOKS_PER_FRAME]

    def _look(
        self,
        track: Track,
        picture: Image.Image,
        crop: Image.Image,
        values: Sequence[float],
        at_s: float,
    ) -> None:
        """Take in what the classifier said of a face, whose ``crop`` is of ``picture``."""
        config = self.pipeline.checkpoint.config
        logs = np.log(np.maximum(values, 1e-6))
        weight = 1 / min(track.looks + 1, MEMORY)
        old = track.log_probabilities if track.looks else logs
        track.log_probabilities = (1 - weight) * old + weight * logs
        mean = np.exp(track.log_probabilities)
        averaged = tuple((mean / mean.sum()).tolist())
        rules = steadied(config.rules, track.shown)
        face = self._in(picture, track.face)
        label, reasons = decide(
            averaged, config.classes, rules, face, picture.size, sharpness(crop)
        )
        named = tuple(zip(config.classes, averaged, strict=True))
        track.shown = Prediction(track.face, label, max(averaged), named, reasons, track.number)
        track.looks += 1
        track.look_s, track.look_px, track.look_turn = (
            at_s,
            track.face.box.size_px,
            track.face.yaw,
        )

    def _in(self, picture: Image.Image, face: Face) -> Face:
        """A followed face in the pixels of the frame as it came."""
        return face.scaled(picture.width / self._size[0])

    def _analysis(self, picture: Image.Image) -> Analysis:
        self._frame += 1
        shown = [
            track
            for track in self._tracks
            if not track.missed or (track.missed <= SHOW_MISSED and track.face.score >= GONE_SCORE)
        ]
        return Analysis(picture.size, tuple(self._tell(track, picture) for track in shown))

    def _tell(self, track: Track, picture: Image.Image) -> Prediction:
        face = self._in(picture, track.face)
        if track.shown is not None:
            return replace(track.shown, face=face)
        classes = self.pipeline.checkpoint.config.classes
        even = tuple((name, 1 / len(classes)) for name in classes)
        return Prediction(face, None, 1 / len(classes), even, (JUST_FOUND,), track.number)


def follow_all(frames: Sequence[tuple[Tracker, Image.Image, float]]) -> list[Analysis]:
    """The next frame of several viewers, each (tracker, picture, at_s), in shared batches.

    All trackers must be of one pipeline and each may come once. Worth it on a GPU; on a CPU the
    first viewer would wait for the last.
    """
    if not frames:
        return []
    pipeline, detector = frames[0][0].pipeline, frames[0][0].detector
    reduced = [(tracker, tracker._reduce(picture), at_s) for tracker, picture, at_s in frames]
    for group in _grouped(reduced, lambda tracker, picture, at_s: picture.size):
        expected = [tracker._expect(picture, at_s) for tracker, picture, at_s in group]
        seen = detector.follow([picture for _, picture, _ in group], expected)
        for (tracker, picture, at_s), boxes, faces in zip(group, expected, seen, strict=True):
            tracker._see(picture, at_s, boxes, faces)
    for group in _grouped(reduced, lambda tracker, *_: (tracker._size, tracker._scales())):
        if scales := group[0][0]._scales():
            pictures, known = [p for _, p, _ in group], [t._known() for t, *_ in group]
            found = detector.search(pictures, scales, known)
            for (tracker, picture, at_s), faces in zip(group, found, strict=True):
                tracker._find(picture, at_s, faces)
    looks = [
        (tracker, track, picture, pipeline.cut(picture, tracker._in(picture, track.face)), at_s)
        for tracker, picture, at_s in frames
        for track in tracker._due(max(picture.size), at_s)
    ]
    answers = pipeline.classify([crop for _, _, _, crop, _ in looks])
    for (tracker, track, picture, crop, at_s), values in zip(looks, answers, strict=True):
        tracker._look(track, picture, crop, values, at_s)
    return [tracker._analysis(picture) for tracker, picture, _ in frames]


def _follow_size(size: tuple[int, int]) -> tuple[int, int]:
    share = min(1.0, FOLLOW_PX / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _grouped(
    frames: Sequence[tuple[Tracker, Image.Image, float]],
    key: Callable[[Tracker, Image.Image, float], Hashable],
) -> list[list[tuple[Tracker, Image.Image, float]]]:
    groups: dict[Hashable, list[tuple[Tracker, Image.Image, float]]] = {}
    for frame in frames:
        groups.setdefault(key(*frame), []).append(frame)
    return list(groups.values())
