"""The form of every reader: a tree of files and options in, labelled pictures out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gender_demo.vision.pictures import clean_name
from train.data.records import Reading
from train.data.tree import Tree

NO_LABELS = (
    "DigiFace-1M and sets like it have one folder per made-up person and no gender labels: write "
    "labels of your own into a CSV and use --layout csv"
)


@dataclass(frozen=True)
class Options:
    """``splits``: those wanted of FairFace. ``attribute``: the one of CelebA that is the label."""

    splits: tuple[str, ...] = ("train", "val")
    attribute: str = "Male"


class Reader(Protocol):
    """Reads one layout; LayoutError where the tree is not of its form."""

    def __call__(self, tree: Tree, options: Options) -> Reading:
        """All records of the tree, and notes on what was left out."""


def left_out(what: str, names: list[str], most: int = 5) -> list[str]:
    """One note that says how many names were passed over and which; none where there are none."""
    if not names:
        return []
    shown = ", ".join(clean_name(name) for name in names[:most])
    return [f"{len(names)} {what} and were left out: {shown}{'' if len(names) <= most else ' …'}"]
