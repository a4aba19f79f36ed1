"""Cost, faithfulness and steadiness of following, beside frame-by-frame detection, in one run.

    python benchmarks/pipeline.py [--frames 250] [--engine torch,openvino]
                                  [--only 1,4,10,photo,still,moving,coming,passing]

(a) stock: MTCNN(keep_all=True) and the classifier on every face of every frame, on torch,
(b) the same with min_face_size=60, (c) Tracker.follow on each engine; rows are of the last one.
All on the same threads and frames, frame by frame in turn.
"""

from __future__ import annotations

import argparse
import io
import itertools
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe
from benchmarks.table import Table
from gender_demo import Pipeline, Tracker, load_pipeline
from gender_demo.results import (
    Box,
    Face,
)
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_face
from tests.support import video
from tests.support.paths import EXAMPLES

SOLVAY = EXAMPLES / "solvay_1927.jpg"
FOLLOW_SHARE = {1: (0.055, 0.035), 4: (0.045, 0.03), 10: (0.05, 0.03)}
"""Faces -> floor and aim of what following costs, as a share of stock."""


def stock(pipeline: Pipeline, min_face_px: int) -> Callable[[Image.Image], list[Face]]:
    mtcnn = MTCNN(keep_all=True, min_face_size=min_face_px, device=pipeline.device)
    classify = Classifier(pipeline.checkpoint, pipeline.device, "torch")

    def analyze(frame: Image.Image) -> list[Face]:
        boxes, scores, points = mtcnn.detect(frame, landmarks=True)
        found = () if boxes is None else zip(boxes, scores, points, strict=True)
        faces = [
            Face(Box(*map(float, b)), float(s), tuple((float(x), float(y)) for x, y in p))
            for b, s, p in found
        ]
        for face in faces:
            config = pipeline.checkpoint.config
            crop = crop_face(frame, face, config.crop_px, margin=config.crop_margin)
            classify([crop])
        return faces

    return analyze


