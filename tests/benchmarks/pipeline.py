"""Cost, faithfulness and steadiness of following, beside frame-by-frame detection, in one run.

    python tests/benchmarks/pipeline.py [--frames 250] [--checkpoint DIR]

(a) stock: MTCNN(keep_all=True) and the classifier on every face of every frame,
(b) the same with min_face_size=60, (c) Tracker.follow. All on the same frames and threads.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gender_demo import Tracker, load_pipeline
from gender_demo.crops import crop_face
from gender_demo.results import Box, Face
from gender_demo.tracker import iou
from tests.benchmarks import video


def stock(pipeline, min_face_px: int) -> Callable[[Image.Image], list[Face]]:
    mtcnn = MTCNN(keep_all=True, min_face_size=min_face_px, device=pipeline.device)

    def analyze(frame: Image.Image) -> list[Face]:
        boxes, scores, points = mtcnn.detect(frame, landmarks=True)
        found = () if boxes is None else zip(boxes, scores, points, strict=True)
        faces = [
            Face(tuple(map(float, b)), float(s), tuple((float(x), float(y)) for x, y in p))
            for b, s, p in found
        ]
        for face in faces:
            config = pipeline.checkpoint.config
            crop = crop_face(frame, face, config.crop_px, margin=config.crop_margin)
            pipeline.classify([crop])
        return faces

    return analyze


def timed(
    way: Callable[[Image.Image], object], frames: list[Image.Image]
) -> tuple[list, list[float]]:
    results, milliseconds = [], []
    for frame in frames:
        start = time.perf_counter()
        results.append(way(frame))
        milliseconds.append(1000 * (time.perf_counter() - start))
    return results, milliseconds


def follower(pipeline) -> Callable[[Image.Image], list]:
    tracker, count = Tracker(pipeline), iter(range(10**9))
    return lambda frame: list(tracker.follow(frame, next(count) / video.FPS).predictions)


def cost(pipeline, count: int, frames: list[Image.Image]) -> tuple[list[list[Face]], list]:
    ways = {
        "a stock": stock(pipeline, 20),
        "b stock, 60 px": stock(pipeline, 60),
        "c follow": follower(pipeline),
    }
    for way in ways.values():  # warm up on other frames' sizes and kernels
        way(frames[0])
    ways["c follow"] = follower(pipeline)
    kept, base = {}, []
    print(f"\n{count} face(s), {len(frames)} frames of {frames[0].width}x{frames[0].height}")
    print(f"{'way':16}{'mean ms':>9}{'p95 ms':>9}{'worst ms':>10}{'mean / a':>10}")
    for name, way in ways.items():
        kept[name], ms = timed(way, frames)
        base = base or ms
        print(
            f"{name:16}{np.mean(ms):9.1f}{np.percentile(ms, 95):9.1f}{max(ms):10.1f}"
            f"{np.mean(ms) / np.mean(base):10.3f}"
        )
    demand = 1 / 5 if count >= 10 else 1 / 10
    verdict(f"mean(c) <= {demand:.2f} mean(a)", np.mean(ms) / np.mean(base), demand)
    verdict("p95(c) <= 0.5 p95(a)", np.percentile(ms, 95) / np.percentile(base, 95), 0.5)
    verdict("worst(c) <= worst(a)", max(ms) / max(base), 1)
    return kept["a stock"], kept["c follow"]


def verdict(what: str, value: float, limit: float, *, least: bool = False) -> None:
    good = value >= limit if least else value <= limit
    print(f"  {'pass ' if good else 'SHORT'}  {what}: {value:.3f}")


def faithful(reference: list[list[Face]], followed: list, matched_px: float = 30) -> None:
    """Followed faces against full detection; frames before the 10th of a face do not count."""
    found = missed = false = shown = 0
    age: list[tuple[Box, int]] = []
    for faces, predictions in zip(reference, followed, strict=True):
        boxes = [
            face.box
            for face in faces
            if face.score > 0.9 and face.box[2] - face.box[0] > matched_px
        ]
        age = [
            (box, 1 + max((n for old, n in age if iou(old, box) > 0.4), default=0)) for box in boxes
        ]
        drawn = [p.face.box for p in predictions]
        for box, frames_seen in age:
            if frames_seen > 10:
                hit = any(iou(box, other) >= 0.5 for other in drawn)
                found, missed = found + hit, missed + (not hit)
        shown += len(drawn)
        everything = [face.box for face in faces]
        false += sum(not any(iou(box, other) >= 0.3 for other in everything) for box in drawn)
    verdict("reference faces followed", found / max(1, found + missed), 0.97, least=True)
    verdict("boxes where detection sees nothing", false / max(1, shown), 0.01)


def steady(pipeline, frames: list[Image.Image], path: Callable) -> None:
    detect, follow = pipeline.detect, follower(pipeline)
    free, smooth, truth, labels = [], [], [], []
    for n, frame in enumerate(frames):
        faces, predictions = detect([frame])[0], follow(frame)
        if faces and predictions:
            free.append(faces[0].box)
            smooth.append(predictions[0].face.box)
            truth.append(path(n / video.FPS))
            labels.append(predictions[0].label)

    def jitter(boxes: list[Box]) -> float:
        """Mean step between frames of the box's middle, beside the true movement's."""
        middle = np.array([((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in boxes]) - np.array(truth)
        size = np.array([(b[2] - b[0], b[3] - b[1]) for b in boxes])
        return float(np.abs(np.diff(np.hstack([middle, size]), axis=0)).mean())

    verdict("jitter against frame-by-frame", jitter(smooth) / jitter(free), 0.5)
    settled = labels[25:]
    changes = sum(a != b for a, b in itertools.pairwise(settled))
    verdict(f"label changes in {len(settled)} frames", changes, len(settled) / 300)


def passing(pipeline) -> None:
    actors, follow, numbers = video.passing(), follower(pipeline), [{}, {}]
    for n, frame in enumerate(video.frames(actors, 130)):
        for prediction in follow(frame):
            x = (prediction.face.box[0] + prediction.face.box[2]) / 2
            for i, actor in enumerate(actors):
                other = actors[1 - i].path(n / video.FPS)[0]
                place = actor.path(n / video.FPS)[0]
                if abs(x - place) < 25 and abs(other - place) > 60:
                    numbers[i].setdefault(n < 70, []).append(prediction.track)
    swaps = sum(
        bool(set(seen.get(True, [])) & set(numbers[1 - i].get(False, [])))
        for i, seen in enumerate(numbers)
    )
    tracks = [[sorted(set(v)) for v in seen.values()] for seen in numbers]
    print(f"\npassing: track numbers before and after {tracks}")
    verdict("identity swaps", swaps, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--checkpoint")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pipeline = load_pipeline(args.checkpoint)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {args.threads} thread(s), {pipeline.device}"
    )
    for count in (1, 4, 10):
        frames = list(video.frames(video.crowd(count), args.frames))
        faithful(*cost(pipeline, count, frames))
    still = video.swaying(320, 240, 0, 4)
    rng = np.random.default_rng(5)
    print("\none still face, noisy and dimmed by turns")
    frames = [
        Image.fromarray(
            (np.asarray(f) * (0.75 + 0.25 * np.sin(n / 20)) + rng.normal(0, 4, (480, 640, 1)))
            .clip(0, 255)
            .astype(np.uint8)
        )
        for n, f in enumerate(video.frames([video.Actor(video.patch(0), 130, still)], args.frames))
    ]
    steady(pipeline, frames, still)
    print("\none moving face")
    moving = video.swaying(320, 240, 150, 3)
    steady(
        pipeline,
        list(video.frames([video.Actor(video.patch(0), 130, moving)], args.frames)),
        moving,
    )
    passing(pipeline)


if __name__ == "__main__":
    main()
