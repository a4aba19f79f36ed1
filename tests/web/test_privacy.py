"""What the page promises about pictures, watched on a running app.

Every file that the app's Python opens for writing is noted, what it holds open is listed while
it works, and the folders it could write to are searched afterwards.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.utils import Status
from PIL import Image

from gender_demo.web.safe_blocks import NOT_SENT
from tests.support.client import AppClient, file_data, frame, swaying_face
from tests.support.paths import ROOT
from tests.support.server import free_port

FRAMES, PHOTOS, AT_ONCE = 200, 50, 10
EXPIRE_S = 8


@dataclass
class Watched:
    """The app, what it wrote so far, and where it may write."""

    process: subprocess.Popen[bytes]
    port: int
    home: Path
    output: Path

    def writes(self) -> list[str]:
        return (self.home / "watch.log").read_text().splitlines()

    def temporary(self) -> Path:
        return self.home / "temp"

    def files(self) -> set[Path]:
        """All files under the folders it was given, but for the watch's own."""
        ours = {self.home / "watch.log", self.output}
        walk = os.walk(self.home)  # bears that folders vanish while it looks
        found = {Path(root, name) for root, _, names in walk for name in names} - ours
        return {path for path in found if "matplotlib" not in path.parts}

    def held_open(self) -> list[str]:
        """Regular files that the process holds open for writing, by /proc."""
        found = []
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                target = os.readlink(entry)
                info = Path(f"/proc/{self.process.pid}/fdinfo/{entry.name}").read_text()
            except OSError:  # closed in between
                continue
            flags = re.search(r"flags:\s+([0-7]+)", info)
            if target.startswith("/") and flags and int(flags[1], 8) & (os.O_WRONLY | os.O_RDWR):
                found.append(target)
        return [f for f in found if not f.startswith("/dev/")]


@pytest.fixture(scope="module")
def app(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("home")
    for name in ("temp", "here", "cache", ".config"):
        (home / name).mkdir()
    port = free_port()
    own = {"HOME": home, "TMPDIR": home / "temp", "XDG_CACHE_HOME": home / "cache",
           "WATCH_LOG": home / "watch.log", "WATCH_EXPIRE_S": EXPIRE_S,
           "PYTHONDONTWRITEBYTECODE": 1}  # fmt: skip
    output = home / "output.txt"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "watched_app.py"),
             "--checkpoint", str(random_checkpoint), "--port", str(port)],
            cwd=home / "here", stdout=out, stderr=subprocess.STDOUT,
            env=os.environ | {name: str(value) for name, value in own.items()},
        )  # fmt: skip
    deadline = time.monotonic() + 240
    while b"The page is at" not in output.read_bytes():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)
    yield Watched(process, port, home, output)
    process.kill()
    process.wait()


def test_live_frames_never_reach_the_disk(app: Watched) -> None:
    client = AppClient(app.port)
    assert client.live_id
    before, files, held = app.writes(), app.files(), set(app.held_open())
    seen = 0
    for number, jpeg in enumerate(swaying_face(FRAMES, size=(320, 240))):
        answer = client.live(frame(number, jpeg)).json()
        assert set(app.held_open()) <= held
        seen += bool(answer["marks"])
    client.connection.close()
    assert seen > FRAMES / 2, "faces were tracked"
    assert app.writes() == before
    assert app.files() == files


@pytest.mark.parametrize(
    "path",
    [
        "HTTPS://example.invalid/a.jpg",
        "/etc/passwd",
        "/proc/self/environ",
        "../../etc/passwd",
        ".hidden",
        "app.py",
        str(ROOT / "README.md"),
    ],
)
def test_a_file_that_was_not_sent_is_not_read(app: Watched, path: str) -> None:
    """The log stays empty too, which a test below looks at: it is the caller's mistake."""
    client, said = AppClient(app.port), app.output.read_text()
    for route, sent in (("photos", [[file_data(path)]]), ("annotate", [file_data(path)])):
        kind, told = client.call(route, sent)
        assert kind == "error"
        assert NOT_SENT in str(told)
    client.connection.close()
    assert app.output.read_text() == said


def test_photos_expire_and_are_gone_at_the_end(
    app: Watched, astronaut: Image.Image, tmp_path: Path
) -> None:
    client = Client(f"http://127.0.0.1:{app.port}/", verbose=False, download_files=False)
    before = len(app.writes())
    paths = []
    for number in range(PHOTOS):
        paths.append(tmp_path / f"ann-{number}.jpg")
        astronaut.crop((number, 0, 400 + number, 300)).save(paths[-1])
    faces = 0
    for start in range(0, PHOTOS, AT_ONCE):
        sent = [handle_file(str(path)) for path in paths[start : start + AT_ONCE]]
        faces += len(client.predict(sent, api_name="/photos")[1]["data"])
    assert faces >= PHOTOS
    written = [line.split(" ", 1)[1] for line in app.writes()[before:]]
    assert len(written) > PHOTOS
    place = str(app.temporary() / "gender-demo-")
    # gradio loads matplotlib where it is installed, and that keeps a list of the system's fonts.
    fonts = [path for path in written if "matplotlib" in path]
    elsewhere = [path for path in written if not path.startswith(place) and path not in fonts]
    assert elsewhere == [], "pictures and tables go to the one folder"

    deadline = time.monotonic() + 4 * EXPIRE_S
    while len(app.files()) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [path.name for path in app.files()] == [".lock"], "all expired"

    job = client.submit(handle_file(str(paths[0])), api_name="/annotate")
    while job.status().code != Status.PROCESSING and not job.done():
        time.sleep(0.01)
    assert len(app.files()) > 1
    app.process.send_signal(signal.SIGTERM)
    assert job.result(timeout=60)[1]["size"] == [400, 300], "what was begun is answered"
    assert app.process.wait(timeout=60) == 0
    assert app.files() == set(), "nothing outlives the process"
    assert not list(app.temporary().iterdir())


def test_the_server_asks_no_other_machine(app: Watched) -> None:
    """From its start to its end, frames and photos in between."""
    assert [line for line in app.writes() if line.startswith("socket")] == []


def test_the_log_says_nothing_about_anybody(app: Watched) -> None:
    """Runs last: after frames, photos and the end there is the line about the address alone."""
    (line,) = app.output.read_text().splitlines()
    assert line.startswith("The page is at http://127.0.0.1:")
