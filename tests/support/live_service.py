"""A live service whose trackers are plain functions, and frames for it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from gender_demo.results import (
    Analysis,
    Box,
    Face,
    Prediction,
)
from gender_demo.web.sessions import LiveService
from tests.support.client import frame

Track = Callable[[Image.Image, float], Analysis]


def jpeg(width: int = 64, height: int = 48, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(file, "JPEG", **options)
    return file.getvalue()


def request(number: int = 0, viewer: int = 1, picture: bytes | None = None) -> dict[str, Any]:
    return frame(number, jpeg() if picture is None else picture, viewer=viewer)


def one_face(picture: Image.Image, at_s: float) -> Analysis:
    """A tracker that has found one face, whatever the picture."""
    face = Face(Box(8.0, 8.0, 40.0, 40.0), 0.99, ((0.0, 0.0),) * 5)
    guess = Prediction(face, "female", 0.9, (("female", 0.9), ("male", 0.1)), track=1)
    return Analysis(picture.size, (guess,))


def new_service(new_tracker: Callable[[], Track], **options: Any) -> LiveService[Track]:
    """A service whose trackers are plain functions, called one after the other."""

    def track_all(frames: Sequence[tuple[Track, Image.Image, float]]) -> list[Analysis]:
        return [track(picture, at_s) for track, picture, at_s in frames]

    return LiveService(new_tracker, track_all, **options)
