"""The real app in a process of its own, and Chromium with a camera that plays a known face.

``app_url``    where the app under test answers
``face_video`` what the camera shows, with the true box of the face in every frame
``browser``    Chromium with that camera
``open_page``  open_page(width=1280, scheme="light", camera=True) -> the page, loaded; a request to
               another origin or an error in the page's scripts fails the test
"""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ASTRONAUT = ROOT / "gender_demo" / "static" / "examples" / "astronaut.jpg"
ASTRONAUT_BOX = (179.0, 60.0, 267.0, 174.5)
"""The face in astronaut.jpg (512 x 512): mean of full detection at four sizes."""
FRAMES_PER_S = 30
"""Chromium plays every MJPEG file at this rate, and from the start again at its end."""
BITS, SQUARE_PX = 10, 12
START_TIMEOUT_S = 120.0
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)

OpenPage = Callable[..., Page]


@dataclass(frozen=True)
class FaceVideo:
    """MJPEG frames of a moving face; ``boxes[n]`` is its box in frame n, in the video's pixels.

    The lower left corner carries n as BITS squares of SQUARE_PX, lowest bit first, white for 1.
    """

    path: Path
    size: tuple[int, int]
    boxes: tuple[tuple[float, float, float, float], ...]


def make_face_video(
    path: Path, *, frames: int = 300, size: tuple[int, int] = (640, 480), swing_px: float = 70.0
) -> FaceVideo:
    """Write the astronaut's portrait swinging on a plain wall, there and back in ``frames``."""
    width, height = size
    portrait = Image.open(ASTRONAUT).convert("RGB")
    scale = 0.95 * height / portrait.height
    solid = Image.new("L", portrait.size, 255)
    wall = Image.new("RGB", size, (148, 156, 160))
    boxes = []
    with path.open("wb") as file:
        for number in range(frames):
            turn = 2 * math.pi * number / frames
            x = (width - scale * portrait.width) / 2 + swing_px * math.sin(turn)
            y = (height - scale * portrait.height) / 2 + 10 * math.sin(2 * turn)
            shift = (1 / scale, 0, -x / scale, 0, 1 / scale, -y / scale)
            moved, mask = (
                picture.transform(size, Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR)
                for picture in (portrait, solid)
            )
            frame = Image.composite(moved, wall, mask)
            _write_number(frame, number)
            frame.save(file, "JPEG", quality=85)
            x0, y0, x1, y1 = (scale * value for value in ASTRONAUT_BOX)
            boxes.append((x0 + x, y0 + y, x1 + x, y1 + y))
    return FaceVideo(path, size, tuple(boxes))


def _write_number(frame: Image.Image, number: int) -> None:
    pen = ImageDraw.Draw(frame)
    top = frame.height - SQUARE_PX
    for bit in range(BITS):
        left = bit * SQUARE_PX
        ink = "white" if number >> bit & 1 else "black"
        pen.rectangle((left, top, left + SQUARE_PX - 1, top + SQUARE_PX - 1), fill=ink)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(
    port: int, *flags: str, log: Path, app: Path = ROOT / "app.py"
) -> subprocess.Popen[bytes]:
    """Start ``python app.py --port PORT FLAGS`` and wait until it answers."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(app), "--port", str(port), *flags],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"},
        )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            direct.open(f"http://127.0.0.1:{port}/", timeout=5).close()
            return process
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    stop_app(process)
    raise RuntimeError(f"the app did not start:\n{log.read_text(errors='replace')}")


def stop_app(process: subprocess.Popen[bytes]) -> None:
    """Ask the app to end; kill it if it does not."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_chromium() -> str:
    """The machine's own Chromium or Chrome."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    raise RuntimeError("the browser tests need Chromium: apt-get install chromium")


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    flags = os.environ.get("TEST_APP_FLAGS", "").split()
    process = start_app(port, *flags, log=tmp_path_factory.mktemp("app") / "log.txt")
    yield f"http://127.0.0.1:{port}"
    stop_app(process)


@pytest.fixture(scope="session")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> FaceVideo:
    return make_face_video(tmp_path_factory.mktemp("video") / "face.mjpeg")


@pytest.fixture(scope="session")
def browser(face_video: FaceVideo) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=[*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={face_video.path}"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(app_url: str, browser: Browser) -> Iterator[OpenPage]:
    pages: list[Page] = []
    troubles: list[str] = []

    def open_one(
        width: int = 1280, height: int = 900, scheme: str = "light", camera: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            permissions=["camera"] if camera else [],
            accept_downloads=True,
            base_url=app_url,
        )
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        page.on("request", lambda request: _note_stranger(request.url, app_url, troubles))
        page.goto("/")
        page.locator("#live").wait_for(state="attached")
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert not troubles, "\n".join(troubles)


def _note_stranger(url: str, app_url: str, troubles: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(app_url).netloc:
        troubles.append(f"the page called {parts.scheme}://{parts.netloc}")
