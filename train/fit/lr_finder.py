"""A learning-rate finder: losses while the rate grows from step to step (Smith 2015)."""

from __future__ import annotations

import math

from tqdm import trange

from train.fit import plots
from train.fit.trainer import Trainer

STEPS, LOWEST, HIGHEST = 60, 1e-6, 1.0
GIVE_UP, SMOOTH = 4.0, 0.8


def find_rate(trainer: Trainer) -> int:
    """Draw ``lr_finder.png`` and print where the loss falls fastest; the run is left untouched."""
    rates: list[float] = []
    losses: list[float] = []
    average = best = math.inf
    for i in trange(STEPS, desc="rates", disable=not trainer.main):
        rate = LOWEST * (HIGHEST / LOWEST) ** (i / (STEPS - 1))
        trainer.step = i % trainer.schedule.steps_per_epoch
        loss = float(trainer.train_step(rate))
        average = loss if math.isinf(average) else SMOOTH * average + (1 - SMOOTH) * loss
        best = min(best, average)
        rates.append(rate)
        losses.append(average)
        if not math.isfinite(loss) or average > GIVE_UP * best:
            break
    suggested = steepest(rates, losses)
    if trainer.main:
        path = plots.rates(rates, losses, suggested, trainer.run.out)
        print(f"--lr {suggested:.1e} is where the loss falls fastest; see {path}")
    return 0


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate in the middle of the five steps over which the loss falls most."""
    span = min(5, len(losses) - 1)
    falls = [losses[i] - losses[i + span] for i in range(len(losses) - span)]
    return rates[max(range(len(falls)), key=falls.__getitem__) + span // 2]
