"""Runs ``train prepare --engine ray``; once its first part is there, kills a worker at work."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from train import prepare
from train.__main__ import main


def kill_one(parts: Path) -> None:
    while True:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error, IndexError):
                # Ray calls a worker by its task.
                if process.cmdline()[0].startswith("ray::_cut") and any(parts.glob("*.pkl")):
                    process.kill()
                    print("killed one", flush=True)
                    return
        time.sleep(0.005)


if __name__ == "__main__":
    prepare.PART_SIZE = 8
    threading.Thread(target=kill_one, args=(Path(sys.argv[2]) / "parts",), daemon=True).start()
    sys.exit(main(["prepare", *sys.argv[1:]]))
