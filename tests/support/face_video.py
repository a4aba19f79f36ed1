"""A video of a known, moving face, which Chromium plays as its camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from gender_demo.results import Box
from tests.support.paths import ASTRONAUT

ASTRONAUT_BOX = (179.0, 60.0, 267.0, 174.5)
"""The face in astronaut.jpg (512 x 512): mean of full detection at four sizes."""
FRAMES_PER_S = 30
"""Chromium plays every MJPEG file at this rate, and from the start again at its end."""
BITS, SQUARE_PX = 10, 12


@dataclass(frozen=True)
class FaceVideo:
    """MJPEG frames of a moving face; ``boxes[n]`` is its box in frame n, in the video's pixels.

    The lower left corner carries n as BITS squares of SQUARE_PX, lowest bit first, white for 1.
    """

    path: Path
    size: tuple[int, int]
    boxes: tuple[Box, ...]


def make_face_video(
    path: Path,
    *,
    frames: int = 300,
    size: tuple[int, int] = (640, 480),
    swing_px: float = 70.0,
    numbered: bool = True,
) -> FaceVideo:
    """Write the astronaut's portrait swinging on a plain wall, there and back in ``frames``."""
    width, height = size
    portrait = Image.open(ASTRONAUT).convert("RGB")
    scale = 0.95 * height / portrait.height
    solid = Image.new("L", portrait.size, 255)
    wall = Image.new("RGB", size, (148, 156, 160))
    boxes = []
    with path.open("wb") as file:
        for number in range(frames):
            turn = 2 * math.pi * number / frames
            x = (width - scale * portrait.width) / 2 + swing_px * math.sin(turn)
            y = (height - scale * portrait.height) / 2 + 10 * math.sin(2 * turn)
            shift = (1 / scale, 0, -x / scale, 0, 1 / scale, -y / scale)
            moved, mask = (
                picture.transform(size, Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR)
                for picture in (portrait, solid)
            )
            frame = Image.composite(moved, wall, mask)
            if numbered:
                _write_number(frame, number)
            frame.save(file, "JPEG", quality=85)
            x0, y0, x1, y1 = (scale * value for value in ASTRONAUT_BOX)
            boxes.append(Box(x0 + x, y0 + y, x1 + x, y1 + y))
    return FaceVideo(path, size, tuple(boxes))


def _write_number(frame: Image.Image, number: int) -> None:
    pen = ImageDraw.Draw(frame)
    top = frame.height - SQUARE_PX
    for bit in range(BITS):
        left = bit * SQUARE_PX
        ink = "white" if number >> bit & 1 else "black"
        pen.rectangle((left, top, left + SQUARE_PX - 1, top + SQUARE_PX - 1), fill=ink)
