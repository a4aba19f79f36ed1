"""Train a ResNet on prepared crops, plain PyTorch, on whatever device there is.

The run folder holds ``run.pt`` (everything needed to go on), ``metrics.jsonl``, TensorBoard events
and ``checkpoint/``, a checkpoint folder that is refreshed after each epoch. The same command goes
on where it was interrupted, and ends with the same weights as an unbroken run; only ``--plan`` and
``--decay`` may be changed in between. Under ``torchrun`` the batch is shared among the processes.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from gender_demo.checkpoint import SHIPPED, CheckpointError
from train.data import DataError, load_crops
from train.schedule import Schedule, parse_plan
from train.targets import Teacher
from train.trainer import Recipe, Trainer

PRESETS: dict[str, dict[str, Any]] = {
    "scratch": {"lr": 2e-3, "plan": "10@64,3@96,1@112"},
    "finetune": {"lr": 2e-4, "plan": "4@112"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``python -m train fit``."""
    parser.add_argument("data", type=Path, help="folder written by python -m train prepare")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--preset", choices=PRESETS, default="scratch")
    parser.add_argument("--plan", help="epochs@side,… for example 10@64,3@96,1@112")
    parser.add_argument("--decay", type=float, default=0.4, help="share of steps with falling rate")
    parser.add_argument("--start", type=Path, help="finetune: checkpoint folder or 'imagenet'")
    parser.add_argument("--arch", choices=("resnet18", "resnet34", "resnet50"), default="resnet18")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--smoothing", type=float, default=0.05)
    parser.add_argument("--aux-weight", type=float, default=0.5, help="weight of age and race")
    parser.add_argument("--ema", type=float, default=0.997)
    parser.add_argument("--warmup", type=int, default=200, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mixup", type=float, default=0.0, help="alpha; 0: none")
    parser.add_argument("--teacher", type=Path, help="run or checkpoint folder to learn from too")
    parser.add_argument("--teacher-weight", type=float, default=0.7, help="its share, 0 to 1")
    parser.add_argument("--no-webcam", action="store_true", help="no webcam degradation")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--valid-split", default="holdout")


def run(args: argparse.Namespace) -> int:
    """Fit; a sentence and a non-zero exit code where data or flags are wrong."""
    try:
        return fit(args)
    except (DataError, CheckpointError) as error:
        raise SystemExit(str(error)) from None


def fit(args: argparse.Namespace) -> int:
    """Train to the end of the plan, or to an interrupt; returns the exit code."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    preset = PRESETS[args.preset]
    stages = parse_plan(args.plan or preset["plan"])
    device = torch.device(
        args.device if args.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    )
    torch.backends.cudnn.benchmark = True  # one picture side for thousands of steps
    train, valid = (
        crops.to(device) for crops in load_crops(args.data, [args.train_split, args.valid_split])
    )
    teacher = args.teacher and Teacher(args.teacher, train.classes, device)
    recipe = Recipe(
        arch=args.arch,
        lr=args.lr or preset["lr"],
        batch=min(args.batch, len(train)) // processes * processes,
        weight_decay=args.weight_decay,
        smoothing=args.smoothing,
        aux_weight=args.aux_weight,
        ema=args.ema,
        warmup=args.warmup,
        webcam=not args.no_webcam,
        seed=args.seed,
        processes=processes,
        pictures=len(train),
        mixup=args.mixup,
        teacher=args.teacher.name if args.teacher else "",
        teacher_weight=args.teacher_weight if args.teacher else 0.0,
    )
    schedule = Schedule(stages, len(train) // recipe.batch, recipe.warmup, args.decay)
    start = args.start or (SHIPPED if args.preset == "finetune" else None)
    try:
        return Trainer(recipe, train, valid, schedule, args.out, device, start, teacher).run()
    finally:
        if processes > 1:
            dist.destroy_process_group()
