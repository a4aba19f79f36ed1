"""Hostile pictures and requests against the running app: each is answered, none breaks it.

    python benchmarks/fuzz.py [--cases 5000] [--seed 1] [--minutes 60] [--checkpoint DIR]

Stops early when the minutes are over, and says how many cases that were.
Ends with 1 when an answer took more than 10 s or carried a traceback, when the process died, when
memory grew by more than 5 % from the second fifth to the last, or when a good picture is not
answered rightly afterwards.
"""

from __future__ import annotations

import argparse
import base64
import collections
import http.client
import json
import math
import os
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.machine import resident_mb, stolen_s
from tests.support.hostile import ASTRONAUT, Hostile
from tests.support.server import free_port, start_app, stop_app

LONGEST_S = 10.0
MORE_MEMORY = 1.05
FILES_AT_ONCE = 8
PARTS = 50
"""After each of them memory is read."""
TRACE = re.compile(rb"Traceback|File \\?\"/|\.py\\?\", line")
BOUNDARY = "0123456789"


class Fuzz:
    """One running app under fire; ``outcomes`` counts answers and errors by kind."""

    def __init__(self, port: int, seed: int) -> None:
        self.port, self.hostile = port, Hostile(seed)
        self.random = random.Random(seed)
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.troubles: list[str] = []
        self.slowest_s, self.end_s, self.done, self.stolen_s = 0.0, math.inf, 0, stolen_s()
        parts = json.loads(self.ask("GET", "/config")[1])["components"]
        self.live = next(p["id"] for p in parts if p["props"].get("elem_id") == "live-view")

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json",
            wait_s: float = 60.0) -> tuple[int, bytes]:  # fmt: skip
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=wait_s)
        try:
            caller.request(method, path, body, {"Content-Type": kind})
            answer = caller.getresponse()
            return answer.status, answer.read()
        except TimeoutError:  # far above LONGEST_S, so note() makes it a trouble
            return 0, b""
        finally:
            caller.close()

    def note(self, what: str, began_s: float, status: int, body: bytes, about: str = "") -> None:
        took = time.monotonic() - began_s
        self.slowest_s = max(self.slowest_s, took)
        self.outcomes[f"{what} {status}"] += 1
        stolen, self.stolen_s = stolen_s() - self.stolen_s, stolen_s()
        if took > LONGEST_S:
            lost = f"{100 * stolen / took / (os.cpu_count() or 1):.0f} % of the cores were taken"
            self.troubles.append(f"{what} {status}: {took:.1f} s, {lost} by the host {about}")
        if b"root:x:" in body or b"HOME=" in body:
            self.troubles.append(f"{what}: a file of the server in {body[:300]!r}")
        if TRACE.search(body):
            self.troubles.append(f"{what}: traceback in {body[:300]!r}")

    def upload(self, files: list[tuple[str, bytes]]) -> list[str] | None:
        """Paths of the uploaded files, or None when gradio refuses one's name."""
        lines = b""
        for name, data in files:
            safe = name.encode("utf-8", "replace").replace(b'"', b"%22")
            lines += f"--{BOUNDARY}\r\n".encode()
            lines += b'Content-Disposition: form-data; name="files"; filename="' + safe
            lines += b'"\r\nContent-Type: image/jpeg\r\n\r\n' + data + b"\r\n"
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        began = time.monotonic()
        status, body = self.ask(
            "POST", "/gradio_api/upload", lines + f"--{BOUNDARY}--\r\n".encode(), kind
        )
        self.note("upload", began, status, body)
        return json.loads(body) if status == 200 else None

    def call(self, route: str, data: list[Any]) -> tuple[str, Any]:
        """Event and data of one API call."""
        began = time.monotonic()
        status, body = self.ask(
            "POST", f"/gradio_api/call/{route}", json.dumps({"data": data}).encode()
        )
        if status != 200:
            self.note(f"call {route}", began, status, body)
            return "refused", None
        event = json.loads(body)["event_id"]
        status, body = self.ask("GET", f"/gradio_api/call/{route}/{event}")
        kind, _, said = body.decode().partition("\ndata: ")
        kind = kind.removeprefix("event: ")
        self.note(f"call {route} {kind}", began, status, body)
        return kind, json.loads(said.split("\n")[0]) if said else None

    def pictures(self, route: str, count: int) -> None:
        files = [(self.hostile.name(), self.hostile.picture()) for _ in range(count)]
        paths = self.upload(files)
        if paths is None:  # one name spoils all: the same pictures under a plain name
            paths = self.upload([("a.jpg", data) for _, data in files]) or []
        sent = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
        if sent:
            self.call(route, [sent if route == "photos" else sent[0]])

    def frame(self, request: Any) -> dict[str, Any]:
        body = {"data": request, "component_id": self.live, "fn_name": "follow_frame",
                "session_hash": "fuzz"}  # fmt: skip
        began = time.monotonic()
        status, said = self.ask("POST", "/gradio_api/component_server/", json.dumps(body).encode())
        self.note("live", began, status, said)
        answer: dict[str, Any] = json.loads(said or b"{}")
        if not answer.keys() & {"marks", "error", "busy"}:
            self.troubles.append(f"live: {said[:200]!r}")
        return answer

    def request(self) -> None:
        began = time.monotonic()
        method, path, body = "GET", self.hostile.address(), None
        if self.random.random() < 0.7:
            method = "POST"
            routes = ("queue/join", "call/annotate", "call/photos", "component_server/", "upload",
                      "cancel", "reset", "run/annotate", "api/photos")  # fmt: skip
            path = "/gradio_api/" + self.random.choice(routes)
            body = self.hostile.body(self.live)
        kind = self.random.choice(["application/json", "application/json", "text/plain",
                                   f"multipart/form-data; boundary={BOUNDARY}", "x"])  # fmt: skip
        try:
            status, said = self.ask(method, path, body, kind)
        except (ConnectionError, http.client.HTTPException) as cut:
            status, said = 0, type(cut).__name__.encode()
        self.note(
            f"request {method}", began, status, said, f"{path[:60]} {kind} {(body or b'')[:80]!r}"
        )

    def run(self, cases: int) -> None:
        """About ``cases`` hostile things: two fifths pictures, three tenths frames and requests."""
        until = self.done + cases
        while self.done < until and time.monotonic() < self.end_s:
            turn = self.random.random()
            if turn < 0.11:
                self.pictures("photos", FILES_AT_ONCE)
                self.done += FILES_AT_ONCE - 1
            elif turn < 0.2:
                self.pictures("annotate", 1)
            else:
                _ = self.frame(self.hostile.frame()) if turn < 0.6 else self.request()
            self.done += 1

    def check_good(self) -> None:
        """A good picture is found rightly by all three ways."""
        paths = self.upload([("good.jpg", ASTRONAUT.read_bytes())])
        assert paths is not None
        sent = {"path": paths[0], "meta": {"_type": "gradio.FileData"}}
        _, single = self.call("annotate", [sent])
        boxes = [single[1]["predictions"][0]["face"]["box"]]
        _, many = self.call("photos", [[sent]])
        boxes.append([float(n) for n in many[1]["data"][0][5].split(",")])
        picture = base64.b64encode(ASTRONAUT.read_bytes()).decode()
        for number in range(4):
            frame = {"viewer": "e" * 32, "frame": number, "at_ms": 40 * number, "picture": picture}
            marks = self.frame(frame).get("marks", [])
        boxes += [mark["box"] for mark in marks[:1]]
        if len(boxes) < 3 or any(abs(box[0] - 179) > 15 for box in boxes):
            self.troubles.append(f"the good picture was answered with boxes {boxes}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--checkpoint", help="default: the shipped one")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder) / "log.txt", free_port()
        own = ["--checkpoint", flags.checkpoint] if flags.checkpoint else []
        app = start_app(port, *own, log=log)
        try:
            fuzz = Fuzz(port, flags.seed)
            began, lost = time.monotonic(), stolen_s()
            fuzz.end_s = began + 60 * flags.minutes
            memory_mb = []
            for _ in range(PARTS):
                fuzz.run(math.ceil(flags.cases / PARTS))
                memory_mb.append(resident_mb(app.pid))
            fuzz.check_good()
            if app.poll() is not None:
                fuzz.troubles.append("the process died")
        finally:
            stop_app(app)
        said = log.read_text()
    if "Traceback" in said:
        at = said.index("Traceback")
        fuzz.troubles.append(f"traceback in the log: {said[at : at + 4000]}")
    # From the second fifth on, when all kinds and sizes have been met.
    fifths = [statistics.median(memory_mb[n : n + PARTS // 5]) for n in range(0, PARTS, PARTS // 5)]
    if fifths[-1] > MORE_MEMORY * fifths[1]:
        fuzz.troubles.append("memory grew by more than 5 %")
    for outcome, count in sorted(fuzz.outcomes.items()):
        print(f"{outcome:<28}{count:>7}")
    seconds = time.monotonic() - began
    print(f"{fuzz.done} cases in {seconds:.0f} s, slowest {fuzz.slowest_s:.1f} s")
    print(f"cores: {(stolen_s() - lost) / seconds:.2f} taken away by the machine's host")
    print("memory, medians of the fifths:", *(f"{value:.0f}" for value in fifths), "MB")
    print(f"log: {len(said.splitlines())} lines")
    print(*said.splitlines()[1:6], sep="\n")
    for trouble in fuzz.troubles[:20]:
        print("TROUBLE", trouble)
    print(f"{len(fuzz.troubles)} troubles")
    return 1 if fuzz.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
