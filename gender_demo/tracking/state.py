"""Track and TrackerState: what is remembered of one followed face, and of one viewer; Frame: what
a viewer sends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gender_demo.label_words import JUST_FOUND
from gender_demo.results import Box, Face, Prediction
from gender_demo.tracking.config import TrackingConfig
from gender_demo.tracking.smoothing import SmoothBox
from gender_demo.vision.pipeline import Pipeline


@dataclass
class Track:
    """One followed face, in pixels of the size at which faces are followed.

    ``missed``: frames since it was seen; ``crowded``: another face overlaps it. ``classified_…``
    are of the last classification, ``prediction`` is what it led to. ``appearance``: see
    ``association.appearances``. ``log_probabilities`` (classes,) are averaged.
    """

    number: int
    face: Face
    motion: SmoothBox
    seen_s: float
    appearance: NDArray[np.float32]
    missed: int = 0
    crowded: bool = False
    times_classified: int = 0
    classified_s: float = -math.inf
    classified_px: float = 0.0
    classified_yaw: float = 0.0
    log_probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    prediction: Prediction | None = None


@dataclass
class TrackerState:
    """One viewer. ``size``: (width, height) at which faces are followed; ``largest_px``: longer
    side of the largest frame that came; ``waiting_since_s``: since when a small face waits for one
    as large."""

    tracks: list[Track] = field(default_factory=list)
    last_number: int = 0
    frame: int = 0
    last_s: float = -math.inf
    size: tuple[int, int] = (0, 0)
    largest_px: int = 0
    waiting_since_s: float = math.inf

    def seen_boxes(self) -> list[Box]:
        """Boxes of the faces that were seen in the last frame."""
        return [track.face.box for track in self.tracks if not track.missed]


@dataclass(frozen=True)
class Frame:
    """A viewer's next frame: ``picture`` RGB as it came, ``image`` (height, width, 3) as faces are
    followed in it, ``at_s`` seconds into the video; the viewer's state, and by what it is changed.
    """

    state: TrackerState
    picture: Image.Image
    image: Tensor
    at_s: float
    pipeline: Pipeline
    config: TrackingConfig

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels at which faces are followed."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def scale(self) -> float:
        """How many times as large the picture is as the size at which faces are followed."""
        return self.picture.width / self.image.shape[1]


def to_prediction(track: Track, frame: Frame) -> Prediction:
    """What is shown of a track, in the pixels of the frame as it came.

    A face not classified yet has even probabilities and is unsure for the reason JUST_FOUND.
    """
    face, classes = track.face.scaled(frame.scale), frame.pipeline.checkpoint.config.classes
    if track.prediction is not None:
        return replace(track.prediction, face=face)
    even = tuple((name, 1 / len(classes)) for name in classes)
    return Prediction(face, None, 1 / len(classes), even, (JUST_FOUND,), track.number)
