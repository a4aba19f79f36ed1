"""Tracker.follow(): the arrow for a video, paying for each step only when it is needed.

predict -> associate -> search -> classify where needed -> update label

A face once found is followed by O-Net alone. The search for new faces is spread over frames, a few
scales at a time. Faces are followed in shrunk frames, but cut out of the frame as it came, so that
a viewer may send small frames and a large one now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from PIL import Image
from torch import Tensor

from gender_demo.results import Analysis, Box
from gender_demo.tracking.association import start_or_reactivate, update
from gender_demo.tracking.classification import (
    choose_tracks,
    is_small,
    needs_classification,
    update_label,
)
from gender_demo.tracking.config import DEFAULT, TrackingConfig
from gender_demo.tracking.state import Frame, TrackerState, to_prediction
from gender_demo.vision.detector import FaceDetector, prepare
from gender_demo.vision.mtcnn import CELL_PX, pyramid_scales
from gender_demo.vision.pipeline import Pipeline


class Tracker:
    """One viewer or video: its state, the pipeline and the thresholds.

    ``pipeline.detect`` must be a FaceDetector.
    """

    def __init__(self, pipeline: Pipeline, config: TrackingConfig = DEFAULT) -> None:
        if not isinstance(pipeline.detect, FaceDetector):
            raise TypeError("A Tracker needs a pipeline whose detect is a FaceDetector.")
        self.pipeline, self.config = pipeline, config
        self.detector: FaceDetector = pipeline.detect
        self.state = TrackerState()

    def follow(self, picture: Image.Image, at_s: float) -> Analysis:
        """Faces of the next frame, RGB, taken ``at_s`` seconds into the video.

        Oldest track first. A face that was just found may carry no probabilities yet: it is unsure
        for the reason "just_found".
        """
        return follow_all([(self, picture, at_s)])[0]

    @property
    def wants_large(self) -> bool:
        """Whether a small face will soon be classified: a viewer that sends small frames between
        may send a larger one now."""
        soon = self.state.last_s + self.config.large_frame_lead_s
        input_px = self.pipeline.checkpoint.config.input_px
        return any(
            is_small(track, input_px) and needs_classification(track, soon, self.config)
            for track in self.state.tracks
        )


def follow_all(frames: Sequence[tuple[Tracker, Image.Image, float]]) -> list[Analysis]:
    """The next frame of several viewers, each (tracker, picture, at_s), in shared batches.

    All trackers must be of one pipeline and each may come once.
    """
    batch = [
        Frame(t.state, picture, _shrink(picture, t.state, t.config), at_s, t.pipeline, t.config)
        for t, picture, at_s in frames
    ]
    if batch:
        detector = frames[0][0].detector
        _follow_known(batch, detector)
        _search_new(batch, detector)
        _classify(batch)
    return [_analysis(frame) for frame in batch]


def predict(state: TrackerState, size: tuple[int, int], at_s: float) -> list[Box]:
    """Where each track's face should be now, in frames of ``size``.

    Another size, or a time before the last one, starts anew.
    """
    if size != state.size or at_s < state.last_s:
        state.tracks, state.frame, state.size, state.largest_px = [], 0, size, 0
    state.last_s = at_s
    return [track.motion.predict(at_s) for track in state.tracks]


def search_scales(frame: Frame, min_face_px: float) -> tuple[float, ...]:
    """Where to look for faces in this frame: a part of the pyramid, or nowhere."""
    state, config = frame.state, frame.config
    smallest = max(min_face_px, config.min_face_share * min(state.size))
    scales = tuple(pyramid_scales(state.size, smallest))
    if not state.frame:
        return scales
    lost = [t.face.box.size_px for t in state.tracks if 0 < t.missed <= config.search_missed]
    near = [s for s in scales if any(0.5 < CELL_PX / s / px < 1.2 for px in lost)]
    every = config.search_every if state.seen_boxes() else 1
    if state.frame % every:
        return tuple(near)
    # The first scale costs as much as all others together.
    part = scales[:1] if (state.frame // every) % 2 else scales[1:]
    return tuple(s for s in scales if s in near or s in part)


def _follow_known(batch: Sequence[Frame], detector: FaceDetector) -> None:
    for group in _grouped(batch, lambda frame: frame.size):
        predicted = [predict(frame.state, frame.size, frame.at_s) for frame in group]
        seen = detector.follow([frame.image for frame in group], predicted)
        for frame, boxes, faces in zip(group, predicted, seen, strict=True):
            update(frame, boxes, faces)


def _search_new(batch: Sequence[Frame], detector: FaceDetector) -> None:
    def scales(frame: Frame) -> tuple[float, ...]:
        return search_scales(frame, detector.settings.min_face_px)

    for group in _grouped(batch, lambda frame: (frame.size, scales(frame))):
        if chosen := scales(group[0]):
            known = [frame.state.seen_boxes() for frame in group]
            found = detector.search([frame.image for frame in group], chosen, known)
            for frame, faces in zip(group, found, strict=True):
                start_or_reactivate(frame, faces)


def _classify(batch: Sequence[Frame]) -> None:
    pipeline = batch[0].pipeline
    chosen = [
        (frame, track, pipeline.cut(frame.picture, track.face.scaled(frame.scale)))
        for frame in batch
        for track in choose_tracks(frame)
    ]
    turns = [track.times_classified for _, track, _ in chosen]
    answers = pipeline.classify_by_turns([crop for _, _, crop in chosen], turns)
    for (frame, track, crop), probabilities in zip(chosen, answers, strict=True):
        update_label(frame, track, crop, probabilities)


def _analysis(frame: Frame) -> Analysis:
    """The tracks that were seen, or are missed so shortly that they are still shown."""
    config = frame.config
    frame.state.frame += 1
    shown = (
        to_prediction(track, frame)
        for track in frame.state.tracks
        if not track.missed
        or (track.missed <= config.show_missed and track.face.score >= config.gone_score)
    )
    return Analysis(frame.picture.size, tuple(shown))


def _shrink(picture: Image.Image, state: TrackerState, config: TrackingConfig) -> Tensor:
    """The frame in the size at which this viewer's faces are followed."""
    share = min(1.0, config.follow_px / max(picture.size))
    wide, high = (max(1, round(side * share)) for side in picture.size)
    same_shape = abs(wide * state.size[1] - high * state.size[0]) <= wide + high
    if same_shape and wide <= state.size[0]:
        wide, high = state.size
    return prepare(picture, (wide, high))


def _grouped(batch: Sequence[Frame], key: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    groups: dict[Hashable, list[Frame]] = {}
    for frame in batch:
        groups.setdefault(key(frame), []).append(frame)
    return list(groups.values())
