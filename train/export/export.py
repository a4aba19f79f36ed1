"""Write a checkpoint folder from a training run: what does best on the hold-out.

Tried are the moving average and the last weights, at every side of ``--px``, in VIEWS, with the
batch norms' statistics taken anew at that side: those of the average lag behind, and
another side shifts them. The recall of the best one is then equalized (``train.export.equalize``).
Of a finished checkpoint the weights stay, and what stands around them (views, temperature, rules)
is set anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from gender_demo.errors import CheckpointError, DataError
from gender_demo.vision.checkpoint import Config, build_model, load_checkpoint, save_checkpoint
from gender_demo.vision.networks import build_network
from gender_demo.vision.preflight import CONFIG
from train.data.crops import Crops, load_crops
from train.export.equalize import equalize_recall
from train.export.onnx import write_chain, write_onnx
from train.export.sharpness import classify_blurred, fit_sharpness
from train.fit.augment import augment
from train.fit.checkpoint_folder import write_checkpoint
from train.fit.holdout import HoldoutPredictions, average_views, holdout_predictions
from train.fit.saved_run import read_run

VIEWS = (0.95, 1.1, 1.25)
"""Squares around a face whose answers are averaged: see ``Config.views``. Three views are no more
often right than two, but fewer labels flip when a picture is shifted or saved again (the log)."""


@dataclass(frozen=True)
class Candidate:
    """Weights that may be served at a side, and what is known of how they came about."""

    name: str
    px: int
    arch: str
    model: nn.Module
    training: dict[str, Any]

    def predictions(self, crops: Crops) -> HoldoutPredictions:
        """What it says of ``crops`` in VIEWS."""
        model = self.model.eval()
        return average_views([holdout_predictions(model, crops, self.px, v) for v in VIEWS])


def run(args: argparse.Namespace) -> int:
    """Export; prints the hold-out figures of all that was tried."""
    finished = (args.run / CONFIG).exists()
    onnx = finished and (args.onnx or args.onnx_chain)
    if (args.data is None) != (args.out is None) or not (args.out or onnx):
        raise SystemExit(
            "give a run or checkpoint folder, its prepared data and --out FOLDER, or a checkpoint "
            "folder and --onnx FILE or --onnx-chain FOLDER"
        )
    try:
        folder = _export(args, finished) if args.out else args.run
        for write, path in ((write_onnx, args.onnx), (write_chain, args.onnx_chain)):
            if path is not None:
                write(load_checkpoint(folder), path)
                print(path)
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename} is missing: give the --out of train fit") from None
    except (CheckpointError, DataError, ValueError) as error:
        raise SystemExit(str(error)) from None
    return 0


def _export(args: argparse.Namespace, finished: bool) -> Path:
    train, crops = load_crops(args.data, [args.train_split, args.split])
    candidates = _of_checkpoint(args, crops) if finished else _of_run(args, train)
    tried = []
    for candidate in candidates:
        predictions = candidate.predictions(crops)
        tried.append((predictions.figures().accuracy, candidate, predictions))
        print(candidate.name, json.dumps(asdict(predictions.figures())), flush=True)
    _, best, predictions = max(tried, key=lambda each: each[0])
    training = {**best.training}
    if not finished:
        shares = equalize_recall(best.model, crops, predictions)
        training["equalized recall"] = {name: round(share, 4) for name, share in shares.items()}
        predictions = best.predictions(crops)
    training["held out"] = asdict(predictions.figures())
    write_checkpoint(
        args.out,
        best.model.state_dict(),
        predictions,
        name=args.out.name,
        arch=best.arch,
        training={**training, **args.facts},
    )
    rules = set_sharpness_threshold(args.out, crops).rules
    print(
        f"{args.out}: {best.px} px, answers from a probability of {rules.min_probability} and a "
        f"sharpness of {rules.min_sharpness}"
    )
    return Path(args.out)


def _of_run(args: argparse.Namespace, train: Crops) -> Iterator[Candidate]:
    saved = read_run(args.run)
    arch, outputs = saved.recipe.arch, len(saved.model["fc.bias"])
    facts = {
        "date": date.today().isoformat(), "recipe": asdict(saved.recipe), "steps": saved.step,
    }  # fmt: skip
    states = {"average": saved.average, "last": saved.model}
    for (weights, state), px in itertools.product(states.items(), map(int, args.px.split(","))):
        model = build_network(arch, outputs).to(memory_format=torch.channels_last)
        model.load_state_dict(state)
        renew_statistics(model, train, px)
        yield Candidate(weights, px, arch, model, {**facts, "weights": weights})


def _of_checkpoint(args: argparse.Namespace, crops: Crops) -> Iterator[Candidate]:
    """The very weights of a checkpoint: only views, temperature and rules are set anew."""
    checkpoint = load_checkpoint(args.run)
    config, classes = checkpoint.config, crops.served
    if config.classes != classes:
        raise DataError(
            f"{args.run} knows {', '.join(config.classes)} and {args.data} {', '.join(classes)}: "
            "give the data that it was trained on"
        )
    model = build_model(config).to(memory_format=torch.channels_last)
    model.load_state_dict(dict(checkpoint.state))
    yield Candidate("as it is", config.input_px, config.arch, model, config.training)


def set_sharpness_threshold(folder: Path, crops: Crops) -> Config:
    """Set a checkpoint's least sharpness by blurred held-out crops."""
    checkpoint = load_checkpoint(folder)
    series, config = classify_blurred(checkpoint, crops), checkpoint.config
    config = replace(
        config,
        rules=replace(config.rules, min_sharpness=fit_sharpness(series)),
        training={**config.training, "blurred": series.figures()},
    )
    return save_checkpoint(folder, config, checkpoint.state)


@torch.no_grad()
def renew_statistics(model: nn.Module, crops: Crops, size_px: int, batches: int = 16) -> None:
    """Means and variances of the batch norms over augmented crops, as ``swa_utils.update_bn``."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(crops), generator=generator)[: batches * 128]
    update_bn(
        [
            augment(crops.pixels[part], crops.margin, size_px, generator)
            for part in torch.split(chosen, 128)
        ],
        model,
    )
