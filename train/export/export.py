"""Write a checkpoint folder from a training run: what the hold-out prefers of what was tried.

Tried are the moving average and the last weights, at every side of ``--px``, in VIEWS, with the
batch norms' statistics taken anew at that side: those of the average lag behind, and
another side shifts them. The best one is then equalized (``train.export.equalize``): both of two
labels are to be recognised equally often.
Of a finished checkpoint the weights stay, and what stands around them (views, temperature, rules)
is set anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn
from torch.optim.swa_utils import update_bn

from gender_demo.errors import CheckpointError, DataError
from gender_demo.vision.checkpoint import (
    Config,
    build_model,
    load_checkpoint,
    save_checkpoint,
)
from gender_demo.vision.preflight import CONFIG
from train.data.crops import (
    Crops,
    load_crops,
)
from train.export.calibrate import (
    look,
    together,
    write_folder,
)
from train.export.equalize import level
from train.export.onnx import write_onnx
from train.export.sharpness import (
    fit_sharpness,
    look_blurred,
)
from train.fit.augment import augment

VIEWS = (0.95, 1.1, 1.25)
"""Squares around a face whose answers are averaged: see ``Config.views``. Three views are no more
often right than two, but fewer labels flip when a picture is shifted or saved again (the log)."""


def run(args: argparse.Namespace) -> int:
    """Export; prints the hold-out figures of all that was tried."""
    finished = (args.run / CONFIG).exists()
    if (args.data is None) != (args.out is None) or not (args.out or (finished and args.onnx)):
        raise SystemExit(
            "give a run or checkpoint folder, its prepared data and --out FOLDER, or a checkpoint "
            "folder and --onnx FILE"
        )
    try:
        folder = _export(args, finished) if args.out else args.run
        if args.onnx is not None:
            write_onnx(load_checkpoint(folder), args.onnx)
            print(args.onnx)
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename} is missing: give the --out of train fit") from None
    except (CheckpointError, DataError, ValueError) as error:
        raise SystemExit(str(error)) from None
    return 0


def _export(args: argparse.Namespace, finished: bool) -> Path:
    train, crops = load_crops(args.data, [args.train_split, args.split])
    tried = []
    for one in _checkpoint(args, crops) if finished else _run(args, train):
        held = together([look(one.model.eval(), crops, one.px, view) for view in VIEWS])
        tried.append((one, held))
        print(one.name, json.dumps(held.facts()), flush=True)
    one, best = max(tried, key=lambda each: float(each[1].facts()["accuracy"]))
    training = {**one.training}
    if not finished:
        moved = level(one.model, crops, best)
        training["levelled"] = {name: round(value, 4) for name, value in moved.items()}
        best = together([look(one.model, crops, best.size_px, view) for view in best.views])
    training["held out"] = best.facts()
    write_folder(
        args.out,
        one.model.state_dict(),
        best,
        name=args.out.name,
        arch=one.arch,
        training={**training, **args.facts},
    )
    rules = withhold_blurred(args.out, crops).rules
    print(
        f"{args.out}: {best.size_px} px, answers from {rules.min_probability}, "
        f"sharpness from {rules.min_sharpness}"
    )
    return Path(args.out)


@dataclass(frozen=True)
class Candidate:
    """Weights that may be served at a side, and what is known of how they came about."""

    name: str
    px: int
    arch: str
    model: nn.Module
    training: dict[str, Any]


def _run(args: argparse.Namespace, train: Crops) -> Iterator[Candidate]:
    saved = torch.load(args.run / "run.pt", map_location="cpu", weights_only=True)
    recipe, outputs = saved["recipe"], len(saved["model"]["fc.bias"])
    facts = {"date": date.today().isoformat(), "recipe": recipe, "steps": saved["step"]}
    names = {"average": "moving average", "model": "last step"}
    for part, px in itertools.product(names, map(int, args.px.split(","))):
        model = getattr(torchvision.models, recipe["arch"])(num_classes=outputs)
        model = model.to(memory_format=torch.channels_last)
        model.load_state_dict(saved[part])
        renew_statistics(model, train, px)
        training = {**facts, "weights": names[part]}
        yield Candidate(part, px, recipe["arch"], model, training)


def _checkpoint(args: argparse.Namespace, crops: Crops) -> Iterator[Candidate]:
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


def withhold_blurred(folder: Path, crops: Crops) -> Config:
    """Set the checkpoint's least sharpness by held-out crops blurred on purpose."""
    checkpoint = load_checkpoint(folder)
    seen, config = look_blurred(checkpoint, crops), checkpoint.config
    config = replace(
        config,
        rules=replace(config.rules, min_sharpness=fit_sharpness(seen)),
        training={**config.training, "blurred on purpose": seen.facts()},
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
