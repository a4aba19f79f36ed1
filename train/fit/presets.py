"""The two presets of ``train fit``: their flags' defaults. Torch is not loaded for them."""

from __future__ import annotations

from typing import TypedDict

from gender_demo.vision.preflight import SHIPPED


class Preset(TypedDict):
    """Defaults that differ between presets; the flags of ``train fit`` say what each one is."""

    plan: str
    decay: float
    start: str
    lr: float
    batch: int
    weight_decay: float
    smoothing: float
    ema: float
    mixup: float


PRESETS: dict[str, Preset] = {
    "scratch": Preset(
        plan="14@64,9@80,4@96+9@80,5@96,3@112+9@96,5@112", decay=0.65, start="none", lr=2e-3,
        batch=192, weight_decay=0.05, smoothing=0.05, ema=0.997, mixup=0.2,
    ),
    "finetune": Preset(
        plan="4@128", decay=0.4, start=str(SHIPPED), lr=2e-3,
        batch=64, weight_decay=0.01, smoothing=0.0, ema=0.0, mixup=0.0,
    ),
}  # fmt: skip
