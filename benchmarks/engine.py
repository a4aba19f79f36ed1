"""What OpenVINO answers on this CPU beside torch in single precision: boxes, probabilities, labels.

    python benchmarks/engine.py [--checkpoint DIR] [--pictures FILE.parquet] [--count 2000]

The pictures are the two public-domain ones that come with the project and, if the file is there,
``count`` of a data set's (Parquet with a column "image"). Both classify the faces that torch found.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.machine import describe
from benchmarks.table import Table
from gender_demo import load_pipeline
from tests.support.paths import ASTRONAUT, ROOT, SOLVAY

FACES = ROOT.parent / "shared/data/fairface/val_context-00000-of-00001.parquet"


def read_pictures(file: Path, count: int) -> list[Image.Image]:
    """The project's own pictures, then those of the file."""
    pictures = [Image.open(path).convert("RGB") for path in (ASTRONAUT, SOLVAY)]
    if file.exists():
        for row in pq.read_table(file, columns=["image"])["image"].to_pylist()[:count]:
            pictures.append(Image.open(io.BytesIO(row["bytes"])).convert("RGB"))
    return pictures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--checkpoint", help="folder of the checkpoint (default: the shipped one)")
    parser.add_argument("--pictures", type=Path, default=FACES, help="Parquet of a data set")
    parser.add_argument("--count", type=int, default=2000, help="pictures of it")
    args = parser.parse_args()
    plain = load_pipeline(args.checkpoint, "cpu", "torch")
    ours = load_pipeline(args.checkpoint, "cpu", "openvino")
    print(describe(plain, ours))
    ious, moved, shown = [], [], []
    pictures = read_pictures(args.pictures, args.count)
    extra = 0
    for picture in pictures:
        (expected,), (found,) = plain.detect([picture]), ours.detect([picture])
        best = [max((f.box.iou(face.box) for f in found), default=0.0) for face in expected]
        ious += best
        extra += max(0, len(found) - len(expected))
        pairs = [(picture, face) for face in expected]
        for one, other in zip(plain.predict(pairs), ours.predict(pairs), strict=True):
            both = zip(one.probabilities, other.probabilities, strict=True)
            moved.append(max(abs(a - b) for (_, a), (_, b) in both))
            shown.append(one.label == other.label)
    print(f"{len(pictures)} pictures, {len(ious)} faces")
    table, overlap, change = Table(), np.array(ious), np.array(moved)
    # A face that is not found again counts as an IoU near 0.
    table.row("box IoU, least of all faces", overlap.min(), 0.98, 0.99, digits=4)
    table.row("faces more than torch finds", extra, 0, 0, most=True)
    table.row("probability, largest difference", change.max(), 0.01, 0.005, most=True, digits=4)
    table.row("labels changed", 100 * (1 - np.mean(shown)), 0.2, 0, "%", most=True)
    print(
        f"    (box IoU: median {np.median(overlap):.4f}, below 0.98: {(overlap < 0.98).sum()}; "
        f"difference: 99 % below {np.quantile(change, 0.99):.4f})"
    )
    return int(table.short > 0)


if __name__ == "__main__":
    sys.exit(main())
