"""Prepared folders as labelled pictures: what ``train evaluate`` measures a person's model on.

A split's pictures are cut around their faces as FairFace's chips are; those of ``SPLIT_context``
are the pictures themselves.
"""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from gender_demo.errors import DataError, LayoutError, PictureError
from gender_demo.vision.crops import (
    SHIFT_DOWN,
    cut_square,
)
from gender_demo.vision.pictures import open_picture
from train.data.manifest import (
    FACTS,
    MANIFEST,
)
from train.data.readers.base import Options
from train.data.readers.factory import read_records
from train.data.records import AGES, CHIP_PER_FACE, HOLDOUT, LabelledSet, Record, Sample

CONTEXT = "_context"


def is_prepared(folder: Path) -> bool:
    """Whether ``train prepare`` wrote this folder, with what it takes to find the pictures."""
    return (folder / MANIFEST).is_file() and "source" in read_facts(folder)


def read_facts(folder: Path) -> dict[str, Any]:
    """How the folder was prepared; empty where nobody knows."""
    path = folder / FACTS
    facts: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return facts


def read_prepared(
    folder: Path, classes: Sequence[str], split: str | None, limit: int | None
) -> LabelledSet:
    """The source's pictures of a split (None: test where there is one, else the hold-out).

    Only those that are used, under the labels that the manifest gives them.
    """
    facts = read_facts(folder)
    label = facts["labels"][0]
    rows = [row for row in pq.read_table(folder / MANIFEST).to_pylist() if row["row"] >= 0]
    known = {row["split"] for row in rows}
    split = split or ("test" if "test" in known else HOLDOUT)
    cut = not split.endswith(CONTEXT)
    chosen = [row for row in rows if row["split"] == split.removesuffix(CONTEXT)][:limit]
    if not chosen:
        raise DataError(f"{folder} has no split {split!r}: use one of {', '.join(sorted(known))}.")
    strange = sorted({row[label] for row in chosen} - set(classes))
    if strange:
        raise DataError(
            f"{folder} is labelled {', '.join(strange)} and the checkpoint knows "
            f"{', '.join(classes)}: measure it on what it was trained for."
        )
    with tempfile.TemporaryDirectory() as scratch:
        try:
            reading = read_records(
                facts["layout"],
                Path(facts["source"]),
                Options(tuple(facts["splits"].split(",")), facts["attribute"]),
                scratch=Path(scratch),
            )
        except LayoutError as error:
            raise DataError(f"The pictures of {folder} cannot be read again: {error}.") from None
        records = {record.path: record for record in reading.records}
        gone = [row["path"] for row in chosen if row["path"] not in records]
        if gone:
            raise DataError(
                f"{len(gone)} pictures of {folder} are gone from {facts['source']} (first: "
                f"{gone[0]}): prepare it again."
            )
        samples = tuple(_sample(row, records[row["path"]], label, cut) for row in chosen)
    return LabelledSet(folder.resolve().name, split, (MANIFEST,), samples)


def _sample(row: dict[str, Any], record: Record, label: str, cut: bool) -> Sample:
    content = record.content
    if content is None:
        raise DataError(f"{record.path} is gone: prepare the folder again.")
    if not isinstance(content, bytes | Path):
        content = content.read()
    groups = {**(row["groups"] or {}), **record.labels}
    age = groups.get("age")
    sample = Sample(
        record.path, content, row[label], groups.get("race"), age if age in AGES else None
    )
    if row["box"] is None:
        return sample
    try:
        picture = open_picture(content, record.path)
    except PictureError as error:
        raise DataError(f"{error} Prepare the folder again.") from None
    x0, y0, x1, y1 = row["box"]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if not cut:
        return replace(sample, aim=(x / picture.width, y / picture.height))
    side = CHIP_PER_FACE * math.sqrt((x1 - x0) * (y1 - y0))
    packed = io.BytesIO()
    cut_square(picture, x, y + SHIFT_DOWN * side, side, 0.0, round(side)).save(packed, "PNG")
    return replace(sample, source=packed.getvalue())
