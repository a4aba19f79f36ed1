"""The settings of ``train fit`` and its two presets. Nothing here loads torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gender_demo.vision.checkpoint_files import CONFIG
from gender_demo.vision.preflight import SHIPPED
from train.fit.face_weights import FACES, installed


@dataclass(frozen=True)
class Settings:
    """All that a run depends on beside its data; ``train.flags`` says what each one means."""

    preset: str
    plan: str
    decay: float
    start: str
    lr: float
    batch: int
    weight_decay: float
    smoothing: float
    ema: float
    mixup: float
    arch: str | None = None
    aux_weight: float = 0.5
    warmup: int = 200
    webcam: bool = True
    balance: bool = True
    teacher: Path | None = None
    teacher_weight: float = 0.7
    soft_labels: Path | None = None
    small_faces: Path | None = None
    small_share: float = 0.2
    covered: float = 0.0
    seed: int = 0
    device: str = "auto"
    train_split: str = "train"
    valid_split: str = "holdout"


PRESETS = {
    "scratch": Settings(
        "scratch", plan="14@64,9@80,4@96+9@80,5@96,3@112+9@96,5@112", decay=0.65, start="none",
        lr=2e-3, batch=192, weight_decay=0.05, smoothing=0.05, ema=0.997, mixup=0.2,
    ),
    "finetune": Settings(
        "finetune", plan="4@128", decay=0.4, start=str(SHIPPED),
        lr=2e-3, batch=64, weight_decay=0.01, smoothing=0.0, ema=0.0, mixup=0.0,
    ),
}  # fmt: skip
FROM_FACES = {
    "scratch": replace(
        PRESETS["scratch"], start=FACES, plan="12@112,4@128", decay=0.7, lr=1e-3, aux_weight=0.4
    ),
    "finetune": replace(PRESETS["finetune"], start=FACES),
}
"""The presets where a run starts from the face network, as it does where that is installed."""
DEFAULTS = FROM_FACES if installed() else PRESETS


def make_settings(
    preset: str = "scratch",
    *,
    start: str | None = None,
    epochs: float | None = None,
    **changes: Any,
) -> Settings:
    """A preset with what differs from it; a change to None is none.

    ``epochs`` sets how long the last stage of the plan is, which is then the only one.
    """
    start = start or DEFAULTS[preset].start
    given = {name: value for name, value in changes.items() if value is not None}
    presets = FROM_FACES if start == FACES or _holds_face_network(start) else PRESETS
    settings = replace(presets[preset], **given, start=start)
    if epochs is None:
        return settings
    return replace(settings, plan=f"{epochs:g}@{settings.plan.rpartition('@')[2]}")


def _holds_face_network(folder: str) -> bool:
    """Whether the checkpoint is of the face network, which needs larger pictures. What cannot be
    read is said where the weights are."""
    from gender_demo.vision.networks import DLIB  # torch: not for --help

    try:
        config = json.loads((Path(folder) / CONFIG).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("arch") == DLIB
