"""Write a checkpoint folder from a training run: what the hold-out prefers of what was tried.

Tried are the moving average and the last weights, at every side of ``--px``, with the batch norms'
statistics taken anew at that side: those of the average lag behind, and another side shifts them.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import torch
import torchvision
from torch import nn
from torch.optim.swa_utils import update_bn

from gender_demo.checkpoint import (
    CONFIG,
    CheckpointError,
    Config,
    load_checkpoint,
    save_checkpoint,
)
from train.augment import augment
from train.blurred import fit_sharpness, look_blurred
from train.calibrate import look, write_folder
from train.data import Crops, DataError, load_crops
from train.onnx_file import write_onnx


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``python -m train export``."""
    parser.add_argument(
        "run", type=Path, help="run folder of python -m train fit, or a checkpoint for --onnx"
    )
    parser.add_argument("data", type=Path, nargs="?", help="the prepared data of that run")
    parser.add_argument("--out", type=Path, help="checkpoint folder to write")
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="also as one ONNX file")
    parser.add_argument("--px", default="112", help="sides to try, for example 96,112")
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--split", default="holdout")
    parser.add_argument("--facts", type=json.loads, default={}, help="JSON kept in the config")


def run(args: argparse.Namespace) -> int:
    """Export; prints the hold-out figures of every side tried."""
    try:
        if (args.run / CONFIG).exists():
            if args.onnx is None:
                raise SystemExit(f"{args.run} is a checkpoint already: add --onnx FILE")
            folder = args.run
        elif args.data is None or args.out is None:
            raise SystemExit("give the run folder, its prepared data and --out")
        else:
            folder = _export(args)
        if args.onnx is not None:
            write_onnx(load_checkpoint(folder), args.onnx)
            print(args.onnx)
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename} is missing: give the --out of train fit") from None
    except (CheckpointError, DataError, ValueError) as error:
        raise SystemExit(str(error)) from None
    return 0


def _export(args: argparse.Namespace) -> Path:
    saved = torch.load(args.run / "run.pt", map_location="cpu", weights_only=True)
    train, crops = load_crops(args.data, [args.train_split, args.split])
    recipe = saved["recipe"]
    tried = []
    for weights, px in itertools.product(("average", "model"), args.px.split(",")):
        model = getattr(torchvision.models, recipe["arch"])(
            num_classes=len(saved["model"]["fc.bias"])
        ).to(memory_format=torch.channels_last)
        model.load_state_dict(saved[weights])
        renew_statistics(model, train, int(px))
        held = look(model.eval(), crops, int(px))
        tried.append((held.facts()["accuracy"], weights, held, model.state_dict()))
        print(weights, json.dumps(held.facts()), flush=True)
    _, weights, best, state = max(tried, key=lambda one: float(one[0]))
    training = {
        **args.facts,
        "date": date.today().isoformat(),
        "recipe": recipe,
        "steps": saved["step"],
        "weights": {"average": "moving average", "model": "last step"}[weights],
        "held out": best.facts(),
    }
    write_folder(args.out, state, best, name=args.out.name, arch=recipe["arch"], training=training)
    rules = withhold_blurred(args.out, crops).rules
    print(
        f"{args.out}: {best.size_px} px, answers from {rules.min_probability}, "
        f"sharpness from {rules.min_sharpness}"
    )
    return Path(args.out)


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
