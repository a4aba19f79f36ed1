"""What a person decided about single faces: kept in ``review.jsonl``, replayed on the manifest.

The manifest as prepared stays beside it as ``manifest.prepared.parquet``, so that every decision
can be taken back, also after ``prepare`` was run again; pictures and crops are never changed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq

from gender_demo.vision.checkpoint import write_file
from train.data.manifest import (
    FACTS,
    MANIFEST,
    write_manifest,
)

DECISIONS, PREPARED = "review.jsonl", "manifest.prepared.parquet"
KEEP, DROP = "keep", "drop"
Decision = dict[str, str]
"""path, and action: KEEP, DROP, or the name of the class that the face belongs to."""


def read_decisions(folder: Path) -> list[Decision]:
    """All decisions, oldest first."""
    path = folder / DECISIONS
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def decide(folder: Path, path: str, action: str) -> None:
    """Remember one decision and bring the manifest up to date."""
    _write(folder, [*read_decisions(folder), {"path": path, "action": action}])


def undo(folder: Path) -> Decision | None:
    """Take the last decision back; returns it, None if there is none."""
    decisions = read_decisions(folder)
    if not decisions:
        return None
    _write(folder, decisions[:-1])
    return decisions[-1]


def replay(folder: Path, *, fresh: bool = False) -> None:
    """manifest.prepared.parquet and the decisions -> manifest.parquet.

    ``fresh``: the manifest has just been written by prepare and takes the prepared one's place.
    """
    prepared, decisions = folder / PREPARED, read_decisions(folder)
    if fresh:
        prepared.unlink(missing_ok=True)
    if not decisions and not prepared.exists():
        return
    if not prepared.exists():
        shutil.copyfile(folder / MANIFEST, prepared)
    label = json.loads((folder / FACTS).read_text())["labels"][0]
    rows = pq.read_table(prepared).to_pylist()
    by_path = {row["path"]: row for row in rows}
    for one in decisions:
        row = by_path.get(one["path"])
        if row is None:
            continue
        if one["action"] == DROP:
            row["row"], row["reason"] = -1, "dropped"
        elif one["action"] != KEEP:
            row[label], row["reason"] = one["action"], "relabelled"
    write_manifest(rows, folder)


def _write(folder: Path, decisions: list[Decision]) -> None:
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in decisions)
    write_file(folder / DECISIONS, lines.encode())
    replay(folder)
