"""How surprising each label is to a model that never saw it: out-of-sample losses, by folds.

A checkpoint that was trained on a face may have learnt its wrong label by heart. So a linear model
on the features of a network that never saw these labels is fitted to all folds but one and asked
about the last, in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, normalize
from tqdm import tqdm

from gender_demo.vision.checkpoint import Checkpoint, build_model
from train.data.manifest import MARGIN, Row

BATCH = 64
WEIGHT_DECAY = 1e-2
"""Of the linear model, on features of length 1 times the root of their number."""


def extract_features(rows: Sequence[Row], crops: np.ndarray, checkpoint: Checkpoint) -> Tensor:
    """What the network's last layer sees of each row's crop and its mirror image: (n, d) float32.

    ``crops`` uint8 (m, side, side, 3), of which the middle is classified as in serving.
    """
    config = checkpoint.config
    net = build_model(config)
    net.load_state_dict(dict(checkpoint.state))
    net.fc = nn.Identity()
    net.eval()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (config.mean, config.std))
    found = []
    for start in tqdm(range(0, len(rows), BATCH), desc="features", unit=" batches"):
        numbers = [row.row for row in rows[start : start + BATCH]]
        pixels = torch.from_numpy(np.asarray(crops[numbers])).permute(0, 3, 1, 2) / 255
        border = round(pixels.shape[-1] * (1 - 1 / MARGIN) / 2)
        inner = pixels[:, :, border:-border, border:-border]
        views = (interpolate(inner, (config.input_px,) * 2, mode="bilinear") - mean) / std
        with torch.inference_mode():
            found.append((net(views) + net(views.flip(3))) / 2)
    features = torch.cat(found).clone()
    scaled: Tensor = normalize(features - features.mean(0)) * features.shape[1] ** 0.5
    return scaled


def out_of_sample_losses(
    features: Tensor, labels: Sequence[str], groups: Sequence[str], folds: int, seed: int = 0
) -> list[float]:
    """Minus the log of each label's probability (nats), by a model fitted to the other folds.

    ``features`` (n, d). Rows of one group are in one fold.
    """
    classes, target = np.unique(labels, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    fold_of_group = np.random.default_rng(seed).permutation(len(names)) % folds
    fold = torch.from_numpy(fold_of_group[group.reshape(-1)])
    wanted = torch.from_numpy(target.reshape(-1))
    losses = torch.zeros(len(wanted))
    for number in range(folds):
        out = fold == number
        linear = _fit(features[~out], wanted[~out], len(classes))
        with torch.inference_mode():
            losses[out] = cross_entropy(linear(features[out]), wanted[out], reduction="none")
    return [float(loss) for loss in losses]


def _fit(features: Tensor, target: Tensor, classes: int) -> nn.Linear:
    """Logistic regression, each class weighing the same; (n, d) and int64 (n,)."""
    linear = nn.Linear(features.shape[1], classes)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    counts = torch.bincount(target, minlength=classes).clamp(min=1)
    weight = len(target) / (classes * counts)
    optimizer = torch.optim.LBFGS(linear.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(linear(features), target, weight)
        loss = loss + WEIGHT_DECAY * linear.weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(step)  # type: ignore[no-untyped-call]
    return linear
