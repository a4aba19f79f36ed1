"""Following on videos whose faces are known (made by benchmarks/video.py)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from gender_demo.label_words import JUST_FOUND
from gender_demo.results import (
    Analysis,
    Prediction,
)
from gender_demo.tracking.tracker import (
    Tracker,
    follow_all,
)
from gender_demo.vision.checkpoint import (
    Checkpoint,
    Config,
)
from gender_demo.vision.decision import (
    Rules,
)
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.pipeline import Pipeline
from tests.support import video

CLASSES = ("female", "male")


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


class Watcher:
    """A tracker on the real detector whose classifier says what it is told and counts."""

    def __init__(self, detector: FaceDetector, answer: float | list[float] = 0.95) -> None:
        rules = Rules(min_probability=0.75, min_face_px=10, max_cut_share=1)
        self.looked: list[int] = []
        answers = iter(answer) if isinstance(answer, list) else itertools.repeat(answer)

        def classify(crops: Sequence[Image.Image]) -> list[tuple[float, ...]]:
            self.looked.append(len(crops))
            return [(p, 1 - p) for p in itertools.islice(answers, len(crops))]

        checkpoint = Checkpoint(Path(), Config("told", CLASSES, rules=rules), {})
        self.tracker = Tracker(Pipeline(detector, classify, checkpoint))

    def watch(self, actors: list[video.Actor], count: int) -> list[Analysis]:
        frames = video.frames(actors, count)
        return [self.tracker.follow(frame, n / video.FPS) for n, frame in enumerate(frames)]


def middle(prediction: Prediction) -> tuple[float, float]:
    return prediction.face.box.centre


def sorted_(analysis: Analysis) -> list[Prediction]:
    return sorted(analysis.predictions, key=middle)


def at(analysis: Analysis, place: tuple[float, float], within: float) -> list[Prediction]:
    return [
        p
        for p in analysis.predictions
        if abs(middle(p)[0] - place[0]) < within and abs(middle(p)[1] - place[1]) < within
    ]


def test_one_moving_face_keeps_box_number_and_label(detector: FaceDetector) -> None:
    watcher, path = Watcher(detector), video.swaying(320, 240, 90, 4)
    seen = watcher.watch([video.Actor(video.patch(0), 130, path)], 100)
    assert [p.label for p in seen[0].predictions] == ["female"], "labelled in the first frame"
    for n, analysis in enumerate(seen):
        (prediction,) = at(analysis, path(n / video.FPS), 20)
        assert (prediction.track, prediction.label) == (1, "female")
    assert sum(watcher.looked) < 12, "the classifier looks rarely"


def test_a_new_face_is_boxed_soon_and_a_gone_one_dropped(detector: FaceDetector) -> None:
    here = lambda _: (180.0, 240.0)  # noqa: E731
    comes = lambda t: (460.0, 240.0) if 1 <= t < 3 else None  # noqa: E731
    actors = [video.Actor(video.patch(0), 110, here), video.Actor(video.patch(2), 110, comes)]
    seen = Watcher(detector).watch(actors, 90)
    there = [bool(at(analysis, (460, 240), 30)) for analysis in seen]
    assert not any(there[:25])
    assert all(there[25 + 10 : 75])
    assert not any(there[75 + 5 :])
    assert all(at(analysis, (180, 240), 30) for analysis in seen)


def test_a_face_that_comes_back_is_the_same_one(detector: FaceDetector) -> None:
    blinks = lambda t: None if 1 <= t < 1.6 else (320.0, 240.0)  # noqa: E731
    seen = Watcher(detector).watch([video.Actor(video.patch(0), 120, blinks)], 60)
    assert {p.track for analysis in seen for p in analysis.predictions} == {1}
    assert seen[-1].predictions


def test_two_faces_that_pass_keep_their_numbers(detector: FaceDetector) -> None:
    actors = video.passing()
    seen = Watcher(detector).watch(actors, 120)
    for actor in actors:
        places = {n: actor.path(n / video.FPS) for n in (10, 119)}
        before, after = (at(seen[n], p, 25)[0].track for n, p in places.items() if p)
        assert before == after


def test_a_crowd_is_looked_at_a_few_faces_at_a_time(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    seen = watcher.watch(video.crowd(10), 12)
    assert max(watcher.looked) <= 2
    waiting = [p for p in seen[0].predictions if p.reasons == (JUST_FOUND,)]
    assert len(waiting) == len(seen[0].predictions) - 2
    assert all(p.label is None and p.probability == 0.5 for p in waiting)
    assert all(p.label == "female" for p in seen[11].predictions)


def test_one_odd_answer_does_not_change_the_label(detector: FaceDetector) -> None:
    answers = [0.95, 0.95, 0.95, 0.2, *[0.95] * 40]
    still = [video.Actor(video.patch(0), 130, lambda _: (320.0, 240.0))]
    seen = Watcher(detector, answers).watch(still, 60)
    assert {p.label for analysis in seen for p in analysis.predictions} == {"female"}


def test_a_probability_on_the_threshold_does_not_flicker(detector: FaceDetector) -> None:
    answers = [0.76, 0.74] * 30
    still = [video.Actor(video.patch(0), 130, lambda _: (320.0, 240.0))]
    labels = [a.predictions[0].label for a in Watcher(detector, answers).watch(still, 150)]
    assert sum(a != b for a, b in itertools.pairwise(labels)) <= 1


def test_viewers_in_one_batch_see_what_each_would_see_alone(detector: FaceDetector) -> None:
    scenes = [video.crowd(1), video.crowd(4), video.passing()]
    alone = [Watcher(detector).watch(actors, 8) for actors in scenes]
    watcher = Watcher(detector)
    trackers = [Tracker(watcher.tracker.pipeline) for _ in scenes]
    clips = zip(*(video.frames(actors, 8) for actors in scenes), strict=True)
    for n, frames in enumerate(clips):
        moments = [n / video.FPS] * len(frames)
        together = follow_all(list(zip(trackers, frames, moments, strict=True)))
        for analysis, seen in zip(together, alone, strict=True):
            # Faces of one size may come in either order.
            shown, expected = sorted_(analysis), sorted_(seen[n])
            assert [p.label for p in shown] == [p.label for p in expected]
            for prediction, other in zip(shown, expected, strict=True):
                assert prediction.face.box.iou(other.face.box) > 0.9
    assert follow_all([]) == []


def test_an_empty_room_and_a_new_frame_size(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    assert all(not analysis.predictions for analysis in watcher.watch([], 5))
    small = Image.new("RGB", (64, 48))
    assert watcher.tracker.follow(small, 1).size == (64, 48)


def test_a_small_face_is_looked_at_in_large_frames(detector: FaceDetector) -> None:
    watcher, tracks = Watcher(detector), set()
    actor = video.Actor(video.patch(0), 70, lambda _: (320.0, 240.0))
    for n, frame in enumerate(video.frames([actor], 30)):
        size = (640, 480) if n in (0, 20) else (480, 360) if n % 2 else (320, 240)
        analysis = watcher.tracker.follow(frame.resize(size), n / video.FPS)
        assert analysis.size == size
        (found,) = at(analysis, (size[0] / 2, size[1] / 2), size[0] / 40)
        tracks.add(found.track)
        assert watcher.tracker.wants_large == (n < 20 or n > 22)
        assert sum(watcher.looked) == 1 + (n >= 20)
    assert tracks == {1}


def test_large_frames_are_not_waited_for_in_vain(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    actor = video.Actor(video.patch(0), 70, lambda _: (320.0, 240.0))
    for n, frame in enumerate(video.frames([actor], 60)):
        watcher.tracker.follow(frame if n < 3 else frame.resize((480, 360)), n / video.FPS)
        if n == 26:
            assert sum(watcher.looked) == 1
    assert sum(watcher.looked) > 3


def test_a_large_face_is_looked_at_in_any_frame(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    actor = video.Actor(video.patch(0), 240, lambda _: (320.0, 240.0))
    for n, frame in enumerate(video.frames([actor], 20)):
        watcher.tracker.follow(frame if n < 2 else frame.resize((480, 360)), n / video.FPS)
        assert not watcher.tracker.wants_large
    assert sum(watcher.looked) > 2


def test_a_tracker_needs_the_detector_itself() -> None:
    torch.manual_seed(0)
    plain = Pipeline(
        lambda p: [[] for _ in p], lambda c: [], Checkpoint(Path(), Config("x", CLASSES), {})
    )
    with pytest.raises(TypeError, match="needs a pipeline whose detect is a FaceDetector"):
        Tracker(plain)
