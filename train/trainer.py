"""Trainer: one training run, step by step, on one device or shared among processes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from types import FrameType
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torchvision
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from gender_demo.checkpoint import CheckpointError, load_checkpoint
from train import targets
from train.augment import augment
from train.calibrate import look, write_folder
from train.data import Crops, DataError
from train.schedule import Schedule
from train.targets import Teacher

SAVE_EVERY_S = 120
STOPPED = 3
"""Exit code after an interrupt that was saved."""


@dataclass(frozen=True)
class Recipe:
    """What must stay the same for a run to be continued."""

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


def build(recipe: Recipe, crops: Crops, start: Path | None) -> nn.Module:
    """One last layer for all labels together, the served one's rows first."""
    torch.manual_seed(recipe.seed)
    outputs = sum(len(classes) for classes in crops.classes.values())
    model: nn.Module = getattr(torchvision.models, recipe.arch)(num_classes=outputs)
    if start is not None:
        if str(start) == "imagenet":
            weights = torchvision.models.get_model_weights(recipe.arch).DEFAULT
            try:
                state = dict(weights.get_state_dict(progress=False, check_hash=True))
            except OSError as error:
                raise CheckpointError(
                    f"ImageNet weights cannot be downloaded ({error}): give --start a folder"
                ) from None
        else:
            checkpoint = load_checkpoint(start)
            if checkpoint.config.arch != recipe.arch:
                raise CheckpointError(
                    f"{start} holds a {checkpoint.config.arch}, not a {recipe.arch}"
                )
            state = {name: value.float() for name, value in checkpoint.state.items()}
        backbone = {name: value for name, value in state.items() if not name.startswith("fc.")}
        model.load_state_dict(backbone, strict=False)
    return model


