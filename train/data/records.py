"""Labelled pictures in the form that data sets are handed out in; ``train.data.readers.readers`` has the forms.

A source is a folder, an archive (zip, tar) or a folder with archives in it.
"""

from __future__ import annotations

from gender_demo.errors import LayoutError

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

LAYOUTS = ("folder", "fairface", "utkface", "celeba", "csv")
NO_LABELS = (
    "DigiFace-1M and sets like it have one folder per made-up person and no gender labels: write "
    "labels of your own into a CSV and use --layout csv"
)


def read_records(
    layout: str,
    source: Path,
    *,
    scratch: Path,
    splits: Sequence[str] = (),
    attribute: str = "Male",
) -> Reading:
    """All labelled pictures in a stable order; LayoutError where anything about them is wrong.

    ``scratch``: a folder for what a compressed tar holds. ``splits``: those wanted of FairFace.
    ``attribute``: the one of CelebA that becomes the label.
    """
    from train.data.readers import folder as folders
    from train.data.readers import readers
    from train.data.archives import read_tree

    if layout.lower().startswith("digiface"):
        raise LayoutError(NO_LABELS)
    if layout not in LAYOUTS:
        raise LayoutError(f"The layout {layout!r} is not known: use {', '.join(LAYOUTS)}")
    tree = read_tree(source, scratch)
    if layout == "fairface":
        reading = readers.read_fairface(tree, tuple(splits))
    elif layout == "celeba":
        reading = readers.read_celeba(tree, attribute)
    else:
        reading = {
            "folder": folders.read_folder,
            "utkface": readers.read_utkface,
            "csv": readers.read_csv,
        }[layout](tree)
    _check(reading.records, source)
    return reading


def _check(records: list[Record], source: Path) -> None:
    """What every layout must give: pictures, two classes or more, the same ones in each split."""
    if not records:
        raise LayoutError(f"{source} holds no labelled pictures")
    missing = [record.path for record in records if record.content is None]
    if len(missing) == len(records):
        raise LayoutError(f"None of the {len(missing)} pictures is there (first: {missing[0]})")
    counts = Counter(record.label for record in records)
    if len(counts) < 2:
        ((name, count),) = counts.items()
        raise LayoutError(f"There is one class only, {name} ({count}): two or more are needed")
    by_split: dict[str, set[str]] = {}
    for record in records:
        by_split.setdefault(record.split, set()).add(record.label)
    if TRAIN not in by_split:
        raise LayoutError(f"There is no training split, only {', '.join(sorted(by_split))}")
    for split, classes in by_split.items():
        if classes - by_split[TRAIN]:
            raise LayoutError(
                f"The splits name different classes: {TRAIN} has "
                f"{', '.join(sorted(by_split[TRAIN]))}; {split} has {', '.join(sorted(classes))}"
            )
