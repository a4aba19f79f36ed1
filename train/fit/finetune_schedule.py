"""The fast.ai recipe: a frozen epoch for the new head, then all layers, one cycle each.

As ``Learner.fine_tune`` does it (https://docs.fast.ai/callback.schedule.html): the head alone at
the full rate, then everything at half of it, a hundredth of that for the first layers, cosine up
over 30 % of the steps and down to nothing, momentum the other way round. Other than there the
frozen layers' batch norms stand still too, which makes that epoch three times as fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

HEAD, MIDDLE, FIRST = "head", "middle", "first"
DEPTHS = {
    FIRST: ("conv1.", "bn1.", "layer1.", "layer2.", "stages.0.", "stages.1."),
    MIDDLE: ("layer3.", "layer4.", "stages.2.", "stages.3.", "stages.4."),
    HEAD: ("fc.",),
}
"""How the names of each depth's parameters begin."""
LR_MULT, DIV, DIV_FINAL, RISE, FROZEN_RISE = 100.0, 5.0, 1e5, 0.3, 0.99
MOMENTUM_HIGH, MOMENTUM_LOW = 0.95, 0.85


@dataclass(frozen=True)
class FineTune:
    """``epochs`` after the frozen one, all at one picture side; like ``schedule.Schedule``."""

    epochs: float
    side_px: int
    steps_per_epoch: int

    @property
    def stages(self) -> tuple[tuple[float, int], ...]:
        """(epochs, side in pixels), the frozen one included."""
        return ((1 + self.epochs, self.side_px),)

    @property
    def total(self) -> int:
        """Steps in all."""
        return self.steps_per_epoch + round(self.epochs * self.steps_per_epoch)

    def size_px(self, step: int) -> int:
        """Side of the pictures at a step."""
        return self.side_px

    def frozen(self, step: int) -> bool:
        """Whether only the head learns at this step."""
        return step < self.steps_per_epoch

    def factor(self, step: int) -> float:
        """The head's share of the full learning rate."""
        at, rise, div = self._place(step)
        if self.frozen(step):
            return _cycle(at, rise, 1 / div, 1.0, 1 / DIV_FINAL)
        return _cycle(at, rise, 0.5 / div, 0.5, 0.5 / DIV_FINAL)

    def rate(self, step: int, depth: str) -> float:
        """A group's share of the full learning rate; the groups' rates are a geometric row."""
        shares = {HEAD: 1.0, MIDDLE: 1 / math.sqrt(LR_MULT), FIRST: 1 / LR_MULT}
        return self.factor(step) * shares[depth]

    def momentum(self, step: int) -> float:
        """Adam's first beta: low while the rate is high."""
        at, rise, _ = self._place(step)
        return _cycle(at, rise, MOMENTUM_HIGH, MOMENTUM_LOW, MOMENTUM_HIGH)

    def _place(self, step: int) -> tuple[float, float, float]:
        """Where in its cycle a step is (0 to 1), the share of rising steps, the first division."""
        if self.frozen(step):
            return step / self.steps_per_epoch, FROZEN_RISE, 25.0
        done = step - self.steps_per_epoch
        return done / max(1, self.total - self.steps_per_epoch), RISE, DIV


def _cycle(at: float, rise: float, start: float, top: float, end: float) -> float:
    def cosine(low: float, high: float, share: float) -> float:
        return low + (high - low) * (1 - math.cos(math.pi * min(1.0, share))) / 2

    return (
        cosine(start, top, at / rise) if at < rise else cosine(top, end, (at - rise) / (1 - rise))
    )


def parameter_groups(model: nn.Module) -> list[dict[str, object]]:
    """The optimizer's groups: parameters by depth; vectors without weight decay."""
    groups: list[dict[str, object]] = []
    for depth, names in DEPTHS.items():
        parameters = [p for name, p in model.named_parameters() if name.startswith(names)]
        groups.append({"params": [p for p in parameters if p.ndim > 1], "depth": depth})
        flat = [p for p in parameters if p.ndim <= 1]
        groups.append({"params": flat, "depth": depth, "weight_decay": 0.0})
    return groups


def freeze(model: nn.Module, frozen: bool) -> None:
    """Let all layers but the head stand still, batch norms too; or let them learn."""
    model.train()
    for name, layer in model.named_children():
        if name != "fc":
            layer.requires_grad_(not frozen).train(not frozen)
