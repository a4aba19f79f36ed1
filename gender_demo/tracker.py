"""Tracker.follow(): the arrow for a video, paying for each step only when it is needed.

A face once found is followed by O-Net alone. The search for new faces is spread over frames, a few
scales at a time. The classifier looks at a face when it is new, has turned or grown, and then ever
more rarely; what it says is averaged, so that the label holds still.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gender_demo.boxes import covers, iou, near
from gender_demo.detector import CELL_PX, FaceDetector, pyramid_scales
from gender_demo.labels import NOT_YET, Rules, cut_share, decide, face_px, sharpness
from gender_demo.pipeline import Pipeline
from gender_demo.results import Analysis, Box, Face, Prediction
from gender_demo.smoothing import SmoothBox

SMALLEST_SHARE = 1 / 15
"""The smallest face looked for, as a share of the frame's shorter side."""
SEARCH_EVERY = 3
"""Frames from one part of the search to the next while faces are being followed."""
NEW_SCORE, KEEP_SCORE, GONE_SCORE = 0.9, 0.6, 0.2
"""Detector scores at which a face starts to be followed, goes on being followed, is surely gone."""
SHOW_MISSED, FORGET_S = 2, 2.0
"""A face not seen and not surely gone is drawn for SHOW_MISSED frames more; it is remembered,
unseen, for FORGET_S."""
LOOK_NEAR_MISSED, KEEP_SPEED_S = 3, 0.6
"""For so many frames a face not seen is searched for at its own size, which is cheap; found again
within KEEP_SPEED_S it is taken to have moved on steadily. At few frames a second faces move far."""
LOOKS_PER_FRAME = 2
LOOK_AGAIN_S = (0.1, 0.2, 0.4, 0.8, 1.5)
"""Pauses between the first looks of the classifier; the last one then repeats."""
MEMORY = 8
"""How many looks the averaged probability remembers."""
HYSTERESIS = 0.01
"""How far the probability must pass its threshold to change what is shown."""


@dataclass
class _Track:
    number: int
    face: Face
    box: SmoothBox
    seen_s: float
    thumbnail: NDArray[np.float32]
    missed: int = 0
    crowded: bool = False
    looks: int = 0
    look_s: float = -math.inf
    look_px: float = 0.0
    look_turn: float = 0.0
    log_probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    shown: Prediction | None = None


