"""Out of GPU memory: half the batch, and the CPU when one picture alone is too much."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from PIL import Image

from gender_demo.results import (
    Box,
    Face,
)
from gender_demo.vision.checkpoint import Checkpoint
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.detector import FaceDetector

Item = TypeVar("Item")
Result = TypeVar("Result")

WENT_TO_CPU = "The GPU's memory is full: going on with the CPU, more slowly."


def in_halves(
    run: Callable[[Sequence[Item]], list[Result]],
    items: Sequence[Item],
    go_to_cpu: Callable[[], None],
) -> list[Result]:
    """``run(items)``; where memory does not suffice in halves, and for a single one on the CPU."""
    try:
        return run(items)
    except torch.OutOfMemoryError:
        pass  # left before the next try, so that what the failed one held is free
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if len(items) < 2:
        logging.getLogger(__name__).warning(WENT_TO_CPU)
        go_to_cpu()
        return run(items)
    middle = len(items) // 2
    return [
        result
        for half in (items[:middle], items[middle:])
        for result in in_halves(run, half, go_to_cpu)
    ]


class SturdyClassifier:
    """A Classifier that outlives a full GPU."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self.checkpoint = checkpoint
        self.classifier = Classifier(checkpoint, device)

    def __call__(self, crops: Sequence[Image.Image]) -> list[tuple[float, ...]]:
        def run(some: Sequence[Image.Image]) -> list[tuple[float, ...]]:
            return self.classifier(some)  # the one of this moment

        return in_halves(run, crops, self._go_to_cpu)

    def _go_to_cpu(self) -> None:
        self.classifier = Classifier(self.checkpoint, "cpu")


class SturdyDetector(FaceDetector):
    """A FaceDetector that outlives a full GPU."""

    def search(
        self,
        pictures: Sequence[Image.Image],
        scales: Sequence[float],
        known: Sequence[Sequence[Box]] | None = None,
    ) -> list[list[Face]]:
        def run(some: Sequence[int]) -> list[list[Face]]:
            theirs = None if known is None else [known[i] for i in some]
            return FaceDetector.search(self, [pictures[i] for i in some], scales, theirs)

        return in_halves(run, range(len(pictures)), self._go_to_cpu)

    def follow(
        self, pictures: Sequence[Image.Image], boxes: Sequence[Sequence[Box]]
    ) -> list[list[Face]]:
        def run(some: Sequence[int]) -> list[list[Face]]:
            return FaceDetector.follow(self, [pictures[i] for i in some], [boxes[i] for i in some])

        return in_halves(run, range(len(pictures)), self._go_to_cpu)

    def _go_to_cpu(self) -> None:
        self.device = torch.device("cpu")
        for net in (self.pnet, self.rnet, self.onet):
            net.to(self.device)
