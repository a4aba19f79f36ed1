"""Find the labelled face of every picture, cut it as serving does, and keep crops and manifest.

Written to OUT: ``manifest.parquet`` (one row a picture: path, split, group, labels, box, score,
reason, row) and ``crops.npy`` (uint8, (n, CROP_PX, CROP_PX, 3), indexed by ``row``). Finished parts
are kept until the end, so the same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from tqdm import tqdm

from gender_demo.crops import crop_face, cut_square
from gender_demo.detector import FaceDetector
from gender_demo.results import Face
from train.layouts import LayoutError, Record, read_records

CROP_PX = 144
MARGIN = 1.25
"""Crops show this much more than serving's, as room for jitter; the middle 1/MARGIN is served."""
PART_SIZE = 512
BATCH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``python -m train prepare``."""
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--layout", choices=("fairface", "folder"), required=True)
    parser.add_argument("--splits", default="train,val", help="default: %(default)s")
    parser.add_argument("--holdout", type=int, default=2500, help="train pictures held out")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--min-face-px", type=int, default=80, help="halved for a second look")
    parser.add_argument(
        "--drop-no-face", action="store_true", help="leave out pictures without a face"
    )


def run(args: argparse.Namespace) -> int:
    """Prepare; a sentence and exit code 1 where the source is wrong."""
    try:
        records = read_records(args.layout, args.source, args.splits.split(","))
    except LayoutError as error:
        raise SystemExit(str(error)) from None
    rows = prepare(
        records,
        args.out,
        workers=args.workers,
        min_face_px=args.min_face_px,
        keep_no_face=not args.drop_no_face,
    )
    assign_holdout(rows, args.holdout, args.seed)
    write_manifest(rows, args.out)
    for (split, reason), count in sorted(Counter((r["split"], r["reason"]) for r in rows).items()):
        print(f"{split:<10}{reason:<12}{count}")
    unreadable = [row["path"] for row in rows if row["reason"] == "unreadable"]
    if unreadable:
        print(f"{len(unreadable)} pictures could not be read, first {', '.join(unreadable[:3])}")
    return 0


def prepare(
    records: Sequence[Record],
    out: Path,
    *,
    workers: int = 1,
    min_face_px: int = 80,
    keep_no_face: bool = True,
) -> list[dict[str, Any]]:
    """Cut all crops into ``out/crops.npy``; returns the manifest's rows in the records' order."""
    parts = [records[i : i + PART_SIZE] for i in range(0, len(records), PART_SIZE)]
    folder = out / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:05d}-{_key(part, min_face_px)}.pkl" for i, part in enumerate(parts)]
    jobs = [
        (part, path, min_face_px)
        for part, path in zip(parts, paths, strict=True)
        if not path.exists()
    ]
    done = len(records) - sum(len(part) for part, _, _ in jobs)
    with tqdm(total=len(records), initial=done, unit="picture", mininterval=2) as bar:
        if workers > 1 and len(jobs) > 1:
            # A spawned process owns its torch threads; a forked one may inherit a held lock.
            with multiprocessing.get_context("spawn").Pool(workers, _one_thread) as pool:
                for count in pool.imap_unordered(_cut_part, jobs):
                    bar.update(count)
        else:
            for job in jobs:
                bar.update(_cut_part(job))
    rows = _merge(paths, out, keep_no_face)
    shutil.rmtree(folder)
    return rows


def _key(part: Sequence[Record], min_face_px: int) -> str:
    names = "\n".join(record.path for record in part)
    return hashlib.sha256(f"{min_face_px} {names}".encode()).hexdigest()[:12]


def _one_thread() -> None:
    torch.set_num_threads(1)


def _cut_part(job: tuple[Sequence[Record], Path, int]) -> int:
    records, path, min_face_px = job
    pictures: list[Image.Image | None] = [_open(record) for record in records]
    readable = [i for i, picture in enumerate(pictures) if picture is not None]
    faces = find_middle_faces([p for p in pictures if p is not None], min_face_px)
    rows, crops = [], []
    by_index = dict(zip(readable, faces, strict=True))
    for i, (record, picture) in enumerate(zip(records, pictures, strict=True)):
        face = by_index.get(i)
        reason = "unreadable" if picture is None else "face" if face else "no_face"
        group = record.group
        if picture is not None:
            group = group or str(imagehash.dhash(picture, 12))
            crops.append(np.asarray(cut(picture, face)))
        rows.append(
            {
                "path": record.path,
                "split": record.split,
                "group": group or record.path,
                **record.labels,
                "box": list(face.box) if face else None,
                "score": face.score if face else None,
                "reason": reason,
            }
        )
    stacked = np.stack(crops) if crops else np.zeros((0, CROP_PX, CROP_PX, 3), np.uint8)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(pickle.dumps((rows, stacked)))
    temporary.rename(path)
    return len(records)


def _open(record: Record) -> Image.Image | None:
    try:
        content = record.content
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with Image.open(source) as picture:
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def find_middle_faces(pictures: Sequence[Image.Image], min_face_px: int) -> list[Face | None]:
    """The face nearest the middle of each picture; where none is found, a finer second look."""
    found: list[Face | None] = [None] * len(pictures)
    for smallest in (min_face_px, min_face_px // 2):
        detector = FaceDetector("cpu", min_face_px=smallest)
        left = [i for i, face in enumerate(found) if face is None]
        for start in range(0, len(left), BATCH):
            chunk = left[start : start + BATCH]
            for i, faces in zip(chunk, detector.detect([pictures[i] for i in chunk]), strict=True):
                found[i] = _nearest_middle(faces, pictures[i])
    return found


def _nearest_middle(faces: Sequence[Face], picture: Image.Image) -> Face | None:
    def distance(face: Face) -> float:
        x0, y0, x1, y1 = face.box
        return (x0 + x1 - picture.width) ** 2 + (y0 + y1 - picture.height) ** 2

    return min(faces, key=distance, default=None)


def cut(picture: Image.Image, face: Face | None) -> Image.Image:
    """The crop of a face, or of the whole picture where none was found, with MARGIN around."""
    if face is not None:
        return crop_face(picture, face, CROP_PX, margin=MARGIN)
    side = min(picture.size) * MARGIN
    return cut_square(picture, picture.width / 2, picture.height / 2, side, 0.0, CROP_PX)


def _merge(paths: Sequence[Path], out: Path, keep_no_face: bool) -> list[dict[str, Any]]:
    """Parts -> one memory-mapped array; sets ``row``, -1 for a picture that has no crop."""
    rows: list[dict[str, Any]] = []
    for path in paths:
        rows += pickle.loads(path.read_bytes())[0]
    kept = {"face", "no_face"} if keep_no_face else {"face"}
    count = sum(row["reason"] in kept for row in rows)
    temporary = out / "crops.part.npy"
    crops = np.lib.format.open_memmap(
        temporary, "w+", dtype=np.uint8, shape=(count, CROP_PX, CROP_PX, 3)
    )
    at = position = 0
    for path in paths:
        part_rows, stacked = pickle.loads(path.read_bytes())
        cut_rows = iter(stacked)
        for row in rows[position : position + len(part_rows)]:
            crop = None if row["reason"] == "unreadable" else next(cut_rows)
            row["row"] = -1
            if row["reason"] in kept and crop is not None:
                crops[at] = crop
                row["row"] = at
                at += 1
        position += len(part_rows)
    crops.flush()
    temporary.rename(out / "crops.npy")
    return rows


def assign_holdout(rows: Sequence[dict[str, Any]], count: int, seed: int) -> None:
    """Move about ``count`` train rows, whole groups at a time, to the split "holdout"."""
    groups = sorted({row["group"] for row in rows if row["split"] == "train"})
    sizes = Counter(row["group"] for row in rows if row["row"] >= 0)
    chosen: set[str] = set()
    held = 0
    for i in np.random.default_rng(seed).permutation(len(groups)):
        if held >= count:
            break
        chosen.add(groups[i])
        held += sizes[groups[i]]
    for row in rows:
        if row["split"] == "train" and row["group"] in chosen:
            row["split"] = "holdout"


def write_manifest(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """Write ``manifest.parquet`` and ``prepared.json`` (how the crops were cut)."""
    temporary = out / "manifest.part"
    pq.write_table(pa.Table.from_pylist(list(rows)), temporary)
    temporary.rename(out / "manifest.parquet")
    facts = {"crop_px": CROP_PX, "margin": MARGIN}
    (out / "prepared.json").write_text(json.dumps(facts, indent=2) + "\n")
