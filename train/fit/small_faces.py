"""Small grey faces with FairFace's labels, mixed into each batch as its low-resolution share.

A Parquet file with the columns image (32-px grey pictures of FairFace's chips), age, gender, race
and group. Faces of a group that is held out are left out.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Generator, Tensor

from gender_demo.errors import DataError
from train.data.crops import Crops
from train.data.manifest import MANIFEST
from train.data.records import CHIP_PER_FACE
from train.fit.augment import augment


@dataclass(frozen=True)
class SmallFaces:
    """``crops``: pixels (n, side, side, 3), grey. ``share``: how many come to a batch, as a share
    of its other pictures. ``groups``: of near-duplicates, one for each face."""

    crops: Crops
    share: float
    groups: tuple[str, ...] = ()

    def batch(
        self, step: int, beside: int, size_px: int, seed: int, ranks: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Augmented pictures (m, 3, size_px, size_px) of a step, of each face once in an epoch of
        their own, and their rows (m,); for ``ranks``: (rank, processes)."""
        count, (rank, processes) = round(beside * self.share), ranks
        epoch, start = divmod((step * processes + rank) * count, len(self.crops))
        order = np.random.default_rng((seed, epoch, 7)).permutation(len(self.crops))
        chosen = torch.from_numpy(np.resize(np.roll(order, -start), count))
        generator = Generator().manual_seed(seed * 1_000_003 + 2 * step + rank + 500_000_000)
        pixels = self.crops.pixels[chosen].contiguous()
        pictures = augment(pixels, self.crops.margin, size_px, generator, webcam=False)
        return pictures, chosen


def load_small_faces(
    path: Path, train: Crops, held_out: Collection[str], share: float
) -> SmallFaces:
    """Read the file; DataError where it is none or its labels are not those of ``train``."""
    try:
        table = pq.read_table(path).to_pydict()
        groups = [str(group) for group in table["group"]]
        kept = [i for i, group in enumerate(groups) if group not in held_out]
        pixels = np.stack([_grey(table["image"][i]["bytes"]) for i in kept])
        targets = {}
        for name, classes in train.classes.items():
            number = {value.lower(): i for i, value in enumerate(classes)}
            targets[name] = torch.tensor([number[table[name][i].lower()] for i in kept])
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is no Parquet file of small faces ({type(error).__name__}: {error}): it needs "
            f"the columns image, group, {', '.join(train.classes)}, with the labels of the data."
        ) from None
    seen = torch.from_numpy(pixels).unsqueeze(3).expand(-1, -1, -1, 3)
    crops = Crops(seen, targets, train.classes, CHIP_PER_FACE, path.stem)
    return SmallFaces(crops, share, tuple(groups[i] for i in kept))


def held_out_groups(folder: Path, split: str) -> set[str]:
    """Near-duplicate groups of a prepared folder's split."""
    table = pq.read_table(folder / MANIFEST, columns=["split", "group"]).to_pylist()
    return {str(row["group"]) for row in table if row["split"] == split}


def _grey(packed: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(packed)).convert("L"))
