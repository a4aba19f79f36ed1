"""Write a checkpoint folder from a training run: what does best on the hold-out.

Tried are the moving average and the last weights, at every side of ``--px``, in VIEWS, with the
batch norms' statistics taken anew at that side: those of the average lag behind, and another side
shifts them. The recall of the best one is then equalized (``train.export.equalize``), and it gets
more outputs that make it less sure (``train.export.doubt``). A file of weights from elsewhere
is taken as it is. Of a finished checkpoint the weights stay, and what stands around them (views,
temperature, rules) is set anew.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from gender_demo.errors import CheckpointError, DataError
from gender_demo.vision.checkpoint import Config, load_checkpoint, save_checkpoint
from gender_demo.vision.checkpoint_files import CONFIG
from train.data.crops import Crops, load_crops
from train.export.abstention import Heads, fit_abstention, fit_withheld
from train.export.candidates import VIEWS, Candidate, candidates
from train.export.doubt import Doubt, make_doubt
from train.export.equalize import equalize_recall
from train.export.identity import identity_facts
from train.export.onnx import write_chain, write_onnx
from train.export.sharpness import classify_blurred, fit_sharpness
from train.fit.calibrate import ANSWERED
from train.fit.checkpoint_folder import write_checkpoint
from train.fit.non_faces import non_faces

FEWEST = 1000
"""Held-out faces that it takes to fit the outputs for doubt."""
NON_FACES, FACES = 1200, 2400
"""Pictures of no face, and training faces, that the output for what is no face is fitted on."""


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
        folder = _export(args) if args.out else args.run
        for write, path in ((write_onnx, args.onnx), (write_chain, args.onnx_chain)):
            if path is not None:
                write(load_checkpoint(folder), path)
                print(path)
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename} is missing: give the --out of train fit") from None
    except (CheckpointError, DataError, ValueError) as error:
        raise SystemExit(str(error)) from None
    return 0


def _export(args: argparse.Namespace) -> Path:
    train, crops = load_crops(args.data, [args.train_split, args.split])
    best, inputs = _best(args, train, crops)
    training, answered = {**best.training}, ANSWERED
    if best.finished:
        doubt = best.own_doubt(crops)
    else:
        shares = equalize_recall(best.fc, crops, inputs)
        training["equalized recall"] = {name: round(share, 4) for name, share in shares.items()}
        doubt, answered, facts = _fit_doubt(best, train, crops, inputs, args.answered)
        training |= facts
        if len(crops) >= FEWEST:
            training["identity"] = identity_facts(best.model, best.arch, best.px, crops)
    predictions = best.predictions(crops, inputs, doubt)
    training["held out"] = asdict(predictions.figures())
    write_checkpoint(
        args.out,
        best.model.state_dict() if best.finished else _with_doubt(best, crops, doubt),
        predictions,
        name=args.out.name,
        arch=best.arch,
        training={**training, **args.facts},
        answered=answered,
    )
    rules = set_sharpness_threshold(args.out, crops).rules
    print(
        f"{args.out}: {best.px} px, answers from a probability of {rules.min_probability} and a "
        f"sharpness of {rules.min_sharpness}"
    )
    return Path(args.out)


def _best(args: argparse.Namespace, train: Crops, crops: Crops) -> tuple[Candidate, Tensor]:
    """The candidate that is most often right on the held-out ``crops``, and its inputs for them."""
    tried = []
    for candidate in candidates(args.run, train, crops, [*map(int, args.px.split(","))]):
        inputs = candidate.inputs(crops)
        figures = candidate.predictions(crops, inputs, candidate.own_doubt(crops)).figures()
        tried.append((figures.accuracy, candidate, inputs))
        print(candidate.name, json.dumps(asdict(figures)), flush=True)
    _, best, inputs = max(tried, key=lambda each: each[0])
    return best, inputs


def _fit_doubt(
    best: Candidate, train: Crops, crops: Crops, inputs: Tensor, answered: tuple[float, float]
) -> tuple[Doubt | None, float, dict[str, object]]:
    """The outputs for doubt, the share of labels that they were fitted for, and what to record;
    none where there are few held-out faces to fit them on."""
    if len(crops) < FEWEST:
        return None, ANSWERED, {}
    with torch.no_grad():
        outputs = best.fc(inputs)
    logits = {name: outputs[:, columns] for name, columns in crops.columns.items()}
    targets = {name: target.cpu() for name, target in crops.targets.items()}
    heads = Heads(logits, targets, crops.classes)
    withheld = fit_withheld(heads)
    if withheld is not None:  # these faces have no label, whatever the rest of the fit says
        softer = logits[heads.served] * (-withheld(heads)).exp().unsqueeze(1)
        heads = replace(heads, logits={**logits, heads.served: softer})
    abstention = fit_abstention(heads, answered)
    facts: dict[str, object] = {"abstention": abstention.facts()}
    print(json.dumps(facts), flush=True)
    faces, others = (best.inputs(part, VIEWS[:1]) for part in _examples(train))
    doubt = make_doubt(best.fc, crops, abstention.rise, inputs, (faces, others), withheld)
    return doubt, abstention.answered, facts


def _with_doubt(best: Candidate, crops: Crops, doubt: Doubt | None) -> dict[str, Tensor]:
    """Its weights, the last layer's rows those of the served label and of doubt alone."""
    state, served = {**best.model.state_dict()}, len(crops.served)
    for name in ("fc.weight", "fc.bias"):
        rows = [] if doubt is None else [doubt.weight if name == "fc.weight" else doubt.bias]
        state[name] = torch.cat([state[name][:served], *rows])
    return state


def _examples(train: Crops) -> tuple[Crops, Crops]:
    """Training faces, and pictures of no face in the same form (their labels mean nothing)."""

    def shown(rows: Tensor, pixels: Tensor) -> Crops:
        targets = {name: target[rows] for name, target in train.targets.items()}
        return replace(train, pixels=pixels, targets=targets)

    rows = torch.linspace(0, len(train) - 1, min(FACES, len(train))).long()
    some = torch.arange(NON_FACES) % len(train)
    return shown(rows, train.pixels[rows]), shown(some, non_faces(train, NON_FACES))


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
