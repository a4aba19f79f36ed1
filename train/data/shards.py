"""The shards of ``prepare`` on disk: cut once each, kept while the rest is done, joined at last."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gender_demo.vision.checkpoint import write_file
from train.data.faces import CutRow, FaceFilter, Shard
from train.data.manifest import CROP_PX, CROPS
from train.data.records import Record
from train.data.workers import WORKERS

SHARD_SIZE = 256
"""Pictures in one shard."""


def cut_all(
    records: Sequence[Record], folder: Path, face_filter: FaceFilter, *, engine: str, workers: int
) -> list[Path]:
    """One file for each shard of the records; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    shards = [records[i : i + SHARD_SIZE] for i in range(0, len(records), SHARD_SIZE)]
    paths = [folder / f"{i:05d}-{_key(shard, face_filter)}.pkl" for i, shard in enumerate(shards)]
    jobs = [(i, shard, face_filter) for i, shard in enumerate(shards) if not paths[i].exists()]
    done = len(records) - sum(len(shard) for _, shard, _ in jobs)
    with tqdm(total=len(records), initial=done, unit="picture", mininterval=2) as bar:
        for number, cut in WORKERS[engine](jobs, workers) if jobs else ():
            write_file(paths[number], pickle.dumps(cut))
            bar.update(len(cut.rows))
    return paths


def load_shard(path: Path) -> Shard:
    """One of the files that ``cut_all`` wrote."""
    shard: Shard = pickle.loads(path.read_bytes())
    return shard


def write_crops(rows: Sequence[CutRow], shards: Iterable[Shard], out: Path) -> None:
    """The crops of all used rows, in their order, into one file that is whole or not there."""
    shape = (sum(row.used for row in rows), CROP_PX, CROP_PX, 3)
    temporary = out / f"{CROPS}.part"
    with temporary.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        wanted = iter(rows)
        for shard in shards:
            for _, row in zip(shard.rows, wanted, strict=False):
                if row.used:
                    file.write(shard.crops[row.crop].tobytes())
    temporary.replace(out / CROPS)


def _key(shard: Sequence[Record], face_filter: FaceFilter) -> str:
    """Changes when anything that a shard depends on does."""
    seen = [(r.path, r.labels, r.split, r.identity, r.groups, _state(r.content)) for r in shard]
    return hashlib.sha256(repr((face_filter, seen)).encode()).hexdigest()[:16]


def _state(content: Any) -> Any:
    if isinstance(content, Path):
        try:
            stat = content.stat()
        except OSError:  # a link that leads nowhere, or deleted meanwhile
            return None
        return stat.st_size, stat.st_mtime_ns
    return len(content) if isinstance(content, bytes) else content and content.size
