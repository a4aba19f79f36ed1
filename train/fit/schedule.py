"""When which picture side and which learning rate, in one cycle or several.

The first cycle: warm-up, constant, straight fall to zero. Each later one goes on from there (warm
restarts, Loshchilov and Hutter, ICLR 2017): up to AGAIN, and falling from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from gender_demo.errors import DataError

AGAIN = 0.75
"""Share of the full rate at which a later cycle begins."""
Stage = tuple[float, int]


@dataclass(frozen=True)
class Schedule:
    """``cycles`` of stages, each (epochs, side in pixels); ``decay`` is the share of the first
    cycle's steps that fall."""

    cycles: tuple[tuple[Stage, ...], ...]
    steps_per_epoch: int
    warmup: int
    decay: float

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those of all cycles."""
        return tuple(stage for cycle in self.cycles for stage in cycle)

    @property
    def total(self) -> int:
        """Steps in all."""
        return self._ends()[-1]

    def _ends(self) -> list[int]:
        """The step at which each stage is over."""
        return [
            round(epochs * self.steps_per_epoch)
            for epochs in accumulate(epochs for epochs, _ in self.stages)
        ]

    def size_px(self, step: int) -> int:
        """Side of the pictures at a step."""
        sides = (px for end, (_, px) in zip(self._ends(), self.stages, strict=True) if step < end)
        return next(sides, self.stages[-1][1])

    def factor(self, step: int) -> float:
        """Share of the full learning rate at a step, over 0 and up to 1."""
        ends = [self._ends()[last - 1] for last in accumulate(map(len, self.cycles))]
        number = sum(step >= end for end in ends[:-1])
        start, end = (0, *ends)[number], ends[number]
        decay, top = (1.0, AGAIN) if number else (self.decay, 1.0)
        fall = (end - step) / max(1.0, decay * (end - start))
        return top * min(1.0, (step - start + 1) / self.warmup, fall)

    def rate(self, step: int, depth: str) -> float:
        """The same share for every layer."""
        return self.factor(step)

    def frozen(self, step: int) -> bool:
        """Everything learns all the time."""
        return False

    def momentum(self, step: int) -> float:
        """Adam's first beta."""
        return 0.9


def parse_plan(plan: str) -> tuple[tuple[Stage, ...], ...]:
    """``10@64,2.5@96+4@96`` -> (((10.0, 64), (2.5, 96)), ((4.0, 96),))."""
    try:
        cycles = tuple(
            tuple((float(e), int(px)) for e, px in (stage.split("@") for stage in cycle.split(",")))
            for cycle in plan.split("+")
        )
    except ValueError:
        raise DataError(f"--plan {plan!r} is not of the form 10@64,3@96+2@112") from None
    if any(epochs <= 0 or px < 32 or px % 8 for cycle in cycles for epochs, px in cycle):
        raise DataError(f"--plan {plan!r}: epochs must be > 0, sides multiples of 8 from 32 up")
    return cycles
