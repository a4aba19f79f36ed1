"""Find the face in every labelled picture, sort out what cannot be learnt from, keep crops.

SOURCE is a folder or an archive; nothing in it is changed. Written to OUT: the manifest, the crops
and ``report.html`` with what was kept, what was left out and why. The same command goes on where it
was interrupted.
"""

from __future__ import annotations

import argparse
import errno
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from gender_demo.errors import LayoutError
from gender_demo.files.names import printable
from gender_demo.sensitive import why_refused
from train.data.decisions import replay
from train.data.duplicates import mark_copies
from train.data.faces import CutRow, FaceFilter
from train.data.manifest import CROP_PX, Facts, write_facts, write_manifest
from train.data.readers.base import Options
from train.data.readers.factory import read_records
from train.data.records import Reading
from train.data.report import write_report
from train.data.shards import cut_all, load_shard, write_crops
from train.data.splits import assign_holdout, check_splits
from train.data.text import spell
from train.data.tree import free_bytes

CHIPS = FaceFilter(face="middle", no_face="whole", min_face_px=0, min_sharpness=0, min_score=0)
"""For sets that were cut around faces and cleaned by others."""
FILTERS = {"fairface": CHIPS, "utkface": CHIPS, "celeba": FaceFilter(face="middle")}
HELD_OUT = {"fairface": 0.0625}
"""Of a large set 2,500 faces are plenty."""


def run(args: argparse.Namespace) -> int:
    """Prepare; a sentence where the source is wrong or the disk is full."""
    existed = args.out.exists()
    try:
        rows = _prepare(args)
    except LayoutError as error:
        if not existed:
            shutil.rmtree(args.out, ignore_errors=True)
        raise SystemExit(printable(f"{error}.")) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise SystemExit(f"{error.filename or args.out}: {error.strerror or error}.") from None
        raise SystemExit(
            f"The disk of {args.out} is full: make room and give the same command again, it goes "
            "on where it stopped."
        ) from None
    for (split, reason), count in sorted(Counter((r.split, r.reason) for r in rows).items()):
        print(f"{split:<10}{reason:<16}{count}")
    print(f"Look at {args.out / 'report.html'}")
    return 0


def _prepare(args: argparse.Namespace) -> list[CutRow]:
    """Flags -> what ``prepare`` takes."""
    given = {name: getattr(args, name, None) for name in asdict(FaceFilter())}
    face_filter = replace(
        FILTERS.get(args.layout, FaceFilter()), **{k: v for k, v in given.items() if v is not None}
    )
    share = HELD_OUT.get(args.layout, 0.2) if args.valid_pct is None else args.valid_pct
    if not 0 < share < 1:
        raise LayoutError(f"--valid-pct {share:g} is not a share: give one between 0 and 1")
    if (spelt := spell(str(args.out.resolve()))) != str(args.out.resolve()):
        raise LayoutError(f"{spelt} is no name in UTF-8: choose another folder")
    options = Options(tuple(args.splits.split(",")), args.attribute)
    reading = read_records(args.layout, args.source, options, scratch=args.out / "shards")
    for note in reading.notes:
        print(printable(note))
    if not args.allow_sensitive_labels and (
        why := why_refused(sorted({record.label for record in reading.records}))
    ):
        raise LayoutError(why)
    _check_room(len(reading.records), args.out)
    facts = Facts(
        source=spell(str(args.source.resolve())),
        layout=args.layout,
        attribute=args.attribute,
        splits=args.splits,
        labels=list(reading.records[0].labels),
        face_filter=asdict(face_filter),
        valid_pct=share,
        seed=args.seed,
    )
    return prepare(reading, args.out, face_filter, facts, engine=args.engine, workers=args.workers)


def prepare(
    reading: Reading,
    out: Path,
    face_filter: FaceFilter,
    facts: Facts,
    *,
    engine: str = "local",
    workers: int = 1,
) -> list[CutRow]:
    """Cut, sort out, split, and write OUT; returns the manifest's rows in the records' order."""
    paths = cut_all(reading.records, out / "shards", face_filter, engine=engine, workers=workers)
    rows = [row for path in paths for row in load_shard(path).rows]
    mark_copies(rows, face_filter.kept)
    _number(rows, face_filter.kept)
    assign_holdout(rows, facts.valid_pct, facts.seed or 0)
    check_splits(rows)
    for warning in write_report(rows, map(load_shard, paths), out, facts, reading.notes):
        print(warning)
    # The manifest comes last: where it is, everything is.
    write_crops(rows, map(load_shard, paths), out)
    write_facts(facts, out)
    write_manifest(rows, out)
    replay(out, fresh=True)
    shutil.rmtree(out / "shards")
    return rows


def _number(rows: Sequence[CutRow], kept: Sequence[str]) -> None:
    """Give every used picture its place among the crops, and every one a group."""
    used = [row for row in rows if row.reason in kept]
    for number, row in enumerate(used):
        row.row = number
    for row in rows:
        row.group = row.group or row.path


def _check_room(pictures: int, out: Path) -> None:
    # Each crop lies on the disk twice for a moment: in its shard and in crops.npy.
    needed = 2 * pictures * CROP_PX * CROP_PX * 3
    if (free := free_bytes(out)) < needed:
        raise LayoutError(
            f"{pictures} crops need {needed / 1e9:.1f} GB while they are written and the disk "
            f"of {out} has {free / 1e9:.1f} GB free: make room or choose another folder"
        )
