"""The Chromium that browser tests and benchmarks drive."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

AS_A_USER = Path(__file__).with_name("chromium_as_a_user.sh")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)


def find_chromium() -> str:
    """The machine's own Chromium or Chrome, with an ordinary user's rights over priorities.

    Started by root it puts its own threads before all others, the app under test included.
    """
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            by_root = os.geteuid() == 0 and shutil.which("setpriv")
            return str(AS_A_USER) if by_root else path
    raise RuntimeError("the browser tests need Chromium: apt-get install chromium")
