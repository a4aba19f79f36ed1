"""The training loop: steps, logs, plots and saves, to the end of the plan or an interrupt."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from train.data.crops import described
from train.fit import plots
from train.fit.checkpoint_folder import write_checkpoint
from train.fit.epoch_log import EpochMetrics
from train.fit.holdout import holdout_predictions
from train.fit.trainer import Trainer

SAVE_EVERY_S = 120
STOPPED = 3
"""Exit code after an interrupt that was saved."""


def train(trainer: Trainer) -> int:
    """Train to the end; 0, or STOPPED after an interrupt."""
    batch, total, saved_at = trainer.recipe.batch, trainer.schedule.total, time.monotonic()
    events: Any = SummaryWriter(str(trainer.run.out)) if trainer.main else nullcontext()
    bar = tqdm(
        total=total * batch,
        initial=trainer.step * batch,
        unit="img",
        mininterval=5,
        smoothing=0.05,
        disable=not trainer.main,
    )
    with _interruptible() as interrupts, bar, events as writer:
        if trainer.main and not trainer.step:
            plots.show_batch(trainer.batches.views(0)[0], trainer.run.out, writer)
        while trainer.step < total and not _interrupted(trainer, interrupts):
            began = time.monotonic()
            loss = trainer.train_step()
            trainer.seconds += time.monotonic() - began
            bar.update(batch)
            step = trainer.step
            ended = step % trainer.schedule.steps_per_epoch == 0 or step == total
            if ended:
                _end_epoch(trainer, writer)
            if trainer.main and step % 20 == 0:
                bar.set_postfix(loss=f"{float(loss):.3f}", px=trainer.schedule.size_px(step))
                writer.add_scalar("train/loss", float(loss), step)
            if ended or time.monotonic() - saved_at > SAVE_EVERY_S:
                trainer.save()
                saved_at = time.monotonic()
    trainer.save()
    trainer.accelerator.wait_for_everyone()  # torchrun ends all as soon as one has ended early
    if trainer.step < total:
        print(f"stopped and saved at step {trainer.step} of {total}: the same command goes on")
        return STOPPED
    return 0


def _end_epoch(trainer: Trainer, writer: SummaryWriter) -> None:
    """Held-out figures of the moving average, plots, and a fresh checkpoint folder."""
    train_loss = trainer.mean_loss()
    if not trainer.main:
        return
    run, step = trainer.run, trainer.step
    predictions = holdout_predictions(trainer.average, run.valid, run.schedule.size_px(step - 1))
    metrics = EpochMetrics(
        **asdict(predictions.figures()),
        step=step,
        epoch=round(step / run.schedule.steps_per_epoch, 2),
        seconds=round(trainer.seconds),
        train_loss=round(train_loss, 4),
    )
    write_checkpoint(
        run.out / "checkpoint",
        trainer.average.state_dict(),
        predictions,
        name=f"{run.recipe.arch}-{run.valid.name}",
        arch=run.recipe.arch,
        training={
            "data": described(run.train, run.valid),
            "start": Path(run.start).name,
            "date": date.today().isoformat(),
            "recipe": asdict(run.recipe),
            "plan": run.schedule.stages,
            "held out": asdict(metrics),
        },
    )
    line = metrics.append(run.out)
    for name in ("accuracy", "error_rate", "loss"):
        writer.add_scalar(f"held_out/{name}", getattr(metrics, name), step)
    writer.add_scalar("train/epoch_loss", train_loss, step)
    plots.after_epoch(predictions, run.valid, run.out, writer, step)
    tqdm.write(line)


def _interrupted(trainer: Trainer, interrupts: list[int]) -> bool:
    """All processes stop after the same step, whichever of them was interrupted."""
    interrupted = torch.tensor(float(len(interrupts)), device=trainer.device)
    return bool(trainer.accelerator.reduce(interrupted, "sum") > 0)


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Until it ends, SIGINT and SIGTERM only fill this list."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda n, _: received.append(n)) for number in numbers]
    try:
        yield received
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
