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
from gender_demo.files.names import from_address
from gender_demo.vision.pictures import SUFFIXES, clean_name
from train.data.archives import WORKBOOKS
from train.data.readers.base import Options
from train.data.records import SPLITS, TRAIN, Reading, Record, name_some
from train.data.text import FALLBACK, decode, encoding_of
from train.data.tree import Source, Tree

TABLES = (".csv", ".tsv")
NO_LABEL = ("", "nan", "na", "n/a", "#n/a", "<na>", "null", "?", "-")
INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
"""Characters that web pages and spreadsheets leave at the ends of cells."""
MAX_CELL = 2**31 - 1
DELIMITERS = (",", ";", "\t", "|")
NAMES = {
    "path": (
        *("path", "filepath", "imagepath", "file", "filename", "imagefile", "imagefilename"),
        *("image", "imagename", "img", "imgpath", "imgname", "imgfile", "picture", "photo"),
        *("absolutepath", "relativepath", "fullpath", "imageurl", "url", "imageid", "name"),
    ),
    "label": (
        *("label", "labels", "labelname", "class", "classname", "classid", "target", "category"),
        *("targetname", "labelid", "categoryname", "categoryid", "classlabel", "genderlabel"),
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
    data = tree.files[name].read_bytes()
    table = read_table(decode(data), name)
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
            split=SPLITS[_cell(row, column, "split").lower() or TRAIN],
            identity=_cell(row, column, "identity") or None,
            groups={group: row[group] for group in groups},
        )
        for path, row in {row[column["path"]]: row for row in rows}.items()
    ]
    known = ", ".join(f"{use} from {named}" for use, named in column.items())
    notes = [f"{name} has the columns {known}{_listed('; only counted: ', groups)}"]
    if encoding_of(data) == FALLBACK:
        notes.append(f"{name} is no UTF-8 and was read as {FALLBACK}: save it as UTF-8 if its "
                     "words look wrong")  # fmt: skip
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
        quote = "'" if re.match(rf"'[^']*'\s*[{delimiter}]", first) else '"'
        csv.field_size_limit(MAX_CELL)  # Python's own is smaller than a picture in base64
        reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, quotechar=quote)
        header, *cells = [list(map(_bare, line)) for line in reader if line] or [[]]
    except csv.Error as error:
        raise LayoutError(f"{name} is no CSV ({error})") from None
    rows = [line for line in cells if any(line) and not _is_header(line, header)]
    padded = (line + [""] * (len(header) - len(line)) for line in rows)
    return Table(header, [dict(zip(header, line, strict=False)) for line in padded])


def _bare(cell: str) -> str:
    return cell.strip().strip(INVISIBLE).strip()


def _is_header(line: list[str], header: list[str]) -> bool:
    """The header once more, as where tables were put together, or a line below it."""
    return line == header or all(re.fullmatch(":?-{3,}:?", cell) for cell in line if cell)


def read_rows(text: str, name: str, needed: Sequence[str]) -> list[dict[str, str]]:
    """A table's rows; LayoutError where a needed column is missing."""
    table = read_table(text, name)
    if missing := [column for column in needed if column not in table.columns]:
        raise LayoutError(_lacks(name, missing, table))
    return table.rows


def _lacks(name: str, missing: Sequence[str], table: Table) -> str:
    columns = ", ".join(filter(None, table.columns)) or "none"
    return (
        f"{name} lacks the column {', '.join(missing)}: it has {clean_name(columns)}; its first "
        "line must name the columns, with comma, semicolon, tab or bar between them"
    )


