"""Where the parts of ``prepare`` are worked on: in this process, in a few, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from train.faces import Part, Sorting, cut_part
from train.layouts import LayoutError, Record

Job = tuple[int, Sequence[Record], Sorting]


def cut_here(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Part]]:
    """Each job's number and part, in whatever order they end."""
    if workers < 2 or len(jobs) < 2:
        yield from map(_cut, jobs)
        return
    # A spawned process owns its torch threads; a forked one may inherit a held lock.
    with multiprocessing.get_context("spawn").Pool(min(workers, len(jobs)), _one_thread) as pool:
        yield from pool.imap_unordered(_cut, jobs)


def cut_on_ray(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Part]]:
    """The same on the Ray cluster of RAY_ADDRESS, or on one of ``workers`` started here.

    Ray Data is meant to do a part again whose worker was lost (no test has shown it yet). Pictures
    named by path must be readable under that path on every machine.
    """
    # Nothing about a run is told to others; two workers may well be started on one core.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise LayoutError(
            "--engine ray needs Ray: pip install -r train/requirements-ray.txt"
        ) from None
    own = not ray.is_initialized()
    if own:
        cores = None if os.environ.get("RAY_ADDRESS") else workers
        ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        stored = [ray.put(job) for job in jobs]

        def work(row: dict[str, Any]) -> dict[str, Any]:
            number, part = _cut(ray.get(stored[row["i"]]))
            return {"number": number, "part": pickle.dumps(part)}

        items = [{"i": i} for i in range(len(jobs))]
        done = ray.data.from_items(items, override_num_blocks=len(jobs)).map(work, num_cpus=1)
        for row in done.iter_rows():
            yield row["number"], pickle.loads(row["part"])
    finally:
        if own:
            ray.shutdown()


def _cut(job: Job) -> tuple[int, Part]:
    number, records, sorting = job
    return number, cut_part(records, sorting)


def _one_thread() -> None:
    torch.set_num_threads(1)


ENGINES = {"local": cut_here, "ray": cut_on_ray}
