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
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs

from gender_demo.errors import CheckpointError, DataError
from gender_demo.sensitive import why_refused
from gender_demo.vision.networks import DLIB, DLIB_PX
from train.data.crops import Crops, load_crops
from train.fit.finetune_schedule import FineTune
from train.fit.loop import train
from train.fit.lr_finder import find_rate
from train.fit.presets import Settings, make_settings
from train.fit.recipe import Recipe, class_weights
from train.fit.schedule import Schedule, parse_plan
from train.fit.small_faces import held_out_groups, load_small_faces
from train.fit.soft_labels import soft_labels
from train.fit.start import architecture
from train.fit.teacher import Teacher
from train.fit.trainer import Run, Trainer


def run(args: argparse.Namespace) -> int:
    """Fit; a sentence where data or flags are wrong."""
    given = {**vars(args)}
    data, out = given.pop("data"), given.pop("out")
    more = {name: given.pop(name) for name in ("find_lr", "allow_sensitive_labels")}
    try:
        return fit(data, out, make_settings(**given), **more)
    except (DataError, CheckpointError) as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise SystemExit(
            f"The disk of {out} is full: make room and give the same command again, it goes "
            "on from what it last saved."
        ) from None


def fit(
    data: Path,
    out: Path,
    settings: Settings,
    *,
    find_lr: bool = False,
    allow_sensitive_labels: bool = False,
) -> int:
    """Train on a prepared folder to the end of the plan, or to an interrupt; returns the exit code.

    ``find_lr``: only look for a learning rate. ``allow_sensitive_labels``: see ``sensitive``.
    """
    cycles = parse_plan(settings.plan)
    finetune = settings.preset == "finetune"
    if finetune and sum(map(len, cycles)) > 1:
        raise DataError("--preset finetune takes one stage, for example --plan 4@128")
    arch = architecture(settings)
    _check_sides(arch, [px for cycle in cycles for _, px in cycle])
    accelerator = _accelerator(settings.device)
    device, processes = accelerator.device, accelerator.num_processes
    torch.backends.cudnn.benchmark = True  # one picture side for thousands of steps
    crops, valid = (
        split.to(device) for split in load_crops(data, [settings.train_split, settings.valid_split])
    )
    if not allow_sensitive_labels and (why := why_refused(crops.served)):
        raise DataError(why)
    recipe = Recipe.of(settings, arch, crops, processes)
    if recipe.balanced and accelerator.is_main_process:
        _print_weights(crops)
    steps = len(crops) // recipe.batch
    schedule: Schedule | FineTune
    if finetune:
        schedule = FineTune(*cycles[0][0], steps)
    else:
        schedule = Schedule(cycles, steps, recipe.warmup, settings.decay)
    soft = soft_labels(settings.soft_labels, crops) if settings.soft_labels else None
    small = None
    if settings.small_faces:
        groups = held_out_groups(data, settings.valid_split)
        small = load_small_faces(settings.small_faces, crops, groups, settings.small_share)
    teacher = Teacher(settings.teacher, crops.classes, device) if settings.teacher else None
    try:
        trainer = Trainer(
            Run(recipe, crops, valid, schedule, out, settings.start, teacher, soft, small),
            accelerator,
        )
        return find_rate(trainer) if find_lr else train(trainer)
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


def _check_sides(arch: str, sides_px: list[int]) -> None:
    if arch == DLIB and min(sides_px) < DLIB_PX:
        raise DataError(
            f"A {arch} needs pictures of {DLIB_PX} px or more, not {min(sides_px)}: give another "
            "--plan, or another network by --from none"
        )


def _print_weights(crops: Crops) -> None:
    weights = zip(crops.counts.items(), class_weights(crops).tolist(), strict=True)
    named = ", ".join(f"{name} {count} × {weight:.2f}" for (name, count), weight in weights)
    print(f"The classes are imbalanced, so their faces are weighted: {named} (--no-balance: not)")
