"""Track: what is remembered of one followed face, and what can be told from that alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gender_demo.results import (
    Box,
    Face,
    Prediction,
)
from gender_demo.tracking.smoothing import SmoothBox
from gender_demo.vision.decision import Rules

NEW_SCORE, KEEP_SCORE, GONE_SCORE = 0.9, 0.6, 0.2
"""Detector scores at which a face starts to be followed, goes on being followed, is surely gone."""
LOOK_AGAIN_S = (0.1, 0.2, 0.4, 0.8, 1.5)
"""Pauses between the first looks of the classifier; the last one then repeats."""
MEMORY = 8
"""How many looks the averaged probability remembers."""
HYSTERESIS = 0.01
"""How far the probability must pass its threshold to change what is shown."""


@dataclass
class Track:
    """Lengths in pixels of the size at which faces are followed; ``look_…``: the last look's."""

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


def owners(
    tracks: Sequence[Track],
    expected: Sequence[Box],
    seen: Sequence[Face],
    thumbnails: Sequence[NDArray[np.float32]],
) -> list[bool]:
    """Which tracks really see their own face.

    Not where the score is low or the box jumped. Where two tracks see the same face, it belongs to
    the one that it looks like.
    """
    owns = [
        face.score >= KEEP_SCORE and face.box.iou(box) > 0.3
        for face, box in zip(seen, expected, strict=True)
    ]
    likeness = [float(t.thumbnail @ new) for t, new in zip(tracks, thumbnails, strict=True)]
    order = sorted(range(len(tracks)), key=lambda i: -likeness[i])
    kept: list[int] = []
    for i in order:
        owns[i] = owns[i] and not any(same_face(seen[k].box, seen[i].box) for k in kept)
        if owns[i]:
            kept.append(i)
    return owns


def is_due(track: Track, at_s: float) -> bool:
    """Whether the classifier should look at the face."""
    if track.missed or track.crowded:
        return False
    since = at_s - track.look_s
    pause = LOOK_AGAIN_S[min(track.looks, len(LOOK_AGAIN_S)) - 1]
    turned = abs(track.face.yaw - track.look_turn) > 0.15
    grown = abs(math.log(track.face.box.size_px / max(1.0, track.look_px))) > 0.25
    return not track.looks or since >= pause or (since >= LOOK_AGAIN_S[1] and (turned or grown))


def steadied(rules: Rules, shown: Prediction | None) -> Rules:
    """The rules, with a threshold that holds on to what is shown."""
    if shown is None:
        return rules
    by = HYSTERESIS if shown.label is None else -HYSTERESIS
    return replace(rules, min_probability=rules.min_probability + by)


def thumbnail(picture: Image.Image, box: Box) -> NDArray[np.float32]:
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


def same_face(a: Box, b: Box) -> bool:
    """Whether two boxes are on one face, by MTCNN's own measure."""
    return a.iom(b) > 0.6


def near(a: Box, b: Box) -> bool:
    """Whether a face lost at ``a`` may have come back at ``b``: within two sides, of like size."""
    away = math.dist(a.centre, b.centre)
    return away < 2 * max(1.0, a.size_px) and 0.3 < b.area / max(1.0, a.area) < 3.3
