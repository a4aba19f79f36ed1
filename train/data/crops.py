"""Prepared crops in memory: one uint8 tensor and one column of class numbers per label."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor

from gender_demo.errors import DataError
from train.data.records import FAIRFACE


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
    facts: dict[str, Any] = field(default_factory=dict)
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
    try:
        table = pq.read_table(folder / "manifest.parquet")
        pixels = open_crops(folder)
        facts = json.loads((folder / "prepared.json").read_text())
    except FileNotFoundError as error:
        missing = error.filename or folder / "manifest.parquet"
        raise DataError(f"{missing} is missing: run python -m train prepare first") from None
    row = np.asarray(table["row"])
    split_of = np.asarray(table["split"])
    margin, names = float(facts["margin"]), facts.get("labels") or _labels(table.column_names)
    columns = {name: np.asarray(table[name]) for name in names}
    classes = {
        name: FAIRFACE.get(name, tuple(sorted(set(columns[name].tolist())))) for name in names
    }
    result = []
    for split in splits:
        chosen = np.flatnonzero((split_of == split) & (row >= 0))
        if not len(chosen):
            known = ", ".join(sorted(set(split_of.tolist())))
            raise DataError(f"the split {split!r} of {folder} is empty; it has {known}")
        targets = {}
        for name in names:
            number = {value: i for i, value in enumerate(classes[name])}
            values = columns[name][chosen].tolist()
            unknown = Counter(value for value in values if value not in number)
            if unknown:
                told = ", ".join(f"{count} x {value!r}" for value, count in unknown.most_common(5))
                raise DataError(f"the split {split!r} of {folder} has unknown {name}: {told}")
            targets[name] = torch.tensor([number[value] for value in values])
        seen = torch.from_numpy(pixels[row[chosen]])
        crops = Crops(seen, targets, classes, margin, folder.name, facts)
        if lonely := [name for name, count in crops.counts.items() if not count]:
            raise DataError(f"the split {split!r} has no picture of {', '.join(lonely)}")
        result.append(crops)
    return result


def open_crops(folder: Path) -> np.ndarray:
    """Crops (n, side, side, 3) uint8 in the order of their rows, as they are or packed."""
    shards = sorted(folder.glob("crops-*.parquet"))
    if not shards:
        crops: np.ndarray = np.load(folder / "crops.npy", mmap_mode="r")
        return crops
    column = pq.read_table(shards, columns=["crop"])["crop"]
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda i: _decode(column[i].as_py()), range(len(column)))))


def _decode(packed: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(packed)).convert("RGB"))


def _labels(columns: list[str]) -> list[str]:
    """The labels of data prepared before ``prepared.json`` named them, the served one first."""
    others = {"path", "split", "group", "box", "score", "reason", "row"}
    return sorted(set(columns) - others, key=lambda name: (name not in ("gender", "label"), name))


def described(train: Crops, valid: Crops) -> dict[str, Any]:
    """What a checkpoint says about its data: no paths but the folder's name."""
    return {
        "folder": train.name,
        "layout": train.facts.get("layout", ""),
        "seed": train.facts.get("seed", ""),
        "faces to train on": train.counts,
        "faces to hold out": valid.counts,
    }
