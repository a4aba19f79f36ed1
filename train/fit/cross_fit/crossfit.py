"""Train a student on labels and on what teachers say that never saw the face.

The train split is dealt out to folds, whole near-duplicate groups at a time. For each fold a
teacher learns from the others; the student's targets are each face's label and the answer of the
fold's teacher to the very same view (cross-fitted distillation, Dao et al. 2021; consistent views,
Beyer et al. 2022). A teacher cannot have learnt a face's wrong label by heart, so its answer is
worth something where the label is wrong. Nothing is dropped: labels that the teachers contradict
are counted. RUN gets student.pt and teacher0.pt, … for ``train export``, and out_of_sample.parquet.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from gender_demo.errors import DataError
from gender_demo.sensitive import why_refused
from gender_demo.vision.classifier import fuse
from gender_demo.vision.networks import DLIB_PX
from train.data.crops import Crops, load_crops
from train.fit.cross_fit.batches import Batches
from train.fit.cross_fit.folds import Folded, fold, read_groups
from train.fit.cross_fit.learner import learn, new_network, save_weights
from train.fit.cross_fit.out_of_sample import (
    CONTRADICTED,
    accuracy,
    contradictions,
    probabilities,
    subset,
    write,
)
from train.fit.non_faces import non_faces
from train.fit.small_faces import held_out_groups, load_small_faces

TEACHER_MIXUP, STUDENT_MIXUP = 0.2, 0.3
SIDE_STEP = 8
"""Sides must be a multiple of a JPEG block's."""


@dataclass(frozen=True)
class CrossFit:
    """The flags of ``crossfit``."""

    data: Path
    out: Path
    small_faces: Path | None = None
    folds: int = 4
    teacher_steps: int = 1540
    steps: int = 9680
    batch: int = 512
    px: int = 152
    lr: float = 2e-3
    teacher_weight: float = 0.6
    non_faces: int = 12000
    start: str = "none"
    seed: int = 0
    device: str = "auto"
    train_split: str = "train"
    valid_split: str = "holdout"
    allow_sensitive_labels: bool = False


def run(args: argparse.Namespace) -> int:
    """Train teachers and student; a sentence where data or flags are wrong."""
    try:
        crossfit(CrossFit(**vars(args)))
    except DataError as error:
        raise SystemExit(str(error)) from None
    return 0


def crossfit(given: CrossFit) -> None:
    """Train, and write everything to ``given.out``."""
    student_file = given.out / "student.pt"
    if student_file.exists():
        raise DataError(f"{given.out} holds a finished run: give another --out.")
    if given.px < DLIB_PX or given.px % SIDE_STEP:
        raise DataError(f"--px {given.px}: give a multiple of {SIDE_STEP} from {DLIB_PX} on.")
    if given.folds < 2 or given.batch < 4 * given.folds:
        raise DataError("Give --folds 2 or more, and a --batch of four pictures a fold or more.")
    cuda = given.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    torch.backends.cudnn.benchmark = True
    train, valid = load_crops(given.data, [given.train_split, given.valid_split])
    if not given.allow_sensitive_labels and (why := why_refused(train.served)):
        raise DataError(why)
    paths, groups = read_groups(given.data, given.train_split)
    data = _fold(given, train, groups).to(device)
    valid = valid.to(device)
    given.out.mkdir(parents=True, exist_ok=True)
    found = torch.zeros(len(train), len(train.served))
    teachers = []
    for number in range(given.folds):
        others = [each for each in range(given.folds) if each != number]
        batches = _batches(given, data, [others], TEACHER_MIXUP, 1 + number)
        teacher = _learn(given, batches, given.teacher_steps, f"teacher{number}", valid)
        rows, _ = data.rows([number])
        unseen = subset(data.train, rows)
        found[rows] = probabilities(teacher, unseen, given.px)
        print(f"  of its own fold {accuracy(found[rows], unseen):.4f} right", flush=True)
        teachers.append(fuse(teacher))
    write(given.out / "out_of_sample.parquet", paths, data.fold, found, train)
    _print_contradictions(found, train)
    each_fold = [[number] for number in range(given.folds)]
    batches = _batches(given, data, each_fold, STUDENT_MIXUP, 0)
    _learn(given, batches, given.steps, student_file.stem, valid, teachers)


def _fold(given: CrossFit, train: Crops, groups: list[str]) -> Folded:
    small = None
    if given.small_faces:
        held_out = held_out_groups(given.data, given.valid_split)
        small = load_small_faces(given.small_faces, train, held_out, 0.0)
    drawn = non_faces(train, given.non_faces, given.seed)
    return fold(train, groups, small, drawn, given.folds, given.seed)


def _batches(
    given: CrossFit, data: Folded, blocks: list[list[int]], mixup: float, number: int
) -> Batches:
    return Batches(data, blocks, given.batch, given.px, mixup, given.seed * 1000 + number)


def _learn(
    given: CrossFit,
    batches: Batches,
    steps: int,
    name: str,
    valid: Crops,
    teachers: list[nn.Module] | None = None,
) -> nn.Module:
    """A new network's moving average after ``steps``; saved under its name."""
    print(f"{name}: {steps} steps", flush=True)
    begun = time.monotonic()
    net = new_network(batches.data.train, given.start, given.seed)
    net = learn(net, batches, steps, given.lr, teachers or (), given.teacher_weight)
    save_weights(net, given.out / f"{name}.pt", steps=steps, batch=given.batch, px=given.px)
    right = accuracy(probabilities(net, valid, given.px), valid)
    print(
        f"  {time.monotonic() - begun:.0f} s; of the held-out faces {right:.4f} right", flush=True
    )
    return net


def _print_contradictions(found: torch.Tensor, train: Crops) -> None:
    print(f"labels with p < {CONTRADICTED} out of sample, all of them kept:")
    for label, classes in contradictions(found, train).items():
        for name, (count, faces) in classes.items():
            print(f"  {label} {name}: {count} of {faces} ({count / faces:.1%})", flush=True)
