"""One reader for each layout: a tree of files -> labelled pictures. Their forms:

fairface   Parquet in Hugging Face form (``train-0000?-of-*.parquet``; columns image, gender, age,
           race) or the official download (``fairface_label_train.csv``, ``train/1.jpg``)
folder     one folder per class, at any depth, below split folders if there are any
utkface    ``[age]_[gender]_[race]_[date&time].jpg``
celeba     ``list_attr_celeba.txt``, maybe ``list_eval_partition.txt``, ``identity_CelebA.txt``
csv        ``path,label[,split][,identity][,group…]``
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pyarrow.parquet as pq

from gender_demo.vision.pictures import (SUFFIXES, clean_name,)
from train.data.archives import Tree
from gender_demo.errors import LayoutError
from train.data.records import (AGES, FAIRFACE, HOLDOUT, TRAIN, Reading, Record,)

UTKFACE_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d{8,17}\.jpe?g(\.chip\.jpg)?", re.IGNORECASE)
UTKFACE_RACES = ("White", "Black", "Asian", "Indian", "Others")
GENDERS = ("male", "female")
"""In the order of UTKFace's digits."""
SPLITS = {
    **dict.fromkeys(("train", "training", "0"), TRAIN),
    **dict.fromkeys(("valid", "validation", "val", "dev", "holdout", "1"), HOLDOUT),
    **dict.fromkeys(("test", "testing", "eval", "2"), "test"),
}
"""What people call splits, and CelebA's numbers for them. A validation split is held out."""


def read_fairface(tree: Tree, splits: tuple[str, ...]) -> Reading:
    """The wanted splits under their own names: val is for measuring, never held out."""
    records: list[Record] = []
    for split in splits:
        shards = [tree.files[n] for n in tree.files if fnmatch(n, f"{split}-*-of-*.parquet")]
        table = tree.text(f"fairface_label_{split}.csv")
        before = len(records)
        for shard in shards:
            if not isinstance(shard, Path):
                raise LayoutError(f"{shard.name} is a Parquet file in an archive: unpack it first")
            records += _read_parquet(shard, split)
        if not shards:
            if table is None:
                raise LayoutError(
                    f"{tree.root} has neither {split}-*.parquet nor fairface_label_{split}.csv"
                )
            rows = _rows(table, f"fairface_label_{split}.csv", ("file", *FAIRFACE))
            records += [
                Record(row["file"], tree.find(row["file"]), _clean(row), split) for row in rows
            ]
        if len(records) == before:
            raise LayoutError(f"{tree.root} has no pictures for the split {split!r}")
    _check_fairface(records)
    return Reading(records)


def _read_parquet(shard: Path, split: str) -> list[Record]:
    table = pq.read_table(shard)
    missing = [name for name in ("image", *FAIRFACE) if name not in table.column_names]
    if missing:
        raise LayoutError(f"{shard.name} lacks the column {', '.join(missing)}")
    return [
        Record(
            path=row["image"]["path"],
            content=row["image"]["bytes"],
            labels=_clean(row),
            split=split,
            identity=None if row.get("group") is None else str(row["group"]),
        )
        for row in table.to_pylist()
    ]


def _clean(row: Mapping[str, str | None]) -> dict[str, str]:
    text = {name: (row[name] or "").strip() for name in FAIRFACE}
    text["gender"] = text["gender"].lower()
    return text


def _check_fairface(records: list[Record]) -> None:
    """One sentence with counts and names for everything that is missing or unknown."""
    wrong: Counter[str] = Counter()
    first: dict[str, str] = {}
    for record in records:
        for name, allowed in FAIRFACE.items():
            value = record.labels[name]
            if value not in allowed:
                what = f"unknown {name} {value!r}" if value else f"missing {name}"
                wrong[what] += 1
                first.setdefault(what, record.path)
    if wrong:
        told = "; ".join(f"{n} x {what} (first: {first[what]})" for what, n in wrong.most_common(5))
        raise LayoutError(f"labels are wrong in {len(records)} rows: {told}")


def read_utkface(tree: Tree) -> Reading:
    """Labels from the file names; names of another form are counted and named."""
    pictures = [name for name in tree.files if name.lower().endswith(SUFFIXES)]
    records, malformed = [], []
    for name in pictures:
        match = UTKFACE_NAME.fullmatch(name.rpartition("/")[2])
        if match is None or int(match[1]) > 116:
            malformed.append(name)
            continue
        age = AGES[sum(int(match[1]) >= start for start in (3, 10, 20, 30, 40, 50, 60, 70))]
        groups = {"age": age, "race": UTKFACE_RACES[int(match[3])]}
        label = {"gender": GENDERS[int(match[2])]}
        records.append(Record(name, tree.files[name], label, groups=groups))
    if pictures and not records:
        raise LayoutError(
            f"None of the {len(pictures)} names is of UTKFace's form age_gender_race_date.jpg "
            f"(first: {clean_name(pictures[0])})"
        )
    return Reading(
        records, _passed_over("names are not of the form age_gender_race_date", malformed)
    )


def read_celeba(tree: Tree, attribute: str) -> Reading:
    """Any attribute as the label; the official partition where its file is there."""
    text = tree.text("list_attr_celeba.txt")
    if text is None:
        raise LayoutError(f"{tree.root} has no list_attr_celeba.txt")
    _, header, *lines = text.splitlines() or ["", ""]
    attributes = header.split()
    if attribute not in attributes:
        raise LayoutError(
            f"list_attr_celeba.txt has no attribute {attribute!r}: use --attribute with one of "
            f"{', '.join(attributes)}"
        )
    at = attributes.index(attribute) + 1
    partition = _pairs(tree, "list_eval_partition.txt")
    identity = _pairs(tree, "identity_CelebA.txt")
    records, malformed = [], []
    for line in lines:
        values = line.split()
        if len(values) != len(attributes) + 1 or values[at] not in ("1", "-1"):
            malformed.extend([line[:40]] if values else [])
            continue
        name, yes = values[0], values[at] == "1"
        records.append(
            Record(
                path=name,
                content=tree.find(name),
                labels=_celeba_label(attribute, yes),
                split=SPLITS.get(partition.get(name, "0"), TRAIN),
                identity=identity.get(name),
            )
        )
    return Reading(records, _passed_over("lines of list_attr_celeba.txt are malformed", malformed))


def _celeba_label(attribute: str, yes: bool) -> dict[str, str]:
    if attribute == "Male":
        return {"gender": "male" if yes else "female"}
    name = attribute.replace("_", " ").lower()
    return {"label": name if yes else f"not {name}"}


def _pairs(tree: Tree, name: str) -> dict[str, str]:
    lines = (tree.text(name) or "").splitlines()
    return dict(parts for line in lines if len(parts := line.split()) == 2)


def read_csv(tree: Tree) -> Reading:
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
    rows = _rows(tree.text(name) or "", name, ("path", "label"))
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


def _rows(text: str, name: str, needed: tuple[str, ...]) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise LayoutError(f"{name} lacks the column {', '.join(missing)}")
    try:
        return [{k: v for k, v in row.items() if k} for row in reader]
    except csv.Error as error:
        raise LayoutError(f"{name} is no CSV (line {reader.line_num}: {error})") from None


def _passed_over(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    told = ", ".join(clean_name(name) for name in names[:5])
    return [f"{len(names)} {what} and were left out: {told}{'' if len(names) <= 5 else ' …'}"]
