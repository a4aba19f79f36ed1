"""Which reader reads which layout."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import clean_name
from train.data.readers.base import NO_LABELS, Options, Reader
from train.data.readers.celeba import read_celeba
from train.data.readers.csv import read_csv
from train.data.readers.fairface import read_fairface
from train.data.readers.folder import read_folder
from train.data.readers.utkface import read_utkface
from train.data.records import TRAIN, Reading, Record, refuse_clashes
from train.data.text import spell
from train.data.tree import read_tree

READERS: dict[str, Reader] = {
    "folder": read_folder,
    "fairface": read_fairface,
    "utkface": read_utkface,
    "celeba": read_celeba,
    "csv": read_csv,
}
LAYOUTS = tuple(READERS)


def read_records(
    layout: str, source: Path, options: Options | None = None, *, scratch: Path
) -> Reading:
    """All labelled pictures in a stable order; LayoutError where anything about them is wrong.

    ``scratch``: a folder for what a compressed tar holds.
    """
    if layout.lower().startswith("digiface"):
        raise LayoutError(NO_LABELS)
    if layout not in READERS:
        raise LayoutError(f"The layout {layout!r} is not known: use {', '.join(LAYOUTS)}")
    reading = READERS[layout](read_tree(source, scratch), options or Options())
    records = list(map(_spelled, reading.records))
    _check(records, source)
    return Reading(records, [_understood(records), *reading.notes])


def _spelled(record: Record) -> Record:
    """With a name and labels that can be written as UTF-8: on a disk they may be any bytes."""
    path = spell(record.path)
    labels = {name: spell(value) for name, value in record.labels.items()}
    same = (path, labels) == (record.path, record.labels)
    return record if same else replace(record, path=path, labels=labels)


def _understood(records: list[Record]) -> str:
    """What a person should check first: which classes there are, and how many pictures of each."""
    classes = Counter(record.label for record in records)
    splits = Counter(record.split for record in records)
    listed = ", ".join(f"{name} {count}" for name, count in sorted(classes.items()))
    listing = ", ".join(f"{name} {count}" for name, count in splits.items())
    return f"Read as {len(classes)} classes: {clean_name(listed)} ({listing})"


def _check(records: list[Record], source: Path) -> None:
    """What every layout must give: pictures, two classes or more, the same ones in each split."""
    if not records:
        raise LayoutError(f"{source} holds no labelled pictures")
    missing = [record.path for record in records if record.content is None]
    if len(missing) == len(records):
        raise LayoutError(
            f"None of the {len(missing)} pictures is there (first: {clean_name(missing[0])}): give "
            "paths as seen from the list's folder, or put the pictures below it"
        )
    counts = Counter(record.label for record in records)
    if len(counts) < 2:
        ((name, count),) = counts.items()
        raise LayoutError(f"There is one class only, {name} ({count}): two or more are needed")
    refuse_clashes(counts)
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