def timed(way: Callable[[Image.Image], object], frame: Image.Image) -> tuple[object, float, float]:
    """What the way says of the frame, and its milliseconds on the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = way(frame)
    return result, 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)


def follower(pipeline) -> Callable[[Image.Image], list]:
    tracker, count = Tracker(pipeline), iter(range(10**9))
    return lambda frame: list(tracker.follow(frame, next(count) / video.FPS).predictions)


def cost(
    pipelines: list[Pipeline], count: int, frames: list[Image.Image], table: Table
) -> tuple[list[list[Face]], list]:
    stocks = {"a stock": 20, "b stock, 60 px": 60}
    ways = {name: stock(pipelines[-1], px) for name, px in stocks.items()}
    follows = {f"c follow, {p.engine.split()[0]}": p for p in pipelines}
    for way in (*ways.values(), *map(follower, pipelines)):  # warm up on sizes and kernels
        way(frames[0])
    ways |= {name: follower(pipeline) for name, pipeline in follows.items()}
    runs: dict[str, list[tuple[Any, float, float]]] = {name: [] for name in ways}
    for frame in frames:
        for name, way in ways.items():
            runs[name].append(timed(way, frame))
    print(f"\n{count} face(s), {len(frames)} frames of {frames[0].width}x{frames[0].height}")
    print(f"{'way':20}{'mean ms':>9}{'p95 ms':>9}{'worst ms':>10}{'mean / a':>10}{'cpu / a':>9}")
    _, base, base_cpu = zip(*runs["a stock"], strict=True)
    for name, run in runs.items():
        _, ms, cpu = zip(*run, strict=True)
        print(
            f"{name:20}{np.mean(ms):9.1f}{np.percentile(ms, 95):9.1f}{max(ms):10.1f}"
            f"{np.mean(ms) / np.mean(base):10.3f}{np.mean(cpu) / np.mean(base_cpu):9.3f}"
        )
    floor, aim = FOLLOW_SHARE[count]
    table.row("mean(c) / mean(a)", np.mean(ms) / np.mean(base), floor, aim, most=True, digits=3)
    table.row("p95(c) / mean(a)", np.percentile(ms, 95) / np.mean(base), 0.15, 0.1, most=True)
    table.row("worst(c) / worst(a)", max(ms) / max(base), 1, 0.5, most=True)
    return [faces for faces, *_ in runs["a stock"]], [shown for shown, *_ in run]


def photo(pipelines: list[Pipeline], table: Table, times: int = 5) -> None:
    """One photo of 30 faces, in turn on each engine: seconds of the processor, medians."""
    picture = Image.open(SOLVAY).convert("RGB")
    spent = [[timed(p.analyze, picture)[2] / 1000 for p in pipelines] for _ in range(times + 1)]
    medians = [statistics.median(column) for column in zip(*spent[1:], strict=True)]
    print(f"\none photo, {picture.width}x{picture.height}")
    for pipeline, seconds in zip(pipelines, medians, strict=True):
        print(f"    ({pipeline.engine}: {seconds:.2f} s)")
    table.row("one photo of 30 faces, of one core", medians[-1], 0.25, 0.12, "s", most=True)


def faithful(
    reference: list[list[Face]], followed: list, table: Table, matched_px: float = 30
) -> None:
    """Followed faces against full detection; frames before the 10th of a face do not count."""
    found = missed = false = shown = 0
    age: list[tuple[Box, int]] = []
    for faces, predictions in zip(reference, followed, strict=True):
        boxes = [face.box for face in faces if face.score > 0.9 and face.box.width > matched_px]
        age = [
            (box, 1 + max((n for old, n in age if old.iou(box) > 0.4), default=0)) for box in boxes
        ]
        drawn = [p.face.box for p in predictions]
        for box, frames_seen in age:
            if frames_seen > 10:
                hit = any(box.iou(other) >= 0.5 for other in drawn)
                found, missed = found + hit, missed + (not hit)
        shown += len(drawn)
        everything = [face.box for face in faces]
        false += sum(not any(box.iou(other) >= 0.3 for other in everything) for box in drawn)
    table.row("reference faces followed", 100 * found / max(1, found + missed), 97, 99, "%")
    table.row(
        "boxes where detection sees none", 100 * false / max(1, shown), 1, 0.5, "%", most=True
    )


def stability(pipeline, frames: list[Image.Image], path: Callable, table: Table) -> None:
    detect, stock, follow = pipeline.detect, MTCNN(keep_all=True).detect, follower(pipeline)
    own, free, smooth, truth, labels = [], [], [], [], []
    for n, frame in enumerate(frames):
        faces, (boxes, _), predictions = detect([frame])[0], stock(frame), follow(frame)
        if faces and boxes is not None and predictions:
            own.append(faces[0].box)
            free.append(Box(*boxes[0]))
            smooth.append(predictions[0].face.box)
            truth.append(path(n / video.FPS))
            labels.append(predictions[0].label)

    def jitter(boxes: list[Box]) -> float:
        """Mean step between frames of the box's middle, beside the true movement's."""
        middle = np.array([b.centre for b in boxes]) - np.array(truth)
        size = np.array([(b.width, b.height) for b in boxes])
        return float(np.abs(np.diff(np.hstack([middle, size]), axis=0)).mean())

    table.row(
        "jitter / that of stock, frame by frame",
        jitter(smooth) / jitter(free),
        0.5,
        0.25,
        most=True,
    )
    print(
        f"    (px: {jitter(smooth):.2f}, stock {jitter(free):.2f}, our detector {jitter(own):.2f})"
    )
    changes = sum(a != b for a, b in itertools.pairwise(labels[25:]))
    table.row(f"label changes in {len(labels[25:])} frames", changes, 1, 0, most=True)


def passing(pipeline, table: Table) -> None:
    actors, follow = video.passing(), follower(pipeline)
    numbers: list[dict[bool, list[Any]]] = [{}, {}]
    for n, frame in enumerate(video.frames(actors, 130)):
        for prediction in follow(frame):
            x, _ = prediction.face.box.centre
            for i, actor in enumerate(actors):
                paths = actors[1 - i].path, actor.path
                other, place = ((path(n / video.FPS) or (0.0, 0.0))[0] for path in paths)
                if abs(x - place) < 25 and abs(other - place) > 60:
                    numbers[i].setdefault(n < 70, []).append(prediction.track)
    swaps = sum(
        bool(set(seen.get(True, [])) & set(numbers[1 - i].get(False, [])))
        for i, seen in enumerate(numbers)
    )
    tracks = [[sorted(set(v)) for v in seen.values()] for seen in numbers]
    print(f"    (track numbers before and after: {tracks})")
    table.row("identity swaps", swaps, 0, 0, most=True)


def coming(pipeline, table: Table) -> None:
    """Faces of many sizes that are suddenly there and suddenly gone, beside one that stays."""
    stays = video.Actor(video.patch(0), 100, lambda t: (100, 240))
    spans = [(1.0 + 0.44 * i, 2.2 + 0.44 * i) for i in range(9)]
    places = [(280 + 110 * (i % 3), 130 + 30 * i) for i in range(9)]

    def path(span: tuple[float, float], place: tuple[float, float]) -> Callable:
        return lambda t: place if span[0] <= t < span[1] else None

    actors = [
        video.Actor(video.patch(1 + i), 50 + 10 * i, path(*there))
        for i, there in enumerate(zip(spans, places, strict=True))
    ]
    follow, seen = follower(pipeline), [list[bool]() for _ in actors]
    for frame in video.frames([stays, *actors], round((spans[-1][1] + 1) * video.FPS)):
        middles = [p.face.box.centre for p in follow(frame)]
        for (x, y), boxed in zip(places, seen, strict=True):
            boxed.append(any(abs(x - a) < 20 and abs(y - b) < 25 for a, b in middles))
    waits, stay_on = [], []
    for span, boxed in zip(spans, seen, strict=True):
        first, last = (math.ceil(t * video.FPS) for t in span)
        waits.append([*boxed[first:last], True].index(True))
        stay_on.append([*boxed[last:], False].index(False))
    table.row("new face: frames until it is boxed, worst", max(waits), 10, 5, most=True)
    table.row("gone face: frames until it is dropped, worst", max(stay_on), 5, 3, most=True)


def noisy(frames: list[Image.Image]) -> list[Image.Image]:
    """Dimmed by turns, with grain, and compressed anew, frame by frame."""
    rng, result = np.random.default_rng(5), []
    for n, frame in enumerate(frames):
        dimmed = np.asarray(frame) * (0.75 + 0.25 * np.sin(n / 20))
        grainy = (dimmed + rng.normal(0, 4, (*dimmed.shape[:2], 1))).clip(0, 255)
        file = io.BytesIO()
        Image.fromarray(grainy.astype(np.uint8)).save(file, "JPEG", quality=60 + n % 30)
        result.append(Image.open(file).convert("RGB"))
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--engine", default="torch,openvino", help="in turn; rows are of the last")
    parser.add_argument("--only", default="1,4,10,photo,still,moving,coming,passing")
    parser.add_argument("--checkpoint")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pipelines = [load_pipeline(args.checkpoint, engine=name) for name in args.engine.split(",")]
    pipeline = pipelines[-1]
    print(f"{describe(*pipelines)}\n{args.threads} thread(s)")
    table, only = Table(), args.only.split(",")
    for count in (1, 4, 10):
        if str(count) in only:
            frames = list(video.frames(video.crowd(count), args.frames))
            faithful(*cost(pipelines, count, frames, table), table)
    if "photo" in only:
        photo(pipelines, table)
    still, moving = video.swaying(320, 240, 0, 4), video.swaying(320, 240, 150, 3)
    for name, path, change in (("still", still, noisy), ("moving", moving, list)):
        if name in only:
            print(f"\none {name} face")
            frames = list(video.frames([video.Actor(video.patch(0), 130, path)], args.frames))
            stability(pipeline, change(frames), path, table)
    for name, measure in (("coming", coming), ("passing", passing)):
        if name in only:
            print(f"\nfaces {name}")
            measure(pipeline, table)
    return int(table.short > 0)


if __name__ == "__main__":
    sys.exit(main())
