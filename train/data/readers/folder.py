"""The layout ``folder``: one folder per class, whatever stands above and below it.

Folders that hold one folder only are passed through. Split folders (train, Training, valid, test …)
are known by name, above the classes or below each of them; a folder of such a name that stands
beside classes and holds no class folders is a class itself. The classes are the folders below, or,
where each of these holds the very same folders (``site1/man site1/woman site2/man site2/woman``),
those further down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import SUFFIXES, clean_name
from train.data.readers.base import NO_LABELS, Options
from train.data.records import SPLITS, TRAIN, Reading, Record, plain_label, refuse_clashes
from train.data.tree import Tree, is_packed

MANY_NUMBERS = 10
"""So many folders, all named by numbers, are persons and not classes."""


@dataclass
class _Folder:
    inner: dict[str, _Folder] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)

    def at(self, path: str) -> _Folder:
        here = self
        for name in path.split("/") if path else ():
            here = here.inner.setdefault(name, _Folder())
        return here

    def all_pictures(self) -> list[str]:
        return [*self.pictures, *(p for inner in self.inner.values() for p in inner.all_pictures())]

    @property
    def named_splits(self) -> dict[str, _Folder]:
        """The folders in it that are named as people name splits."""
        return {name: inner for name, inner in self.inner.items() if _split(name)}


def read_folder(tree: Tree, options: Options) -> Reading:  # noqa: ARG001 - as every Reader
    """``[…/][split/][…/]class/[…/][split/][…/]picture``."""
    if tree.root.is_file() and not is_packed(tree.root):
        raise LayoutError(f"{tree.root.name} is one file: give the folder that holds the classes")
    top, others = _Folder(), []
    for name in sorted(tree.folders):
        top.at(name)
    for name in tree.files:
        if name.lower().endswith(SUFFIXES):
            top.at(name.rpartition("/")[0]).pictures.append(name)
        else:
            others.append(name)
    records: list[Record] = []
    names: dict[str, str] = {}
    splits, notes = _splits(top)
    for split, folder in splits:
        classes = _classes(folder)
        _check(classes, split)
        for label, parts in classes.items():
            # "Male" in one split and "male" in the other are one class.
            known = {"label": names.setdefault(plain_label(label), label)}
            records += [
                Record(picture, tree.files[picture], known, inner or split)
                for inner, part in parts
                for picture in part.all_pictures()
            ]
    beside = sorted(set(top.all_pictures()) - {record.path for record in records})
    for what, left_out in (("pictures lie beside the class folders", beside),
                           ("files are no pictures by their names", others)):  # fmt: skip
        if left_out:
            first = clean_name(left_out[0])
            notes.append(f"{len(left_out)} {what} and were left out (first: {first})")
    return Reading(records, notes)


def _split(name: str) -> str | None:
    """The split that a folder's name stands for; numbers are classes."""
    return None if name.isdigit() else SPLITS.get(name.strip().lower())


def _splits(top: _Folder) -> tuple[list[tuple[str, _Folder]], list[str]]:
    """(split, folder of its classes), train first; and notes about what was taken for what."""
    here = top
    while len(here.inner) == 1 and not here.pictures and not here.named_splits:
        (here,) = here.inner.values()
    named = here.named_splits
    full = {name: inner for name, inner in named.items() if inner.inner}
    if named and (len(named) == len(here.inner) or TRAIN in map(_split, full)):
        # Two folders may be the same split ("val" and "valid"); both are read.
        splits = [(_split(name) or TRAIN, folder) for name, folder in named.items()]
        splits.sort(key=lambda one: one[0] != TRAIN)
        bare = [name for name in named if name not in full and _split(name) != TRAIN]
        if not full or not bare:
            return splits, []
        kept = [(split, folder) for split, folder in splits if folder.inner or split == TRAIN]
        return kept, [f"`{name}` has no class folders, so it is not read" for name in bare]
    why = {True: "stands beside folders that are no splits", False: "has no class folders"}
    return [(TRAIN, top)], [f"`{name}` {why[name in full]}, so it is a class" for name in named]


def _classes(folder: _Folder) -> dict[str, list[tuple[str | None, _Folder]]]:
    """Class name -> the folders that hold its pictures, each with the split that is named there."""
    while len(folder.inner) == 1 and not folder.pictures:
        (only,) = folder.inner.values()
        if not only.inner:
            break
        folder = only
    level = [folder]
    while True:
        below = [inner for here in level for inner in here.inner.values()]
        sets = {frozenset(inner.inner) for inner in below}
        if len(below) < 2 or len(sets) != 1 or len(next(iter(sets))) < 2:
            break
        if all(map(_split, next(iter(sets)))):  # man/train man/test woman/train woman/test
            break
        level = below
    classes: dict[str, list[tuple[str | None, _Folder]]] = {}
    for here in level:
        for name, inner in here.inner.items():
            splits = inner.named_splits
            whole = len(splits) != len(inner.inner) or bool(inner.pictures)
            parts = [(None, inner)] if whole else [(_split(n), part) for n, part in splits.items()]
            classes.setdefault(name, []).extend(parts or [(None, inner)])
    return classes


def _check(classes: dict[str, list[tuple[str | None, _Folder]]], split: str) -> None:
    counts = {
        name: sum(len(part.all_pictures()) for _, part in parts) for name, parts in classes.items()
    }
    named = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    if len(counts) >= MANY_NUMBERS and all(name.isdigit() for name in counts):
        raise LayoutError(f"{len(counts)} folders are named by numbers: {NO_LABELS}")
    if len(counts) < 2:
        raise LayoutError(
            f"{len(counts)} class folders ({named or 'none'}) were found for {split}: two or more "
            "are needed, one folder for each class"
        )
    if empty := [name for name, count in counts.items() if not count]:
        raise LayoutError(
            f"{len(empty)} class folders of the split {split} hold no pictures: "
            f"{', '.join(sorted(empty)[:5])} (all: {named})"
        )
    refuse_clashes(counts)
