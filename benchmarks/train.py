"""Does loading and augmenting keep up? Images a second of ``fit``'s own step against the same step
on one batch that lies ready in memory, by turns in the same run. Demand: 0.9 or more.

    python benchmarks/train.py [--px 128] [--batch 64] [--steps 6] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from accelerate import Accelerator

from train.data.crops import Crops
from train.fit.finetune_schedule import FineTune
from train.fit.presets import make_settings
from train.fit.recipe import Recipe
from train.fit.trainer import Run, Trainer

DEMAND = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--px", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.manual_seed(0)
    count = args.batch * args.steps
    crops = Crops(
        torch.randint(0, 256, (count, 144, 144, 3), dtype=torch.uint8),
        {"label": torch.randint(0, 2, (count,))},
        {"label": ("a", "b")},
        1.25,
        "noise",
    )
    settings = make_settings("finetune", batch=args.batch, lr=1e-4)
    with tempfile.TemporaryDirectory() as out:
        accelerator = Accelerator(cpu=not torch.cuda.is_available())
        recipe = replace(Recipe.of(settings, "resnet18", crops), batch=args.batch)
        schedule = FineTune(1000, args.px, args.steps)
        crops = crops.to(accelerator.device)
        trainer = Trainer(Run(recipe, crops, crops, schedule, Path(out), "none"), accelerator)
        trainer.step = args.steps  # past the frozen epoch
        ready = trainer.batches[trainer.step]
        fixed: Any = defaultdict(lambda: ready)
        batches = {
            "fit": trainer.batches,
            "fixed batch": fixed,
        }
        rates: dict[str, list[float]] = {name: [] for name in batches}
        trainer.train_step()
        for _ in range(args.rounds):
            for name, trainer.batches in batches.items():
                began = time.perf_counter()
                for _ in range(args.steps):
                    loss = trainer.train_step()
                float(loss)  # a GPU has then done it
                rates[name].append(count / (time.perf_counter() - began))
    ratio = statistics.median(
        a / b for a, b in zip(rates["fit"], rates["fixed batch"], strict=True)
    )
    print("| step | images a second, median | slowest and fastest round |\n|---|---|---|")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.1f} | {min(values):.1f} – {max(values):.1f} |")
    print(f"ratio {ratio:.3f}, demand {DEMAND}: {'met' if ratio >= DEMAND else 'missed'}")
    return 0 if ratio >= DEMAND else 1


if __name__ == "__main__":
    sys.exit(main())
