"""What each command takes, and what of it is refused before torch is loaded (it takes seconds)."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from gender_demo.errors import CheckpointError, DataError, DeviceError
from gender_demo.sensitive import FLAG, FLAG_HELP
from gender_demo.vision.hub import fetch, is_hub_name
from gender_demo.vision.preflight import CHECKPOINT_HELP, SHIPPED, check_device, check_folder
from train.data.readers.factory import LAYOUTS
from train.fit.face_weights import FACES, read_weights
from train.fit.presets import DEFAULTS, PRESETS

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gender-demo" / "faces"
ADVICE = {
    "source": "give a folder, zip, tar or CSV",
    "data": "give a folder that python -m train prepare wrote or, to evaluate, a data set",
    "run": "give the --out of python -m train fit",
    "teacher": "give a run or checkpoint folder",
    "soft_labels": "give a checkpoint folder",
    "small_faces": "give a Parquet file",
    "utkface": "give a folder or a Parquet file",
}
"""For each flag that must name something that is there."""


def check(flags: argparse.Namespace) -> None:
    """SystemExit with one sentence for a folder or a device that is not there."""
    given = vars(flags)
    _fetch(flags)
    for name, advice in ADVICE.items():
        path = given.get(name)
        if path is not None and not path.exists():
            raise SystemExit(f"There is nothing at {path}: {advice}.")
    if given.get("epochs") is not None and flags.epochs <= 0:
        raise SystemExit(f"--epochs {flags.epochs:g}: give a number above 0.")
    try:
        if "checkpoint" in given:
            check_folder(flags.checkpoint)
        if given.get("start") == FACES:
            read_weights()
        elif given.get("start") not in (None, "none", "imagenet"):
            check_folder(flags.start)
        if "device" in given:
            check_device(flags.device)
    except (CheckpointError, DataError, DeviceError) as error:
        raise SystemExit(str(error)) from None


def _fetch(flags: argparse.Namespace) -> None:
    """Put the folder in the place of each hf:USER/MODEL[@revision]."""
    writes = getattr(flags, "write_audit", False) or getattr(flags, "writes_card", False)
    for name in ("checkpoint", "start", "teacher", "soft_labels", "run"):
        value: Any = getattr(flags, name, None)
        if not is_hub_name(value):
            continue
        if writes and name == "checkpoint":
            raise SystemExit(
                f"{value.as_posix()} is on the Hub and nothing is written there: give a folder of "
                "your own."
            )
        try:
            setattr(flags, name, type(value)(fetch(value)))
        except CheckpointError as error:
            raise SystemExit(str(error)) from None


def prepare(parser: argparse.ArgumentParser) -> None:
    """The flags of ``prepare``."""
    parser.add_argument("source", type=Path, help="folder, zip, tar or CSV")
    parser.add_argument("out", type=Path)
    parser.add_argument("--layout", required=True, help=", ".join(LAYOUTS))
    parser.add_argument("--attribute", default="Male", help="of CelebA: what becomes the label")
    parser.add_argument("--splits", default="train,val", help="of FairFace (default: %(default)s)")
    parser.add_argument(
        "--valid-pct", type=float, help="share held out of train (default: 0.2; fairface 0.0625)"
    )
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    _allow_sensitive(parser)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    kept = parser.add_argument_group(
        "what is kept", "defaults: fairface and utkface keep all that can be read"
    )
    kept.add_argument("--face", choices=("largest", "middle", "reject"), help="of several faces")
    kept.add_argument("--no-face", choices=("drop", "whole"), help="whole: use the whole picture")
    kept.add_argument("--min-face-px", type=float, help="smaller faces are left out")
    kept.add_argument("--min-sharpness", type=float, help="blurred faces are left out (12)")
    kept.add_argument("--min-score", type=float, help="the detector's certainty (0.9)")
    kept.add_argument("--search-px", type=int, help="smallest face looked for at first (80)")


def _allow_sensitive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(FLAG, action="store_true", help=FLAG_HELP)


def pack(parser: argparse.ArgumentParser) -> None:
    """The flags of ``pack``."""
    parser.add_argument("data", type=Path, help="folder written by python -m train prepare")
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--px", type=int, default=144, help="side of the crops (%(default)s)")
    parser.add_argument("--quality", type=int, default=80, help="of WebP (%(default)s)")
    parser.add_argument("--shard-mib", type=float, default=60, help="per file (%(default)s)")


def fit(parser: argparse.ArgumentParser) -> None:
    """Its flags are named like the fields of ``Settings``; what is not given is the preset's."""

    def add(flag: str, what: str, kind: type = float, **more: Any) -> None:
        name = more.setdefault("dest", flag[2:].replace("-", "_"))
        defaults = dict.fromkeys(str(getattr(preset, name)) for preset in DEFAULTS.values())
        defaults = {("the shipped one" if d == str(SHIPPED) else d): None for d in defaults}
        shown = "" if defaults.keys() == {"None"} else f" ({'; '.join(defaults)})"
        parser.add_argument(flag, type=kind, help=what + shown, **more)

    parser.add_argument("data", type=Path, help="folder written by python -m train prepare")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="scratch",
        help="in brackets below: the default, or that of scratch; of finetune",
    )
    parser.add_argument("--epochs", type=float, help="finetune: after the frozen one (4)")
    add("--plan", "epochs@side,… and +… for another cycle", str)
    add("--decay", "share of the first cycle's steps in which the rate falls")
    # Not --start, which torchrun takes for one of its own, wherever it stands.
    add("--from", f"{FACES}, imagenet, a checkpoint folder or none", str, dest="start")
    add("--arch", "resnet18, resnet34, resnet50 or dlib-resnet29; by default as --from has it", str)
    add("--lr", "learning rate")
    parser.add_argument("--find-lr", action="store_true", help="only look for a learning rate")
    add("--batch", "pictures a step, of all processes together", int)
    add("--weight-decay", "AdamW's")
    add("--smoothing", "of the labels")
    add("--aux-weight", "weight of the labels that are only trained on, age and race")
    add("--ema", "decay of the moving average of the weights; 0: none")
    add("--warmup", "steps; not of finetune", int)
    add("--seed", "of all that is random", int)
    add("--mixup", "alpha; 0: none")
    add("--teacher", "run or checkpoint folder to learn from too", Path)
    add("--teacher-weight", "its share, 0 to 1")
    add("--soft-labels", "checkpoint folder whose answers to each crop are blended in", Path)
    add("--small-faces", "Parquet file of 32-px grey faces to mix in", Path)
    add("--small-share", "how many, as a share of the batch's other pictures")
    add("--covered", "share of faces with glasses, a mask, a scarf or a hat drawn over them")
    for flag, what in (("webcam", "no corruptions as by a webcam"), ("balance", "equal weights")):
        parser.add_argument(f"--no-{flag}", dest=flag, action="store_const", const=False, help=what)
    add("--device", "what to compute on", str, choices=("auto", "cpu", "cuda"), default="auto")
    add("--train-split", "split to train on", str)
    add("--valid-split", "split that is held out", str)
    _allow_sensitive(parser)


