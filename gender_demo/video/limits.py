"""Limits: how large a video may be, checked before and while it is decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one video: minutes, bytes, pixels of a frame, frames."""

    minutes: float = 120
    bytes: int = 8_000_000_000
    pixels: int = 4096 * 2304
    frames: int = 1_000_000
