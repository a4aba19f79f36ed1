"""What each teacher says of the faces that it did not learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from train.data.crops import Crops
from train.fit.holdout import compute_logits

VIEWS = (0.95, 1.1, 1.25)
CONTRADICTED = 0.1
"""A label with less than this probability is counted as contradicted."""


def probabilities(net: nn.Module, crops: Crops, size_px: int) -> Tensor:
    """(n, classes) of the served label, logits averaged over VIEWS and mirror images."""
    logits = torch.stack([compute_logits(net, crops, size_px, view) for view in VIEWS])
    return logits.mean((0, 1))[:, : len(crops.served)].softmax(1).clone()


def subset(crops: Crops, rows: np.ndarray) -> Crops:
    """Those rows of the crops."""
    chosen = torch.from_numpy(rows).to(crops.pixels.device)
    targets = {name: target[chosen] for name, target in crops.targets.items()}
    return replace(crops, pixels=crops.pixels[chosen], targets=targets)


def accuracy(found: Tensor, crops: Crops) -> float:
    """Share of crops whose likeliest class in ``found`` (n, classes) is their label."""
    return float((found.argmax(1) == crops.target.cpu()).float().mean())


def write(path: Path, paths: list[str], fold: np.ndarray, found: Tensor, crops: Crops) -> None:
    """One row a crop: path, fold, label, and the probability (0 to 1) of each class."""
    columns = {name: found[:, i].numpy() for i, name in enumerate(crops.served)}
    labels = [crops.served[number] for number in crops.target.tolist()]
    pq.write_table(pa.table({"path": paths, "fold": fold, "labelled": labels, **columns}), path)


def contradictions(found: Tensor, crops: Crops) -> dict[str, dict[str, tuple[int, int]]]:
    """For each label's classes: how many faces' served label has a probability under CONTRADICTED
    in ``found`` (n, classes), and how many faces there are."""
    own = found.gather(1, crops.target.cpu().unsqueeze(1)).squeeze(1)
    return {
        label: {
            name: (int((own[inside] < CONTRADICTED).sum()), int(inside.sum()))
            for i, name in enumerate(crops.classes[label])
            if (inside := target.cpu() == i).any()
        }
        for label, target in crops.targets.items()
    }