def crossfit(parser: argparse.ArgumentParser) -> None:
    """Its flags are named like the fields of ``CrossFit``; the defaults are the shipped run's."""
    parser.add_argument("data", type=Path, help="folder written by python -m train prepare")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--small-faces", type=Path, help="Parquet file of 32-px grey faces")
    for flag, default, what in (
        ("--folds", 4, "and as many teachers"),
        ("--teacher-steps", 1540, "of each teacher"),
        ("--steps", 9680, "of the student"),
        ("--batch", 512, "pictures a step"),
        ("--px", 152, "side of the pictures"),
        ("--lr", 2e-3, "highest learning rate"),
        ("--teacher-weight", 0.6, "the teachers' share of the student's targets"),
        ("--non-faces", 12000, "pictures of no face to draw"),
        ("--seed", 0, "of all that is random"),
    ):
        parser.add_argument(flag, type=type(default), default=default, help=f"{what} (%(default)s)")
    parser.add_argument("--from", dest="start", choices=(FACES, "none"), default=FACES)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--valid-split", default="holdout")
    _allow_sensitive(parser)


def review(parser: argparse.ArgumentParser) -> None:
    """The flags of ``review``."""
    parser.add_argument("data", type=Path, help="folder written by python -m train prepare")
    parser.add_argument("--checkpoint", type=Path, required=True, help="for example RUN/checkpoint")
    parser.add_argument(
        "--folds",
        type=int,
        default=0,
        metavar="N",
        help="also rank by the losses of models that never saw the face, by N folds (none)",
    )
    parser.add_argument("--port", type=int, default=7861)


def export(parser: argparse.ArgumentParser) -> None:
    """The flags of ``export``."""
    parser.add_argument(
        "run", type=Path, help="run folder of python -m train fit, file of weights, or checkpoint"
    )
    parser.add_argument("data", type=Path, nargs="?", help="the prepared data of that run")
    parser.add_argument("--out", type=Path, help="checkpoint folder to write")
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="also as one ONNX file")
    parser.add_argument(
        "--onnx-chain",
        type=Path,
        metavar="FOLDER",
        help="also as ONNX with the detector",
    )
    parser.add_argument("--px", default="112", help="sides to try, for example 96,112")
    parser.add_argument(
        "--answered",
        type=_shares,
        default=(0.95, 0.85),
        metavar="MOST,LEAST",
        help="shares of held-out faces with a label to choose from (0.95,0.85)",
    )
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--split", default="holdout")
    parser.add_argument("--facts", type=json.loads, default={}, help="JSON kept in the config")


def _shares(given: str) -> tuple[float, float]:
    most, least = map(float, given.split(","))
    if not 0 < least <= most <= 1:
        raise argparse.ArgumentTypeError("give two shares, the larger one first: 0.95,0.85")
    return most, least


def evaluate(parser: argparse.ArgumentParser) -> None:
    """The flags of ``evaluate``."""
    parser.add_argument(
        "data", type=Path, help="FairFace or UTKFace folder, Parquet file, or prepared folder"
    )
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED, help=CHECKPOINT_HELP)
    parser.add_argument(
        "--split", help="default: val, or the only one there is; test or holdout of a prepared one"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N pictures only")
    parser.add_argument(
        "--end-to-end",
        action="store_true",
        help="pictures with more around the face: nothing is classified where none is found",
    )
    parser.add_argument("--corruptions", action="store_true", help="also on worse pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--write-audit",
        action="store_true",
        help="measure everything on DATA (FairFace: val and val_context) and write the audit",
    )
    parser.add_argument(
        "--utkface", type=Path, metavar="DIR", help="the audit's set from elsewhere"
    )
    parser.add_argument(
        "--variants",
        type=int,
        metavar="N",
        help="the audit's corruptions and copies on N pictures evenly spread (default: all)",
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="where found faces are kept (%(default)s)"
    )
    parser.add_argument("--no-cache", action="store_true", help="find every face anew")


def card(parser: argparse.ArgumentParser) -> None:
    """The flags of ``card``."""
    parser.add_argument(
        "checkpoint", type=Path, nargs="?", default=SHIPPED, help="default: the shipped one"
    )
    parser.set_defaults(writes_card=True)
