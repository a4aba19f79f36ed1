"""The layout ``folder``: one folder per class, whatever stands above and below it.

Folders that hold one folder only are passed through. Split folders (train, Training, valid, test …)
are known by name. The classes are the folders below, or, where each of these holds the very same
folders (``site1/man site1/woman site2/man site2/woman``), those further down.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import (
    SUFFIXES,
    clean_name,
)
from train.data.archives import Tree
from train.data.readers.base import NO_LABELS, Options
from train.data.records import (
    SPLITS,
    TRAIN,
    Reading,
    Record,
)

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


def read_folder(tree: Tree, options: Options) -> Reading:  # noqa: ARG001 - as every Reader
    """``[…/][split/][…/]class/…/picture``."""
    top, others = _Folder(), []
    for name in sorted(tree.folders):
        top.at(name)
    for name in tree.files:
        if name.lower().endswith(SUFFIXES):
            top.at(name.rpartition("/")[0]).pictures.append(name)
        else:
            others.append(name)
    taken: set[str] = set()
    records = []
    names: dict[str, str] = {}
    for split, folder in _splits(top):
        classes = _classes(folder)
        _check(classes, split)
        for label, pictures in classes.items():
            # "Male" in one split and "male" in the other are one class.
            known = {"label": names.setdefault(_plain(label), label)}
            records += [Record(p, tree.files[p], known, split) for p in pictures]
            taken.update(pictures)
    notes = []
    beside = sorted(set(top.all_pictures()) - taken)
    for what, left_out in (("pictures lie beside the class folders", beside),
                           ("files are no pictures by their names", others)):  # fmt: skip
        if left_out:
            first = clean_name(left_out[0])
            notes.append(f"{len(left_out)} {what} and were left out (first: {first})")
    return Reading(records, notes)


def _splits(top: _Folder) -> list[tuple[str, _Folder]]:
    here = top
    while True:
        found = [
            (SPLITS[name.lower()], folder)
            for name, folder in here.inner.items()
            if name.lower() in SPLITS and not name.isdigit()
        ]
        if found:
            # Two folders may be the same split ("val" and "valid"); both are read.
            return sorted(found, key=lambda one: one[0] != TRAIN)
        if len(here.inner) != 1 or here.pictures:
            return [(TRAIN, top)]
        (here,) = here.inner.values()


def _classes(folder: _Folder) -> dict[str, list[str]]:
    """Class name -> its pictures."""
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
        level = below
    classes: dict[str, list[str]] = {}
    for here in level:
        for name, inner in here.inner.items():
            classes.setdefault(name, []).extend(inner.all_pictures())
    return classes


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()


def _check(classes: dict[str, list[str]], split: str) -> None:
    told = ", ".join(f"{name} {len(pictures)}" for name, pictures in sorted(classes.items()))
    if len(classes) >= MANY_NUMBERS and all(name.isdigit() for name in classes):
        raise LayoutError(f"{len(classes)} folders are named by numbers: {NO_LABELS}")
    if len(classes) < 2:
        raise LayoutError(
            f"{len(classes)} class folders ({told or 'none'}) were found for {split}: two or more "
            "are needed, one folder for each class"
        )
    empty = [name for name, pictures in classes.items() if not pictures]
    if empty:
        raise LayoutError(
            f"{len(empty)} class folders of the split {split} hold no pictures: "
            f"{', '.join(sorted(empty)[:5])} (all: {told})"
        )
    twice = [name for name, count in Counter(map(_plain, classes)).items() if count > 1]
    if twice:
        clash = [f"{name} {len(found)}" for name, found in classes.items() if _plain(name) in twice]
        raise LayoutError(
            f"Labels clash: {', '.join(clash)} differ only in case, spaces or underscores; put "
            "them into one folder"
        )
