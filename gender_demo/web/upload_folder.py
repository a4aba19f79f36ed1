"""The one folder that pictures are written to: private, emptied after minutes, gone at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves behind is left to the system there
    fcntl = None  # type: ignore[assignment]

PREFIX, LOCK = "gender-demo-", ".lock"
SWEEP_EVERY_S, SWEEP_AFTER_S = 15.0, 270.0
"""gradio deletes what it knows of after 4 minutes; this finds the rest: uploads cut short."""
SETTLED_S = 60.0
"""A folder younger than this may be about to be locked by its process."""


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A folder for this process only, swept while it runs and removed at the end.

    Folders that a killed process left behind are removed first. Python's temporary files go there
    too. Raises OSError where nothing can be written.
    """
    remove_orphans(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    before, ended = tempfile.tempdir, threading.Event()
    try:
        with _locked(folder):
            tempfile.tempdir = str(folder)
            threading.Thread(target=_sweep, args=(folder, ended), daemon=True).start()
            yield folder
    finally:
        ended.set()
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path, after_s: float) -> None:
    """Delete files and empty folders that did not change for ``after_s`` seconds."""
    old = time.time() - after_s
    for root, folders, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(root, name)
            with suppress(OSError):  # gone already
                if name != LOCK and path.lstat().st_ctime < old:
                    path.unlink()
        for name in folders:
            path = Path(root, name)
            with suppress(OSError):  # not empty
                if path.lstat().st_mtime < old:
                    path.rmdir()


def remove_orphans(parent: Path) -> None:
    """Remove the folders of processes that ended without removing them."""
    for folder in parent.glob(PREFIX + "*") if fcntl else ():
        with suppress(OSError):
            if folder.stat().st_mtime < time.time() - SETTLED_S:
                with _locked(folder):
                    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; OSError if another process holds it. The lock dies with a process."""
    with (folder / LOCK).open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _sweep(folder: Path, ended: threading.Event) -> None:
    while not ended.wait(SWEEP_EVERY_S):
        sweep(folder, SWEEP_AFTER_S)
