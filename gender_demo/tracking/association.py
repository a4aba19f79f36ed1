"""Which face seen in a frame is which track: by place first, by appearance where that leaves
a doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gender_demo.results import Box, Face
from gender_demo.tracking.config import TrackingConfig
from gender_demo.tracking.smoothing import SmoothBox
from gender_demo.tracking.state import Frame, Track, TrackerState

APPEARANCE_PX = 12


def appearance(picture: Image.Image, box: Box) -> NDArray[np.float32]:
    """A face in an RGB picture as a vector (432,) of zero mean and unit length, so that the
    product of two is their similarity, -1 to 1."""
    x0, y0 = max(0.0, min(box.x0, picture.width - 1)), max(0.0, min(box.y0, picture.height - 1))
    x1, y1 = max(x0 + 1, min(box.x1, picture.width)), max(y0 + 1, min(box.y1, picture.height))
    size = (APPEARANCE_PX, APPEARANCE_PX)
    small = picture.resize(size, Image.Resampling.BILINEAR, box=(x0, y0, x1, y1), reducing_gap=2.0)
    values = np.asarray(small, dtype=np.float32).ravel()
    values -= values.mean()
    unit: NDArray[np.float32] = values / (np.linalg.norm(values) + 1e-6)
    return unit


def associate(
    tracks: Sequence[Track],
    predicted: Sequence[Box],
    seen: Sequence[Face],
    appearances: Sequence[NDArray[np.float32]],
    config: TrackingConfig,
) -> list[bool]:
    """Which tracks really see their own face: ``predicted[i]`` and ``seen[i]`` are of track i.

    Not where the score is low or the box jumped. Where two tracks see the same face, it belongs to
    the one that it looks like.
    """
    own = [
        face.score >= config.keep_score and face.box.iou(box) > config.min_iou
        for face, box in zip(seen, predicted, strict=True)
    ]
    similarity = [float(t.appearance @ new) for t, new in zip(tracks, appearances, strict=True)]
    kept: list[Box] = []
    for i in sorted(range(len(tracks)), key=lambda i: -similarity[i]):
        own[i] = own[i] and not _on_same_face(seen[i].box, kept, config)
        if own[i]:
            kept.append(seen[i].box)
    return own


def update(frame: Frame, predicted: Sequence[Box], seen: Sequence[Face]) -> None:
    """Move each track to where O-Net saw a face, if it is its own; drop those that are gone."""
    state, config, at_s = frame.state, frame.config, frame.at_s
    appearances = [appearance(frame.small, face.box) for face in seen]
    own = associate(state.tracks, predicted, seen, appearances, config)
    for i, (track, face) in enumerate(zip(state.tracks, seen, strict=True)):
        others = (f for k, f in enumerate(seen) if k != i and own[k])
        track.crowded = any(face.box.iou(other.box) > config.crowded_iou for other in others)
        if own[i]:
            track.missed, track.seen_s = 0, at_s
            track.face = track.motion.update(face, at_s)
            if not track.crowded:
                keep = config.appearance_momentum
                track.appearance = keep * track.appearance + (1 - keep) * appearances[i]
        else:
            track.missed += 1
            track.face = replace(track.face, box=predicted[i], score=face.score)
    state.tracks = [
        track
        for track in state.tracks
        if at_s - track.seen_s < config.forget_s
        and track.face.box.share_outside(frame.small.size) < config.max_outside
    ]


def start_or_reactivate(frame: Frame, found: Sequence[Face]) -> None:
    """Faces found by searching: each is known already, one that was lost, or a new one."""
    state, config, at_s = frame.state, frame.config, frame.at_s
    for face in found:
        if face.score < config.new_score or _on_same_face(face.box, state.seen_boxes(), config):
            continue
        seen = appearance(frame.small, face.box)
        track = _lost_track(state, face, seen, config)
        if track is None:
            state.last_number += 1
            motion = SmoothBox(face, at_s, config)
            state.tracks.append(Track(state.last_number, face, motion, at_s, seen))
            continue
        if at_s - track.seen_s > config.keep_speed_s:
            track.motion = SmoothBox(face, at_s, config)
        track.face = track.motion.update(face, at_s)
        track.missed, track.seen_s = 0, at_s


def _lost_track(
    state: TrackerState, face: Face, seen: NDArray[np.float32], config: TrackingConfig
) -> Track | None:
    """The lost track near the face that looks most like it."""
    lost = [t for t in state.tracks if t.missed and _may_reappear(t.face.box, face.box)]
    best = max(lost, key=lambda track: float(seen @ track.appearance), default=None)
    if best is None or float(seen @ best.appearance) <= config.min_similarity:
        return None
    return best


def _may_reappear(lost: Box, found: Box) -> bool:
    """Whether it is within two sides and of like size."""
    near = math.dist(lost.centre, found.centre) < 2 * max(1.0, lost.size_px)
    return near and 0.3 < found.area / max(1.0, lost.area) < 3.3


def _on_same_face(box: Box, others: Sequence[Box], config: TrackingConfig) -> bool:
    return any(box.iom(other) > config.same_face_iom for other in others)
