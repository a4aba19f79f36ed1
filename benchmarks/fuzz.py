"""Hostile pictures, requests, names, tables, archives and variables: none breaks app or commands.

    python benchmarks/fuzz.py [--cases 5000] [--seed 1] [--minutes 60] [--checkpoint DIR]

Stops early when the minutes are over, and says how many cases that were.
Ends with 1 when an answer took more than 10 s or carried a traceback, when the process died, when
memory grew by more than 5 % from the second fifth to the last, or when a good picture is not
answered rightly afterwards.
"""

from __future__ import annotations

import argparse
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
from tests.support.client import MULTIPART, Answer, AppClient, file_data, frame
from tests.support.hostile import Hostile
from tests.support.hostile_files import HostileFiles
from tests.support.paths import ASTRONAUT
from tests.support.server import free_port, start_app, stop_app

LONGEST_S = 10.0
MORE_MEMORY = 1.05
FILES_AT_ONCE = 8
PARTS = 50
"""After each of them memory is read."""
TRACE = re.compile(rb"Traceback|File \\?\"/|\.py\\?\", line")


class Fuzz:
    """One running app under fire; ``outcomes`` counts answers and errors by kind."""

    def __init__(self, port: int, seed: int) -> None:
        self.client, self.hostile = AppClient(port, keep=False), Hostile(seed)
        self.files = HostileFiles(seed)
        self.random = random.Random(seed)
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.troubles: list[str] = []
        self.slowest_s, self.end_s, self.done, self.stolen_s = 0.0, math.inf, 0, stolen_s()

    def note(self, what: str, began_s: float, answer: Answer | None, about: str = "") -> None:
        """Count an answer; what is wrong with it, or with the time it took, is a trouble."""
        took, status, body = time.monotonic() - began_s, 200, b""
        if answer is not None:
            status, body = answer.status, answer.body
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
        began = time.monotonic()
        answer = self.client.upload(files)
        self.note("upload", began, answer)
        return list(answer.json()) if answer.status == 200 else None

    def call(self, route: str, data: list[Any]) -> tuple[str, Any]:
        """Event and data of one API call."""
        began = time.monotonic()
        kind, said = self.client.call(route, data)
        self.note(f"call {route} {kind}", began, said if isinstance(said, Answer) else None)
        return kind, said

    def pictures(self, route: str, count: int) -> None:
        files = [(self.hostile.name(), self.hostile.picture()) for _ in range(count)]
        paths = self.upload(files)
        if paths is None:  # one name spoils all: the same pictures under a plain name
            paths = self.upload([("a.jpg", data) for _, data in files]) or []
        sent = [file_data(path) for path in paths]
        if sent:
            self.call(route, [sent if route == "photos" else sent[0]])

    def frame(self, request: Any) -> dict[str, Any]:
        began = time.monotonic()
        answer = self.client.live(request)
        self.note("live", began, answer)
        said: dict[str, Any] = json.loads(answer.body or b"{}")
        if not said.keys() & {"marks", "error", "busy"}:
            self.troubles.append(f"live: {answer.body[:200]!r}")
        return said

    def request(self) -> None:
        began = time.monotonic()
        method, path, body = "GET", self.hostile.address(), None
        if self.random.random() < 0.7:
            method = "POST"
            routes = ("queue/join", "call/annotate", "call/photos", "component_server/", "upload",
                      "cancel", "reset", "run/annotate", "api/photos")  # fmt: skip
            path = "/gradio_api/" + self.random.choice(routes)
            body = self.hostile.body(self.client.live_id)
        kind = self.random.choice(["application/json", "application/json", "text/plain",
                                   MULTIPART, "x"])  # fmt: skip
        try:
            answer = self.client.ask(method, path, body, kind)
        except (ConnectionError, http.client.HTTPException) as cut:
            answer = Answer(0, type(cut).__name__.encode(), http.client.HTTPMessage())
        self.note(f"request {method}", began, answer, f"{path[:60]} {kind} {(body or b'')[:80]!r}")

    def local(self) -> None:
        """What reaches the commands and the start of the app, in this process."""
        began = time.monotonic()
        files = self.files
        attempt = self.random.choice([files.try_data_set, files.try_names, files.try_environment])
        wrong = attempt()
        self.note(attempt.__name__, began, None)
        if wrong:
            self.troubles.append(f"{attempt.__name__}: {wrong}")

    def run(self, cases: int) -> None:
        """About ``cases`` hostile things: two fifths pictures, the rest frames, requests, files."""
        until = self.done + cases
        while self.done < until and time.monotonic() < self.end_s:
            turn = self.random.random()
            if turn < 0.11:
                self.pictures("photos", FILES_AT_ONCE)
                self.done += FILES_AT_ONCE - 1
            elif turn < 0.2:
                self.pictures("annotate", 1)
            elif turn < 0.6:
                self.frame(self.hostile.frame())
            elif turn < 0.7:
                self.local()
            else:
                self.request()
            self.done += 1

    def check_good(self) -> None:
        """A good picture is found rightly by all three ways."""
        paths = self.upload([("good.jpg", ASTRONAUT.read_bytes())])
        assert paths is not None
        sent = file_data(paths[0])
        _, single = self.call("annotate", [sent])
        boxes = [single[1]["predictions"][0]["face"]["box"]]
        _, many = self.call("photos", [[sent]])
        boxes.append([float(n) for n in many[1]["data"][0][5].split(",")])
        for number in range(4):
            marks = self.frame(frame(number, ASTRONAUT.read_bytes())).get("marks", [])
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
    slow = len(fuzz.troubles)
    failures = re.findall(r"^\w+ at \S+:\d+.*", said, re.M)
    fuzz.troubles[:0] = [f"failure in the log: {line}" for line in failures]
    if "Traceback" in said:
        at = said.index("Traceback")
        fuzz.troubles.insert(0, f"traceback in the log: {said[at : at + 4000]}")
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
    print(f"{len(fuzz.troubles)} troubles: {len(failures)} failures and {said.count('Traceback')} "
          f"tracebacks in the log, {slow} slow or wrong answers")  # fmt: skip
    return 1 if fuzz.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
