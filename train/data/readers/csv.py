"""The layout ``csv``: a table with a line for each picture, as any program writes it.

Needed are a column for the path and one for the label; one for the split and one for the person
are used where they are there, all others are groups that are only counted.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import SUFFIXES, clean_name
from train.data.readers.base import Options
from train.data.records import SPLITS, TRAIN, Reading, Record, name_some
from train.data.tree import Source, Tree

TABLES = (".csv", ".tsv")
DELIMITERS = (",", ";", "\t", "|")
NAMES = {
    "path": (
        *("path", "filepath", "imagepath", "file", "filename", "imagefile", "imagefilename"),
        *("image", "imagename", "img", "imgpath", "picture", "photo", "imageid", "name"),
    ),
    "label": (
        *("label", "labels", "labelname", "class", "classname", "classid", "target", "category"),
        *("gender", "sex", "y"),
    ),
    "split": ("split", "set", "subset", "partition", "usage"),
    "identity": ("identity", "person", "personid", "subject", "subjectid"),
}
"""What a column is for -> what people call it, in lower case without spaces and underscores; of
several the first counts."""


@dataclass(frozen=True)
class Table:
    """``rows``: column -> cell, both without spaces around them."""

    columns: list[str]
    rows: list[dict[str, str]]


def read_csv(tree: Tree, options: Options) -> Reading:  # noqa: ARG001 - as every Reader
    """Paths as seen from the CSV or from any folder of the source, or of this machine."""
    name = _find_table(tree)
    table = read_table(tree.text(name) or "", name)
    column = _columns(table, name)
    rows = table.rows
    _check_rows(rows, column, name)
    find = _Finder(tree, name)
    groups = [one for one in table.columns if one and one not in column.values()]
    records = [
        Record(
            path=path,
            content=find(path),
            labels={"label": row[column["label"]]},
            split=SPLITS[row.get(column.get("split", ""), "").lower() or TRAIN],
            identity=row.get(column.get("identity", "")) or None,
            groups={group: row[group] for group in groups},
        )
        for path, row in {row[column["path"]]: row for row in rows}.items()
    ]
    known = ", ".join(f"{use} from {named}" for use, named in column.items())
    notes = [f"{name} has the columns {known}{_listed('; only counted: ', groups)}"]
    if find.elsewhere:
        notes.append(
            f"{len(find.elsewhere)} paths are another machine's and were found by their ends "
            f"(first: {clean_name(find.elsewhere[0])})"
        )
    return Reading(records, notes)


def read_table(text: str, name: str) -> Table:
    """Cells separated by comma, semicolon, tab or bar, whichever parts the first line most."""
    lines = text.lstrip("\r\n")
    first, *rest = re.split(r"\r\n?|\n", lines, maxsplit=1)
    try:
        if first.lower().startswith("sep=") and first[4:5]:  # Excel's own
            delimiter, lines = first[4], "".join(rest)
        else:
            columns = {one: len(next(csv.reader([first], delimiter=one), ())) for one in DELIMITERS}
            delimiter = max(columns, key=columns.__getitem__)
        reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter)
        header, *cells = [[cell.strip() for cell in line] for line in reader if line] or [[]]
    except csv.Error as error:
        raise LayoutError(f"{name} is no CSV ({error})") from None
    padded = (line + [""] * (len(header) - len(line)) for line in cells if any(line))
    return Table(header, [dict(zip(header, line, strict=False)) for line in padded])


def read_rows(text: str, name: str, needed: Sequence[str]) -> list[dict[str, str]]:
    """A table's rows; LayoutError where a needed column is missing."""
    table = read_table(text, name)
    if missing := [column for column in needed if column not in table.columns]:
        raise LayoutError(_lacks(name, missing, table))
    return table.rows


def _lacks(name: str, missing: Sequence[str], table: Table) -> str:
    columns = ", ".join(filter(None, table.columns)) or "none"
    return f"{name} lacks the column {', '.join(missing)}: it has {clean_name(columns)}"


def _find_table(tree: Tree) -> str:
    if tree.root.is_file() and tree.root.name in tree.files:
        return tree.root.name
    tables = [name for name in tree.files if name.lower().endswith(TABLES)]
    if len(tables) != 1:
        raise LayoutError(
            f"{tree.root} holds {len(tables)} CSV files ({', '.join(tables[:5]) or 'none'}): "
            "give the one to read as the source"
        )
    return tables[0]


def _columns(table: Table, name: str) -> dict[str, str]:
    """What a column is for -> the column as the table spells it."""
    spelt = {"".join(filter(str.isalnum, one.casefold())): one for one in reversed(table.columns)}
    found = {
        use: next((spelt[one] for one in names if one in spelt), None)
        for use, names in NAMES.items()
    }
    if missing := [use for use in ("path", "label") if found[use] is None]:
        raise LayoutError(_lacks(name, missing, table))
    return {use: column for use, column in found.items() if column is not None}


def _check_rows(rows: Sequence[Mapping[str, str]], column: Mapping[str, str], name: str) -> None:
    """LayoutError for empty cells, two labels for one picture, splits of unknown names."""
    path, label, split = column["path"], column["label"], column.get("split", "")
    if bare := [row[path] for row in rows if not row[label] or not row[path]]:
        raise LayoutError(
            f"{len(bare)} of {len(rows)} rows of {name} lack a path or a label (first: {bare[0]!r})"
        )
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row[path]].add(row[label])
    if clashing := [one for one, found in labels.items() if len(found) > 1]:
        raise LayoutError(
            f"{len(clashing)} pictures stand in {name} under two labels (first: {clashing[0]} as "
            f"{' and '.join(sorted(labels[clashing[0]]))}): keep one row for each"
        )
    unknown = Counter(s for row in rows if (s := row.get(split, "")) and s.lower() not in SPLITS)
    if unknown:
        listing = ", ".join(f"{count} x {one!r}" for one, count in unknown.most_common(5))
        raise LayoutError(f"{name} names unknown splits: {listing}; use train, valid and test")


def _listed(before: str, names: Sequence[str]) -> str:
    return before + name_some(names, 8) if names else ""


class _Finder:
    """A path as a CSV spells it -> the picture, from the CSV's folder, the tree, or the disk."""

    def __init__(self, tree: Tree, table: str) -> None:
        self.tree, self.folder = tree, table.rpartition("/")[0]
        source = tree.files[table]
        self.disk = source.parent if isinstance(source, Path) else None
        """Where the CSV lies; None where it came in an archive, which may not point at a disk."""
        self.elsewhere: list[str] = []

    def __call__(self, path: str) -> Source | None:
        endings = ("",) if path.lower().endswith(SUFFIXES) else ("", *SUFFIXES)
        for name in (path + ending for ending in endings):
            beside = f"{self.folder}/{name}" if self.folder else name
            found = self.tree.find(beside) or self.tree.find(name) or self._on_disk(name)
            if found is not None:
                return found
        if end := self.tree.find_end(path) if _is_absolute(path) else None:
            self.elsewhere.append(path)
        return end

    def _on_disk(self, name: str) -> Path | None:
        """An absolute path, or one that leaves the source; pictures only."""
        if self.disk is None or not name.lower().endswith(SUFFIXES):
            return None
        path = self.disk / name.replace("\\", "/")
        try:
            return path if path.is_file() else None
        except (OSError, ValueError):  # a name that no disk can hold
            return None


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or path[1:3] in (":/", ":\\")
