"""The folder that prepare writes and fit reads: manifest, crops and what is known about both.

``manifest.parquet`` has one row a picture, also for those that are not used; ``crops.npy`` has
the crops of those that are, uint8 (n, px, px, 3); ``prepared.json`` says how it was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AliasChoices, BaseModel, Field

from gender_demo.errors import DataError
from gender_demo.results import Box
from gender_demo.vision.checkpoint import write_file

MANIFEST, CROPS, FACTS = "manifest.parquet", "crops.npy", "prepared.json"
CROP_PX = 144
MARGIN = 1.25
"""Crops show this much more than serving's, as room for jitter; the middle 1/MARGIN is served."""


@dataclass
class Row:
    """One picture: what it is labelled, what was found in it, and whether its crop is used.

    ``labels``: the served one first; each is a column of its own in the file. ``group`` is never
    torn apart by a split, ``groups`` are only counted. ``box`` and ``face_px`` are in pixels of the
    upright picture, ``score`` is the detector's, 0 to 1, ``faces`` counts those of like size.
    ``reason`` is "face" for a good one, else why it is not; ``copy_of`` the path of its like.
    ``row`` is the crop's index in ``crops.npy``, -1 for a picture that is not used.
    """

    path: str
    split: str
    labels: dict[str, str]
    group: str | None = None
    groups: dict[str, str] = field(default_factory=dict)
    box: Box | None = None
    score: float | None = None
    faces: int = 0
    face_px: float | None = None
    sharpness: float | None = None
    reason: str = ""
    copy_of: str | None = None
    row: int = -1

    @property
    def label(self) -> str:
        """The value of the label that is served."""
        return next(iter(self.labels.values()))

    @property
    def used(self) -> bool:
        """Whether its crop is trained on or measured."""
        return self.row >= 0

    def relabel(self, label: str) -> None:
        """Give another value to the label that is served."""
        self.labels = {**self.labels, next(iter(self.labels)): label}


class Facts(BaseModel):
    """How a folder was prepared. ``source`` is empty where nobody knows any more."""

    crop_px: int = CROP_PX
    margin: float = MARGIN
    source: str = ""
    layout: str = ""
    attribute: str = "Male"
    splits: str = "train,val"
    labels: list[str] = []
    face_filter: dict[str, str | float] = Field(
        default={}, validation_alias=AliasChoices("face_filter", "sorting")
    )
    valid_pct: float = 0.2
    seed: int | None = None


def read_facts(folder: Path) -> Facts:
    """From ``prepared.json``; the defaults where there is none."""
    path = folder / FACTS
    return Facts.model_validate_json(path.read_bytes()) if path.is_file() else Facts()


def write_facts(facts: Facts, out: Path) -> None:
    """To ``prepared.json``."""
    write_file(out / FACTS, (facts.model_dump_json(indent=2) + "\n").encode())


def read_manifest(folder: Path, file: str = MANIFEST) -> list[Row]:
    """All rows in their order; DataError where there is no manifest."""
    if not (folder / file).is_file():
        raise DataError(f"{folder / file} is missing: run python -m train prepare first")
    table = pq.read_table(folder / file)
    known = {one.name for one in fields(Row)} & set(table.column_names)
    labels = read_facts(folder).labels or _labels(set(table.column_names) - known)
    return [
        Row(
            **{name: row[name] for name in known - {"groups", "box"}},
            labels={name: row[name] for name in labels},
            groups={name: value for name, value in (row.get("groups") or {}).items() if value},
            box=Box(*row["box"]) if row.get("box") else None,
        )
        for row in table.to_pylist()
    ]


def _labels(columns: set[str]) -> list[str]:
    """The labels of data prepared before ``prepared.json`` named them, the served one first."""
    return sorted(columns, key=lambda name: (name not in ("gender", "label"), name))


def write_manifest(rows: Iterable[Row], out: Path) -> None:
    """Swap in a manifest; the crops stay as they are."""
    temporary = out / f"{MANIFEST}.part"
    pq.write_table(pa.Table.from_pylist([_columns(row) for row in rows]), temporary)
    temporary.replace(out / MANIFEST)


def _columns(row: Row) -> dict[str, object]:
    values = {one.name: getattr(row, one.name) for one in fields(Row)}
    labels = values.pop("labels")
    start = {name: values.pop(name) for name in ("path", "split", "group")}
    return {**start, **labels, **values, "groups": row.groups or None}
