"""Prepared crops in memory: one uint8 tensor and one column of class numbers per label."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor

from gender_demo.errors import DataError
from train.data.manifest import CROPS, Facts, Row, read_facts, read_manifest
from train.data.records import FAIRFACE

PACKED = "crops-*.parquet"


@dataclass(frozen=True)
class Crops:
    """``pixels`` uint8 (n, side, side, 3); ``targets[label]`` int64 (n,) into ``classes[label]``.

    The first label is the one that is served; the others only help in training. ``margin`` is how
    many times wider a crop is than what is served, ``name`` that of the data.
    """

    pixels: Tensor
    targets: dict[str, Tensor]
    classes: dict[str, tuple[str, ...]]
    margin: float
    name: str
    facts: Facts = field(default_factory=Facts)
    """What prepare knew about the folder."""

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def target(self) -> Tensor:
        """Class numbers of the served label, int64 (n,)."""
        return next(iter(self.targets.values()))

    @property
    def served(self) -> tuple[str, ...]:
        """Classes of the served label."""
        return next(iter(self.classes.values()))

    @property
    def columns(self) -> dict[str, slice]:
        """Where each label's outputs stand when those of all labels are side by side."""
        ends = list(itertools.accumulate(map(len, self.classes.values()), initial=0))
        return {n: slice(*ends[i : i + 2]) for i, n in enumerate(self.classes)}

    @property
    def counts(self) -> dict[str, int]:
        """Faces of each class of the served label."""
        counts = torch.bincount(self.target, minlength=len(self.served))
        return dict(zip(self.served, counts.tolist(), strict=True))

    def to(self, device: torch.device) -> Crops:
        """The same crops with everything on ``device``."""
        targets = {name: target.to(device) for name, target in self.targets.items()}
        return replace(self, pixels=self.pixels.to(device), targets=targets)


def load_crops(folder: Path, splits: Iterable[str]) -> list[Crops]:
    """The crops of each split, read from what ``train prepare`` wrote."""
    rows, facts, pixels = read_manifest(folder), read_facts(folder), open_crops(folder)
    classes = {
        name: FAIRFACE.get(name, tuple(sorted({row.labels[name] for row in rows})))
        for name in rows[0].labels
    }
    result = []
    for split in splits:
        chosen = [row for row in rows if row.split == split and row.used]
        where = f"the split {split!r} of {folder}"
        if not chosen:
            known = ", ".join(sorted({row.split for row in rows}))
            raise DataError(f"{where} is empty; it has {known}")
        targets = {name: _numbers(chosen, name, known, where) for name, known in classes.items()}
        seen = torch.from_numpy(pixels[[row.row for row in chosen]])
        crops = Crops(seen, targets, classes, facts.margin, folder.name, facts)
        if lonely := [name for name, count in crops.counts.items() if not count]:
            raise DataError(f"the split {split!r} has no picture of {', '.join(lonely)}")
        result.append(crops)
    return result


def _numbers(rows: Sequence[Row], name: str, classes: Sequence[str], where: str) -> Tensor:
    """The rows' values of a label as class numbers, int64 (n,)."""
    number = {value: i for i, value in enumerate(classes)}
    unknown = Counter(row.labels[name] for row in rows if row.labels[name] not in number)
    if unknown:
        listing = ", ".join(f"{count} x {value!r}" for value, count in unknown.most_common(5))
        raise DataError(f"{where} has unknown {name}: {listing}")
    return torch.tensor([number[row.labels[name]] for row in rows])


def open_crops(folder: Path) -> np.ndarray:
    """Crops (n, side, side, 3) uint8 in the order of their rows, as they are or packed."""
    shards = sorted(folder.glob(PACKED))
    if not shards:
        if not (folder / CROPS).is_file():
            raise DataError(f"{folder / CROPS} is missing: run python -m train prepare first")
        crops: np.ndarray = np.load(folder / CROPS, mmap_mode="r")
        return crops
    column = pq.read_table(shards, columns=["crop"])["crop"]
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda i: _decode(column[i].as_py()), range(len(column)))))


def _decode(packed: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(packed)).convert("RGB"))


def described(train: Crops, valid: Crops) -> dict[str, object]:
    """What a checkpoint says about its data: no paths but the folder's name."""
    return {
        "folder": train.name,
        "layout": train.facts.layout,
        "seed": "" if train.facts.seed is None else train.facts.seed,
        "faces to train on": train.counts,
        "faces to hold out": valid.counts,
    }
