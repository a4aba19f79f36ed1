"""What ``prepare`` did, to be read in a browser: ``report.html`` and its contact sheets.

The page is ``templates/report.html``; here are its figures, warnings and sheets.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from gender_demo.vision.checkpoint import write_file
from train.data.faces import (
    Part,
    Row,
)
from train.data.records import (
    HOLDOUT,
    TRAIN,
)
from train.data.sheets import contact_sheet

REPORT, SHEETS = "report.html", "report"
SHOWN = 48
"""Pictures on one sheet."""
THIN, LOPSIDED = 50, 3.0
"""Fewer train faces than this are thin; classes are lopsided above this ratio."""
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


def write_report(
    rows: Sequence[Row],
    parts: Iterable[Part],
    out: Path,
    facts: dict[str, Any],
    notes: Sequence[str],
) -> list[str]:
    """Write the page and its sheets; returns the warnings."""
    label = facts["labels"][0]
    groups = {name: _column(rows, name) for name in _group_names(rows, facts["labels"])}
    warnings = warn(rows, label, groups)
    shown = _choose(rows, label)
    tiles = _cut_tiles(rows, parts, {i for chosen in shown.values() for i in chosen})
    folder = out / SHEETS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sheets: dict[str, list[dict[str, Any]]] = {"kept": [], "left_out": []}
    for number, ((what, name), chosen) in enumerate(shown.items()):
        file = f"{what}_{number}.jpg"
        captions = [(tiles[i], _caption(rows[i], label)) for i in chosen if i in tiles]
        if captions:
            contact_sheet(captions).save(folder / file, quality=85)
        sheets[what].append(
            {
                "title": name if what == "kept" else REASONS.get(name, name),
                "file": f"{SHEETS}/{file}" if captions else None,
                "shown": len(captions),
                "count": _count(rows, what, name, label),
                "names": [rows[i]["path"] for i in chosen],
            }
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template(REPORT).render(
        facts=facts,
        notes=notes,
        warnings=warnings,
        total=len(rows),
        used=sum(row["row"] >= 0 for row in rows),
        sheets=sheets,
        tables=[
            _table("Faces used, by class and split", rows, label, _column(rows, "split")),
            *(_table(f"Faces used, by class and {n}", rows, label, v) for n, v in groups.items()),
            _table("Left out, by class and reason", rows, label, _column(rows, "reason"), False),
        ],
    )
    write_file(out / REPORT, page.encode())
    return warnings


def warn(rows: Sequence[Row], label: str, groups: dict[str, list[str]]) -> list[str]:
    """Sentences about classes and groups that are thin or lopsided."""
    trained = [i for i, row in enumerate(rows) if row["row"] >= 0 and row["split"] == TRAIN]
    counts = Counter(rows[i][label] for i in trained)
    result = [
        f"The class {name} is thin: {count} faces to train on, {THIN} or more are better."
        for name, count in counts.items()
        if count < THIN
    ]
    (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
    if many > LOPSIDED * few:
        result.append(
            f"The classes are lopsided: {many} of {most} to {few} of {least}; fit weighs the rarer "
            "ones more, but more pictures help more."
        )
    for kind, values in groups.items():
        cells = Counter((values[i], rows[i][label]) for i in trained)
        for group in sorted({values[i] for i in trained}):
            inside = {name: cells[group, name] for name in counts}
            least, few = min(inside.items(), key=lambda one: one[1])
            if sum(inside.values()) < THIN:
                result.append(f"The group {kind} {group} is thin: {sum(inside.values())} faces.")
            elif max(inside.values()) > LOPSIDED * few:
                result.append(
                    f"The group {kind} {group} is lopsided: only {few} of its "
                    f"{sum(inside.values())} faces are {least}."
                )
    return result


def _group_names(rows: Sequence[Row], labels: Sequence[str]) -> list[str]:
    found = {name for row in rows for name in row["groups"] or ()}
    return [*labels[1:], *sorted(found)]


def _column(rows: Sequence[Row], name: str) -> list[str]:
    return [str(row[name] if name in row else (row["groups"] or {}).get(name, "")) for row in rows]


def _choose(rows: Sequence[Row], label: str) -> dict[tuple[str, str], list[int]]:
    """("kept", class) and ("left_out", reason) -> rows to show; a copy stands beside its twin."""
    by_path = {row["path"]: i for i, row in enumerate(rows)}
    found: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        key = ("kept", row[label]) if row["row"] >= 0 else ("left_out", row["reason"])
        found.setdefault(key, []).append(i)
    draw = random.Random(0)
    result = {}
    for key in sorted(found):
        several = key[0] == "left_out" and rows[found[key][0]]["copy_of"] is not None
        count = min(len(found[key]), SHOWN // 2 if several else SHOWN)
        chosen = sorted(draw.sample(found[key], count))
        if several:
            chosen = [j for i in chosen for j in (i, by_path[rows[i]["copy_of"]])]
        result[key] = chosen
    return result


def _cut_tiles(
    rows: Sequence[Row], parts: Iterable[Part], wanted: set[int]
) -> dict[int, Image.Image]:
    tiles, at = {}, 0
    for part in parts:
        for i in range(at, at + len(part.rows)):
            if i in wanted and rows[i]["crop"] >= 0:
                tiles[i] = Image.fromarray(part.crops[rows[i]["crop"]])
        at += len(part.rows)
    return tiles


def _caption(row: Row, label: str) -> str:
    told = {
        "small": f"{row['face_px'] or 0:.0f} px",
        "blurred": f"sharpness {row['sharpness'] or 0:.1f}",
        "several_faces": f"{row['faces']} faces",
    }.get(row["reason"], row[label] if row["split"] in (TRAIN, HOLDOUT) else row["split"])
    return f"{row['path'].rpartition('/')[2]}\n{told}"


def _count(rows: Sequence[Row], what: str, name: str, label: str) -> int:
    if what == "kept":
        return sum(row["row"] >= 0 and row[label] == name for row in rows)
    return sum(row["row"] < 0 and row["reason"] == name for row in rows)


def _table(
    title: str, rows: Sequence[Row], label: str, values: Sequence[str], used: bool = True
) -> dict[str, Any]:
    chosen = [i for i, row in enumerate(rows) if (row["row"] >= 0) == used]
    counts = Counter((rows[i][label], values[i]) for i in chosen)
    columns = sorted({values[i] for i in chosen})
    return {
        "title": title,
        "columns": [column.replace("_", " ") for column in columns],
        "rows": [
            (name, [counts[name, column] for column in columns])
            for name in sorted({row[label] for row in rows})
        ],
    }
