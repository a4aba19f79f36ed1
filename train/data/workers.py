"""Where the shards of ``prepare`` are cut: in this process, in a few, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

import torch

from gender_demo.errors import LayoutError
from train.data.faces import FaceFilter, Shard, cut_shard
from train.data.records import Record

Job = tuple[int, Sequence[Record], FaceFilter]
"""A shard's number, its records, and what is kept of them."""


def cut_locally(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Shard]]:
    """Each job's number and shard, in whatever order they end."""
    if workers < 2 or len(jobs) < 2:
        yield from map(_cut, jobs)
        return
    # A spawned process owns its torch threads; a forked one may inherit a held lock.
    with multiprocessing.get_context("spawn").Pool(min(workers, len(jobs))) as pool:
        yield from pool.imap_unordered(_cut, jobs)


def cut_on_ray(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Shard]]:
    """The same on the Ray cluster of RAY_ADDRESS, or on one of ``workers`` started here.

    A shard whose worker was lost is done again elsewhere, three times at most. Pictures named by
    path must be readable under that path on every machine.
    """
    # Nothing about a run is sent to others.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = import_module("ray")
    except ImportError:
        raise LayoutError(
            "--engine ray needs Ray: pip install -r train/requirements-ray.txt"
        ) from None
    address = os.environ.get("RAY_ADDRESS")
    try:
        ray.init(
            num_cpus=None if address else workers, include_dashboard=False, log_to_driver=False
        )
    except (ConnectionError, ValueError) as error:
        raise LayoutError(f"no Ray cluster answers at RAY_ADDRESS {address} ({error})") from None
    try:
        cut = ray.remote(_cut)
        # Few shards are under way at once, so that millions of pictures fit into memory.
        waiting = iter(jobs)
        running: list[Any] = []
        most = 2 * int(ray.cluster_resources()["CPU"])
        while True:
            running += map(cut.remote, islice(waiting, most - len(running)))
            if not running:
                return
            ready, running = ray.wait(running)
            yield from ray.get(ready)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise LayoutError(f"Ray lost the workers of one shard four times ({error})") from None
    finally:
        ray.shutdown()


def _cut(job: Job) -> tuple[int, Shard]:
    number, records, face_filter = job
    # With another number of threads the last digits of boxes are others.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return number, cut_shard(records, face_filter)
    finally:
        torch.set_num_threads(threads)


WORKERS = {"local": cut_locally, "ray": cut_on_ray}
