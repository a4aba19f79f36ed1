"""read_frame(): a request to the live view -> a checked frame; decode(): its JPEG -> a picture."""

from __future__ import annotations

import base64
import binascii
import io
import re
import time
from dataclasses import dataclass
from typing import TypeGuard

from PIL import Image

from gender_demo.errors import FrameError

MAX_JPEG_BYTES = 256 * 1024
MIN_SIDE_PX, MAX_SIDE_PX = 16, 1280
JPEG_START = b"\xff\xd8\xff"
VIEWER = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Frame:
    """One checked request: the viewer's secret, the frame's number and time, the JPEG.

    ``at_s`` is by the viewer's clock, ``came_s`` by the server's. ``shown_px``: how wide the
    picture stands on the viewer's screen, in CSS pixels, where that is known.
    """

    viewer: str
    number: int
    at_s: float
    jpeg: bytes
    came_s: float
    shown_px: float | None = None


def read_frame(request: object) -> Frame:
    """Check a request {viewer, frame, at_ms, picture (base64 JPEG), shown_px}; raises FrameError.

    ``shown_px`` may be missing.
    """
    if not isinstance(request, dict):
        raise FrameError("Send one object with viewer, frame, at_ms and picture.")
    viewer, number = request.get("viewer"), request.get("frame")
    at_ms, picture = request.get("at_ms"), request.get("picture")
    if not isinstance(viewer, str) or not VIEWER.fullmatch(viewer):
        raise FrameError("viewer must be 32 hexadecimal digits.")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**53:
        raise FrameError("frame must be a whole number, 0 or more.")
    if not _is_number(at_ms, 0, 2**53):
        raise FrameError("at_ms must be the time of the frame in milliseconds, 0 or more.")
    shown_px = request.get("shown_px")
    if shown_px is not None and not _is_number(shown_px, 16, 16384):
        raise FrameError("shown_px must be the picture's width on the screen, 16 to 16384.")
    if not isinstance(picture, str):
        raise FrameError("picture must be a JPEG in base64.")
    if len(picture) > MAX_JPEG_BYTES * 4 // 3 + 4:
        raise FrameError(f"picture is too large: send at most {MAX_JPEG_BYTES // 1024} KB.")
    try:
        jpeg = base64.b64decode(picture, validate=True)
    except (binascii.Error, ValueError):
        raise FrameError("picture must be a JPEG in base64.") from None
    if not jpeg.startswith(JPEG_START):
        raise FrameError("picture must be a JPEG; another kind of file came.")
    return Frame(viewer, number, at_ms / 1000, jpeg, time.monotonic(), shown_px)


def _is_number(value: object, low: float, high: float) -> TypeGuard[float]:
    """Whether a value of a request is a number from low up to, but not, high."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value < high


def decode(jpeg: bytes) -> Image.Image:
    """JPEG -> RGB picture; the size is checked before a pixel is decoded. Raises FrameError."""
    try:
        picture = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        width, height = picture.size
    except Exception:  # Pillow raises many kinds for damaged headers
        raise FrameError("picture is a damaged JPEG: send another frame.") from None
    if not MIN_SIDE_PX <= min(width, height) <= max(width, height) <= MAX_SIDE_PX:
        raise FrameError(
            f"picture is {width}x{height}: send {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels a side."
        )
    try:
        return picture.convert("RGB")
    except Exception:
        raise FrameError("picture is a damaged JPEG: send another frame.") from None
