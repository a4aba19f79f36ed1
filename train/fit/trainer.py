"""Trainer: one training run, step by step, on one device or shared among processes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import date
from pathlib import Path
from pickle import UnpicklingError
from types import FrameType
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from gender_demo.errors import DataError
from train.data.crops import Crops, described
from train.fit import plots, targets
from train.fit.augment import augment, jitter, resized_crop
from train.fit.checkpoint_folder import write_checkpoint
from train.fit.finetune import HEAD, FineTune, freeze
from train.fit.holdout import holdout_predictions
from train.fit.recipe import Recipe, build, class_weights, groups
from train.fit.schedule import Schedule
from train.fit.targets import Teacher

SAVE_EVERY_S = 120
STOPPED = 3
"""Exit code after an interrupt that was saved."""
UNREADABLE = (RuntimeError, EOFError, UnpicklingError, LookupError, ValueError, TypeError)
"""What reading a damaged file or one of another version raises."""


class Trainer:
    """One run: its model, its moving average, and where it stands."""

    def __init__(
        self,
        recipe: Recipe,
        train: Crops,
        valid: Crops,
        schedule: Schedule | FineTune,
        out: Path,
        accelerator: Accelerator,
        start: str,
        teacher: Teacher | None = None,
    ) -> None:
        self.recipe, self.train, self.valid = recipe, train, valid
        self.schedule, self.out, self.accelerator = schedule, out, accelerator
        self.device, self.teacher = accelerator.device, teacher
        self.start = start
        out.mkdir(parents=True, exist_ok=True)
        layout: Any = {"device": self.device, "memory_format": torch.channels_last}
        self.model = build(recipe, train, start).to(**layout)
        self.average = build(recipe, train, start).to(**layout).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            groups(self.model, recipe), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
        )
        self.step, self.seconds = 0, 0.0
        self.loss_sum, self.loss_steps = torch.zeros((), device=self.device), 0
        self.stop = False
        self.weights = class_weights(train).to(self.device) if recipe.balanced else None
        self._load()
        self._frozen: bool | None = None
        self.learner: nn.Module = self.model

    def _wrap(self) -> None:
        """(Un)freeze as the step wants it; a wrapper must know which layers learn."""
        frozen = self.schedule.frozen(self.step)
        freeze(self.model, frozen)
        if frozen != self._frozen:
            self._frozen = frozen
            model = self.accelerator.unwrap_model(self.learner, keep_fp32_wrapper=False)
            self.learner = self.accelerator.prepare_model(model)

    @property
    def _path(self) -> Path:
        return self.out / "run.pt"

    def _load(self) -> None:
        if not self._path.exists():
            return
        now = asdict(self.recipe)
        try:
            saved = torch.load(self._path, map_location="cpu", weights_only=True)
            before = asdict(Recipe(**saved["recipe"]))
            if before == now:
                self._restore(saved)
        except UNREADABLE as error:
            raise DataError(
                f"{self._path} cannot be read ({type(error).__name__}), it is damaged or of "
                "another version: delete it or change --out"
            ) from None
        if before != now:
            changed = ", ".join(f"{k} {before[k]} -> {now[k]}" for k in now if before[k] != now[k])
            raise DataError(
                f"{self.out} holds another run ({changed}): use its flags or a new --out"
            )
        print(f"going on from step {self.step} of {self.schedule.total}")

    def _restore(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        lost, self.loss_steps = saved.get("loss", (0.0, 0))
        self.loss_sum += lost

    def save(self) -> None:
        """Write ``run.pt`` so that it is whole at any moment."""
        if not self.accelerator.is_main_process:
            return
        temporary = self._path.with_suffix(".part")
        state = {
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "loss": (float(self.loss_sum), self.loss_steps),
        }
        torch.save(state, temporary)
        temporary.replace(self._path)

    def run(self) -> int:
        """Steps until the plan or an interrupt ends it."""
        total, batch, main = (
            self.schedule.total,
            self.recipe.batch,
            self.accelerator.is_main_process,
        )
        bar = tqdm(
            total=total * batch,
            initial=self.step * batch,
            unit="img",
            mininterval=5,
            smoothing=0.05,
            disable=not main,
        )
        saved_at = time.monotonic()
        events: Any = SummaryWriter(str(self.out)) if main else nullcontext()
        with _interruptible(self), bar, events as writer:
            if main and not self.step:
                plots.show_batch(self.views(0)[0], self.out, writer)
            while self.step < total and not self._told_to_stop():
                began = time.monotonic()
                loss = self.train_step()
                self.seconds += time.monotonic() - began
                bar.update(batch)
                ended = self.step % self.schedule.steps_per_epoch == 0 or self.step == total
                if ended:
                    self._end_epoch(writer)
                if not main:
                    continue
                if self.step % 20 == 0:
                    bar.set_postfix(loss=f"{float(loss):.3f}", px=self.schedule.size_px(self.step))
                    writer.add_scalar("train/loss", float(loss), self.step)
                if ended or time.monotonic() - saved_at > SAVE_EVERY_S:
                    self.save()
                    saved_at = time.monotonic()
        self.save()
        self.accelerator.wait_for_everyone()  # torchrun ends all as soon as one has ended early
        if self.stop:
            print(f"stopped and saved at step {self.step} of {total}: the same command goes on")
            return STOPPED
        return 0

    def _told_to_stop(self) -> bool:
        """All processes stop after the same step, whichever of them was told."""
        told = torch.tensor(float(self.stop), device=self.device)
        self.stop = bool(self.accelerator.reduce(told, "sum") > 0)
        return self.stop

    def views(self, step: int) -> tuple[Tensor, Tensor, torch.Generator]:
        """This process's share of a step's pictures, which crops they show, and what draws on.

        They depend on seed and step alone.
        """
        recipe, per_epoch = self.recipe, self.schedule.steps_per_epoch
        share = self.accelerator.process_index, self.accelerator.num_processes
        epoch, at = divmod(step, per_epoch)
        order = np.random.default_rng((recipe.seed, epoch)).permutation(recipe.pictures)
        chosen = torch.from_numpy(order[at * recipe.batch : (at + 1) * recipe.batch])
        chosen = chosen[share[0] :: share[1]].to(self.device)
        generator = torch.Generator(self.device).manual_seed(recipe.seed * 1_000_003 + step)
        pictures = augment(
            self.train.pixels[chosen],
            self.train.margin,
            self.schedule.size_px(step),
            generator,
            webcam=recipe.webcam,
            view=resized_crop if recipe.preset == "finetune" else jitter,
            share=share,
        )
        return pictures, chosen, generator

    def train_step(self) -> Tensor:
        """One batch; returns its loss."""
        recipe, factor = self.recipe, self.schedule.factor(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.lr * self.schedule.rate(self.step, group.get("depth", HEAD))
            group["betas"] = (self.schedule.momentum(self.step), group["betas"][1])
        pictures, chosen, generator = self.views(self.step)
        wanted = targets.one_hot(self.train, chosen, recipe.smoothing)
        if self.weights is not None:
            weights = self.weights[self.train.target[chosen]]
            wanted[:, : len(self.weights)] *= weights.unsqueeze(1)
        pictures, wanted = targets.mix_up(pictures, wanted, recipe.mixup, generator)
        self._wrap()
        with self.accelerator.autocast():
            if self.teacher is not None:
                wanted = self.teacher.blend(pictures, wanted, recipe.teacher_weight)
            logits = self.learner(pictures).float()
        # The helping labels fade with the rate, so that the end is about the served one.
        helping = recipe.aux_weight * (0.2 + 0.8 * factor)
        loss = targets.loss(logits, wanted, self.train.classes, helping)
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.step += 1
        self.loss_sum, self.loss_steps = self.loss_sum + loss.detach(), self.loss_steps + 1
        self._follow()
        return loss.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        """The moving average, which forgets quickly at first; batch statistics are copied, since
        those of an average lag behind when the picture side changes."""
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        average, model = self.average, self.model
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
        for old, new in zip(average.buffers(), model.buffers(), strict=True):
            old.copy_(new)

    def _end_epoch(self, writer: SummaryWriter) -> None:
        """Held-out figures of the moving average, plots, and a fresh checkpoint folder."""
        lost = self.loss_sum / self.loss_steps
        train_loss = float(self.accelerator.reduce(lost, "mean"))
        self.loss_sum, self.loss_steps = torch.zeros_like(lost), 0
        if not self.accelerator.is_main_process:
            return
        held = holdout_predictions(self.average, self.valid, self.schedule.size_px(self.step - 1))
        facts: dict[str, Any] = {
            "step": self.step,
            "epoch": round(self.step / self.schedule.steps_per_epoch, 2),
            **held.figures().as_dict(),
            "train_loss": round(train_loss, 4),
            "seconds": round(self.seconds),
        }
        write_checkpoint(
            self.out / "checkpoint",
            self.average.state_dict(),
            held,
            name=f"{self.recipe.arch}-{self.valid.name}",
            arch=self.recipe.arch,
            training={
                "data": described(self.train, self.valid),
                "start": Path(self.start).name,
                "date": date.today().isoformat(),
                "recipe": asdict(self.recipe),
                "plan": self.schedule.stages,
                "held out": facts,
            },
        )
        with (self.out / "metrics.jsonl").open("a") as lines:
            lines.write(json.dumps(facts) + "\n")
        for name in ("accuracy", "error_rate", "loss"):
            writer.add_scalar(f"held_out/{name}", facts[name], self.step)
        writer.add_scalar("train/epoch_loss", train_loss, self.step)
        plots.after_epoch(held, self.valid, self.out, writer, self.step)
        tqdm.write(json.dumps(facts))


@contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
    """SIGINT and SIGTERM end the run after the step in hand."""

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        trainer.stop = True

    before = {
        number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
