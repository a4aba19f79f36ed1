"""When which picture side and which learning rate: warm-up, constant, straight fall to zero."""

from __future__ import annotations

from dataclasses import dataclass

from train.data import DataError


@dataclass(frozen=True)
class Schedule:
    """``stages`` are (epochs, side in pixels); ``decay`` is the share of falling steps."""

    stages: tuple[tuple[float, int], ...]
    steps_per_epoch: int
    warmup: int
    decay: float

    @property
    def total(self) -> int:
        """Steps in all."""
        return round(sum(epochs for epochs, _ in self.stages) * self.steps_per_epoch)

    def size_px(self, step: int) -> int:
        """Side of the pictures at a step."""
        end = 0.0
        for epochs, size in self.stages:
            end += epochs * self.steps_per_epoch
            if step < round(end):
                return size
        return self.stages[-1][1]

    def factor(self, step: int) -> float:
        """Share of the full learning rate at a step, over 0 and up to 1."""
        fall = (self.total - step) / max(1.0, self.decay * self.total)
        return min(1.0, (step + 1) / self.warmup, fall)

    def rate(self, step: int, depth: str) -> float:
        """The same share for every layer."""
        return self.factor(step)

    def frozen(self, step: int) -> bool:
        """Everything learns all the time."""
        return False

    def momentum(self, step: int) -> float:
        """Adam's first beta."""
        return 0.9


def parse_plan(plan: str) -> tuple[tuple[float, int], ...]:
    """``10@64,2.5@96`` -> ((10.0, 64), (2.5, 96))."""
    try:
        stages = tuple((float(e), int(px)) for e, px in (s.split("@") for s in plan.split(",")))
    except ValueError:
        raise DataError(f"--plan {plan!r} is not of the form 10@64,3@96,1@112") from None
    if any(epochs <= 0 or px < 32 or px % 8 for epochs, px in stages):
        raise DataError(f"--plan {plan!r}: epochs must be > 0, sides multiples of 8 from 32 up")
    return stages
