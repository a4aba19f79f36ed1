"""Train a ResNet on prepared crops: plain PyTorch, shared among devices by Accelerate.

The run folder holds ``run.pt`` (everything needed to go on), ``metrics.jsonl``, TensorBoard events,
plots, and ``checkpoint/``, a checkpoint folder that is refreshed after each epoch. The same command
goes on where it was interrupted, and ends with the same weights as an unbroken run; only ``--plan``
and ``--decay`` may be changed in between. Under ``accelerate launch`` or ``torchrun`` the batch is
shared among the processes.
"""

from __future__ import annotations

import argparse
import errno

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs

from gender_demo.errors import CheckpointError, DataError
from train.data.crops import Crops, load_crops
from train.fit.finetune import FineTune
from train.fit.lr_finder import find_rate
from train.fit.presets import PRESETS
from train.fit.recipe import Recipe, class_weights
from train.fit.schedule import Schedule, parse_plan
from train.fit.targets import Teacher
from train.fit.trainer import Trainer

LOPSIDED = 1.5
"""Above this ratio of the largest class to the smallest, finetune weighs the classes."""


def run(args: argparse.Namespace) -> int:
    """Fit; a sentence where data or flags are wrong."""
    try:
        return fit(args)
    except (DataError, CheckpointError) as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise SystemExit(
            f"The disk of {args.out} is full: make room and give the same command again, it goes "
            "on from what it last saved."
        ) from None


def fit(args: argparse.Namespace) -> int:
    """Train to the end of the plan, or to an interrupt; returns the exit code."""
    preset = PRESETS[args.preset]
    for name, value in preset.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.epochs is not None:
        args.plan = f"{args.epochs:g}@{args.plan.rpartition('@')[2]}"
    cycles = parse_plan(args.plan)
    if args.preset == "finetune" and sum(map(len, cycles)) > 1:
        raise DataError("--preset finetune takes one stage, for example --plan 4@128")
    accelerator = _accelerator(args.device)
    device, processes = accelerator.device, accelerator.num_processes
    torch.backends.cudnn.benchmark = True  # one picture side for thousands of steps
    train, valid = (
        crops.to(device) for crops in load_crops(args.data, [args.train_split, args.valid_split])
    )
    teacher = args.teacher and Teacher(args.teacher, train.classes, device)
    recipe = Recipe(
        arch=args.arch,
        lr=args.lr,
        batch=_batch(args.batch, len(train), args.preset) // processes * processes,
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
        preset=args.preset,
        balanced=args.preset == "finetune" and not args.no_balance and _lopsided(train),
    )
    if accelerator.is_main_process and recipe.balanced:
        _tell_weights(train)
    steps = len(train) // recipe.batch
    schedule: Schedule | FineTune = Schedule(cycles, steps, recipe.warmup, args.decay)
    if args.preset == "finetune":
        schedule = FineTune(*cycles[0][0], steps)
    try:
        trainer = Trainer(
            recipe, train, valid, schedule, args.out, accelerator, args.start, teacher
        )
        return find_rate(trainer) if args.find_lr else trainer.run()
    finally:
        if processes > 1:
            accelerator.end_training()


def _accelerator(device: str) -> Accelerator:
    if device == "cuda" and not torch.cuda.is_available():
        raise DataError("There is no CUDA device here: leave out --device")
    cuda = device != "cpu" and torch.cuda.is_available()
    # Only a CPU that multiplies bfloat16 in one instruction gains by it (then 1.7 times the speed).
    can = torch.cpu.get_capabilities()
    half = cuda or can.get("avx512_bf16") or can.get("amx_bf16")
    kwargs = DistributedDataParallelKwargs(gradient_as_bucket_view=True)
    return Accelerator(
        cpu=not cuda, mixed_precision="bf16" if half else "no", kwargs_handlers=[kwargs]
    )


def _batch(wanted: int, pictures: int, preset: str) -> int:
    """A small folder gets small batches: ten steps an epoch at least, if they can be had."""
    return min(wanted, max(8, pictures // 10) if preset == "finetune" else pictures, pictures)


def _lopsided(crops: Crops) -> bool:
    counts = crops.counts.values()
    return max(counts) > LOPSIDED * min(counts)


def _tell_weights(crops: Crops) -> None:
    told = ", ".join(
        f"{name} {count} × {weight:.2f}"
        for (name, count), weight in zip(
            crops.counts.items(), class_weights(crops).tolist(), strict=True
        )
    )
    print(f"The classes are lopsided, so their faces are weighed: {told} (--no-balance: not)")
