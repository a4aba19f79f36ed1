"""Labelled pictures to measure on: one split of FairFace, UTKFace or a prepared folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from gender_demo.errors import DataError, LayoutError, PictureError
from train.data.prepared import is_prepared, read_prepared
from train.data.readers.fairface import find_splits, read_split
from train.data.records import LabelledSet, Record, name_some
from train.data.tree import read_tree

TITLES = {"fairface": "FairFace", "utkface": "UTKFace"}


def read_labelled(
    data: Path, classes: Sequence[str], split: str | None = None, limit: int | None = None
) -> LabelledSet:
    """The first ``limit`` labelled pictures of a split (None: val, or the only one there is).

    DataError where there is no such split, it is empty, or a label is missing or not a class.
    """
    if is_prepared(data):
        return read_prepared(data, classes, split, limit)
    if not data.exists():
        raise DataError(f"There is no data at {data}: give a folder or a Parquet file.")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            tree = read_tree(data, Path(scratch))
            splits = find_splits(tree)
            if not splits:
                raise DataError(
                    f"{data} holds neither Parquet files nor fairface_label_*.csv: give the "
                    "FairFace or UTKFace folder."
                )
            if split is None:
                split = next(iter(splits)) if len(splits) == 1 else "val"
            if split not in splits:
                listed = ", ".join(sorted(splits))
                raise DataError(f"{data} has no split {split!r}: use --split with one of {listed}.")
            records = read_split(tree, split, splits[split])[:limit]
        except LayoutError as error:
            raise DataError(f"{error}.") from None
        records = [record.loaded() for record in records]
    if not records:
        raise DataError(f"The split {split!r} of {data} is empty: there is nothing to measure.")
    folder = data if data.is_dir() else data.parent
    files = tuple(name.rpartition("/")[2] for name in splits[split])
    title = TITLES.get(folder.name.casefold(), folder.name)
    return LabelledSet(title, split, files, _with_classes(records, classes, data))


def _with_classes(
    records: Sequence[Record], classes: Sequence[str], data: Path
) -> tuple[Record, ...]:
    """The same records, each label spelt as the checkpoint spells its class."""
    known = {name.casefold(): name for name in classes}
    wrong = [record for record in records if record.label.casefold() not in known]
    if wrong:
        counts = Counter(record.label or "no label" for record in wrong).most_common(5)
        listed = ", ".join(f"{text!r} × {count}" for text, count in counts)
        raise DataError(
            f"{len(wrong)} of {len(records)} pictures in {data} are not labelled "
            f"{' or '.join(classes)} ({listed}): {name_some([record.path for record in wrong])}."
        )
    return tuple(
        replace(record, labels={**record.labels, name: known[label.casefold()]})
        for record in records
        for name, label in [next(iter(record.labels.items()))]
    )


def check_pictures(records: Iterable[Record]) -> None:
    """Open every picture once, before hours are spent; DataError names those that fail."""
    bad: list[str] = []
    for record in tqdm(list(records), desc="checking", unit=" pictures", leave=False):
        try:
            record.picture()
        except PictureError:
            bad.append(record.path)
    if bad:
        raise DataError(f"{len(bad)} pictures cannot be read: {name_some(bad)}.")


def contradictions(records: Iterable[Record]) -> list[str]:
    """Names of pictures that stand in the set several times, under different labels."""
    same: dict[bytes, list[Record]] = {}
    for record in records:
        same.setdefault(hashlib.sha256(record.read()).digest(), []).append(record)
    return [
        record.path
        for group in same.values()
        if len({record.label for record in group}) > 1
        for record in group
    ]
