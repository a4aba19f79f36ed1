"""Speed and memory of annotating video files, with one moving face.

    python benchmarks/video.py [--checkpoint DIR] [--seconds 12]

Times real time, decoding and encoding included, on the cores that the process may use; memory is
the process's peak after a clip and after one of four times its length.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe
from benchmarks.table import Table
from gender_demo import Pipeline, load_pipeline
from gender_demo.video.annotate import annotate_video
from tests.support.video import FPS, Actor, frames, patch, swaying


def make(path: Path, size: tuple[int, int], seconds: float) -> Path:
    """A clip as a camera writes it: one swaying face, noise."""
    actors = [Actor(patch(0), 110, swaying(320, 240, 80, 4.0))]
    with av.open(str(path), "w") as out:
        options = {"preset": "veryfast", "crf": "23"}
        stream: Any = out.add_stream("libx264", rate=FPS, options=options)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for picture in frames(actors, round(seconds * FPS)):
            large = picture.resize(size, Image.Resampling.BILINEAR)
            out.mux(stream.encode(av.VideoFrame.from_image(large)))
        out.mux(stream.encode())
    return path


def times_real_time(pipeline: Pipeline, clip: Path, seconds: float, *, blur: bool = False) -> float:
    """Also says what it cost, which other programs on the machine change less."""
    begun, spent = time.perf_counter(), time.process_time()
    annotate_video(pipeline, clip, clip.with_name("done"), blur_faces=blur)
    wall, cpu = time.perf_counter() - begun, time.process_time() - spent
    name = f"{clip.stem}{' blurred' if blur else ''}"
    print(f"{name}: {1000 * cpu / seconds / FPS:.1f} ms of CPU a frame")
    return seconds / wall


def peak_mb() -> float:
    """Of this process so far; macOS counts bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint")
    parser.add_argument("--seconds", type=float, default=12)
    flags = parser.parse_args()
    print(describe())
    pipeline = load_pipeline(flags.checkpoint, "cpu")
    table, seconds = Table(), flags.seconds
    with tempfile.TemporaryDirectory() as folder:
        # All are made first: what making them takes is not what annotating them takes.
        small = make(Path(folder, "640x480.mp4"), (640, 480), seconds)
        long = make(Path(folder, "long.mp4"), (640, 480), 4 * seconds)
        large = make(Path(folder, "1920x1080.mp4"), (1920, 1080), seconds)
        times_real_time(pipeline, small, seconds)  # compiles the networks
        speed = times_real_time(pipeline, small, seconds)
        table.row("640x480, one face: times real time", speed, 4, 6)
        first_mb = peak_mb()
        times_real_time(pipeline, long, 4 * seconds)
        table.row(
            "memory more for four times the length", peak_mb() - first_mb, 30, 10, "MB", most=True
        )
        table.row("1920x1080, one face", times_real_time(pipeline, large, seconds), 1.5, 2)
        speed = times_real_time(pipeline, large, seconds, blur=True)
        table.row("1920x1080, hidden", speed, 0.5, 1)
    return 1 if table.short else 0


if __name__ == "__main__":
    sys.exit(main())
