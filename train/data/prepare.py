"""Find the face in every labelled picture, sort out what cannot be learnt from, keep crops.

SOURCE is a folder or an archive; nothing in it is changed. Written to OUT: the manifest, the crops
and ``report.html`` with what was kept, what was left out and why. The same command goes on where it
was interrupted.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import pickle
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gender_demo.errors import LayoutError
from gender_demo.vision.checkpoint import write_file
from train.data.archives import free_bytes
from train.data.decisions import replay
from train.data.duplicates import mark_copies
from train.data.faces import (
    CROP_PX,
    Part,
    Row,
    Sorting,
)
from train.data.manifest import (
    number_rows,
    write_prepared,
)
from train.data.readers.base import Options
from train.data.readers.factory import read_records
from train.data.records import Reading, Record
from train.data.report import write_report
from train.data.splits import (
    assign_holdout,
    check_splits,
)
from train.data.workers import ENGINES

PART_SIZE = 256
CHIPS = Sorting(face="middle", no_face="whole", min_face_px=0, min_sharpness=0, min_score=0)
"""For sets that were cut around faces and cleaned by others."""
SORTING = {"fairface": CHIPS, "utkface": CHIPS, "celeba": Sorting(face="middle")}
HELD_OUT = {"fairface": 0.0625}
"""Of a large set 2,500 faces are plenty."""


def run(args: argparse.Namespace) -> int:
    """Prepare; a sentence where the source is wrong or the disk is full."""
    existed = args.out.exists()
    parts = args.out / "parts"
    chosen = {
        name: value
        for name in asdict(Sorting())
        if (value := getattr(args, name, None)) is not None
    }
    sorting = replace(SORTING.get(args.layout, Sorting()), **chosen)
    share = HELD_OUT.get(args.layout, 0.2) if args.valid_pct is None else args.valid_pct
    try:
        if not 0 < share < 1:
            raise LayoutError(f"--valid-pct {share:g} is not a share: give one between 0 and 1")
        reading = read_records(
            args.layout,
            args.source,
            Options(tuple(args.splits.split(",")), args.attribute),
            scratch=parts,
        )
        for note in reading.notes:
            print(note)
        _check_room(reading.records, args.out)
        facts = {
            "source": str(args.source.resolve()),
            "layout": args.layout,
            "attribute": args.attribute,
            "splits": args.splits,
            "labels": list(reading.records[0].labels),
            "sorting": asdict(sorting),
            "valid_pct": share,
            "seed": args.seed,
        }
        rows = prepare(reading, args.out, sorting, facts, engine=args.engine, workers=args.workers)
    except LayoutError as error:
        if not existed:
            shutil.rmtree(args.out, ignore_errors=True)
        raise SystemExit(f"{error}.") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise SystemExit(f"{error.filename or args.out}: {error.strerror or error}.") from None
        raise SystemExit(
            f"The disk of {args.out} is full: make room and give the same command again, it goes "
            "on where it stopped."
        ) from None
    for (split, reason), count in sorted(Counter((r["split"], r["reason"]) for r in rows).items()):
        print(f"{split:<10}{reason:<16}{count}")
    print(f"Look at {args.out / 'report.html'}")
    return 0


def prepare(
    reading: Reading,
    out: Path,
    sorting: Sorting,
    facts: dict[str, Any],
    *,
    engine: str = "local",
    workers: int = 1,
) -> list[Row]:
    """Cut, sort out, split, and write OUT; returns the manifest's rows in the records' order."""
    paths = cut_all(reading.records, out / "parts", sorting, engine=engine, workers=workers)
    rows = [row for path in paths for row in _load(path).rows]
    label = facts["labels"][0]
    mark_copies(rows, label, sorting.kept)
    number_rows(rows, sorting.kept)
    assign_holdout(rows, label, facts["valid_pct"], facts["seed"])
    check_splits(rows, label)
    for warning in write_report(rows, map(_load, paths), out, facts, reading.notes):
        print(warning)
    write_prepared(rows, map(_load, paths), out, facts)
    replay(out, fresh=True)
    shutil.rmtree(out / "parts")
    return rows


def cut_all(
    records: Sequence[Record], folder: Path, sorting: Sorting, *, engine: str, workers: int
) -> list[Path]:
    """One file for each part of the records; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [records[i : i + PART_SIZE] for i in range(0, len(records), PART_SIZE)]
    paths = [folder / f"{i:05d}-{_key(part, sorting)}.pkl" for i, part in enumerate(parts)]
    jobs = [(i, part, sorting) for i, part in enumerate(parts) if not paths[i].exists()]
    done = len(records) - sum(len(part) for _, part, _ in jobs)
    with tqdm(total=len(records), initial=done, unit="picture", mininterval=2) as bar:
        for number, part in ENGINES[engine](jobs, workers) if jobs else ():
            write_file(paths[number], pickle.dumps(part))
            bar.update(len(part.rows))
    return paths


def _load(path: Path) -> Part:
    part: Part = pickle.loads(path.read_bytes())
    return part


def _key(part: Sequence[Record], sorting: Sorting) -> str:
    """Changes when anything that a part depends on does."""
    seen = [(r.path, r.labels, r.split, r.identity, r.groups, _state(r.content)) for r in part]
    return hashlib.sha256(repr((sorting, seen)).encode()).hexdigest()[:16]


def _state(content: Any) -> Any:
    if isinstance(content, Path):
        stat = content.stat()
        return stat.st_size, stat.st_mtime_ns
    return len(content) if isinstance(content, bytes) else content and content.size


def _check_room(records: Sequence[Record], out: Path) -> None:
    # Each crop lies on the disk twice for a moment: in its part and in crops.npy.
    needed = 2 * len(records) * CROP_PX * CROP_PX * 3
    if (free := free_bytes(out)) < needed:
        raise LayoutError(
            f"{len(records)} crops need {needed / 1e9:.1f} GB while they are written and the disk "
            f"of {out} has {free / 1e9:.1f} GB free: make room or choose another folder"
        )
