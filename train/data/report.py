"""What ``prepare`` did, to be read in a browser: ``report.html`` and its contact sheets.

The page is ``templates/report.html``; here are its tables and sheets.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
from PIL import Image

from gender_demo.vision.checkpoint import write_file
from train.data.balance import warn
from train.data.faces import CutRow, Shard
from train.data.manifest import Facts
from train.data.records import HOLDOUT, TRAIN
from train.data.sheets import contact_sheet

REPORT, SHEETS = "report.html", "report"
SHOWN = 48
"""Pictures on one sheet."""
REASONS = {
    "no_face": "no face was found",
    "several_faces": "several faces",
    "small": "the face is too small",
    "blurred": "the face is too blurred",
    "unreadable": "the file cannot be read as a picture",
    "missing": "the file is not there",
    "duplicate": "the very same file is there already",
    "near_duplicate": "nearly the same picture is there already",
    "other_split": "the same picture stands in a split for measuring",
    "two_labels": "the same picture stands under another label too: look which is right",
}
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Sheet:
    """One contact sheet: its file, None where nothing could be shown, out of ``count`` pictures."""

    title: str
    file: str | None
    shown: int
    count: int
    names: list[str]


@dataclass(frozen=True)
class Table:
    """Counts, a row for each class."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[int]]]


def write_report(
    rows: Sequence[CutRow], shards: Iterable[Shard], out: Path, facts: Facts, notes: Sequence[str]
) -> list[str]:
    """Write the page and its sheets; returns the warnings."""
    frame = as_frame(rows)
    warnings = warn(frame[frame.used & (frame.split == TRAIN)])
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template(REPORT).render(
        facts=facts,
        notes=notes,
        warnings=warnings,
        total=len(rows),
        used=int(frame.used.sum()),
        sheets=_write_sheets(rows, shards, out),
        tables=_tables(frame),
    )
    write_file(out / REPORT, page.encode(errors="backslashreplace"))  # names may be no text
    return warnings


def as_frame(rows: Sequence[CutRow]) -> pd.DataFrame:
    """Columns class, split, reason, used, and ``by NAME`` for the other labels and the groups."""
    frame = pd.DataFrame(
        {
            "class": [row.label for row in rows],
            "split": [row.split for row in rows],
            "reason": [row.reason for row in rows],
            "used": [row.used for row in rows],
        }
    )
    others = [*rows[0].labels][1:] + sorted({name for row in rows for name in row.groups})
    for name in others:
        frame[f"by {name}"] = [{**row.groups, **row.labels}.get(name) or "" for row in rows]
    return frame


def _tables(frame: pd.DataFrame) -> list[Table]:
    used = frame[frame.used]
    kinds = [name.removeprefix("by ") for name in frame if name.startswith("by ")]
    return [
        _table("Faces used, by class and split", frame, used["split"]),
        *(_table(f"Faces used, by class and {kind}", frame, used[f"by {kind}"]) for kind in kinds),
        _table("Left out, by class and reason", frame, frame[~frame.used]["reason"]),
    ]


def _table(title: str, frame: pd.DataFrame, values: pd.Series[str]) -> Table:
    counts = pd.crosstab(frame["class"][values.index], values)
    counts = counts.reindex(sorted(frame["class"].unique()), fill_value=0)
    columns = [str(column).replace("_", " ") for column in counts.columns]
    lines = zip(counts.index, counts.to_numpy().tolist(), strict=True)
    return Table(title, columns, [(str(name), line) for name, line in lines])


def _write_sheets(
    rows: Sequence[CutRow], shards: Iterable[Shard], out: Path
) -> dict[str, list[Sheet]]:
    """ "kept" and "left_out" -> a sheet for each class or reason."""
    found = _by_kind(rows)
    chosen = {kind: _choose(rows, indices) for kind, indices in found.items()}
    tiles = _cut_tiles(rows, shards, {i for shown in chosen.values() for i in shown})
    folder = out / SHEETS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sheets: dict[str, list[Sheet]] = {"kept": [], "left_out": []}
    for number, ((what, name), shown) in enumerate(chosen.items()):
        file = f"{what}_{number}.jpg"
        captions = [(tiles[i], _caption(rows[i])) for i in shown if i in tiles]
        if captions:
            contact_sheet(captions).save(folder / file, quality=85)
        sheets[what].append(
            Sheet(
                title=name if what == "kept" else REASONS.get(name, name),
                file=f"{SHEETS}/{file}" if captions else None,
                shown=len(captions),
                count=len(found[what, name]),
                names=[rows[i].path for i in shown],
            )
        )
    return sheets


def _by_kind(rows: Sequence[CutRow]) -> dict[tuple[str, str], list[int]]:
    """("kept", class) and ("left_out", reason) -> indices, in the order of the page."""
    found: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        key = ("kept", row.label) if row.used else ("left_out", row.reason)
        found.setdefault(key, []).append(i)
    return dict(sorted(found.items()))


def _choose(rows: Sequence[CutRow], indices: Sequence[int]) -> list[int]:
    """Up to SHOWN of them, the same ones each time; a copy stands beside its twin."""
    copies = rows[indices[0]].copy_of is not None and not rows[indices[0]].used
    most = min(len(indices), SHOWN // 2 if copies else SHOWN)
    chosen = sorted(random.Random(0).sample(indices, most))
    if not copies:
        return chosen
    by_path = {row.path: i for i, row in enumerate(rows)}
    return [j for i in chosen for j in (i, by_path[str(rows[i].copy_of)])]


def _cut_tiles(
    rows: Sequence[CutRow], shards: Iterable[Shard], wanted: set[int]
) -> dict[int, Image.Image]:
    tiles, start = {}, 0
    for shard in shards:
        for i in range(start, start + len(shard.rows)):
            if i in wanted and rows[i].crop >= 0:
                tiles[i] = Image.fromarray(shard.crops[rows[i].crop])
        start += len(shard.rows)
    return tiles


def _caption(row: CutRow) -> str:
    """The file's name and what speaks for its place."""
    listing = {
        "small": f"{row.face_px or 0:.0f} px",
        "blurred": f"sharpness {row.sharpness or 0:.1f}",
        "several_faces": f"{row.faces} faces",
    }.get(row.reason, row.label if row.split in (TRAIN, HOLDOUT) else row.split)
    return f"{row.path.rpartition('/')[2]}\n{listing}"
