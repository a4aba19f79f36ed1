"""Reads pictures whose labels are known, to measure with: FairFace and UTKFace.

A folder or file in Hugging Face's Parquet form (columns ``image``, ``gender`` and, where there,
``race`` and ``age``), or the official FairFace folder: ``fairface_label_val.csv`` beside
``val/1.jpg`` or beside ``fairface-img-margin025-trainval/val/1.jpg``.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gender_demo.errors import DataError, PictureError
from train.data.prepared import is_prepared, read_prepared
from train.data.records import LabelledSet, Sample, age_band

SPLIT_NAME = re.compile(r"(?P<split>.+?)(-\d{5}-of-\d{5})?\.parquet")
CSV_NAME = re.compile(r"fairface_label_(?P<split>\w+)\.csv")
TITLES = {"fairface": "FairFace", "utkface": "UTKFace"}
MARGINS = {"val_context": "125", "val": "025", "train": "025"}
"""Split -> the padding in the name of the official folder that holds its pictures."""


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
    splits = _splits(data)
    if not splits:
        raise DataError(
            f"{data} holds neither Parquet files nor fairface_label_*.csv: give the FairFace or "
            "UTKFace folder."
        )
    if split is None:
        split = next(iter(splits)) if len(splits) == 1 else "val"
    if split not in splits:
        raise DataError(
            f"{data} has no split {split!r}: use --split with one of {', '.join(sorted(splits))}."
        )
    files = splits[split]
    rows = [row for file in files for row in _rows(file, split)]
    if not rows:
        raise DataError(f"The split {split!r} of {data} is empty: there is nothing to measure.")
    samples = _samples(rows[:limit], classes, data)
    folder = data if data.is_dir() else data.parent
    title = TITLES.get(folder.name.casefold(), folder.name)
    return LabelledSet(title, split, tuple(file.name for file in files), samples)


def check_pictures(samples: Iterable[Sample]) -> None:
    """Open every picture once, before hours are spent; DataError names those that fail."""
    bad: list[str] = []
    for sample in tqdm(list(samples), desc="checking", unit=" pictures", leave=False):
        try:
            sample.picture()
        except (PictureError, OSError):
            bad.append(sample.name)
    if bad:
        raise DataError(f"{len(bad)} pictures cannot be read: {name_some(bad)}.")


def contradictions(samples: Iterable[Sample]) -> list[str]:
    """Names of pictures that stand in the set several times, under different labels."""
    labels: dict[str, set[str]] = {}
    names: dict[str, list[str]] = {}
    for sample in samples:
        source = sample.source
        raw = source if isinstance(source, bytes) else source.read_bytes()
        key = hashlib.sha256(raw).hexdigest()
        labels.setdefault(key, set()).add(sample.label)
        names.setdefault(key, []).append(sample.name)
    return [name for key, found in labels.items() if len(found) > 1 for name in names[key]]


def name_some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _splits(data: Path) -> dict[str, list[Path]]:
    files = [data] if data.is_file() else sorted(data.iterdir())
    splits: dict[str, list[Path]] = {}
    for file in files:
        match = SPLIT_NAME.fullmatch(file.name) or CSV_NAME.fullmatch(file.name)
        if match:
            splits.setdefault(match["split"], []).append(file)
    if any(file.suffix == ".csv" for found in splits.values() for file in found):
        folder = files[0].parent
        if _picture_folder(folder, "val_context") != folder and "val" in splits:
            splits.setdefault("val_context", splits["val"])
    return splits


def _rows(file: Path, split: str) -> list[dict[str, Any]]:
    if file.suffix == ".csv":
        folder = _picture_folder(file.parent, split)
        with file.open(newline="", encoding="utf-8") as lines:
            return [
                {**row, "name": row["file"], "source": folder / row["file"]}
                for row in csv.DictReader(lines)
            ]
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file} is not a Parquet file that can be read.") from error
    if "image" not in table.column_names:
        raise DataError(f"{file} has no column image: its columns are {table.column_names}.")
    return [
        {**row, "name": row["image"]["path"] or str(i), "source": row["image"]["bytes"] or b""}
        for i, row in enumerate(table.to_pylist())
    ]


def _picture_folder(folder: Path, split: str) -> Path:
    """The official download's folder for the split's padding, else the folder itself."""
    margin = MARGINS.get(split, "025")
    return next(iter(sorted(folder.glob(f"*margin{margin}*"))), folder)


def _samples(
    rows: Sequence[dict[str, Any]], classes: Sequence[str], data: Path
) -> tuple[Sample, ...]:
    known = {name.casefold(): name for name in classes}
    samples, wrong = [], []
    for row in rows:
        text = str(row.get("gender") or row.get("label") or "").strip()
        label = known.get(text.casefold())
        if label is None:
            wrong.append((text or "no label", row["name"]))
        else:
            race = row.get("race")
            samples.append(Sample(row["name"], row["source"], label, race, _age(row)))
    if wrong:
        counts = Counter(text for text, _ in wrong).most_common(5)
        listed = ", ".join(f"{text!r} × {count}" for text, count in counts)
        raise DataError(
            f"{len(wrong)} of {len(rows)} pictures in {data} are not labelled "
            f"{' or '.join(classes)} ({listed}): {name_some([name for _, name in wrong])}."
        )
    return tuple(samples)


def _age(row: dict[str, Any]) -> str | None:
    """FairFace's band as it is, an age in years as its band, None where there is no age."""
    age = row.get("age")
    return age_band(int(age)) if isinstance(age, int) else age or None
