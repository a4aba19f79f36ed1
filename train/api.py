"""The commands of ``python -m train`` as functions, for notebooks and programs.

    data = prepare("my_faces", "prepared/mine", layout="folder")
    run = fit(data, "runs/mine", preset="finetune", epochs=4)
    figures = evaluate(data, run / "checkpoint")

Every flag of a command is an argument: ``--no-webcam`` is ``no_webcam=True`` and ``--from`` is
``start``. Whatever a command would refuse with a sentence raises ``UsageError`` with it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from gender_demo.errors import UsageError
from train.__main__ import main
from train.data.crops import load_crops
from train.fit.augment import augment
from train.fit.plots import batch_sheet
from train.fit.views import resized_crop

Pathlike = str | Path
Flag = str | int | float | Path | None


def prepare(source: Pathlike, out: Pathlike, **flags: Flag) -> Path:
    """Find the faces of labelled pictures and cut the crops; returns ``out``."""
    _command("prepare", source, out, flags=flags)
    return Path(out)


def show_batch(data: Pathlike, side_px: int = 128, seed: int = 0) -> Image.Image:
    """32 faces of a prepared folder's train split, augmented as the preset finetune does it."""
    (crops,) = load_crops(Path(data), ["train"])
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(crops), generator=generator)[:32]
    pixels = crops.pixels[chosen]
    return batch_sheet(augment(pixels, crops.margin, side_px, generator, view=resized_crop))


def fit(data: Pathlike, out: Pathlike, **flags: Flag) -> Path:
    """Train a network on a prepared folder; returns ``out``, the run's folder.

    KeyboardInterrupt where it was stopped, and saved, before its end: the same call goes on.
    """
    if _command("fit", data, flags={"out": Path(out), **flags}):
        raise KeyboardInterrupt
    return Path(out)


# Any: a notebook indexes into the nested figures, which audit/schema.py describes.
def evaluate(data: Pathlike, checkpoint: Pathlike, **flags: Flag) -> dict[str, Any]:
    """Measure a checkpoint on a prepared folder or a data set; returns what ``--json`` writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        _command("evaluate", data, flags={"checkpoint": checkpoint, "json": file, **flags})
        figures: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return figures


def _command(name: str, *arguments: Pathlike, flags: dict[str, Flag]) -> int:
    words = [name, *map(str, arguments)]
    for flag, value in flags.items():
        if value is not None and value is not False:
            words.append("--" + {"start": "from"}.get(flag, flag).replace("_", "-"))
            words += [] if value is True else [str(value)]
    try:
        return main(words)
    except SystemExit as refused:
        raise UsageError(str(refused.code)) from None
