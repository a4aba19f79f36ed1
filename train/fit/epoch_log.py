"""``metrics.jsonl``: one line of figures for each epoch of a run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from train.fit.holdout import HoldoutFigures

METRICS = "metrics.jsonl"


@dataclass(frozen=True, kw_only=True)
class EpochMetrics(HoldoutFigures):
    """Figures on the hold-out and the mean training loss after ``step`` steps, which took
    ``seconds`` in all; ``epoch`` may be broken."""

    step: int
    epoch: float
    seconds: int
    train_loss: float = math.nan

    def append(self, folder: Path) -> str:
        """Write it as the last line of a run folder's log; returns the line."""
        line = json.dumps(asdict(self))
        with (folder / METRICS).open("a") as log:
            log.write(line + "\n")
        return line


def read_metrics(folder: Path) -> list[EpochMetrics]:
    """The log of a run folder, each step once: one that was killed between its log and its save
    wrote that line twice."""
    known = {field.name for field in fields(EpochMetrics)}
    rows = map(json.loads, (folder / METRICS).read_text().splitlines())
    by_step = {row["step"]: {k: v for k, v in row.items() if k in known} for row in rows}
    return [EpochMetrics(**row) for row in by_step.values()]
