"""Runs ``train prepare --engine ray``; once its first shard is there, kills a worker at work."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from train.__main__ import main
from train.data import shards


def kill_one(shards: Path) -> None:
    while not any(shards.glob("*.pkl")):
        time.sleep(0.05)
    while True:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error, IndexError):
                if process.cmdline()[0].startswith("ray::_cut"):  # Ray names a worker by its task
                    process.kill()
                    print("killed one", flush=True)
                    return
        time.sleep(0.02)


if __name__ == "__main__":
    shards.SHARD_SIZE = 8
    threading.Thread(target=kill_one, args=(Path(sys.argv[2]) / "shards",), daemon=True).start()
    sys.exit(main(["prepare", *sys.argv[1:]]))
