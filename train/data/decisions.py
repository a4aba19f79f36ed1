"""What a person decided about single faces: kept in ``review.jsonl``, replayed on the manifest.

The manifest as prepared stays beside it as ``manifest.prepared.parquet``, so that every decision
can be taken back, also after ``prepare`` was run again; pictures and crops are never changed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gender_demo.vision.checkpoint import write_file
from train.data.manifest import MANIFEST, Row, read_manifest, write_manifest

DECISIONS, PREPARED = "review.jsonl", "manifest.prepared.parquet"
KEEP, DROP = "keep", "drop"


@dataclass(frozen=True)
class Decision:
    """``action``: KEEP, DROP, or the name of the class that the face at ``path`` belongs to."""

    path: str
    action: str


def read_decisions(folder: Path) -> list[Decision]:
    """All decisions, oldest first."""
    path = folder / DECISIONS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    return [Decision(**json.loads(line)) for line in lines]


def decide(folder: Path, decision: Decision) -> None:
    """Remember one decision and bring the manifest up to date."""
    _write(folder, [*read_decisions(folder), decision])


def undo(folder: Path) -> Decision | None:
    """Take the last decision back; returns it, None if there is none."""
    decisions = read_decisions(folder)
    if not decisions:
        return None
    _write(folder, decisions[:-1])
    return decisions[-1]


def read_undecided(folder: Path) -> list[Row]:
    """The manifest as prepare wrote it, before any decision."""
    return read_manifest(folder, PREPARED if (folder / PREPARED).exists() else MANIFEST)


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
    rows = read_manifest(folder, PREPARED)
    by_path = {row.path: row for row in rows}
    for decision in decisions:
        row = by_path.get(decision.path)
        if row is None or decision.action == KEEP:
            continue
        if decision.action == DROP:
            row.row, row.reason = -1, "dropped"
        else:
            row.relabel(decision.action)
            row.reason = "relabelled"
    write_manifest(rows, folder)


def _write(folder: Path, decisions: Sequence[Decision]) -> None:
    lines = "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in decisions)
    write_file(folder / DECISIONS, lines.encode())
    replay(folder)
