"""What the browser tests and benchmarks stand on: a video of a known face, the app, Chromium."""

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
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from tests.support.paths import ASTRONAUT, ROOT

AS_A_USER = Path(__file__).with_name("chromium_as_a_user.sh")
ASTRONAUT_BOX = (179.0, 60.0, 267.0, 174.5)
"""The face in astronaut.jpg (512 x 512): mean of full detection at four sizes."""
FRAMES_PER_S = 30
"""Chromium plays every MJPEG file at this rate, and from the start again at its end."""
BITS, SQUARE_PX = 10, 12
START_TIMEOUT_S = 240.0
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)


@dataclass(frozen=True)
class FaceVideo:
    """MJPEG frames of a moving face; ``boxes[n]`` is its box in frame n, in the video's pixels.

    The lower left corner carries n as BITS squares of SQUARE_PX, lowest bit first, white for 1.
    """

    path: Path
    size: tuple[int, int]
    boxes: tuple[tuple[float, float, float, float], ...]


def make_face_video(
    path: Path,
    *,
    frames: int = 300,
    size: tuple[int, int] = (640, 480),
    swing_px: float = 70.0,
    numbered: bool = True,
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
            if numbered:
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
        except urllib.error.HTTPError as asks_for_password:
            asks_for_password.close()
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


def app_flags() -> list[str]:
    """Flags for the app under test, e.g. TEST_APP_FLAGS="--checkpoint DIR"."""
    return os.environ.get("TEST_APP_FLAGS", "").split()


def find_chromium() -> str:
    """The machine's own Chromium or Chrome, with an ordinary user's rights over priorities.

    Started by root it puts its own threads before all others, the app under test included.
    """
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            by_root = os.geteuid() == 0 and shutil.which("setpriv")
            return str(AS_A_USER) if by_root else path
    raise RuntimeError("the browser tests need Chromium: apt-get install chromium")
