"""Labelled pictures as every reader hands them out, and the words that data sets share."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from gender_demo.errors import LayoutError, PictureError
from gender_demo.vision.pictures import MAX_BYTES, clean_name, open_picture
from train.data.archives import Member

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

TRAIN, HOLDOUT, TEST = "train", "holdout", "test"
"""What is trained on; what a run looks at to choose and to calibrate; what is only measured."""
SPLITS = {
    **dict.fromkeys(("train", "training", "0"), TRAIN),
    **dict.fromkeys(("valid", "validation", "val", "dev", "holdout", "1"), HOLDOUT),
    **dict.fromkeys(("test", "testing", "eval", "2"), TEST),
}
"""What people call splits, and CelebA's numbers for them. A validation split is held out."""

CHIP_PER_FACE = 1.08
"""Side of a FairFace chip over sqrt(width * height) of the face's box (the data's README)."""


@dataclass(frozen=True)
class Record:
    """One labelled picture.

    ``content`` is None where the picture is missing. The first of ``labels`` is served, the others
    help in training; ``groups`` are only counted. ``identity`` is the same for pictures that must
    stay on one side of a split: one person's, or near duplicates; None where nobody knows. ``aim``
    is where the labelled face is, as shares (0 to 1) of the picture's width and height.
    """

    path: str
    content: bytes | Path | Member | None
    labels: dict[str, str]
    split: str = TRAIN
    identity: str | None = None
    groups: dict[str, str] = field(default_factory=dict)
    aim: tuple[float, float] = (0.5, 0.5)

    @property
    def label(self) -> str:
        """The value of the label that is served."""
        return next(iter(self.labels.values()))

    @property
    def race(self) -> str | None:
        """As a label or as a group; None where it is unknown."""
        return self.labels.get("race") or self.groups.get("race") or None

    @property
    def age(self) -> str | None:
        """One of AGES; None where it is unknown."""
        age = self.labels.get("age") or self.groups.get("age")
        return age if age in AGES else None

    def read(self) -> bytes:
        """The file's bytes, MAX_BYTES + 1 at most; OSError where it is missing or damaged."""
        if self.content is None:
            raise FileNotFoundError(f"{self.path} is not there")
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, Path) and not self.content.is_file():
            raise OSError(f"{self.path} is a device or pipe, or its link leads nowhere")  # no end
        if isinstance(self.content, Member):
            return self.content.read_bytes()
        with self.content.open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def loaded(self) -> Record:
        """The same, fit to outlive the scratch folder of an archive: its bytes in memory."""
        return replace(self, content=self.read()) if isinstance(self.content, Member) else self

    def picture(self) -> Image.Image:
        """The picture, upright RGB; PictureError where it cannot be read."""
        try:
            return open_picture(self.read(), self.path)
        except OSError as error:
            raise PictureError(f"{self.path} cannot be read ({error}).") from None


@dataclass(frozen=True)
class Reading:
    """What a reader found; ``notes`` are sentences about what it took for what and passed over."""

    records: list[Record]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LabelledSet:
    """One split to measure on: ``title`` as people call the set, ``files`` by name."""

    title: str
    split: str
    files: tuple[str, ...]
    samples: tuple[Record, ...]

    @property
    def sha256(self) -> str:
        """Of all pictures, in their order."""
        digest = hashlib.sha256()
        for record in self.samples:
            digest.update(record.read())
        return digest.hexdigest()


def age_band(years: int) -> str:
    """An age in years as FairFace's band."""
    return AGES[sum(years >= start for start in (3, 10, 20, 30, 40, 50, 60, 70))]


def plain_label(name: str) -> str:
    """The same for labels that a person takes for one."""
    plain = unicodedata.normalize("NFC", " ".join(name.replace("_", " ").split()).casefold())
    return re.sub(r"^0*(\d+)(\.0*)?$", r"\1", plain)  # tables turn 1 into 01 and 1.0


def refuse_clashes(counts: Mapping[str, int]) -> None:
    """LayoutError where two labels, each with its number of pictures, look like one."""
    twice = [name for name, count in Counter(map(plain_label, counts)).items() if count > 1]
    if clash := [f"{name} {count}" for name, count in counts.items() if plain_label(name) in twice]:
        raise LayoutError(
            f"Labels clash: {clean_name(', '.join(clash))} differ only in case, spaces, "
            "underscores, zeros or the way accents are written; make them one"
        )


def name_some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
