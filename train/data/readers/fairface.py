"""The layout ``fairface``: Parquet in Hugging Face form, or the official download.

Parquet: ``train-0000?-of-*.parquet``; columns image, gender, age, race, maybe group. Official:
``fairface_label_train.csv`` beside ``train/1.jpg`` or beside
``fairface-img-margin025-trainval/train/1.jpg``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gender_demo.errors import LayoutError
from train.data.readers.base import Options
from train.data.readers.csv import read_rows
from train.data.records import FAIRFACE, Reading, Record, age_band
from train.data.tree import Source, Tree

SHARD = re.compile(r"(?P<split>.+?)(-\d+-of-\d+)?\.parquet")
TABLE = re.compile(r"fairface_label_(?P<split>\w+)\.csv")
CONTEXT, CONTEXT_FOLDER = "val_context", "margin125"
"""The official download holds the pictures of val twice, once with more around the face."""


def read_fairface(tree: Tree, options: Options) -> Reading:
    """The wanted splits under their own names: val is for measuring, never held out."""
    splits = find_splits(tree)
    records: list[Record] = []
    for split in options.splits:
        if split not in splits:
            raise LayoutError(
                f"{tree.root} has neither {split}-*.parquet nor fairface_label_{split}.csv"
            )
        found = read_split(tree, split, splits[split], tuple(FAIRFACE))
        if not found:
            raise LayoutError(f"{tree.root} has no pictures for the split {split!r}")
        records += found
    _check(records)
    return Reading(records)


def find_splits(tree: Tree) -> dict[str, list[str]]:
    """Split -> the names of its Parquet files or CSV: those that lie least deep in the tree."""
    names = [tree.root.name] if tree.root.is_file() and tree.root.name in tree.files else tree.files
    found: dict[str, list[str]] = {}
    matches = [
        (name, match)
        for name in names
        if (match := (SHARD.fullmatch(base := name.rpartition("/")[2]) or TABLE.fullmatch(base)))
    ]
    depth = min((name.count("/") for name, _ in matches), default=0)
    for name, match in matches:
        if name.count("/") == depth:
            found.setdefault(match["split"], []).append(name)
    if any(name.endswith(".csv") for name in found.get("val", ())) and any(
        CONTEXT_FOLDER in folder for folder in tree.folders
    ):
        found.setdefault(CONTEXT, found["val"])
    return found


def read_split(
    tree: Tree, split: str, files: Sequence[str], needed: Sequence[str] = ()
) -> list[Record]:
    """The pictures of ``files`` with whatever they say of gender (or label), age and race."""
    shards = [name for name in files if name.endswith(".parquet")]  # where both are, these
    read = _read_shard if shards else _read_table
    return [record for name in shards or files for record in read(tree, name, split, needed)]


def _read_shard(tree: Tree, name: str, split: str, needed: Sequence[str]) -> list[Record]:
    import pyarrow as pa  # here, so that a wrong path is refused before what takes seconds
    import pyarrow.parquet as pq

    shard = tree.files[name]
    if not isinstance(shard, Path):
        raise LayoutError(f"{name} is a Parquet file in an archive: unpack it first")
    try:
        table = pq.read_table(shard)
    except (pa.ArrowException, OSError):
        raise LayoutError(f"{shard} is not a Parquet file that can be read") from None
    if missing := [column for column in ("image", *needed) if column not in table.column_names]:
        columns = ", ".join(table.column_names)
        raise LayoutError(f"{name} lacks the column {', '.join(missing)}: it has {columns}")
    return [
        Record(
            path=row["image"]["path"] or str(i),
            content=row["image"]["bytes"] or b"",
            labels=_labels(row),
            split=split,
            identity=None if row.get("group") is None else str(row["group"]),
        )
        for i, row in enumerate(table.to_pylist())
    ]


def _read_table(tree: Tree, name: str, split: str, needed: Sequence[str]) -> list[Record]:
    return [
        Record(row["file"], _picture(tree, row["file"], split), _labels(row), split)
        for row in read_rows(tree.text(name) or "", name, ("file", *needed))
    ]


def _picture(tree: Tree, file: str, split: str) -> Source | None:
    if split != CONTEXT:
        return tree.find(file)
    return tree.find(file, within=CONTEXT_FOLDER)


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    """Gender in lower case, an age in years as its band; what is missing is empty."""
    named = {name: row[name] for name in FAIRFACE if name in row} or {"label": row.get("label")}
    text = {name: str(value or "").strip() for name, value in named.items()}
    if "gender" in text:
        text["gender"] = text["gender"].lower()
    if isinstance(age := row.get("age"), int | float):
        text["age"] = age_band(int(age))
    return text


def _check(records: Sequence[Record]) -> None:
    """One sentence with counts and names for everything that is missing or unknown."""
    first: dict[str, str] = {}
    wrong: Counter[str] = Counter()
    for record in records:
        for name, allowed in FAIRFACE.items():
            value = record.labels[name]
            if value not in allowed:
                what = f"unknown {name} {value!r}" if value else f"missing {name}"
                wrong[what] += 1
                first.setdefault(what, record.path)
    if wrong:
        found = "; ".join(
            f"{n} x {what} (first: {first[what]})" for what, n in wrong.most_common(5)
        )
        raise LayoutError(f"labels are wrong in {len(records)} rows: {found}")
