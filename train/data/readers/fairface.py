"""The layout ``fairface``: Parquet in Hugging Face form, or the official download.

Parquet: ``train-0000?-of-*.parquet``; columns image, gender, age, race, maybe group. Official:
``fairface_label_train.csv`` beside ``train/1.jpg``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pyarrow.parquet as pq

from gender_demo.errors import LayoutError
from train.data.archives import Tree
from train.data.readers.base import Options
from train.data.readers.csv import read_rows
from train.data.records import FAIRFACE, Reading, Record


def read_fairface(tree: Tree, options: Options) -> Reading:
    """The wanted splits under their own names: val is for measuring, never held out."""
    records: list[Record] = []
    for split in options.splits:
        shards = [tree.files[n] for n in tree.files if fnmatch(n, f"{split}-*-of-*.parquet")]
        table = tree.text(f"fairface_label_{split}.csv")
        before = len(records)
        for shard in shards:
            if not isinstance(shard, Path):
                raise LayoutError(f"{shard.name} is a Parquet file in an archive: unpack it first")
            records += _read_parquet(shard, split)
        if not shards:
            if table is None:
                raise LayoutError(
                    f"{tree.root} has neither {split}-*.parquet nor fairface_label_{split}.csv"
                )
            rows = read_rows(table, f"fairface_label_{split}.csv", ("file", *FAIRFACE))
            records += [
                Record(row["file"], tree.find(row["file"]), _clean(row), split) for row in rows
            ]
        if len(records) == before:
            raise LayoutError(f"{tree.root} has no pictures for the split {split!r}")
    _check_fairface(records)
    return Reading(records)


def _read_parquet(shard: Path, split: str) -> list[Record]:
    table = pq.read_table(shard)
    missing = [name for name in ("image", *FAIRFACE) if name not in table.column_names]
    if missing:
        raise LayoutError(f"{shard.name} lacks the column {', '.join(missing)}")
    return [
        Record(
            path=row["image"]["path"],
            content=row["image"]["bytes"],
            labels=_clean(row),
            split=split,
            identity=None if row.get("group") is None else str(row["group"]),
        )
        for row in table.to_pylist()
    ]


def _clean(row: Mapping[str, str | None]) -> dict[str, str]:
    text = {name: (row[name] or "").strip() for name in FAIRFACE}
    text["gender"] = text["gender"].lower()
    return text


def _check_fairface(records: list[Record]) -> None:
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
