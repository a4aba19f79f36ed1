"""When a followed face is classified, and what its probabilities add up to.

It is classified when it is new, has turned or grown, and then ever more rarely; the answers are
averaged, so that the label holds still.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from gender_demo.results import Prediction
from gender_demo.tracking.config import TrackingConfig
from gender_demo.tracking.state import Frame, Track
from gender_demo.vision.decision import Rules, decide
from gender_demo.vision.quality import sharpness


def needs_classification(track: Track, at_s: float, config: TrackingConfig) -> bool:
    """Whether the face should be classified ``at_s`` seconds into the video."""
    if track.missed or track.crowded:
        return False
    if not track.times_classified:
        return True
    since, pauses = at_s - track.classified_s, config.reclassify_s
    turned = abs(track.face.yaw - track.classified_yaw) > config.yaw_change
    growth = math.log(track.face.box.size_px / max(1.0, track.classified_px))
    changed = turned or abs(growth) > config.size_change
    pause = pauses[min(track.times_classified, len(pauses)) - 1]
    return since >= pause or (since >= pauses[1] and changed)


def choose_tracks(frame: Frame) -> list[Track]:
    """The few faces to classify in a frame; a small one waits for a large frame."""
    state, config, at_s = frame.state, frame.config, frame.at_s
    longer_px, input_px = max(frame.picture.size), frame.pipeline.checkpoint.config.input_px
    chosen = [track for track in state.tracks if needs_classification(track, at_s, config)]
    small = [track for track in chosen if is_small(track, input_px)]
    state.waiting_since_s = min(state.waiting_since_s, at_s) if small else math.inf
    if at_s - state.waiting_since_s > config.large_frame_patience_s:
        state.largest_px = longer_px  # larger ones do not come any more
    if longer_px < state.largest_px:
        chosen = [track for track in chosen if track not in small]
    else:
        state.largest_px, state.waiting_since_s = longer_px, math.inf
    chosen.sort(key=lambda track: (track.times_classified, track.classified_s))
    return chosen[: config.classified_per_frame]


def is_small(track: Track, input_px: int) -> bool:
    """Whether the classifier, whose input has a side of ``input_px``, would see more of a face in a
    larger frame."""
    return track.face.box.size_px < input_px


def update_label(
    frame: Frame, track: Track, crop: Image.Image, probabilities: Sequence[float]
) -> None:
    """Average in what the classifier said of a face's ``crop``, and decide."""
    config, checkpoint = frame.config, frame.pipeline.checkpoint.config
    logs = np.log(np.maximum(probabilities, 1e-6))
    weight = 1 / min(track.times_classified + 1, config.averaged)
    old = track.log_probabilities if track.times_classified else logs
    track.log_probabilities = (1 - weight) * old + weight * logs
    mean = np.exp(track.log_probabilities)
    averaged = tuple((mean / mean.sum()).tolist())
    rules = with_hysteresis(checkpoint.rules, track.prediction, config.hysteresis)
    face = track.face.scaled(frame.scale)
    label, reasons = decide(
        averaged, checkpoint.classes, rules, face, frame.picture.size, sharpness(crop)
    )
    named = tuple(zip(checkpoint.classes, averaged, strict=True))
    track.prediction = Prediction(face, label, max(averaged), named, reasons, track.number)
    track.times_classified += 1
    track.classified_s = frame.at_s
    track.classified_px, track.classified_yaw = track.face.box.size_px, track.face.yaw


def with_hysteresis(rules: Rules, shown: Prediction | None, by: float) -> Rules:
    """The rules, with a threshold that holds on to what is shown."""
    if shown is None:
        return rules
    by = by if shown.label is None else -by
    return replace(rules, min_probability=rules.min_probability + by)
