"""Make prepared crops small enough to carry: WebP in Parquet files of a bounded size.

OUT is a folder that ``train fit`` reads like the one it was made from; pixels differ by what WebP
leaves out, and are fewer where ``--px`` says so.
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from tqdm import tqdm

from gender_demo.errors import DataError
from train.data.crops import PACKED, open_crops
from train.data.manifest import MANIFEST, read_facts, write_facts

MIB = 1 << 20


def run(args: argparse.Namespace) -> int:
    """Pack; one sentence where that is not possible."""
    try:
        shards = pack(args.data, args.out, args.px, args.quality, args.shard_mib)
    except DataError as error:
        raise SystemExit(f"{error}.") from None
    except FileExistsError:
        raise SystemExit(f"{args.out} is there already: give a new folder") from None
    for shard in shards:
        print(f"{shard.stat().st_size / MIB:7.1f} MiB  {shard}")
    return 0


def pack(data: Path, out: Path, px: int, quality: int, shard_mib: float) -> list[Path]:
    """Write ``out`` and return its shards."""
    pixels = open_crops(data)

    def encode(i: int) -> bytes:
        picture, packed = Image.fromarray(pixels[i]), io.BytesIO()
        if picture.width > px:
            picture = picture.resize((px, px), Image.Resampling.LANCZOS)
        picture.save(packed, "WEBP", quality=quality)
        return packed.getvalue()

    out.mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        crops = tqdm(pool.map(encode, range(len(pixels))), total=len(pixels), unit=" crops")
        shards = []
        for i, shard in enumerate(_shards(crops, shard_mib)):
            shards.append(out / PACKED.replace("*", f"{i:05d}"))
            pq.write_table(pa.table({"crop": shard}), shards[-1], compression="none")
    shutil.copy(data / MANIFEST, out)
    write_facts(read_facts(data).model_copy(update={"crop_px": px}), out)
    return shards


def _shards(crops: Iterator[bytes], mib: float) -> Iterator[list[bytes]]:
    shard: list[bytes] = []
    size, most = 0, mib * MIB - 65536  # room for Parquet's own
    for crop in crops:
        if shard and size + len(crop) + 8 > most:
            yield shard
            shard, size = [], 0
        shard.append(crop)
        size += len(crop) + 8
    if shard:
        yield shard
