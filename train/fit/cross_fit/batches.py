"""Endless batches of blocks of faces, each of its own folds, and of pictures of no face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from train.fit.augment import augment
from train.fit.cross_fit.folds import Folded
from train.fit.targets import mix_up, one_hot

NON_FACES, SMALL = 0.05, 0.25
"""Shares: of non-faces in a batch, of small grey faces among a block's faces."""
COVERED, SMOOTHING = 0.1, 0.05


@dataclass(frozen=True)
class Batch:
    """``pictures`` (n, 3, side, side), normalised: blocks of ``per_block`` faces, then non-faces.
    ``wanted`` (faces, outputs) are the faces' targets; ``rows`` (blocks, m) the crops shown."""

    pictures: Tensor
    wanted: Tensor
    per_block: int
    rows: np.ndarray


class Stream:
    """Endless rows, each once in an epoch, every epoch in a new order."""

    def __init__(self, rows: np.ndarray, seed: tuple[int, ...]) -> None:
        self.rows, self.random = rows, np.random.default_rng(seed)
        self.left = rows[:0]

    def take(self, count: int) -> np.ndarray:
        """The next ``count`` rows."""
        while len(self.left) < count:
            self.left = np.concatenate([self.left, self.random.permutation(self.rows)])
        taken, self.left = self.left[:count], self.left[count:]
        return taken


class Batches:
    """Each block shows faces of its own folds only: they are mixed with each other alone, so that a
    teacher that saw none of these folds saw nothing of them."""

    def __init__(
        self,
        data: Folded,
        blocks: Sequence[Sequence[int]],
        batch: int,
        size_px: int,
        mixup: float,
        seed: int,
    ) -> None:
        """``blocks``: the folds of each. ``mixup``: alpha for half of the faces."""
        self.data, self.size_px, self.mixup, self.blocks = data, size_px, mixup, len(blocks)
        self.per_block = (batch - max(1, round(batch * NON_FACES))) // len(blocks)
        self.small = int(self.per_block * SMALL) if data.small else 0
        self.colour = self.per_block - self.small
        rows = [data.rows(folds) for folds in blocks]
        self.faces = [Stream(own, (seed, i, 0)) for i, (own, _) in enumerate(rows)]
        self.smalls = [Stream(more, (seed, i, 1)) for i, (_, more) in enumerate(rows)]
        self.others = Stream(np.arange(len(data.non_faces)), (seed, 2))
        self.non_faces = batch - self.per_block * len(blocks)
        self.generator = Generator(data.train.pixels.device).manual_seed(seed)

    def draw(self) -> Batch:
        """The next batch."""
        data, train = self.data, self.data.train
        rows = np.stack([stream.take(self.colour) for stream in self.faces])
        chosen = torch.from_numpy(rows.reshape(-1)).to(train.pixels.device)
        others = torch.from_numpy(self.others.take(self.non_faces)).to(chosen.device)
        pixels = torch.cat([train.pixels[chosen], data.non_faces[others]])
        views = self._augment(pixels, train.margin)
        faces, wanted = views[: len(chosen)], one_hot(train, chosen, SMOOTHING)
        if data.small is not None and self.small:
            more = np.concatenate([stream.take(self.small) for stream in self.smalls])
            small_rows = torch.from_numpy(more).to(chosen.device)
            small = self._augment(data.small.pixels[small_rows].contiguous(), data.small.margin)
            faces = self._side_by_side(faces, small)
            wanted = self._side_by_side(wanted, one_hot(data.small, small_rows, SMOOTHING))
        faces = faces.clone()
        for start in range(0, len(faces), self.per_block):
            half = slice(start, start + self.per_block, 2)
            faces[half], wanted[half] = mix_up(
                faces[half], wanted[half], self.mixup, self.generator
            )
        pictures = torch.cat([faces, views[len(chosen) :]])
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        return Batch(pictures, wanted, self.per_block, rows)

    def _augment(self, pixels: Tensor, margin: float) -> Tensor:
        return augment(pixels, margin, self.size_px, self.generator, covered=COVERED)

    def _side_by_side(self, one: Tensor, other: Tensor) -> Tensor:
        """Each block's share of ``one`` and then of ``other``; rows come block by block."""
        parts = [part.reshape(self.blocks, -1, *part.shape[1:]) for part in (one, other)]
        return torch.cat(parts, 1).flatten(0, 1)
