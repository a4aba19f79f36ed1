"""Trainer: a run's network, its moving average and its optimizer, one step at a time."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gender_demo.errors import DataError
from train.data.crops import Crops
from train.fit.batches import Batches
from train.fit.finetune_schedule import HEAD, FineTune, freeze, parameter_groups
from train.fit.recipe import Recipe
from train.fit.saved_run import RUN, SavedRun, read_run, readable
from train.fit.schedule import Schedule
from train.fit.small_faces import SmallFaces
from train.fit.start import starting_network
from train.fit.targets import loss
from train.fit.teacher import Teacher


@dataclass(frozen=True)
class Run:
    """What is trained, on what, when, and where to; ``start`` as for ``starting_network``."""

    recipe: Recipe
    train: Crops
    valid: Crops
    schedule: Schedule | FineTune
    out: Path
    start: str
    teacher: Teacher | None = None
    soft: Tensor | None = None
    small: SmallFaces | None = None


class Trainer:
    """Where a run stands; it goes on from ``run.pt`` where its folder holds one."""

    def __init__(self, run: Run, accelerator: Accelerator) -> None:
        """DataError where the folder holds another run or a damaged one."""
        self.run, self.accelerator = run, accelerator
        self.recipe, self.schedule, self.device = run.recipe, run.schedule, accelerator.device
        self.main = bool(accelerator.is_main_process)
        self.batches = Batches(
            run.recipe, run.train, run.schedule, accelerator.process_index, run.soft, run.small
        )
        run.out.mkdir(parents=True, exist_ok=True)
        going_on = (run.out / RUN).exists()
        start = "none" if going_on else run.start
        model = starting_network(run.recipe, run.train, start).to(self.device)
        self.model = model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            _groups(self.model, run.recipe),
            lr=run.recipe.lr,
            weight_decay=run.recipe.weight_decay,
            fused=True,
        )
        self.step, self.seconds = 0, 0.0
        self.loss_sum, self.loss_steps = torch.zeros((), device=self.device), 0
        if going_on:
            self._continue()
        self.learner: nn.Module = self.model
        self._frozen: bool | None = None

    def _continue(self) -> None:
        out, saved = self.run.out, read_run(self.run.out)
        before, now = asdict(saved.recipe), asdict(self.recipe)
        if before != now:
            changed = ", ".join(f"{k} {before[k]} -> {now[k]}" for k in now if before[k] != now[k])
            raise DataError(f"{out} holds another run ({changed}): use its flags or a new --out")
        with readable(out):
            self.model.load_state_dict(saved.model)
            self.average.load_state_dict(saved.average)
            self.optimizer.load_state_dict(saved.optimizer)
        self.step, self.seconds = saved.step, saved.seconds
        lost, self.loss_steps = saved.loss
        self.loss_sum += lost
        print(f"going on from step {self.step} of {self.schedule.total}")

    def save(self) -> None:
        """Write ``run.pt``, on the main process."""
        if self.main:
            SavedRun(
                recipe=self.recipe,
                model=self.model.state_dict(),
                average=self.average.state_dict(),
                optimizer=self.optimizer.state_dict(),
                step=self.step,
                seconds=self.seconds,
                loss=(float(self.loss_sum), self.loss_steps),
            ).write(self.run.out)

    def train_step(self, lr: float | None = None) -> Tensor:
        """One batch; returns its loss, a scalar. ``lr`` is that of the head at this step, where it
        is not to follow from recipe and schedule."""
        recipe, schedule, step = self.recipe, self.schedule, self.step
        factor = schedule.factor(step)
        full = recipe.lr if lr is None else lr / factor
        for group in self.optimizer.param_groups:
            group["lr"] = full * schedule.rate(step, group.get("depth", HEAD))
            group["betas"] = (schedule.momentum(step), group["betas"][1])
        pictures, wanted = self.batches[step]
        self._wrap()
        with self.accelerator.autocast():
            if self.run.teacher is not None:
                wanted = self.run.teacher.blend(pictures, wanted, recipe.teacher_weight)
            logits = self.learner(pictures).float()
        # Auxiliary labels fade with the rate, so that the end is about the served one.
        aux_weight = recipe.aux_weight * (0.2 + 0.8 * factor)
        lost = loss(logits, wanted, self.run.train.classes, aux_weight)
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(lost)
        self.optimizer.step()
        self.step += 1
        self.loss_sum, self.loss_steps = self.loss_sum + lost.detach(), self.loss_steps + 1
        self._update_average()
        return lost.detach()

    def mean_loss(self) -> float:
        """The mean loss of all processes' steps since it was last asked for."""
        mean = self.accelerator.reduce(self.loss_sum / self.loss_steps, "mean")
        self.loss_sum, self.loss_steps = torch.zeros_like(self.loss_sum), 0
        return float(mean)

    def _wrap(self) -> None:
        """(Un)freeze as the step wants it; a wrapper must know which layers learn."""
        frozen = self.schedule.frozen(self.step)
        freeze(self.model, frozen)
        if frozen != self._frozen:
            self._frozen = frozen
            model = self.accelerator.unwrap_model(self.learner, keep_fp32_wrapper=False)
            self.learner = self.accelerator.prepare_model(model)

    def _update_average(self) -> None:
        """The moving average, which forgets quickly at first; batch statistics are copied, since
        those of an average lag behind when the picture side changes."""
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        weights = (list(net.parameters()) for net in (self.average, self.model))
        get_ema_multi_avg_fn(keep)(*weights, self.step)  # type: ignore[no-untyped-call]
        for old, new in zip(self.average.buffers(), self.model.buffers(), strict=True):
            old.copy_(new)


def _groups(model: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """The optimizer's groups: by depth for finetune; vectors are never decayed."""
    if recipe.preset == "finetune":
        return parameter_groups(model)
    return [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
