"""The folder that prepare writes and fit reads: ``manifest.parquet``, ``crops.npy``,
``prepared.json``.

A manifest has one row a picture: path, split, group (never torn apart by a split), the labels,
groups (only counted), box, score, faces, face_px, sharpness, reason, copy_of, and row, the crop's
index in ``crops.npy`` (uint8, (n, px, px, 3)) or -1 for a picture that is not used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gender_demo.vision.checkpoint import write_file
from train.data.faces import (
    CROP_PX,
    MARGIN,
    Part,
    Row,
)

MANIFEST, CROPS, FACTS = "manifest.parquet", "crops.npy", "prepared.json"
_ONLY_WORK = ("crop", "sha256", "hash")


def number_rows(rows: Sequence[Row], kept: Sequence[str]) -> None:
    """Set ``row`` and a ``group`` for every picture."""
    at = 0
    for row in rows:
        row["group"] = row["group"] or row["path"]
        row["row"] = at if row["reason"] in kept else -1
        at += row["row"] >= 0


def write_prepared(
    rows: Sequence[Row], parts: Iterable[Part], out: Path, facts: dict[str, Any]
) -> None:
    """Write everything; each file is whole or not there, the manifest comes last."""
    count = sum(row["row"] >= 0 for row in rows)
    temporary = out / f"{CROPS}.part"
    shape = (count, CROP_PX, CROP_PX, 3)
    with temporary.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        wanted = iter(rows)
        for part in parts:
            for _, row in zip(part.rows, wanted, strict=False):
                if row["row"] >= 0:
                    file.write(part.crops[row["crop"]].tobytes())
    temporary.replace(out / CROPS)
    facts = {"crop_px": CROP_PX, "margin": MARGIN, **facts}
    write_file(out / FACTS, (json.dumps(facts, indent=2) + "\n").encode())
    write_manifest([{k: v for k, v in row.items() if k not in _ONLY_WORK} for row in rows], out)


def write_manifest(rows: Sequence[Row], out: Path) -> None:
    """Swap in a manifest; the crops stay as they are."""
    temporary = out / f"{MANIFEST}.part"
    pq.write_table(pa.Table.from_pylist(list(rows)), temporary)
    temporary.replace(out / MANIFEST)
