"""Corruptions: pictures made worse as a webcam, a bad link or a dark room would.

Strengths were set by what a webcam does, before any model was measured, and are not tuned. Each
takes an upright RGB picture and a generator that the caller seeds, and returns an RGB picture.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from train.data.records import CHIP_PER_FACE

FRAME = (640, 480)
FILL = (127, 127, 127)
CHIP_PER_CONTEXT = 1.5 / 3.5
"""Side of the 0.25 chip over that of the full picture (padding 1.25) around it."""

Random = np.random.Generator
Change = Callable[[Image.Image, Random], Image.Image]


def seeded(*parts: str) -> Random:
    """A generator that depends on the names alone, not on order or on how many there are."""
    return np.random.default_rng(zlib.crc32(":".join(parts).encode()))


def shrink_face(picture: Image.Image, random: Random, face_px: float = 40.0) -> Image.Image:
    """A chip made so small that its face is ``face_px`` pixels, and left that small."""
    scale = face_px * CHIP_PER_FACE / max(picture.size)
    width, height = (max(1, round(n * scale)) for n in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def compress(picture: Image.Image, random: Random, quality: int = 30) -> Image.Image:
    """Through JPEG and back."""
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB")


def blur(picture: Image.Image, random: Random, share: float = 1 / 75) -> Image.Image:
    """Out of focus: a Gaussian whose sigma is a share of the width (3 px at 224)."""
    return picture.filter(ImageFilter.GaussianBlur(picture.width * share))


def add_noise(picture: Image.Image, random: Random, sigma: float = 20.0) -> Image.Image:
    """Sensor noise of ``sigma`` grey levels in each channel of each pixel."""
    pixels = np.asarray(picture, dtype=np.float32)
    return _to_picture(pixels + random.normal(0, sigma, pixels.shape))


def darken(picture: Image.Image, random: Random, light: float = 0.25) -> Image.Image:
    """A quarter of the light, with the noise (5 grey levels) that stands out then."""
    pixels = np.asarray(picture, dtype=np.float32) * light
    return _to_picture(pixels + random.normal(0, 5.0, pixels.shape))


def shift(picture: Image.Image, random: Random, most_px: int = 4) -> Image.Image:
    """The next frame: the window moved by 1 to ``most_px`` pixels, no pixel invented."""
    left, top = (int(n) for n in random.integers(1, most_px, 2, endpoint=True))
    return picture.crop((left, top, picture.width - most_px + left, picture.height - most_px + top))


def recompress(picture: Image.Image, random: Random) -> Image.Image:
    """The same picture as another program would save it: JPEG 75."""
    return compress(picture, random, 75)


def paste_into_frame(
    picture: Image.Image, random: Random
) -> tuple[Image.Image, tuple[float, float]]:
    """A full picture as a webcam would hold it: somewhere in a grey 640 x 480 frame, its face 60 to
    120 pixels large. Also returns where in the frame the picture's middle is."""
    face_px = random.uniform(60, 120)
    side = round(face_px * CHIP_PER_FACE / CHIP_PER_CONTEXT)
    frame = Image.new("RGB", FRAME, FILL)
    x, y = (int(random.integers(0, n - side, endpoint=True)) for n in FRAME)
    frame.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (x, y))
    return frame, (x + side / 2, y + side / 2)


CORRUPTIONS: dict[str, Change] = {
    "face of 40 pixels": shrink_face,
    "JPEG quality 30": compress,
    "blur": blur,
    "noise": add_noise,
    "dark": darken,
}
INVARIANCE_PAIRS: dict[str, Change] = {
    "shifted by 1 to 4 pixels": shift,
    "saved again as JPEG 75": recompress,
}


def _to_picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
