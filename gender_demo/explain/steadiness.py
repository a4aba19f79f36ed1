"""steadiness(): the same face darker, blurred, smaller, …, and what is said of it then."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from gender_demo.results import Face
from gender_demo.vision.crops import crop_face
from gender_demo.vision.decision import decide
from gender_demo.vision.low_light import apply_gain
from gender_demo.vision.pipeline import Pipeline
from gender_demo.vision.quality import sharpness

SMALL_PX = 32
"""Side of the face where it is shown smaller, in pixels."""
TIGHTER, WIDER = 0.87, 1.15


@dataclass(frozen=True)
class Variant:
    """The face made another way: its crop, the label (None: unsure, and why) and the probability
    of the most likely class, ``guess``."""

    name: str
    crop: Image.Image
    label: str | None
    guess: str
    probability: float
    reasons: tuple[str, ...]


def darken(crop: Image.Image) -> Image.Image:
    """A quarter of the light, brightened again as dark pictures are before they are classified."""
    return apply_gain(ImageEnhance.Brightness(crop).enhance(0.25))


def compress(crop: Image.Image) -> Image.Image:
    """Through JPEG of quality 30 and back."""
    packed = io.BytesIO()
    crop.save(packed, "JPEG", quality=30)
    return Image.open(packed).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda crop: crop,
    "a quarter of the light": darken,
    "brighter": lambda crop: ImageEnhance.Brightness(crop).enhance(1.6),
    "blurred": lambda crop: crop.filter(ImageFilter.GaussianBlur(crop.width / 75)),
    "mirrored": ImageOps.mirror,
    "JPEG of quality 30": compress,
    "in grey": lambda crop: crop.convert("L").convert("RGB"),
}


def steadiness(pipeline: Pipeline, picture: Image.Image, face: Face) -> list[Variant]:
    """One face of an upright RGB picture in all ways, as it is first; one batch."""
    config = pipeline.checkpoint.config
    crop, side = pipeline.cut(picture, face), config.crop_px
    made = [(name, change(crop), face, picture.size) for name, change in CHANGES.items()]
    for name, margin in (("cut tighter", TIGHTER), ("cut wider", WIDER)):
        cut = crop_face(picture, face, side, margin=config.crop_margin * margin)
        made.append((name, cut, face, picture.size))
    by = SMALL_PX / max(SMALL_PX, face.box.size_px)
    if by < 1:
        small_px = max(1, round(SMALL_PX * config.crop_margin))
        small = crop.resize((small_px, small_px), Image.Resampling.BOX)
        size = (round(picture.width * by), round(picture.height * by))
        small = small.resize((side, side), Image.Resampling.BICUBIC)
        made.append((f"{SMALL_PX} pixels small", small, face.scaled(by), size))
    variants = []
    answers = pipeline.classify([one[1] for one in made])
    for (name, changed, where, size), values in zip(made, answers, strict=True):
        label, reasons = decide(
            values, config.classes, config.rules, where, size, sharpness(changed)
        )
        guess = config.classes[values.index(max(values))]
        variants.append(Variant(name, changed, label, guess, max(values), reasons))
    return variants
