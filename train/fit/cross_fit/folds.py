"""Folds by near-duplicate group, and the pictures of a run with the fold of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gender_demo.errors import DataError
from train.data.crops import Crops
from train.data.manifest import read_manifest
from train.fit.small_faces import SmallFaces


@dataclass(frozen=True)
class Folded:
    """``train`` and ``small``: faces, whose folds are ``fold`` and ``small_fold`` (n,), int64.
    ``non_faces``: uint8 (n, side, side, 3) of the side and margin of ``train``."""

    train: Crops
    fold: np.ndarray
    small: Crops | None
    small_fold: np.ndarray
    non_faces: Tensor

    def rows(self, folds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Rows of ``train`` and of ``small`` that are in these folds."""
        both = (self.fold, self.small_fold)
        one, other = (np.flatnonzero(np.isin(fold, folds)) for fold in both)
        return one, other

    def to(self, device: torch.device) -> Folded:
        """The same pictures on ``device``."""
        small = None if self.small is None else self.small.to(device)
        non_faces = self.non_faces.to(device)
        return Folded(self.train.to(device), self.fold, small, self.small_fold, non_faces)


def read_groups(folder: Path, split: str) -> tuple[list[str], list[str]]:
    """Paths and groups of a split's crops, in the order of ``load_crops``; a picture without a
    group is one of its own."""
    rows = [row for row in read_manifest(folder) if row.split == split and row.used]
    return [row.path for row in rows], [row.group or f"alone: {row.path}" for row in rows]


def fold(
    train: Crops,
    groups: Sequence[str],
    small: SmallFaces | None,
    non_faces: Tensor,
    count: int,
    seed: int,
) -> Folded:
    """Deal the groups out to ``count`` folds; the faces of one are in one fold, small ones too."""
    own, more = list(groups), list(small.groups) if small else []
    names, number = np.unique(own + more, return_inverse=True)
    of_group = np.random.default_rng(seed).permutation(len(names)) % count
    folds = of_group[number.reshape(-1)]
    result = Folded(
        train, folds[: len(own)], small.crops if small else None, folds[len(own) :], non_faces
    )
    for each in range(count):
        rows, small_rows = result.rows([each])
        if not len(rows) or (small and not len(small_rows)):
            raise DataError(f"There are too few faces for {count} folds: give fewer --folds.")
    return result
