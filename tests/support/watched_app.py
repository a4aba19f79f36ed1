"""app.py with a watch on everything that Python writes, and pictures that expire in seconds.

WATCH_LOG names the file that gets one line for each file opened for writing, made or moved, and
for each other machine that is looked up or connected to.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
LOG = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
EXPIRE_S = int(os.environ.get("WATCH_EXPIRE_S", "240"))
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "shutil.move", "shutil.copyfile")
HERE = (None, "localhost", "127.0.0.1", "::1", "0.0.0.0")


def note(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = args
        writes = any(sign in mode for sign in "wax+") if mode else flags & WRITING
        if not writes or isinstance(path, int):
            return
    elif event in ("socket.getaddrinfo", "socket.connect"):
        host = args[0] if event == "socket.getaddrinfo" else args[1][0]
        if host not in HERE:
            os.write(LOG, f"{event} {host}\n".encode())
        return
    elif event in CHANGES:
        path = args[1] if event not in ("os.mkdir",) else args[0]
    else:
        return
    os.write(LOG, f"{event} {os.path.abspath(os.fsdecode(path))}\n".encode())


sys.addaudithook(note)

import app
from gender_demo.web import upload_folder


def serve_with_short_times(flags: Any, operator: Any, folder: Path) -> int:
    from gender_demo.web import page

    page.DELETE_EVERY_S, page.DELETE_AFTER_S = 1, EXPIRE_S
    return serve(flags, operator, folder)


serve, app.serve = app.serve, serve_with_short_times
upload_folder.SWEEP_EVERY_S, upload_folder.SWEEP_AFTER_S = 1.0, EXPIRE_S + 2.0

app.leave(app.main())