class Trainer:
    """One run: its model, its moving average, and where it stands."""

    def __init__(
        self,
        recipe: Recipe,
        train: Crops,
        valid: Crops,
        schedule: Schedule,
        out: Path,
        device: torch.device,
        start: Path | None,
        teacher: Teacher | None = None,
    ) -> None:
        self.recipe, self.train, self.valid = recipe, train, valid
        self.schedule, self.out, self.device = schedule, out, device
        self.teacher = teacher
        out.mkdir(parents=True, exist_ok=True)
        layout: Any = {"device": device, "memory_format": torch.channels_last}
        self.model = build(recipe, train, start).to(**layout)
        self.average = build(recipe, train, start).to(**layout).eval().requires_grad_(False)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decayed},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=recipe.lr,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.step, self.seconds = 0, 0.0
        self.stop = False
        self.rank = dist.get_rank() if recipe.processes > 1 else 0
        self._load()
        self.learner = self.model
        if recipe.processes > 1:
            self.learner = DistributedDataParallel(self.model, gradient_as_bucket_view=True)

    @property
    def _path(self) -> Path:
        return self.out / "run.pt"

    def _load(self) -> None:
        if not self._path.exists():
            return
        try:
            saved = torch.load(self._path, map_location=self.device, weights_only=True)
        except (RuntimeError, EOFError, UnpicklingError, LookupError, ValueError) as error:
            raise DataError(
                f"{self._path} cannot be read ({type(error).__name__}): delete it or change --out"
            ) from None
        before, now = asdict(Recipe(**saved["recipe"])), asdict(self.recipe)
        if before != now:
            changed = ", ".join(f"{k} {before[k]} -> {now[k]}" for k in now if before[k] != now[k])
            raise DataError(
                f"{self.out} holds another run ({changed}): use its flags or a new --out"
            )
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        print(f"going on from step {self.step} of {self.schedule.total}")

    def save(self) -> None:
        """Write ``run.pt`` so that it is whole at any moment."""
        if self.rank:
            return
        temporary = self._path.with_suffix(".part")
        state = {
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, temporary)
        temporary.replace(self._path)

    def run(self) -> int:
        """Steps until the plan or an interrupt ends it."""
        total, batch = self.schedule.total, self.recipe.batch
        bar = tqdm(
            total=total * batch,
            initial=self.step * batch,
            unit="img",
            mininterval=5,
            smoothing=0.05,
            disable=self.rank > 0,
        )
        saved_at = time.monotonic()
        events: Any = nullcontext() if self.rank else SummaryWriter(str(self.out))
        with _interruptible(self), bar, events as writer:
            while self.step < total and not self._told_to_stop():
                began = time.monotonic()
                loss = self.train_step()
                self.seconds += time.monotonic() - began
                bar.update(batch)
                if self.rank:
                    continue
                if self.step % 20 == 0:
                    bar.set_postfix(loss=f"{float(loss):.3f}", px=self.schedule.size_px(self.step))
                    writer.add_scalar("train/loss", float(loss), self.step)
                if self.step % self.schedule.steps_per_epoch == 0 or self.step == total:
                    self._log(writer, self.evaluate())
                    self.save()
                elif time.monotonic() - saved_at > SAVE_EVERY_S:
                    self.save()
                    saved_at = time.monotonic()
        self.save()
        if self.recipe.processes > 1:
            dist.barrier()  # torchrun ends all processes as soon as one has ended early
        if self.stop:
            print(f"stopped and saved at step {self.step} of {total}: the same command goes on")
            return STOPPED
        return 0

    def _told_to_stop(self) -> bool:
        """All processes stop after the same step, whichever of them was told."""
        if self.recipe.processes > 1:
            told = torch.tensor(float(self.stop), device=self.device)
            dist.all_reduce(told)
            self.stop = bool(told > 0)
        return self.stop

    def train_step(self) -> Tensor:
        """One batch; what it sees depends on seed and step alone."""
        recipe, per_epoch = self.recipe, self.schedule.steps_per_epoch
        epoch, at = divmod(self.step, per_epoch)
        order = np.random.default_rng((recipe.seed, epoch)).permutation(recipe.pictures)
        chosen = torch.from_numpy(order[at * recipe.batch : (at + 1) * recipe.batch])
        chosen = chosen[self.rank :: recipe.processes].to(self.device)
        seed = (recipe.seed * 1_000_003 + self.step) * recipe.processes + self.rank
        generator = torch.Generator(self.device).manual_seed(seed)
        size_px, factor = self.schedule.size_px(self.step), self.schedule.factor(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.lr * factor
        crops = self.train
        pictures = augment(
            crops.pixels[chosen], crops.margin, size_px, generator, webcam=recipe.webcam
        )
        wanted = targets.one_hot(crops, chosen, recipe.smoothing)
        pictures, wanted = targets.mix_up(pictures, wanted, recipe.mixup, generator)
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            if self.teacher is not None:
                wanted = self.teacher.blend(pictures, wanted, recipe.teacher_weight)
            logits = self.learner(pictures).float()
        # The helping labels fade with the rate, so that the end is about the served one.
        helping = recipe.aux_weight * (0.2 + 0.8 * factor)
        loss = targets.loss(logits, wanted, crops.classes, helping)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.step += 1
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

    def evaluate(self) -> dict[str, Any]:
        """Held-out figures of the moving average; refreshes the checkpoint folder."""
        held = look(self.average, self.valid, self.schedule.size_px(self.step - 1))
        facts: dict[str, Any] = {
            "step": self.step,
            "epoch": round(self.step / self.schedule.steps_per_epoch, 2),
            **held.facts(),
            "seconds": round(self.seconds),
        }
        recipe = asdict(self.recipe)
        write_folder(
            self.out / "checkpoint",
            self.average.state_dict(),
            held,
            name=f"{self.recipe.arch}-{self.valid.name}",
            arch=self.recipe.arch,
            training={"recipe": recipe, "plan": self.schedule.stages, "held out": facts},
        )
        return facts

    def _log(self, writer: SummaryWriter, facts: dict[str, Any]) -> None:
        with (self.out / "metrics.jsonl").open("a") as lines:
            lines.write(json.dumps(facts) + "\n")
        writer.add_scalar("held_out/accuracy", facts["accuracy"], self.step)
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
