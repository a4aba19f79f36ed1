"""Detection and classification in batches beside stock facenet-pytorch, in one run.

    python benchmarks/gpu.py [--device cuda] [--checkpoint DIR] [--seconds 3]

Milliseconds per frame at batch 1 and frames per second at batch 32, 640x480, 1 and 4 faces. The
stock way calls MTCNN(keep_all=True).detect and the classifier, both on the whole batch. Runs on
the CPU too, but says nothing about a GPU then.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from facenet_pytorch import MTCNN
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe
from gender_demo import (
    Pipeline,
    load_pipeline,
)
from gender_demo.results import Box, Face
from gender_demo.vision.crops import crop_face
from tests.support import video

BATCHES = (1, 32)


def stock(pipeline: Pipeline) -> Callable[[list[Image.Image]], int]:
    mtcnn = MTCNN(keep_all=True, device=pipeline.device)
    config = pipeline.checkpoint.config

    def analyze(pictures: list[Image.Image]) -> int:
        crops = []
        for picture, boxes, points in zip(pictures, *detected(pictures), strict=True):
            for box, landmarks in zip(boxes, points, strict=True):
                face = Face(Box(*box), 1, tuple(map(tuple, landmarks)))
                crops.append(crop_face(picture, face, config.crop_px, margin=config.crop_margin))
        return len(pipeline.classify(crops))

    def detected(pictures: list[Image.Image]) -> tuple[list, list]:
        boxes, _, points = mtcnn.detect(pictures, landmarks=True)
        none = ((),) * len(pictures)
        return (
            [b if b is not None else n for b, n in zip(boxes, none, strict=True)],
            [p if p is not None else n for p, n in zip(points, none, strict=True)],
        )

    return analyze


def ours(pipeline: Pipeline) -> Callable[[list[Image.Image]], int]:
    return lambda pictures: sum(len(a.predictions) for a in pipeline.analyze_batch(pictures))


def frames_per_second(
    way: Callable[[list[Image.Image]], int], pictures: list[Image.Image], seconds: float
) -> float:
    for _ in range(2):
        way(pictures)
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        way(pictures)  # answers are Python numbers, so the device has finished
        done += len(pictures)
    return done / passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--checkpoint")
    parser.add_argument("--seconds", type=float, default=3)
    args = parser.parse_args()
    pipeline = load_pipeline(args.checkpoint, args.device)
    print(describe(pipeline))
    cuda = pipeline.device.type == "cuda"
    print(torch.cuda.get_device_name(pipeline.device) if cuda else "CPU: no figure for a GPU")
    print("faces batch  stock ms  ours ms  stock f/s  ours f/s  ratio")
    for count in (1, 4):
        frames = list(video.frames(video.crowd(count), 80))[-max(BATCHES) :]
        for batch in BATCHES:
            rates = [
                frames_per_second(way(pipeline), frames[:batch], args.seconds)
                for way in (stock, ours)
            ]
            print(
                f"{count:5} {batch:5} {1000 / rates[0]:9.1f} {1000 / rates[1]:8.1f} "
                f"{rates[0]:10.1f} {rates[1]:9.1f} {rates[1] / rates[0]:6.1f}"
            )


if __name__ == "__main__":
    main()