def _find_table(tree: Tree) -> str:
    own = tree.root.is_file() and tree.root.name in tree.files
    tables = [name for name in tree.files if name.lower().endswith(TABLES)]
    books = [name for name in tree.files if name.lower().endswith(WORKBOOKS)]
    if own and tree.root.name not in books:
        return tree.root.name
    if books and (own or not tables):
        raise LayoutError(f"{tree.root.name if own else books[0]} is a workbook: save it as CSV")
    if len(tables) != 1:
        raise LayoutError(
            f"{tree.root} holds {len(tables)} CSV files ({', '.join(tables[:5]) or 'none'}): "
            "give the one to read as the source"
        )
    return tables[0]


def _columns(table: Table, name: str) -> dict[str, str]:
    """What a column is for -> the column as the table spells it."""
    if not table.columns:
        raise LayoutError(f"{name} is empty: write a line for each picture, with path and label")
    spelt = {"".join(filter(str.isalnum, one.casefold())): one for one in reversed(table.columns)}
    found = {
        use: next((spelt[one] for one in names if one in spelt), None)
        for use, names in NAMES.items()
    }
    if missing := [use for use in ("path", "label") if found[use] is None]:
        raise LayoutError(_lacks(name, missing, table))
    if twice := [one for one in found.values() if one and table.columns.count(one) > 1]:
        raise LayoutError(f"{name} has two columns {clean_name(twice[0])}: rename one of them")
    return {use: column for use, column in found.items() if column is not None}


def _check_rows(rows: Sequence[Mapping[str, str]], column: Mapping[str, str], name: str) -> None:
    """LayoutError for empty cells, two labels for one picture, splits of unknown names."""
    path, label = column["path"], column["label"]
    if bare := [row[path] for row in rows if row[label].lower() in NO_LABEL or not row[path]]:
        raise LayoutError(
            f"{len(bare)} of {len(rows)} rows of {name} lack a path or a label (first: "
            f"{clean_name(bare[0])!r}): fill or delete them"
        )
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row[path]].add(row[label])
    if clashing := [one for one, found in labels.items() if len(found) > 1]:
        raise LayoutError(
            f"{len(clashing)} pictures stand in {name} under two labels (first: "
            f"{clean_name(clashing[0])} as {clean_name(' and '.join(sorted(labels[clashing[0]])))}"
            "): keep one row for each"
        )
    splits = (_cell(row, column, "split") for row in rows)
    unknown = Counter(clean_name(one) for one in splits if one and one.lower() not in SPLITS)
    if unknown:
        listing = ", ".join(f"{count} x {one!r}" for one, count in unknown.most_common(5))
        raise LayoutError(f"{name} names unknown splits: {listing}; use train, valid and test")


def _cell(row: Mapping[str, str], column: Mapping[str, str], use: str) -> str:
    """What stands in the column for ``use``; "" where there is none."""
    return row[column[use]] if use in column else ""


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
        for name in (way + ending for way in _spellings(path) for ending in endings):
            beside = f"{self.folder}/{name}" if self.folder else name
            found = self.tree.find(beside) or self.tree.find(name) or self._on_disk(name)
            if found is not None:
                return found
        last = _spellings(path)[-1]
        if end := self.tree.find_end(last) if _is_absolute(last) else None:
            self.elsewhere.append(path)
        return end

    def _on_disk(self, name: str) -> Path | None:
        """An absolute path, or one that leaves the source; pictures only."""
        if self.disk is None or not name.lower().endswith(SUFFIXES):
            return None
        try:
            path = self.disk / Path(name.replace("\\", "/")).expanduser()
            return path if path.is_file() else None
        except (OSError, ValueError, RuntimeError):  # a name that no disk can hold, no home
            return None


def _spellings(path: str) -> list[str]:
    """The path as it stands, then as an address would be meant, or a spreadsheet's text."""
    plain = from_address(path).removeprefix("'")
    if re.match("/[A-Za-z]:/", plain):  # file:///C:/...
        plain = plain[1:]
    bare = re.sub(r"[?#].*", "", plain).strip("\"'“”‘’")
    return list(dict.fromkeys(filter(None, (path, plain, bare))))


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or path[1:3] in (":/", ":\\")
