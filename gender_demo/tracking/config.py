"""TrackingConfig: every threshold of tracking, explained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingConfig:
    """Lengths are in pixels of the size at which faces are followed, times in seconds.

    *Size of the frames*
    ``follow_px``: longer side at which faces are followed; larger frames are shrunk to it.
    ``large_frame_patience_s``: so long a small face waits for a frame as large as the largest that
    came, before it is classified in a smaller one.
    ``large_frame_lead_s``: how early a large frame is asked for.

    *Search*
    ``min_face_share``: the smallest face searched for, as a share of the frame's shorter side.
    ``search_every``: frames from one part of the search to the next while faces are followed.
    ``search_missed``: a face not seen for at most so many frames is searched for at its own size,
    which is cheap; at few frames a second faces move far.

    *Association*
    ``new_score``, ``keep_score``, ``gone_score``: detector scores at which a face starts to be
    followed, goes on being followed, and below which it is surely gone.
    ``min_iou``: of the box that was predicted and the one seen.
    ``same_face_iom``: boxes whose intersection over the smaller is larger are on one face.
    ``crowded_iou``: from this IoU with another face on, a face is not classified.
    ``min_similarity``: least cosine similarity of appearances at which a face found is a lost one.
    ``appearance_momentum``: how much of the old appearance each frame keeps.
    ``keep_speed_s``: a face found again within this is taken to have moved on steadily.
    ``show_missed``: a face not seen and not surely gone is shown for so many frames more.
    ``forget_s``: a face not seen for so long is forgotten.
    ``max_outside``: a track whose box is outside the frame by more than this share is dropped.

    *Classification*
    ``reclassify_s``: pauses between a face's classifications; the last one then repeats.
    ``yaw_change``, ``size_change``: a face that turned (in eye distances) or grew (natural
    logarithm) by more is classified earlier.
    ``classified_per_frame``: most faces classified in one frame.
    ``averaged``: how many classifications the averaged probability remembers.
    ``hysteresis``: how far it must pass its threshold to change what is shown.

    *Smoothing* (1 euro filter; of the pairs tried on a swaying face these gave half the jitter of
    frame-by-frame detection and a better overlap with the truth)
    ``still_hz``: cut-off for a face that does not move.
    ``hz_per_speed``, ``size_hz_per_speed``: how much the cut-off grows with each face size per
    second, for the centre and for the size.
    ``speed_hz``: cut-off of the speed itself.
    """

    follow_px: int = 480
    large_frame_patience_s: float = 1.0
    large_frame_lead_s: float = 0.1

    min_face_share: float = 1 / 15
    search_every: int = 3
    search_missed: int = 3

    new_score: float = 0.9
    keep_score: float = 0.6
    gone_score: float = 0.2
    min_iou: float = 0.3
    same_face_iom: float = 0.6
    crowded_iou: float = 0.2
    min_similarity: float = 0.5
    appearance_momentum: float = 0.9
    keep_speed_s: float = 0.6
    show_missed: int = 2
    forget_s: float = 2.0
    max_outside: float = 0.8

    reclassify_s: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8, 1.5)
    yaw_change: float = 0.15
    size_change: float = 0.25
    classified_per_frame: int = 2
    averaged: int = 8
    hysteresis: float = 0.01

    still_hz: float = 1.2
    hz_per_speed: float = 3.0
    size_hz_per_speed: float = 1.5
    speed_hz: float = 3.0


DEFAULT = TrackingConfig()
