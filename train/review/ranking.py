"""Prepared crops and a checkpoint -> every face with the loss of its label, the highest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import Checkpoint
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_whole
from train.data.decisions import read_undecided
from train.data.manifest import read_facts

BATCH = 64


@dataclass(frozen=True)
class RankedFace:
    """One face that is used; ``row`` is its crop's index, ``loss`` that of its label in nats."""

    path: str
    split: str
    label: str
    row: int
    guess: str
    probability: float
    loss: float


def rank_faces(folder: Path, crops: np.ndarray, checkpoint: Checkpoint) -> list[RankedFace]:
    """All used faces by the loss of the label that prepare found; DataError for other classes."""
    classes = checkpoint.config.classes
    rows = [row for row in read_undecided(folder) if row.used]
    if strange := {row.label for row in rows} - set(classes):
        raise DataError(
            f"The checkpoint knows {', '.join(classes)}, the data also "
            f"{', '.join(sorted(strange))}: give the checkpoint that was trained on it."
        )
    predicted = _predict([row.row for row in rows], crops, checkpoint, read_facts(folder).margin)
    faces = []
    for row, values in zip(rows, predicted, strict=True):
        best = max(range(len(values)), key=values.__getitem__)
        loss = -math.log(max(1e-9, values[classes.index(row.label)]))
        seen = (classes[best], values[best], loss)
        faces.append(RankedFace(row.path, row.split, row.label, row.row, *seen))
    return sorted(faces, key=lambda face: -face.loss)


def _predict(
    numbers: Sequence[int], crops: np.ndarray, checkpoint: Checkpoint, margin: float
) -> Iterator[Sequence[float]]:
    """Probabilities of each crop as serving gives them; the crops are ``margin`` times as wide."""
    classify, config = Classifier(checkpoint), checkpoint.config
    for start in tqdm(range(0, len(numbers), BATCH), desc="losses", unit=" batches"):
        wide = [Image.fromarray(crops[i]) for i in numbers[start : start + BATCH]]
        served = [crop_whole(w, config.crop_px, margin=config.crop_margin / margin) for w in wide]
        yield from classify(served)
