"""``run.pt``: all that a run needs to go on, whole at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from gender_demo.errors import DataError
from train.fit.recipe import Recipe

RUN = "run.pt"
UNREADABLE = (RuntimeError, EOFError, UnpicklingError, LookupError, ValueError, TypeError)
"""What reading a damaged file or one of another version raises."""


@dataclass(frozen=True)
class SavedRun:
    """Where a run stands: state dictionaries of its net, its moving average and its optimizer;
    steps and seconds so far; the sum of the losses since the epoch began and their number."""

    recipe: Recipe
    model: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]  # torch knows no better type
    step: int
    seconds: float
    loss: tuple[float, int] = (0.0, 0)

    def write(self, folder: Path) -> None:
        """Write beside and rename."""
        temporary = folder / f"{RUN}.part"
        torch.save({**vars(self), "recipe": asdict(self.recipe)}, temporary)
        temporary.replace(folder / RUN)


def read_run(folder: Path) -> SavedRun:
    """What ``write`` left in a run folder; DataError where that cannot be read."""
    with readable(folder):
        saved = torch.load(folder / RUN, map_location="cpu", weights_only=True)
        return SavedRun(**{**saved, "recipe": Recipe(**saved["recipe"])})


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """A DataError in one sentence for whatever using a damaged or foreign ``run.pt`` raises."""
    try:
        yield
    except UNREADABLE as error:
        raise DataError(
            f"{folder / RUN} cannot be read ({type(error).__name__}), it is damaged or of "
            "another version: delete it or change --out"
        ) from None
