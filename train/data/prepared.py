"""Prepared folders as labelled pictures: what ``train evaluate`` measures a person's model on.

A split's pictures are cut around their faces as FairFace's chips are; those of ``SPLIT_context``
are the pictures themselves.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gender_demo.errors import DataError, LayoutError, PictureError
from gender_demo.results import Box
from gender_demo.vision.crops import SHIFT_DOWN, cut_square
from train.data.manifest import MANIFEST, Facts, Row, read_facts, read_manifest
from train.data.readers.base import Options
from train.data.readers.factory import read_records
from train.data.records import CHIP_PER_FACE, HOLDOUT, TEST, LabelledSet, Record

CONTEXT = "_context"


def is_prepared(folder: Path) -> bool:
    """Whether ``train prepare`` wrote this folder, with what it takes to find the pictures."""
    return (folder / MANIFEST).is_file() and bool(read_facts(folder).source)


def read_prepared(
    folder: Path, classes: Sequence[str], split: str | None, limit: int | None
) -> LabelledSet:
    """The source's pictures of a split (None: test where there is one, else the hold-out).

    Only those that are used, under the labels that the manifest gives them.
    """
    rows = [row for row in read_manifest(folder) if row.used]
    known = {row.split for row in rows}
    split = split or (TEST if TEST in known else HOLDOUT)
    chosen = [row for row in rows if row.split == split.removesuffix(CONTEXT)][:limit]
    if not chosen:
        raise DataError(f"{folder} has no split {split!r}: use one of {', '.join(sorted(known))}.")
    if strange := sorted({row.label for row in chosen} - set(classes)):
        raise DataError(
            f"{folder} is labelled {', '.join(strange)} and the checkpoint knows "
            f"{', '.join(classes)}: measure it on what it was trained for."
        )
    show = _aimed if split.endswith(CONTEXT) else _chip
    with tempfile.TemporaryDirectory() as scratch:
        facts = read_facts(folder)
        records = _records(folder, facts, Path(scratch))
        if gone := [row.path for row in chosen if row.path not in records]:
            raise DataError(
                f"{len(gone)} pictures of {folder} are gone from {facts.source} (first: "
                f"{gone[0]}): prepare it again."
            )
        samples = tuple(_sample(row, records[row.path], show) for row in chosen)
    return LabelledSet(folder.resolve().name, split, (MANIFEST,), samples)


def _records(folder: Path, facts: Facts, scratch: Path) -> dict[str, Record]:
    options = Options(tuple(facts.splits.split(",")), facts.attribute)
    try:
        reading = read_records(facts.layout, Path(facts.source), options, scratch=scratch)
    except LayoutError as error:
        raise DataError(f"The pictures of {folder} cannot be read again: {error}.") from None
    return {record.path: record for record in reading.records}


def _sample(row: Row, record: Record, show: Callable[[Record, Box], Record]) -> Record:
    record = replace(record, labels={**record.labels, **row.labels}, groups=row.groups)
    try:
        return show(record.loaded(), row.box) if row.box else record.loaded()
    except (PictureError, OSError) as error:
        raise DataError(f"{str(error).rstrip('.')}: prepare the folder again.") from None


def _aimed(record: Record, box: Box) -> Record:
    """The whole picture, and where in it the face is."""
    picture, (x, y) = record.picture(), box.centre
    return replace(record, aim=(x / picture.width, y / picture.height))


def _chip(record: Record, box: Box) -> Record:
    """What FairFace's own cutting would have kept of the picture, as PNG."""
    side, packed = CHIP_PER_FACE * box.size_px, io.BytesIO()
    x, y = box.centre
    cut_square(record.picture(), x, y + SHIFT_DOWN * side, side, 0.0, round(side)).save(
        packed, "PNG"
    )
    return replace(record, content=packed.getvalue())
