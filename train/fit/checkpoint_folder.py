"""The checkpoint folder that follows from weights and what they say of the hold-out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from gender_demo.vision.checkpoint import DOUBT_OUTPUTS, Config, save_checkpoint
from gender_demo.vision.decision import Rules
from train.fit.augment import MEAN, STD
from train.fit.calibrate import ANSWERED, fit_temperature, fit_threshold, mean_probabilities
from train.fit.holdout import HoldoutPredictions


def write_checkpoint(  # noqa: PLR0913 - keywords
    folder: Path,
    state: Mapping[str, Tensor],
    held_out: HoldoutPredictions,
    *,
    name: str,
    arch: str,
    training: Mapping[str, Any],
    answered: float = ANSWERED,
) -> Config:
    """Set temperature and threshold by the hold-out, of which the share ``answered`` gets a label,
    and swap the checkpoint folder in.

    Rows of the last layer that belong to labels used only in training are left out.
    """
    temperature = fit_temperature(held_out.logits, held_out.target)
    threshold = fit_threshold(mean_probabilities(held_out.logits, temperature), answered)
    config = Config(
        name=name,
        classes=held_out.classes,
        arch=arch,
        input_px=held_out.size_px,
        views=held_out.views,
        mean=MEAN,
        std=STD,
        temperature=round(temperature, 4),
        doubt=held_out.doubt_outputs > 0,
        withheld=held_out.doubt_outputs > DOUBT_OUTPUTS,
        rules=replace(Rules(), min_probability=threshold),
        training=dict(training),
    )
    served = {
        key: value[: config.outputs] if key.startswith("fc.") else value
        for key, value in state.items()
    }
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    config = save_checkpoint(fresh, config, served)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return config
