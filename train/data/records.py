"""Labelled pictures in the form that every reader hands them out in (``train.data.readers``).

A source is a folder, an archive (zip, tar) or a folder with archives in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from gender_demo.vision.pictures import open_picture
from train.data.archives import Member


@dataclass(frozen=True)
class Record:
    """One labelled picture.

    ``content`` is None where the picture is missing. The first of ``labels`` is served, the others
    help in training; ``groups`` are only counted. ``identity`` is the same for pictures that must
    stay on one side of a split: one person's, or near duplicates; None where nobody knows.
    """

    path: str
    content: bytes | Path | Member | None
    labels: dict[str, str]
    split: str = "train"
    identity: str | None = None
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The value of the label that is served."""
        return next(iter(self.labels.values()))


@dataclass(frozen=True)
class Reading:
    """``notes`` are sentences about what was passed over."""

    records: list[Record]
    notes: list[str] = field(default_factory=list)


AGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")
RACES = (
    "Black",
    "East Asian",
    "Indian",
    "Latino_Hispanic",
    "Middle Eastern",
    "Southeast Asian",
    "White",
)
FAIRFACE = {"gender": ("female", "male"), "age": AGES, "race": RACES}
"""Every label of FairFace with its values, in the order that models are trained with."""

TRAIN, HOLDOUT = "train", "holdout"
"""What is trained on, and what a run looks at to choose, set temperature and threshold."""
SPLITS = {
    **dict.fromkeys(("train", "training", "0"), TRAIN),
    **dict.fromkeys(("valid", "validation", "val", "dev", "holdout", "1"), HOLDOUT),
    **dict.fromkeys(("test", "testing", "eval", "2"), "test"),
}
"""What people call splits, and CelebA's numbers for them. A validation split is held out."""

CHIP_PER_FACE = 1.08
"""Side of a FairFace chip over sqrt(width * height) of the face's box (the data's README)."""


@dataclass(frozen=True)
class Sample:
    """One picture, its label among the classes, and the groups that only the audit looks at."""

    name: str
    source: bytes | Path
    label: str
    race: str | None = None
    age: str | None = None
    aim: tuple[float, float] = (0.5, 0.5)
    """Where the labelled face is, as shares of the picture's width and height."""

    def picture(self) -> Image.Image:
        """The picture, upright RGB; PictureError where it cannot be read."""
        return open_picture(self.source, self.name)


@dataclass(frozen=True)
class LabelledSet:
    """``title`` as people call the set, ``files`` by name, ``sha256`` of its pictures in order."""

    title: str
    split: str
    files: tuple[str, ...]
    samples: tuple[Sample, ...]

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for sample in self.samples:
            source = sample.source
            digest.update(source if isinstance(source, bytes) else source.read_bytes())
        return digest.hexdigest()


def age_band(years: int) -> str:
    """An age in years as FairFace's band."""
    return AGES[sum(years >= start for start in (3, 10, 20, 30, 40, 50, 60, 70))]
