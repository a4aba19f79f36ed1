"""Firefox with its fake camera, driven over its own protocol (Marionette): no driver is needed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.server import free_port, stop_app

PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.proxy.type": 0,
    "intl.accept_languages": "en",
}
START_TIMEOUT_S, ANSWER_TIMEOUT_S, ASK_EVERY_S = 60.0, 120.0, 0.1
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The name under which WebDriver hands elements over."""


def find_firefox() -> str | None:
    """The machine's own Firefox."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One window. Scripts are bodies of functions; what they return is JSON."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rwb")
        self._count = 0
        self._read()  # its greeting
        self.command("WebDriver:NewSession")

    def command(self, name: str, **values: Any) -> Any:
        """One of Marionette's commands; RuntimeError says why it failed."""
        self._count += 1
        text = json.dumps([0, self._count, name, values]).encode()
        self._file.write(b"%d:%s" % (len(text), text))
        self._file.flush()
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}")
        return result

    def open(self, url: str) -> None:
        """Load a page."""
        self.command("WebDriver:Navigate", url=url)

    def run(self, script: str) -> Any:
        """What a script in the page returns."""
        return self.command("WebDriver:ExecuteScript", script=script, args=[])["value"]

    def wait(self, script: str, seconds: float = 60.0) -> Any:
        """The first answer of a script that is neither empty nor false; TimeoutError names it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.run(script):
                return found
            time.sleep(ASK_EVERY_S)
        raise TimeoutError(f"never so in Firefox: {script}")

    def choose_file(self, selector: str, path: Path) -> None:
        """Put a file into a file field."""
        found = self.command("WebDriver:FindElement", using="css selector", value=selector)
        self.command("WebDriver:ElementSendKeys", id=found["value"][ELEMENT], text=str(path))

    def _read(self) -> Any:
        length = b""
        while (digit := self._file.read(1)) != b":":
            if not digit:
                raise RuntimeError("Firefox has gone")
            length += digit
        return json.loads(self._file.read(int(length)))


@contextmanager
def start_firefox(folder: Path) -> Iterator[Firefox]:
    """Firefox without a screen, its profile in ``folder``."""
    port, binary = free_port(), find_firefox()
    assert binary
    preferences = PREFERENCES | {"marionette.port": port}
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items())
    (folder / "user.js").write_text("\n".join(lines))
    flags = ("--headless", "--marionette", "--no-remote", "--profile", str(folder))
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([binary, *flags], stdout=log, stderr=log)
    try:
        with _connect(port) as connection:
            yield Firefox(connection)
    finally:
        stop_app(process)


def _connect(port: int) -> socket.socket:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), ANSWER_TIMEOUT_S)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(ASK_EVERY_S)
