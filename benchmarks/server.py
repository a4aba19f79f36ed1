"""The server alone: how soon it serves, and what thousands of frames and bad requests leave behind.

    python benchmarks/server.py [--checkpoint DIR] [--only start,memory,bad] [--count 10000]

start   ``python app.py`` to the first page, beside importing torch, torchvision and gradio alone;
        then the answer of the first frame
memory  good frames as the page sends them: memory at the end against after 500, files left
bad     the same of garbage, oversized and tampered requests; each must get one clear sentence
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import resident_mb
from benchmarks.table import Table
from tests.support.hostile import Hostile
from tests.support.server import ASTRONAUT, free_port, start_app, stop_app

IMPORTS = "import torch, torchvision, gradio"
SEED = 7
Body = tuple[bytes, str]


class Caller:
    """Calls the live view's server function over one kept connection, as a browser does."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", "/config")
        components = json.loads(self.connection.getresponse().read())["components"]
        self.view = next(c["id"] for c in components if c["props"].get("elem_id") == "live-view")

    def body(self, data: object, **changes: object) -> Body:
        request = {
            "data": data,
            "component_id": self.view,
            "fn_name": "follow_frame",
            "session_hash": "benchmark",
        }
        return json.dumps(request | changes).encode(), "application/json"

    def post(self, body: Body) -> tuple[int, Any]:
        """Status and JSON of the answer (None if it is none)."""
        content, kind = body
        try:
            self.connection.request(
                "POST", "/gradio_api/component_server/", content, {"Content-Type": kind}
            )
            answer = self.connection.getresponse()
            status, text = answer.status, answer.read()
        except (ConnectionError, http.client.HTTPException):
            self.connection.close()  # refused while it was still being sent
            return 0, None
        try:
            return status, json.loads(text)
        except ValueError:
            return status, None


def portraits(count: int = 40) -> list[bytes]:
    """JPEGs of a swaying face, of the size that the page sends."""
    portrait, files = Image.open(ASTRONAUT).convert("RGB"), []
    for n in range(count):
        file = io.BytesIO()
        left = round(40 + 40 * math.sin(2 * math.pi * n / count))
        portrait.crop((left, 0, left + 420, 315)).resize((480, 360)).save(file, "JPEG")
        files.append(file.getvalue())
    return files


def frame(number: int, jpeg: bytes) -> dict[str, Any]:
    picture = base64.b64encode(jpeg).decode()
    return {"viewer": "f" * 32, "frame": number, "at_ms": 33 * number, "picture": picture}


def bad_request(caller: Caller, hostile: Hostile) -> Body:
    """The body of one request as hostile.py makes them, or one that is only far too large."""
    rng = hostile.random
    if rng.random() < 0.2:
        return hostile.body(caller.view), "application/json"
    if rng.random() < 0.1:
        return hostile.body(caller.view), "multipart/form-data; boundary=x"
    request = hostile.frame()
    if isinstance(request, dict) and rng.random() < 0.1:
        request |= {"picture": "A" * rng.randrange(400_000, 2**21)}
    return caller.body(request)


def send_good(
    caller: Caller, pictures: list[bytes], count: int, half: Callable[[], None] = lambda: None
) -> None:
    for n in range(count):
        status, answer = caller.post(caller.body(frame(n, pictures[n % len(pictures)])))
        if status != 200 or "marks" not in answer:
            raise RuntimeError(f"frame {n} was answered with {status} {answer}")
        if n + 1 == min(500, count // 2):
            half()


def send_bad(caller: Caller, count: int, half: Callable[[], None]) -> Counter[str]:
    """What got neither a sentence nor, where a frame could be read, marks."""
    hostile, unclear = Hostile(SEED), Counter[str]()
    for n in range(count):
        body = bad_request(caller, hostile)
        status, answer = caller.post(body)
        known = {"error", "detail"} if status != 200 else {"error", "marks", "busy"}
        too_large = status == 0 and len(body[0]) > 400_000
        if not too_large and not (isinstance(answer, dict) and known & answer.keys()):
            unclear[f"{status}: {body[0][:60]!r}"] += 1
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
            caller, unclear = Caller(port), None

            def note() -> None:
                early.append(resident_mb(app.pid))

            if what == "memory":
                send_good(caller, portraits(), count, note)
            else:
                unclear = send_bad(caller, count, note)
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


def measure_start(flags: list[str], table: Table, times: int = 3) -> None:
    imports, serves, answers = [], [], []
    picture = portraits(1)[0]
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True)
        imports.append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder:
            start, port = time.perf_counter(), free_port()
            app = start_app(port, *flags, log=Path(folder) / "app.txt")
            serves.append(time.perf_counter() - start)
            try:
                caller = Caller(port)
                start = time.perf_counter()
                send_good(caller, [picture], 1)
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
    args = parser.parse_args()
    flags = ["--checkpoint", args.checkpoint] if args.checkpoint else []
    table = Table()
    for what in args.only.split(","):
        if what == "start":
            measure_start(flags, table)
        else:
            measure(what, args.count, flags, table)
    return int(table.short > 0)


if __name__ == "__main__":
    sys.exit(main())