class Tracker:
    """One per viewer or video. ``pipeline.detect`` must be a FaceDetector."""

    def __init__(self, pipeline: Pipeline) -> None:
        if not isinstance(pipeline.detect, FaceDetector):
            raise TypeError("A Tracker needs a pipeline whose detect is a FaceDetector.")
        self.pipeline = pipeline
        self.detector: FaceDetector = pipeline.detect
        self._tracks: list[_Track] = []
        self._numbered = 0
        self._frame = 0
        self._last_s = -math.inf
        self._size = (0, 0)

    def follow(self, picture: Image.Image, at_s: float) -> Analysis:
        """Faces of the next frame, RGB, taken ``at_s`` seconds into the video.

        Oldest track first. A face that was just found may carry no probabilities yet: it is unsure
        for the reason "not_yet".
        """
        return follow_all([(self, picture, at_s)])[0]

    def _expect(self, picture: Image.Image, at_s: float) -> list[Box]:
        """Where the faces should be now."""
        if picture.size != self._size or at_s < self._last_s:
            self._tracks, self._frame, self._size = [], 0, picture.size
        self._last_s = at_s
        return [track.box.at(at_s) for track in self._tracks]

    def _see(
        self, picture: Image.Image, at_s: float, expected: Sequence[Box], seen: Sequence[Face]
    ) -> None:
        """Move each track to where O-Net found its face."""
        thumbnails = [_thumbnail(picture, face.box) for face in seen]
        owners = _owners(self._tracks, expected, seen, thumbnails)
        for i, (track, face) in enumerate(zip(self._tracks, seen, strict=True)):
            others = (f for k, f in enumerate(seen) if k != i and owners[k])
            track.crowded = any(iou(face.box, other.box) > 0.2 for other in others)
            if owners[i]:
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
            if at_s - track.seen_s < FORGET_S and cut_share(track.face.box, picture.size) < 0.8
        ]

    def _known(self) -> list[Box]:
        return [track.face.box for track in self._tracks if not track.missed]

    def _scales(self) -> tuple[float, ...]:
        """Where to look for faces in this frame: a part of the pyramid, or nowhere."""
        smallest = max(self.detector.min_face_px, SMALLEST_SHARE * min(self._size))
        scales = tuple(pyramid_scales(self._size, smallest))
        if not self._frame:
            return scales
        lost = [face_px(t.face.box) for t in self._tracks if 0 < t.missed <= LOOK_NEAR_MISSED]
        near = [s for s in scales if any(0.5 < CELL_PX / s / px < 1.2 for px in lost)]
        every = SEARCH_EVERY if self._known() else 1
        if self._frame % every:
            return tuple(near)
        # The first scale costs as much as all others together.
        part = scales[:1] if (self._frame // every) % 2 else scales[1:]
        return tuple(s for s in scales if s in near or s in part)

    def _find(self, picture: Image.Image, at_s: float, faces: Sequence[Face]) -> None:
        for face in faces:
            if face.score >= NEW_SCORE and not any(covers(box, face.box) for box in self._known()):
                self._welcome(picture, face, at_s)

    def _welcome(self, picture: Image.Image, face: Face, at_s: float) -> None:
        """A face found by searching: one that was lost, or a new one."""
        thumbnail = _thumbnail(picture, face.box)
        lost = [
            (float(thumbnail @ track.thumbnail), track)
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
        self._tracks.append(_Track(self._numbered, face, SmoothBox(face, at_s), at_s, thumbnail))

    def _due(self, at_s: float) -> list[_Track]:
        """The few faces that the classifier should look at most."""
        due = [track for track in self._tracks if _due(track, at_s)]
        return sorted(due, key=lambda track: (track.looks, track.look_s))[:LOOKS_PER_FRAME]

    def _look(self, track: _Track, crop: Image.Image, values: Sequence[float], at_s: float) -> None:
        """Take in what the classifier said of a face."""
        config = self.pipeline.checkpoint.config
        logs = np.log(np.maximum(values, 1e-6))
        weight = 1 / min(track.looks + 1, MEMORY)
        old = track.log_probabilities if track.looks else logs
        track.log_probabilities = (1 - weight) * old + weight * logs
        mean = np.exp(track.log_probabilities)
        averaged = tuple((mean / mean.sum()).tolist())
        rules = _steadied(config.rules, track.shown)
        label, reasons = decide(
            averaged, config.classes, rules, track.face, self._size, sharpness(crop)
        )
        named = tuple(zip(config.classes, averaged, strict=True))
        track.shown = Prediction(track.face, label, max(averaged), named, reasons, track.number)
        track.looks += 1
        track.look_s, track.look_px, track.look_turn = (
            at_s,
            face_px(track.face.box),
            _turn(track.face),
        )

    def _analysis(self) -> Analysis:
        self._frame += 1
        shown = [
            track
            for track in self._tracks
            if not track.missed or (track.missed <= SHOW_MISSED and track.face.score >= GONE_SCORE)
        ]
        return Analysis(self._size, tuple(self._tell(track) for track in shown))

    def _tell(self, track: _Track) -> Prediction:
        if track.shown is not None:
            return replace(track.shown, face=track.face)
        classes = self.pipeline.checkpoint.config.classes
        even = tuple((name, 1 / len(classes)) for name in classes)
        return Prediction(track.face, None, 1 / len(classes), even, (NOT_YET,), track.number)


def follow_all(frames: Sequence[tuple[Tracker, Image.Image, float]]) -> list[Analysis]:
    """The next frame of several viewers, each (tracker, picture, at_s), in shared batches.

    All trackers must be of one pipeline and each may come once. Worth it on a GPU; on a CPU the
    first viewer would wait for the last.
    """
    if not frames:
        return []
    pipeline, detector = frames[0][0].pipeline, frames[0][0].detector
    for group in _grouped(frames, lambda tracker, picture, at_s: picture.size):
        expected = [tracker._expect(picture, at_s) for tracker, picture, at_s in group]
        seen = detector.follow([picture for _, picture, _ in group], expected)
        for (tracker, picture, at_s), boxes, faces in zip(group, expected, seen, strict=True):
            tracker._see(picture, at_s, boxes, faces)
    for group in _grouped(frames, lambda tracker, *_: (tracker._size, tracker._scales())):
        if scales := group[0][0]._scales():
            pictures, known = [p for _, p, _ in group], [t._known() for t, *_ in group]
            found = detector.search(pictures, scales, known)
            for (tracker, picture, at_s), faces in zip(group, found, strict=True):
                tracker._find(picture, at_s, faces)
    looks = [
        (tracker, track, pipeline.cut(picture, track.face), at_s)
        for tracker, picture, at_s in frames
        for track in tracker._due(at_s)
    ]
    answers = pipeline.classify([crop for _, _, crop, _ in looks])
    for (tracker, track, crop, at_s), values in zip(looks, answers, strict=True):
        tracker._look(track, crop, values, at_s)
    return [tracker._analysis() for tracker, *_ in frames]


def _grouped(
    frames: Sequence[tuple[Tracker, Image.Image, float]],
    key: Callable[[Tracker, Image.Image, float], Hashable],
) -> list[list[tuple[Tracker, Image.Image, float]]]:
    groups: dict[Hashable, list[tuple[Tracker, Image.Image, float]]] = {}
    for frame in frames:
        groups.setdefault(key(*frame), []).append(frame)
    return list(groups.values())


def _owners(
    tracks: Sequence[_Track],
    expected: Sequence[Box],
    seen: Sequence[Face],
    thumbnails: Sequence[NDArray[np.float32]],
) -> list[bool]:
    """Which tracks really see their own face.

    Not where the score is low or the box jumped. Where two tracks see the same face, it belongs to
    the one that it looks like.
    """
    owns = [
        face.score >= KEEP_SCORE and iou(face.box, box) > 0.3
        for face, box in zip(seen, expected, strict=True)
    ]
    likeness = [float(t.thumbnail @ new) for t, new in zip(tracks, thumbnails, strict=True)]
    order = sorted(range(len(tracks)), key=lambda i: -likeness[i])
    kept: list[int] = []
    for i in order:
        owns[i] = owns[i] and not any(covers(seen[k].box, seen[i].box) for k in kept)
        if owns[i]:
            kept.append(i)
    return owns


def _due(track: _Track, at_s: float) -> bool:
    if track.missed or track.crowded:
        return False
    since = at_s - track.look_s
    pause = LOOK_AGAIN_S[min(track.looks, len(LOOK_AGAIN_S)) - 1]
    turned = abs(_turn(track.face) - track.look_turn) > 0.15
    grown = abs(math.log(face_px(track.face.box) / max(1.0, track.look_px))) > 0.25
    return not track.looks or since >= pause or (since >= LOOK_AGAIN_S[1] and (turned or grown))


def _steadied(rules: Rules, shown: Prediction | None) -> Rules:
    if shown is None:
        return rules
    by = HYSTERESIS if shown.label is None else -HYSTERESIS
    return replace(rules, min_probability=rules.min_probability + by)


def _thumbnail(picture: Image.Image, box: Box) -> NDArray[np.float32]:
    """A face's look in a few numbers of zero mean and unit length, for telling two apart."""
    x0, y0 = max(0.0, min(box[0], picture.width - 1)), max(0.0, min(box[1], picture.height - 1))
    x1, y1 = max(x0 + 1, min(box[2], picture.width)), max(y0 + 1, min(box[3], picture.height))
    small = picture.resize(
        (12, 12), Image.Resampling.BILINEAR, box=(x0, y0, x1, y1), reducing_gap=2.0
    )
    values = np.asarray(small, dtype=np.float32).ravel()
    values -= values.mean()
    unit: NDArray[np.float32] = values / (np.linalg.norm(values) + 1e-6)
    return unit


def _turn(face: Face) -> float:
    """How far the nose is off the middle between the eyes, in eye distances: grows in profile."""
    (lx, _), (rx, _), (nx, _), *_ = face.landmarks
    return (nx - (lx + rx) / 2) / max(4.0, abs(rx - lx))
