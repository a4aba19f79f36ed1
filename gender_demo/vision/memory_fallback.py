"""On CUDA out-of-memory the batch is halved, then the CPU takes over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

WENT_TO_CPU = "The GPU's memory is full: going on with the CPU, more slowly."


def retry_with_half_batch(
    run: Callable[[Sequence[Item]], list[Result]],
    items: Sequence[Item],
    use_cpu: Callable[[], None],
) -> list[Result]:
    """``run(items)``, one result an item; when memory is short, half of them at a time.

    When it does not suffice for one item, ``use_cpu`` is called and ``run`` tried once more.
    """
    try:
        return run(items)
    except torch.OutOfMemoryError:
        pass  # left before the next try, so that what the failed one held is free
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if len(items) < 2:
        logging.getLogger(__name__).warning(WENT_TO_CPU)
        use_cpu()
        return run(items)
    middle = len(items) // 2
    halves = items[:middle], items[middle:]
    return [result for half in halves for result in retry_with_half_batch(run, half, use_cpu)]
