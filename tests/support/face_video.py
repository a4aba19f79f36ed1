"""A video of a known, moving face, which Chromium plays as its camera."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from gender_demo.results import Box, Face
from tests.support import video
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


@dataclass(frozen=True)
class CrowdVideo:
    """The same of many faces: ``boxes[n]`` has the box of each face in frame n."""

    path: Path
    boxes: tuple[tuple[Box, ...], ...]


def make_crowd_video(
    path: Path,
    detect: Callable[[Sequence[Image.Image]], list[list[Face]]],
    *,
    faces: int = 14,
    frames: int = 120,
    size: tuple[int, int] = (1280, 720),
    face_px: float = 90.0,
    reach_px: float = 60.0,
) -> CrowdVideo:
    """Write a crowd in which each face sways there and back, in ``frames`` or in half of them.

    The true boxes are the faces' paths, each with the median box that ``detect`` sees around it.
    """
    columns = math.ceil(math.sqrt(faces * size[0] / size[1]))
    rows = math.ceil(faces / columns)
    wall = video.backdrop().resize(size, Image.Resampling.BICUBIC)
    side = round(2.6 * face_px)
    heads = [video.patch(i % 10).resize((side, side)) for i in range(faces)]
    mask = video.soft_mask(side, side).filter(ImageFilter.BoxBlur(2))
    middles: list[list[tuple[float, float]]] = []
    pictures = []
    for number in range(frames):
        frame, places = wall.copy(), []
        for i, head in enumerate(heads):
            turn = 2 * math.pi * number / frames * (1 + i % 2) + i
            x = (i % columns + 0.5) * size[0] / columns + reach_px * math.sin(turn)
            y = (i // columns + 0.5) * size[1] / rows + 0.4 * reach_px * math.sin(2 * turn)
            corner = round(x - side / 2), round(y - side / 2)
            frame.paste(head, corner, mask)
            places.append((corner[0] + side / 2, corner[1] + side / 2))
        _write_number(frame, number)
        pictures.append(frame)
        middles.append(places)
    around = _median_boxes(detect(pictures[::20]), middles[::20], face_px)
    with path.open("wb") as file:
        for frame in pictures:
            frame.save(file, "JPEG", quality=85)
    boxes = (
        tuple(box.shifted(x, y) for box, (x, y) in zip(around, places, strict=True))
        for places in middles
    )
    return CrowdVideo(path, tuple(boxes))


def _median_boxes(
    found: Sequence[Sequence[Face]],
    middles: Sequence[Sequence[tuple[float, float]]],
    within_px: float,
) -> list[Box]:
    """Each face's box around the middle of its path, from the detections in some frames."""
    seen: list[list[Box]] = [[] for _ in middles[0]]
    for faces, places in zip(found, middles, strict=True):
        for boxes, place in zip(seen, places, strict=True):
            near = [face.box for face in faces if math.dist(face.box.centre, place) < within_px / 2]
            boxes.extend(box.shifted(-place[0], -place[1]) for box in near)
    return [Box(*(statistics.median(side) for side in zip(*boxes, strict=True))) for boxes in seen]
