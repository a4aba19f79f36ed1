"""Live viewers and photo users at once: latencies, errors, memory.

    python benchmarks/load.py [--minutes 10] [--viewers 4] [--users 8] [--checkpoint DIR]

A viewer sends frames as the page does, two under way, one while the server is busy, 15 a second
at most; a user sends three pictures, waits for the table, pauses a second, and begins again. Ends
with 1 on an error that is not "busy", on more than 2 GB, on memory that grows by more than 5 %
from the second fifth to the last, or on a bound that is missed.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.machine import cpu_s, describe, resident_mb, stolen_s
from tests.support.client import Answer, AppClient, file_data, frame, swaying_face
from tests.support.paths import ASTRONAUT, ROOT, SOLVAY
from tests.support.server import free_port, start_app, stop_app

UNDER_WAY = 2
LIVE_P95_MS, PHOTOS_P95_S = 2000, 60
"""Bounds while all of them work at once on two cores."""
OLDEST_S = 300.0
"""The page promises that photos are deleted four to five minutes later."""
PEAK_MB, GROWTH = 2048, 1.05


class Load:
    """What all callers share: the app's address, the end of the run, what was seen."""

    def __init__(self, port: int, end_s: float, frames_per_s: float) -> None:
        self.port, self.end_s, self.frames_per_s = port, end_s, frames_per_s
        self.live_ms: list[float] = []
        self.photos_s: list[float] = []
        self.busy = 0
        self.errors: list[str] = []

    def view_live(self, viewer: int, frames: list[bytes]) -> None:
        """Frames of one viewer: at most ``allowed`` under way, one less after "busy"."""
        numbers, allowed = itertools.count(), float(UNDER_WAY)

        def send(turn: int) -> None:
            nonlocal allowed
            client = AppClient(self.port, timeout_s=120)
            time.sleep(turn / self.frames_per_s)
            while time.monotonic() < self.end_s:
                began = time.monotonic()
                if turn < allowed:
                    busy = self.send_frame(client, viewer, next(numbers), frames)
                    allowed = max(1.0, allowed - 1) if busy else min(UNDER_WAY, allowed + 0.1)
                time.sleep(max(0.005, UNDER_WAY / self.frames_per_s + began - time.monotonic()))

        senders = [threading.Thread(target=send, args=(turn,)) for turn in range(UNDER_WAY)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    def send_frame(self, client: AppClient, viewer: int, number: int, frames: list[bytes]) -> bool:
        """Whether the answer was "busy"."""
        began = time.monotonic()
        jpeg = frames[number % len(frames)]
        said = client.live(frame(number, jpeg, viewer=viewer, at_ms=1000 * began))
        answer: dict[str, Any] = said.json()
        if "marks" in answer:
            self.live_ms.append(1000 * (time.monotonic() - began))
        elif answer.get("busy"):
            self.busy += 1
        else:
            self.errors.append(f"live {said.status}: {said.body[:120]!r}")
        return bool(answer.get("busy"))

    def send_photos(self, pictures: list[bytes]) -> None:
        """Three pictures, the table, one downloaded file, a pause; again."""
        while time.monotonic() < self.end_s:
            began = time.monotonic()
            with AppClient(self.port, timeout_s=120) as client:
                paths = client.upload([("a.jpg", picture) for picture in pictures]).json()
                kind, said = client.call("photos", [[file_data(path) for path in paths]])
            if kind == "complete":
                self.photos_s.append(time.monotonic() - began)
            elif isinstance(said, Answer) and said.status == 503:
                self.busy += 1
            else:
                self.errors.append(f"photos {kind}: {str(said)[:120]}")
            time.sleep(1)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def spread(values: list[float]) -> str:
    return f"median {percentile(values, 0.5):.1f}, p95 {percentile(values, 0.95):.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--viewers", type=int, default=4)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--frames-per-s", type=float, default=15, help="of each viewer's camera")
    parser.add_argument("--checkpoint", help="default: the shipped one")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--app", type=Path, default=ROOT / "app.py", help="app.py of another state")
    flags = parser.parse_args()
    print(describe())
    own = ["--checkpoint", flags.checkpoint] if flags.checkpoint else []
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder) / "log.txt", free_port()
        os.environ["TMPDIR"] = folder
        app = start_app(port, *own, log=log, app=flags.app.resolve())
        began, cpu, lost = time.monotonic(), cpu_s(app.pid), stolen_s()
        try:
            load, memory_mb, oldest_s = run(app.pid, port, flags, Path(folder))
            seconds = time.monotonic() - began
            used, stolen = (cpu_s(app.pid) - cpu) / seconds, (stolen_s() - lost) / seconds
        finally:
            stop_app(app)
        said = log.read_text().splitlines()
    fifth = max(1, len(memory_mb) // 5)
    fifths = [statistics.median(memory_mb[n * fifth : (n + 1) * fifth]) for n in range(5)]
    minutes, live, photos = flags.minutes, load.live_ms, load.photos_s
    print(f"{flags.viewers} live viewers, {flags.users} photo users, {minutes:g} minutes")
    rate = len(live) / minutes / 60 / flags.viewers
    print(f"live: {len(live)} answers, {rate:.1f} /s a viewer, {spread(live)} ms")
    print(f"photos: {len(photos)} requests of 3, {spread(photos)} s")
    print(f"busy: {load.busy}, errors: {len(load.errors)} {load.errors[:3]}")
    medians = ", ".join(f"{value:.0f}" for value in fifths)
    print(f"memory: peak {max(memory_mb):.0f} MB, medians of the fifths {medians}")
    if flags.verbose:
        print("memory each 10 s:", *(f"{value:.0f}" for value in memory_mb[::10]))
    print(f"oldest picture on the disk: {oldest_s:.0f} s")
    print(f"cores: {used:.2f} used by the app, {stolen:.2f} taken away by the machine's host")
    print(f"log: {said[1:]}")
    good = (
        not load.errors
        and max(memory_mb) <= PEAK_MB
        and fifths[4] <= GROWTH * fifths[1]
        and percentile(live, 0.95) <= LIVE_P95_MS
        and oldest_s <= OLDEST_S
        and percentile(photos, 0.95) <= PHOTOS_P95_S
    )
    print("pass" if good else "short")
    return 0 if good else 1


def run(
    pid: int, port: int, flags: argparse.Namespace, folder: Path
) -> tuple[Load, list[float], float]:
    """Let all of them work for the given time; what was seen, memory each second, and the age of
    the oldest picture that was still in ``folder``."""
    load = Load(port, time.monotonic() + 60 * flags.minutes, flags.frames_per_s)
    solvay = Image.open(SOLVAY)
    file = io.BytesIO()
    solvay.resize((1000, 666)).save(file, "JPEG")
    portrait = ASTRONAUT.read_bytes()
    callers = [
        threading.Thread(target=load.view_live, args=(viewer, swaying_face(shift_px=viewer)))
        for viewer in range(flags.viewers)
    ]
    for _ in range(flags.users):
        pictures = [portrait, file.getvalue(), portrait]
        callers.append(threading.Thread(target=load.send_photos, args=(pictures,)))
    for caller in callers:
        caller.start()
    memory_mb, oldest_s = [], 0.0
    while time.monotonic() < load.end_s:
        memory_mb.append(resident_mb(pid))
        if len(memory_mb) % 10 == 0:
            oldest_s = max(oldest_s, oldest_picture_s(folder))
        time.sleep(1)
    for caller in callers:
        caller.join()
    return load, memory_mb, oldest_s


def oldest_picture_s(folder: Path) -> float:
    """Age of the oldest file that visitors sent or were sent."""
    ages = [0.0]
    for root, _, names in os.walk(folder):
        for path in (Path(root, name) for name in names if "gradio" in Path(root).parts):
            with suppress(FileNotFoundError):  # deleted in between
                ages.append(time.time() - path.stat().st_ctime)
    return max(ages)


if __name__ == "__main__":
    sys.exit(main())
