"""Write a checkpoint folder from a training run, at the picture side that the hold-out prefers."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import torch
import torchvision

from train.calibrate import look, write_folder
from train.data import DataError, load_crops


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``python -m train export``."""
    parser.add_argument("run", type=Path, help="run folder of python -m train fit")
    parser.add_argument("data", type=Path, help="the prepared data that it was trained on")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--px", default="112", help="sides to try, for example 96,112")
    parser.add_argument("--split", default="holdout")
    parser.add_argument("--facts", type=json.loads, default={}, help="JSON kept in the config")


def run(args: argparse.Namespace) -> int:
    """Export; prints the hold-out figures of every side tried."""
    try:
        saved = torch.load(args.run / "run.pt", map_location="cpu", weights_only=True)
        (crops,) = load_crops(args.data, [args.split])
        sides = [int(side) for side in args.px.split(",")]
    except FileNotFoundError:
        raise SystemExit(f"{args.run} holds no run.pt: give the --out of train fit") from None
    except (DataError, ValueError) as error:
        raise SystemExit(str(error)) from None
    recipe, state = saved["recipe"], saved["average"]
    model = getattr(torchvision.models, recipe["arch"])(num_classes=len(state["fc.bias"]))
    model.load_state_dict(state)
    model.eval().to(memory_format=torch.channels_last)
    tried = [look(model, crops, side) for side in sides]
    for held in tried:
        print(json.dumps(held.facts()))
    best = max(tried, key=lambda held: float(held.facts()["accuracy"]))
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
            "held out": best.facts(),
        },
    )
    print(f"{args.out}: {config.input_px} px, answers from {config.rules.min_probability}")
    return 0
