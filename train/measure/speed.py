"""How long serving takes, and on what."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from gender_demo.audit.schema import Machine, Speed
from gender_demo.vision.pipeline import Pipeline
from train.data.records import Record
from train.measure.corruptions import FRAME, paste_into_frame, seeded


def measure_speed(pipeline: Pipeline, records: Sequence[Record]) -> Speed:
    """Milliseconds a face (crop, classify, decide) and a 640 x 480 picture (detect to decide)."""
    frames = [
        paste_into_frame(record.picture(), seeded("speed", record.path))[0]
        for record in records[:21]
    ]
    faces = [(frame, found[0]) for frame in frames if (found := pipeline.find([frame])[0])]
    pictures_ms, faces_ms = [], []
    for frame in tqdm(frames, desc="speed", unit=" pictures", leave=False):
        start = time.perf_counter()
        pipeline.analyze(frame)
        pictures_ms.append(1000 * (time.perf_counter() - start))
    for face in faces:
        start = time.perf_counter()
        pipeline.predict([face])
        faces_ms.append(1000 * (time.perf_counter() - start))
    return Speed(
        picture_px=FRAME,
        pictures=len(frames),
        ms_per_picture=round(statistics.median(pictures_ms), 1),
        ms_per_face=round(statistics.median(faces_ms), 1) if faces_ms else None,
    )


def describe_machine(pipeline: Pipeline) -> Machine:
    """What the figures were measured on; no names, no paths."""
    cuda = pipeline.device.type == "cuda"
    return Machine(
        device=torch.cuda.get_device_name(pipeline.device) if cuda else str(pipeline.device),
        processor=_processor(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        engine=pipeline.engine or "torch",
        python=platform.python_version(),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
