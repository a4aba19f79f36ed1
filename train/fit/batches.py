"""The pictures and targets of each step, which depend on the run's seed and the step alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Generator, Tensor

from train.data.crops import Crops
from train.fit.augment import augment
from train.fit.finetune_schedule import FineTune
from train.fit.recipe import Recipe, class_weights
from train.fit.schedule import Schedule
from train.fit.small_faces import SmallFaces
from train.fit.targets import mix_up, one_hot
from train.fit.views import jitter, resized_crop

SOFT_WEIGHT = 0.5


@dataclass(frozen=True)
class Batches:
    """The steps of a run, for the process ``rank`` of those that share each batch.

    ``soft`` (n, classes): soft labels of the crops, blended half and half with their own.
    """

    recipe: Recipe
    crops: Crops
    schedule: Schedule | FineTune
    rank: int = 0
    soft: Tensor | None = None
    small: SmallFaces | None = None

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """This process's share of a step: normalised pictures (n, 3, side, side) and targets
        (n, outputs), all labels side by side."""
        recipe, (pictures, chosen, generator) = self.recipe, self.views(step)
        wanted = one_hot(self.crops, chosen, recipe.smoothing)
        if self.soft is not None:
            classes = self.soft.shape[1]
            wanted[:, :classes] = wanted[:, :classes].lerp(self.soft[chosen], SOFT_WEIGHT)
        if recipe.balanced:
            weights = self._class_weights
            wanted[:, : len(weights)] *= weights[self.crops.target[chosen]].unsqueeze(1)
        if self.small is not None:
            size_px, ranks = self.schedule.size_px(step), (self.rank, recipe.processes)
            more, rows = self.small.batch(step, len(chosen), size_px, recipe.seed, ranks)
            pictures = torch.cat([pictures, more.to(pictures)])
            pictures = pictures.contiguous(memory_format=torch.channels_last)
            wanted = torch.cat(
                [wanted, one_hot(self.small.crops, rows, recipe.smoothing).to(wanted)]
            )
        return mix_up(pictures, wanted, recipe.mixup, generator)

    @cached_property
    def _class_weights(self) -> Tensor:
        return class_weights(self.crops).to(self.crops.pixels.device)

    def views(self, step: int) -> tuple[Tensor, Tensor, Generator]:
        """Augmented pictures (n, 3, side, side) of a step, the rows (n,) of the crops they show,
        and what else to draw from."""
        recipe, device = self.recipe, self.crops.pixels.device
        epoch, at = divmod(step, self.schedule.steps_per_epoch)
        order = np.random.default_rng((recipe.seed, epoch)).permutation(recipe.pictures)
        batch = torch.from_numpy(order[at * recipe.batch : (at + 1) * recipe.batch])
        chosen = batch[self.rank :: recipe.processes].to(device)
        generator = Generator(device).manual_seed(recipe.seed * 1_000_003 + step)
        pictures = augment(
            self.crops.pixels[chosen],
            self.crops.margin,
            self.schedule.size_px(step),
            generator,
            webcam=recipe.webcam,
            covered=recipe.covered,
            view=resized_crop if recipe.preset == "finetune" else jitter,
            share=(self.rank, recipe.processes),
        )
        return pictures, chosen, generator
