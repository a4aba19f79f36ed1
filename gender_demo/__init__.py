"""Finds faces and says how each may be perceived: ``load_pipeline().analyze(picture)``.

The names are imported when first asked for, so that ``gender_demo.vision.pictures`` and the like do
not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gender_demo.results import Analysis, Box, Face, Prediction
    from gender_demo.tracking.tracker import Tracker
    from gender_demo.vision.pipeline import (
        Pipeline,
        load_pipeline,
    )

_HOMES = {
    "Analysis": "results",
    "Box": "results",
    "Face": "results",
    "Pipeline": "vision.pipeline",
    "Prediction": "results",
    "Tracker": "tracking.tracker",
    "load_pipeline": "vision.pipeline",
}

__all__ = ["Analysis", "Box", "Face", "Pipeline", "Prediction", "Tracker", "load_pipeline"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
