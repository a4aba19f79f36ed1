"""The server alone: how soon it serves, and what thousands of frames and bad requests leave behind.

    python benchmarks/server.py [--checkpoint DIR] [--only start,memory,bad] [--count 10000]

start   ``python app.py`` to the first page, beside importing torch, torchvision and gradio alone;
        then the answer of the first frame
memory  good frames as the page sends them: memory at the end against after 500, files left
bad     the same of garbage, oversized and tampered requests; each must get one clear sentence
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe, resident_mb
from benchmarks.table import Table
from tests.support.client import JSON, LIVE, AppClient, frame, swaying_face
from tests.support.hostile import Hostile
from tests.support.paths import ROOT
from tests.support.server import free_port, start_app, stop_app

IMPORTS = "import torch, torchvision, gradio"
SEED = 7
CLEAR = ({"error", "detail"}, {"error", "marks", "busy"})
"""Keys of a clear answer, with another status than 200 and with it."""


def bad_request(client: AppClient, hostile: Hostile) -> tuple[bytes, str]:
    """Body and content type of one request as hostile.py makes them, or far too large a one."""
    rng = hostile.random
    if rng.random() < 0.2:
        return hostile.body(client.live_id), JSON
    if rng.random() < 0.1:
        return hostile.body(client.live_id), "multipart/form-data; boundary=x"
    request = hostile.frame()
    if isinstance(request, dict) and rng.random() < 0.1:
        request |= {"picture": "A" * rng.randrange(400_000, 2**21)}
    return client.live_body(request), JSON


def send_good(
    client: AppClient, pictures: list[bytes], count: int, half: Callable[[], None] = lambda: None
) -> None:
    for n in range(count):
        answer = client.live(frame(n, pictures[n % len(pictures)]))
        if answer.status != 200 or b'"marks"' not in answer.body:
            raise RuntimeError(f"frame {n} was answered with {answer.status} {answer.body[:200]!r}")
        if n + 1 == min(500, count // 2):
            half()


def send_bad(client: AppClient, count: int, half: Callable[[], None]) -> Counter[str]:
    """What got neither a sentence nor, where a frame could be read, marks."""
    hostile, unclear = Hostile(SEED), Counter[str]()
    for n in range(count):
        body, kind = bad_request(client, hostile)
        status = 0
        try:
            status, text, _ = client.ask("POST", LIVE, body, kind)
            clear = bool(json.loads(text).keys() & CLEAR[status == 200])
        except (ConnectionError, HTTPException):  # refused while it was still being sent
            clear = len(body) > 400_000
        except (ValueError, AttributeError):  # no JSON, or no object
            clear = False
        if not clear:
            unclear[f"{status}: {body[:60]!r}"] += 1
        if n + 1 == min(500, count // 2):
            half()
    return unclear


def measure(what: str, count: int, flags: list[str], table: Table) -> None:
    """Good or bad requests to a fresh server whose temporary files go to a folder of their own."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as logs:
        os.environ["TMPDIR"] = name
        port = free_port()
        app = start_app(port, *flags, log=Path(logs) / "app.txt")
        early: list[float] = []
        files = {path for path in Path(name).rglob("*") if path.is_file()}
        try:
            client, unclear = AppClient(port), None

            def note() -> None:
                early.append(resident_mb(app.pid))

            if what == "memory":
                send_good(client, swaying_face(), count, note)
            else:
                unclear = send_bad(client, count, note)
            late = resident_mb(app.pid)
            left = {path for path in Path(name).rglob("*") if path.is_file()} - files
        finally:
            stop_app(app)
            del os.environ["TMPDIR"]
    kind = "frames" if what == "memory" else "bad requests"
    more = 100 * (late / early[0] - 1)
    table.row(f"memory after {count:,} {kind}, against after 500", more, 2, 0.5, "%", most=True)
    table.row(f"files left by {count:,} {kind}", len(left), 0, 0, most=True)
    print(f"    ({early[0]:.0f} MB, then {late:.0f} MB)")
    if unclear is not None:
        table.row("bad requests without a clear answer", unclear.total(), 0, 0, most=True)
        if unclear:
            print(f"    ({unclear.most_common(5)})")


def measure_start(flags: list[str], table: Table, app_py: Path, times: int = 3) -> None:
    imports, serves, answers = [], [], []
    picture = swaying_face(1)[0]
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True)
        imports.append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder:
            start, port = time.perf_counter(), free_port()
            app = start_app(port, *flags, log=Path(folder) / "app.txt", app=app_py)
            serves.append(time.perf_counter() - start)
            try:
                client = AppClient(port)
                start = time.perf_counter()
                send_good(client, [picture], 1)
                answers.append(time.perf_counter() - start)
            finally:
                stop_app(app)
    first, alone = statistics.median(serves), statistics.median(imports)
    table.row("start: first page / importing torch and gradio alone", first / alone, 1.3, 1.2,
              most=True)  # fmt: skip
    print(f"    ({first:.1f} s / {alone:.1f} s, medians of {times})")
    table.row("start: the first frame's answer, slowest", max(answers), 1, 0.5, "s", most=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--checkpoint", help="folder of the checkpoint (default: the shipped one)")
    parser.add_argument("--only", default="start,memory,bad", help="rows, comma-separated")
    parser.add_argument("--count", type=int, default=10_000, help="requests of each kind")
    parser.add_argument(
        "--app", type=Path, default=ROOT / "app.py", help="start: app.py of another state"
    )
    args = parser.parse_args()
    flags = ["--checkpoint", args.checkpoint] if args.checkpoint else []
    print(describe())
    table = Table()
    for what in args.only.split(","):
        if what == "start":
            measure_start(flags, table, args.app.resolve())
        else:
            measure(what, args.count, flags, table)
    return int(table.short > 0)


if __name__ == "__main__":
    sys.exit(main())
