"""Prepared crops and a checkpoint -> every face with what speaks against its label."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image
from tqdm import tqdm

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import Checkpoint, load_checkpoint
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_whole
from gender_demo.vision.preflight import SHIPPED
from train.data.decisions import read_undecided
from train.data.duplicates import find_copies
from train.data.faces import HASH_SIDE
from train.data.manifest import Row, read_facts
from train.review.folds import extract_features, out_of_sample_losses

BATCH = 64


@dataclass(frozen=True)
class RankedFace:
    """One face that is used; ``row`` is its crop's index.

    ``loss`` is that of its label in nats, by the checkpoint; ``out_of_sample`` the same by models
    that never saw it, None where no folds were asked for. ``probability`` is that of the guess.
    ``alike`` are rows of near copies among the used faces, ``left_out`` the paths of copies that
    prepare left out.
    """

    path: str
    split: str
    label: str
    row: int
    guess: str
    probability: float
    loss: float
    out_of_sample: float | None = None
    alike: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


RANKS: dict[str, Callable[[RankedFace], float]] = {
    "Highest loss": lambda face: -face.loss,
    "Highest loss out of sample": lambda face: -(face.out_of_sample or 0),
    "Most unsure": lambda face: face.probability,
}
"""What is shown first -> the key to sort by."""
HIGHEST_LOSS, OUT_OF_SAMPLE, UNSURE = RANKS


def rank_faces(
    folder: Path, crops: np.ndarray, checkpoint: Checkpoint, folds: int = 0
) -> list[RankedFace]:
    """All used faces under the labels that prepare found, the highest loss first.

    ``folds``: 2 or more for losses out of sample too. DataError for classes that the checkpoint
    does not know.
    """
    classes = checkpoint.config.classes
    every = read_undecided(folder)
    rows = [row for row in every if row.used]
    if strange := {row.label for row in rows} - set(classes):
        raise DataError(
            f"The checkpoint knows {', '.join(classes)}, the data also "
            f"{', '.join(sorted(strange))}: give the checkpoint that was trained on it."
        )
    predicted = list(_predict(rows, crops, checkpoint, read_facts(folder).margin))
    unseen = _out_of_sample(rows, crops, folds)
    alike = _find_alike(rows, crops)
    left_out: dict[str, list[str]] = {}
    for row in every:
        if row.copy_of and not row.used:
            left_out.setdefault(row.copy_of, []).append(f"{row.path} ({row.label})")
    faces = []
    for row, values, loss in zip(rows, predicted, unseen, strict=True):
        best = max(range(len(values)), key=values.__getitem__)
        faces.append(
            RankedFace(
                path=row.path,
                split=row.split,
                label=row.label,
                row=row.row,
                guess=classes[best],
                probability=values[best],
                loss=-math.log(max(1e-9, values[classes.index(row.label)])),
                out_of_sample=loss,
                alike=tuple(alike.get(row.row, ())),
                left_out=tuple(left_out.get(row.path, ())),
            )
        )
    return sorted(faces, key=RANKS[HIGHEST_LOSS])


def _out_of_sample(
    rows: Sequence[Row], crops: np.ndarray, folds: int
) -> Sequence[float] | Sequence[None]:
    if not folds:
        return [None] * len(rows)
    # The shipped network has never seen these labels, whatever the checkpoint was trained on.
    features = extract_features(rows, crops, load_checkpoint(SHIPPED))
    labels, groups = [row.label for row in rows], [row.group or row.path for row in rows]
    return out_of_sample_losses(features, labels, groups, folds)


def _find_alike(rows: Sequence[Row], crops: np.ndarray) -> dict[int, list[int]]:
    """Row of a crop -> rows of those that look the same, as pictures with other borders do."""
    hashes = [
        np.packbits(imagehash.phash(Image.fromarray(crops[row.row]), HASH_SIDE, 2).hash).tobytes()
        for row in rows
    ]
    groups = [[rows[i].row for i in indices] for indices in find_copies(hashes)]
    return {one: [other for other in group if other != one] for group in groups for one in group}


def _predict(
    rows: Sequence[Row], crops: np.ndarray, checkpoint: Checkpoint, margin: float
) -> Iterator[Sequence[float]]:
    """Probabilities of each crop as serving gives them; the crops are ``margin`` times as wide."""
    classify, config = Classifier(checkpoint), checkpoint.config
    for start in tqdm(range(0, len(rows), BATCH), desc="losses", unit=" batches"):
        wide = [Image.fromarray(crops[row.row]) for row in rows[start : start + BATCH]]
        served = [crop_whole(w, config.crop_px, margin=config.crop_margin / margin) for w in wide]
        yield from classify(served)
