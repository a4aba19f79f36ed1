"""Results -> CSV, JSON and JPEG files that say what made them.

CSV and JSON are written result by result, so that nothing is lost when the rest cannot be done.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, astuple
from typing import Any, TextIO

from PIL import Image

from gender_demo.files.about import About
from gender_demo.files.analyze import FileResult
from gender_demo.files.names import is_hidden, printable
from gender_demo.files.rows import HIDDEN, NOT_LABELLED, FaceRow, rows

COLUMNS = (
    *("file", "face", "perceived as", "probability", "reasons", "x0", "y0", "x1", "y1", "note"),
    *("model", "date", "threshold", "caveat"),
)
MOST_PX = 65_500
"""The longest side that libjpeg writes."""
CORRECTION = "corrected to"
"""One more column, after the reasons, where people could correct the guesses."""
FORMULA = re.compile(r"(^|[;,\n])(\s*)(?=[=+\-@＝＋－＠﹦﹢﹣﹫−])")
"""Where a spreadsheet, whatever its separator, would begin a formula."""
UNUSUAL = re.compile(r"[^ -~\n]")
"""A character that may have to be escaped in JSON; a crowd's text has 30,000 that need no look."""
JPEG_QUALITY = 90


def write_csv(
    results: Iterable[FileResult], about: About, out: TextIO, *, corrections: bool = False
) -> None:
    """A header line and one line per face, each with what ``about`` says. Texts in which a
    spreadsheet would see a formula get an apostrophe; control characters are escaped. With
    ``corrections`` people's own words stand in a column beside the guesses. A file's lines are
    written at once: who is stopped in between leaves all of them or none."""
    at = COLUMNS.index("x0")
    out.write(_csv_lines([(*COLUMNS[:at], *[CORRECTION] * corrections, *COLUMNS[at:])]))
    for result in results:
        lines = []
        for row in rows(result):
            values, own = _values(row), [row.correction] * corrections
            lines.append(map(to_cell, (*values[:at], *own, *values[at:], *astuple(about))))
        out.write(_csv_lines(lines))
        out.flush()


def _csv_lines(lines: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def to_csv(results: Iterable[FileResult], about: About, *, corrections: bool = False) -> str:
    """All rows as CSV text; see ``write_csv``."""
    out = io.StringIO()
    write_csv(results, about, out, corrections=corrections)
    return out.getvalue()


def write_json(results: Iterable[FileResult], about: About, out: TextIO) -> None:
    """A list of {file, analysis, error, note, about}, the analysis with all its figures or null.
    Text stays readable; only control characters and the like are escaped. A corrected face has
    "corrected_to" beside the guess, one whose guess is not wanted "withheld" in its place. The list
    is closed where the rest cannot be done, too."""
    before = "[\n"
    try:
        for result in results:
            entry = {
                "file": result.name,
                "analysis": _tree(result),
                "error": result.error,
                "note": result.note,
                "about": asdict(about),
            }
            out.write(before + dump_json(entry))
            out.flush()
            before = ",\n"
    finally:
        out.write("\n]\n" if before == ",\n" else "[]\n")


def to_json(results: Iterable[FileResult], about: About) -> str:
    """All results as JSON text; see ``write_json``."""
    out = io.StringIO()
    write_json(results, about, out)
    return out.getvalue()


def to_jpeg(picture: Image.Image, about: About) -> bytes:
    """A drawn RGB picture as JPEG, whose comment says what ``about`` says; shrunk where it is
    longer than a JPEG may be."""
    if max(picture.size) > MOST_PX:
        picture = picture.copy()
        picture.thumbnail((MOST_PX, MOST_PX))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=JPEG_QUALITY, comment=about.sentence().encode())
    return data.getvalue()


def dump_json(value: Any) -> str:
    """As JSON; text stays readable, only control characters and the like are escaped."""
    return UNUSUAL.sub(_json_escape, json.dumps(value, indent=2, ensure_ascii=False))


def _tree(result: FileResult) -> dict[str, Any] | None:
    """The analysis with all its figures, but for what somebody wants to be left out."""
    if result.analysis is None:
        return None
    tree = asdict(result.analysis)
    for number, entry in zip(result.analysis.left_to_right, tree["predictions"], strict=True):
        wish = result.wishes.get(number)
        if wish and wish.correction:
            entry["corrected_to"] = wish.correction
        elif wish:
            entry |= {"label": None, "probability": None, "probabilities": [], "reasons": []}
            entry["withheld"] = HIDDEN if wish.hidden else NOT_LABELLED
    return tree


def _values(row: FaceRow) -> tuple[Any, ...]:
    box = [round(value, 1) for value in row.box] if row.box else [""] * 4
    return (row.file, row.face, row.label, row.probability, row.reasons, *box, row.note)


def to_cell(value: Any) -> Any:
    """A value for a CSV file: see ``write_csv``."""
    return FORMULA.sub(r"\1\2'", printable(value, keep="\n")) if isinstance(value, str) else value


def _json_escape(unusual: re.Match[str]) -> str:
    return json.dumps(unusual[0])[1:-1] if is_hidden(unusual[0]) else unusual[0]
