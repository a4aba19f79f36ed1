"""Which face seen in a frame is which track: by place first, by appearance where that leaves
a doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gender_demo.results import Box, Face
from gender_demo.tracking.config import TrackingConfig
from gender_demo.tracking.smoothing import SmoothBox
from gender_demo.tracking.state import Frame, Track, TrackerState
from gender_demo.vision.mtcnn import cut_pieces

APPEARANCE_PX = 12
Floats = NDArray[np.floating[Any]]


def appearances(image: Tensor, boxes: Sequence[Box]) -> Floats:
    """Faces in an image (height, width, 3) as vectors (n, 432) of zero mean and unit length, so
    that the product of two is their similarity, -1 to 1."""
    if not boxes:
        return np.zeros((0, 3 * APPEARANCE_PX**2), dtype=np.float32)
    where = torch.zeros(len(boxes), dtype=torch.long)
    pieces, _ = cut_pieces(image.permute(2, 0, 1)[None], torch.tensor(boxes), where, APPEARANCE_PX)
    values = pieces.flatten(1).float()
    values -= values.mean(1, keepdim=True)
    unit: Floats = (values / (values.norm(dim=1, keepdim=True) + 1e-6)).numpy()
    return unit


def overlaps(boxes: Sequence[Box]) -> tuple[Floats, Floats]:
    """Intersection over union, and over the smaller of both areas, of all pairs: (n, n) each."""
    sides = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    low = np.maximum(sides[:, None, :2], sides[None, :, :2])
    high = np.minimum(sides[:, None, 2:], sides[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    areas = np.clip(sides[:, 2:] - sides[:, :2], 0, None).prod(1)
    union = areas[:, None] + areas[None] - shared
    smaller = np.minimum(areas[:, None], areas[None])
    return shared / np.maximum(1e-9, union), shared / np.maximum(1e-9, smaller)


def associate(
    tracks: Sequence[Track],
    predicted: Sequence[Box],
    seen: Sequence[Face],
    looks: Floats,
    config: TrackingConfig,
) -> list[bool]:
    """Which tracks really see their own face: ``predicted[i]``, ``seen[i]`` and ``looks[i]``, an
    appearance, are of track i.

    Not where the score is low or the box jumped. Where two tracks see the same face, it belongs to
    the one that it looks like.
    """
    own = [
        face.score >= config.keep_score and face.box.iou(box) > config.min_iou
        for face, box in zip(seen, predicted, strict=True)
    ]
    _, iom = overlaps([face.box for face in seen])
    similarity = [float(t.appearance @ new) for t, new in zip(tracks, looks, strict=True)]
    kept: list[int] = []
    for i in sorted(range(len(tracks)), key=lambda i: -similarity[i]):
        own[i] = own[i] and not (iom[i, kept] > config.same_face_iom).any()
        if own[i]:
            kept.append(i)
    return own


def update(frame: Frame, predicted: Sequence[Box], seen: Sequence[Face]) -> None:
    """Move each track to where O-Net saw a face, if it is its own; drop those that are gone."""
    state, config, at_s = frame.state, frame.config, frame.at_s
    boxes = [face.box for face in seen]
    looks = appearances(frame.image, boxes)
    own = associate(state.tracks, predicted, seen, looks, config)
    near = (overlaps(boxes)[0] > config.crowded_iou) & np.array(own, dtype=bool)
    crowded = (near & ~np.eye(len(seen), dtype=bool)).any(1)
    for i, (track, face) in enumerate(zip(state.tracks, seen, strict=True)):
        track.crowded = bool(crowded[i])
        if own[i]:
            track.missed, track.seen_s = 0, at_s
            track.face = track.motion.update(face, at_s)
            if not track.crowded:
                keep = config.appearance_momentum
                track.appearance = keep * track.appearance + (1 - keep) * looks[i]
        else:
            track.missed += 1
            track.face = replace(track.face, box=predicted[i], score=face.score)
    state.tracks = [
        track
        for track in state.tracks
        if at_s - track.seen_s < config.forget_s
        and track.face.box.share_outside(frame.size) < config.max_outside
    ]


def start_or_reactivate(frame: Frame, found: Sequence[Face]) -> None:
    """Faces found by searching: each is known already, one that was lost, or a new one."""
    state, config, at_s = frame.state, frame.config, frame.at_s
    for face in found:
        if face.score < config.new_score or _on_same_face(face.box, state.seen_boxes(), config):
            continue
        seen = appearances(frame.image, [face.box])[0]
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
    state: TrackerState, face: Face, seen: Floats, config: TrackingConfig
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
