"""The layout ``csv``: ``path,label[,split][,identity][,group…]``."""

from __future__ import annotations

import csv
import io
from collections import Counter

from gender_demo.errors import LayoutError
from train.data.archives import Tree
from train.data.readers.base import Options
from train.data.records import SPLITS, Reading, Record


def read_csv(tree: Tree, options: Options) -> Reading:  # noqa: ARG001 - as every Reader
    """Paths are relative to the CSV or to any folder of the source; what is further is not read."""
    if tree.root.suffix.lower() == ".csv":
        name = tree.root.name
    else:
        tables = [name for name in tree.files if name.lower().endswith(".csv")]
        if len(tables) != 1:
            raise LayoutError(
                f"{tree.root} holds {len(tables)} CSV files ({', '.join(tables[:5]) or 'none'}): "
                "give the one to read as the source"
            )
        (name,) = tables
    rows = read_rows(tree.text(name) or "", name, ("path", "label"))
    unlabelled = [
        row["path"] for row in rows if not row["label"].strip() or not row["path"].strip()
    ]
    if unlabelled:
        raise LayoutError(
            f"{len(unlabelled)} of {len(rows)} rows of {name} lack a path or a label (first: "
            f"{unlabelled[0]!r})"
        )
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row["path"], set()).add(row["label"].strip())
    clashing = [path for path, found in labels.items() if len(found) > 1]
    if clashing:
        raise LayoutError(
            f"{len(clashing)} pictures stand in {name} under two labels (first: {clashing[0]} as "
            f"{' and '.join(sorted(labels[clashing[0]]))}): keep one row for each"
        )
    known = ("path", "label", "split", "identity")
    unknown = Counter(
        row["split"] for row in rows if row.get("split") and row["split"].lower() not in SPLITS
    )
    if unknown:
        told = ", ".join(f"{count} x {split!r}" for split, count in unknown.most_common(5))
        raise LayoutError(f"{name} names unknown splits: {told}; use train, valid and test")
    folder = name.rpartition("/")[0]
    return Reading(
        [
            Record(
                path=path,
                content=tree.find(f"{folder}/{path}" if folder else path) or tree.find(path),
                labels={"label": row["label"].strip()},
                split=SPLITS[(row.get("split") or "train").lower()],
                identity=row.get("identity") or None,
                groups={k: v for k, v in row.items() if k not in known},
            )
            for path, row in {row["path"]: row for row in rows}.items()
        ]
    )


def read_rows(text: str, name: str, needed: tuple[str, ...]) -> list[dict[str, str]]:
    """A CSV's rows by column; LayoutError where a needed column is missing."""
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise LayoutError(f"{name} lacks the column {', '.join(missing)}")
    try:
        return [{k: v for k, v in row.items() if k} for row in reader]
    except csv.Error as error:
        raise LayoutError(f"{name} is no CSV (line {reader.line_num}: {error})") from None
