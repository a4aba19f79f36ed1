"""Write a checkpoint folder from a training run: what the hold-out prefers of what was tried.

Tried are the moving average and the last weights, at every side of ``--px``, with the batch norms'
statistics taken anew at that side: those of the average lag behind, and another side shifts them.
"""

from __future__ import annotations

import argparse
import itertools
import json
from datetime import date
from pathlib import Path

import torch
import torchvision
from torch import nn
from torch.optim.swa_utils import update_bn

from train.augment import augment
from train.calibrate import look, write_folder
from train.data import Crops, DataError, load_crops


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``python -m train export``."""
    parser.add_argument("run", type=Path, help="run folder of python -m train fit")
    parser.add_argument("data", type=Path, help="the prepared data that it was trained on")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--px", default="112", help="sides to try, for example 96,112")
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--split", default="holdout")
    parser.add_argument("--facts", type=json.loads, default={}, help="JSON kept in the config")


def run(args: argparse.Namespace) -> int:
    """Export; prints the hold-out figures of every side tried."""
    try:
        saved = torch.load(args.run / "run.pt", map_location="cpu", weights_only=True)
        train, crops = load_crops(args.data, [args.train_split, args.split])
        sides = [int(side) for side in args.px.split(",")]
    except FileNotFoundError:
        raise SystemExit(f"{args.run} holds no run.pt: give the --out of train fit") from None
    except (DataError, ValueError) as error:
        raise SystemExit(str(error)) from None
    recipe = saved["recipe"]
    tried = []
    for weights, side in itertools.product(("average", "model"), sides):
        model = getattr(torchvision.models, recipe["arch"])(
            num_classes=len(saved["model"]["fc.bias"])
        ).to(memory_format=torch.channels_last)
        model.load_state_dict(saved[weights])
        renew_statistics(model, train, side)
        held = look(model.eval(), crops, side)
        tried.append((held.facts()["accuracy"], weights, held, model.state_dict()))
        print(weights, json.dumps(held.facts()), flush=True)
    _, weights, best, state = max(tried, key=lambda one: float(one[0]))
    config = write_folder(
        args.out,
        state,
        best,
        name=args.out.name,
        arch=recipe["arch"],
        training={
            **args.facts,
            "date": date.today().isoformat(),
            "recipe": recipe,
            "steps": saved["step"],
            "weights": {"average": "moving average", "model": "last step"}[weights],
            "held out": best.facts(),
        },
    )
    print(f"{args.out}: {config.input_px} px, answers from {config.rules.min_probability}")
    return 0


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
