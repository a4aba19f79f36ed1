"""The app as a process of its own: start it, wait until it answers, stop it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.paths import ROOT

START_TIMEOUT_S = 240.0


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
