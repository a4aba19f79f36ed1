"""Reads data sets in the form they are handed out: where the pictures are, and their labels.

``fairface`` is either Parquet files in Hugging Face form (``train-*.parquet``, ``val-*.parquet``
with an ``image`` struct of bytes and path) or the official folder (``fairface_label_train.csv``
beside ``train/1.jpg``). ``folder`` is one folder per class, below an optional split folder.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq


class LayoutError(ValueError):
    """The source is not what the layout promises; the message says what is wrong and how much."""


@dataclass(frozen=True)
class Record:
    """One labelled picture. ``group`` is None where the data set knows no near-duplicates."""

    path: str
    content: bytes | Path
    labels: dict[str, str]
    split: str
    group: str | None = None


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

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def read_records(layout: str, source: Path, splits: Iterable[str]) -> list[Record]:
    """All records of the wanted splits, in a stable order; LayoutError if any label is wrong."""
    if not source.is_dir():
        raise LayoutError(f"{source} is not a folder: give the folder that holds the data set")
    wanted = tuple(splits)
    readers = {"fairface": _read_fairface, "folder": _read_folder}
    records = readers[layout](source, wanted)
    found = Counter(record.split for record in records)
    for split in wanted:
        if not found[split]:
            raise LayoutError(f"{source} has no pictures for the split {split!r}")
    return records


def _read_fairface(source: Path, splits: tuple[str, ...]) -> list[Record]:
    rows: list[Record] = []
    for split in splits:
        shards = sorted(source.glob(f"{split}-*-of-*.parquet"))
        table = source / f"fairface_label_{split}.csv"
        if shards:
            for shard in shards:
                rows += _read_parquet(shard, split)
        elif table.is_file():
            rows += _read_csv(source, table, split)
        else:
            raise LayoutError(
                f"{source} has neither {split}-*.parquet nor fairface_label_{split}.csv"
            )
    _check_labels(rows)
    return rows


def _read_parquet(shard: Path, split: str) -> list[Record]:
    table = pq.read_table(shard)
    missing = [name for name in ("image", *FAIRFACE) if name not in table.column_names]
    if missing:
        raise LayoutError(f"{shard.name} lacks the column {', '.join(missing)}")
    columns = {name: table[name].to_pylist() for name in table.column_names if name != "image"}
    groups = columns.get("group") or [None] * table.num_rows
    return [
        Record(
            path=image["path"],
            content=image["bytes"],
            labels=_clean({name: columns[name][i] for name in FAIRFACE}),
            split=split,
            group=None if groups[i] is None else str(groups[i]),
        )
        for i, image in enumerate(table["image"].to_pylist())
    ]


def _read_csv(source: Path, table: Path, split: str) -> list[Record]:
    with table.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    missing = [name for name in ("file", *FAIRFACE) if rows and name not in rows[0]]
    if missing:
        raise LayoutError(f"{table.name} lacks the column {', '.join(missing)}")
    # The official archive unpacks to a folder of its own name beside the CSV files.
    roots = [source, *sorted(path for path in source.iterdir() if path.is_dir())]
    records = []
    for row in rows:
        path = next((p for root in roots if (p := root / row["file"]).is_file()), source)
        records.append(
            Record(
                path=row["file"],
                content=path if path != source else source / row["file"],
                labels=_clean({name: row[name] for name in FAIRFACE}),
                split=split,
            )
        )
    return records


def _read_folder(source: Path, splits: tuple[str, ...]) -> list[Record]:
    """``split/class/…/picture``, or ``class/…/picture`` when only "train" is wanted."""
    records = []
    for split in splits:
        root = source / split
        if not root.is_dir():
            if len(splits) > 1:
                raise LayoutError(f"{source} has no folder {split!r}")
            root = source
        for folder in sorted(path for path in root.iterdir() if path.is_dir()):
            for path in sorted(folder.rglob("*")):
                if path.suffix.lower() in PICTURE_SUFFIXES:
                    name = path.relative_to(source).as_posix()
                    records.append(Record(name, path, {"label": folder.name}, split))
    classes = Counter(record.labels["label"] for record in records)
    if len(classes) < 2:
        raise LayoutError(
            f"{source} holds {len(classes)} class folders with pictures; two or more are needed"
        )
    return records


def _clean(labels: dict[str, str | None]) -> dict[str, str]:
    text = {name: (value or "").strip() for name, value in labels.items()}
    text["gender"] = text["gender"].lower()
    return text


def _check_labels(records: list[Record]) -> None:
    """One sentence with counts and names for everything that is missing or unknown."""
    wrong: Counter[str] = Counter()
    first: dict[str, str] = {}
    for record in records:
        for name, allowed in FAIRFACE.items():
            value = record.labels[name]
            if value not in allowed:
                what = f"unknown {name} {value!r}" if value else f"missing {name}"
                wrong[what] += 1
                first.setdefault(what, record.path)
    if wrong:
        told = "; ".join(f"{n} x {what} (first: {first[what]})" for what, n in wrong.most_common(5))
        raise LayoutError(f"labels are wrong in {len(records)} rows: {told}")
