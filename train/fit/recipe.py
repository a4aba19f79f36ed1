"""What must stay the same for a training run to be continued."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor

from train.data.crops import Crops
from train.fit.presets import Settings

LOPSIDED = 1.5
"""Above this ratio of the largest class to the smallest, finetune weighs the classes."""


@dataclass(frozen=True)
class Recipe:
    """Settings of a run, and what follows from them for its data and processes."""

    arch: str
    lr: float
    batch: int
    weight_decay: float
    smoothing: float
    aux_weight: float
    ema: float
    warmup: int
    webcam: bool
    seed: int
    processes: int
    pictures: int
    mixup: float = 0.0
    teacher: str = ""
    teacher_weight: float = 0.0
    preset: str = "scratch"
    balanced: bool = False
    soft_labels: str = ""
    small_share: float = 0.0
    covered: float = 0.0

    @classmethod
    def of(cls, settings: Settings, arch: str, train: Crops, processes: int = 1) -> Recipe:
        """The recipe of these settings for a network and the crops ``train``."""
        names = {field.name for field in fields(cls)}
        # Any: what both have is taken over by name, so that a new setting stands in one place less.
        given: dict[str, Any] = {k: v for k, v in asdict(settings).items() if k in names}
        finetune, teacher = settings.preset == "finetune", settings.teacher
        # A small folder gets small batches: ten steps an epoch at least, if they can be had.
        most = max(8, len(train) // 10) if finetune else len(train)
        counts = train.counts.values()
        given |= {
            "arch": arch,
            "batch": min(settings.batch, most, len(train)) // processes * processes,
            "processes": processes,
            "pictures": len(train),
            "teacher": teacher.name if teacher else "",
            "teacher_weight": settings.teacher_weight if teacher else 0.0,
            "soft_labels": settings.soft_labels.name if settings.soft_labels else "",
            "small_share": settings.small_share if settings.small_faces else 0.0,
            "balanced": finetune and settings.balance and max(counts) > LOPSIDED * min(counts),
        }
        return cls(**given)


def class_weights(crops: Crops) -> Tensor:
    """Weights (classes,) of the served label that give each class the same say, 1 on average."""
    counts = torch.tensor(list(crops.counts.values())).float()
    return counts.sum() / (len(counts) * counts.clamp(min=1))
