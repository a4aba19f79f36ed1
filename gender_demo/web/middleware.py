"""What stands before gradio: routes, password, limits, headers, a calm end. Plain ASGI.

gradio reads a whole request before a function of ours sees it, answers some routes without the
password, and writes what fails into the log. So every request passes here first. What is rejected
is answered with one sentence in JSON; the log names a failure's kind and never what was sent.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from gender_demo.errors import RequestRejected
from gender_demo.web import limits
from gender_demo.web.logs import is_disk_trouble, log_failure

API = "/gradio_api/"
UPLOAD = API + "upload"
LIVE = API + "component_server"
LOGIN_FORM = ("/", "/login")
OPEN = ("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico", "/manifest.json",
        "/robots.txt", "/modules/", API + "theme.css")  # fmt: skip
"""What the form that asks for the password is made of: the same for everybody."""
SERVED = ("/config", "/logout", API + "info", API + "openapi.json", UPLOAD, LIVE,
          API + "queue/", API + "call/", API + "file=", API + "heartbeat/", API + "cancel",
          API + "reset", API + "user", API + "app_id", API + "login_check")  # fmt: skip
"""All other routes that page and API need. gradio has more: run history, monitoring, links that
keep a session on the server's disk, a proxy. They are not there."""
STARTUP = API + "startup-events"
WAITING = (API + "heartbeat/", UPLOAD + "_progress")
"""Answers that last as long as a page is open: nothing is lost when they are cut."""

STOPPING = "The server is stopping: try again in a minute."
BUSY = "The server is busy: try again in a few seconds."
DISK_FULL = "The server's disk is full or cannot be written to: try again in some minutes."
UNREADABLE = "The request has not the form that this route takes: see /gradio_api/info."
FAILED = "The server could not answer this request."

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Traffic:
    """What is being answered just now. ``folder`` is where gradio writes uploads, ``root_path``
    what a proxy may leave before every path."""

    folder: Path
    root_path: str = ""
    closing: bool = False
    requests: int = 0
    uploads: int = 0
    last_s: float = 0.0
    change: threading.Lock = field(default_factory=threading.Lock)

    def drain(self, within_s: float, quiet_s: float = 0.3) -> bool:
        """Refuse new work and wait for what was begun; a fetched answer's files count as begun.

        Whether all was answered within the time.
        """
        self.closing = True
        end = time.monotonic() + within_s
        self.last_s = time.monotonic()
        while time.monotonic() < end:
            if not self.requests and time.monotonic() - self.last_s > quiet_s:
                return True
            time.sleep(0.02)
        return False


class RequestFilter:
    """ASGI middleware around gradio's app."""

    def __init__(self, app: App, traffic: Traffic) -> None:
        self.app, self.traffic = app, traffic
        self.headers = [(name.encode(), value.encode()) for name, value in safe_headers()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let gradio answer it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope = _without_prefix(scope, self.traffic.root_path)
        path, traffic, started = scope["path"], self.traffic, False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [*self.headers, *(_not_stored(path))]
                message["headers"] = [*message.get("headers", ()), *kept]
                if path in LOGIN_FORM[:1] and not _may_enter(scope):
                    message["status"] = 401  # the form is shown all the same
            await send(message)

        waits, uploads = path.startswith(WAITING), path == UPLOAD
        with traffic.change:
            traffic.requests += not waits
            traffic.uploads += uploads
        try:
            self._check(scope, path)
            await self.app(scope, _limited(path, receive), send_on)
        except RequestRejected as rejected:
            if not started:
                await one_sentence(rejected.status, rejected.sentence)(scope, receive, send_on)
        except Exception as error:
            status, sentence = _describe(error)
            if status >= 500:
                log_failure(error, path.split("=")[0])
            if started:
                await send({"type": "http.response.body", "body": b""})  # it ends here
            else:
                await one_sentence(status, sentence)(scope, receive, send_on)
        finally:
            with traffic.change:
                traffic.requests -= not waits
                traffic.uploads -= uploads
                traffic.last_s = time.monotonic()

    def _check(self, scope: Scope, path: str) -> None:
        """Raise RequestRejected unless the request may go on; nothing of its body was read yet."""
        traffic = self.traffic
        if path == STARTUP and not scope["app"].startup_events_triggered:
            return  # launch() itself calls this once
        if path in LOGIN_FORM or path.startswith(OPEN):
            return
        if not path.startswith(SERVED) or path.startswith(API + "file=http"):
            raise RequestRejected(404, "There is nothing here.")
        if not _may_enter(scope):
            raise RequestRejected(401, "Give the user name and the password first.")
        if traffic.closing and scope["method"] == "POST":
            raise RequestRejected(503, STOPPING)
        if traffic.requests > limits.MAX_REQUESTS or traffic.uploads > limits.MAX_UPLOADS:
            raise RequestRejected(503, BUSY)
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "")
        if path.startswith(LIVE) and not kind.startswith("application/json"):
            raise RequestRejected(415, "Send JSON.")  # gradio writes other kinds to the disk
        size = headers.get("content-length", "")
        limit = _limit(path)
        if size.isdigit() and int(size) > limit:
            raise RequestRejected(413, _too_large(limit))
        if path == UPLOAD:
            self._check_room(int(size) if size.isdigit() else limits.MAX_UPLOAD_BYTES)

    def _check_room(self, more_bytes: int) -> None:
        folder = self.traffic.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
        except OSError:
            raise RequestRejected(507, DISK_FULL) from None
        if free < more_bytes + limits.SPARE_DISK_BYTES:
            raise RequestRejected(507, DISK_FULL)
        stored = sum(
            _size(Path(root, name)) for root, _, names in os.walk(folder) for name in names
        )
        if stored + more_bytes > limits.MAX_STORED_BYTES:
            raise RequestRejected(503, BUSY)


def safe_headers() -> list[tuple[str, str]]:
    """Headers of every answer. gradio's page needs inline scripts and ``eval`` for its templates;
    what it cannot do is load from or send to anywhere else, or be framed by others."""
    frames = "'self' https://huggingface.co" if "SPACE_ID" in os.environ else "'self'"
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": frames,
    }
    closed = ("microphone", "geolocation", "display-capture", "payment", "usb", "serial")
    return [
        ("content-security-policy", "; ".join(f"{name} {value}" for name, value in policy.items())),
        ("permissions-policy", ", ".join(["camera=(self)", *(f"{name}=()" for name in closed)])),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ]


def _without_prefix(scope: Scope, prefix: str) -> Scope:
    """The same request as a proxy sends it that strips the prefix."""
    path, raw = scope["path"], scope.get("raw_path") or b""
    if not prefix or not (path + "/").startswith(prefix + "/"):
        return scope
    bare = {"path": path[len(prefix) :] or "/", "raw_path": raw.removeprefix(prefix.encode())}
    return {**scope, **bare}


async def answer_unreadable(*_: Any) -> JSONResponse:
    """Answer of a request whose JSON has not the form of its route. FastAPI's own quotes what was
    sent, and fails on what JSON cannot say, such as NaN or half a surrogate pair."""
    return one_sentence(422, UNREADABLE)


def one_sentence(status: int, sentence: str) -> JSONResponse:
    """The form of every answer that refuses: ``detail`` for gradio's client, ``error`` for ours."""
    headers = {"retry-after": "5"} if status == 503 else None
    return JSONResponse({"detail": sentence, "error": sentence}, status, headers)


def _describe(error: Exception) -> tuple[int, str]:
    if isinstance(error.__cause__, HTTPException):  # gradio had begun to answer when it refused
        return error.__cause__.status_code, "There is nothing here."
    if is_disk_trouble(error):
        return 507, DISK_FULL
    if type(error).__name__ == "ClientDisconnect":
        return 499, "The sender went away."
    if isinstance(error, UnicodeDecodeError):  # fastapi quotes a body that it refuses
        return 400, "The request cannot be read: send JSON in UTF-8."
    return 500, FAILED


def _limited(path: str, receive: Receive) -> Receive:
    """``receive`` that gives up when the body is too large or its sender pauses for too long."""
    limit, taken, done = _limit(path), 0, False

    async def receive_some() -> Message:
        nonlocal taken, done
        if done:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), limits.BODY_PAUSE_S)
        except asyncio.TimeoutError:
            raise RequestRejected(408, "The request did not arrive in time.") from None
        taken += len(message.get("body", b""))
        done = not message.get("more_body", False)
        if taken > limit:
            raise RequestRejected(413, _too_large(limit))
        return message

    return receive_some


def _limit(path: str) -> int:
    return limits.MAX_UPLOAD_BYTES if path == UPLOAD else limits.MAX_JSON_BYTES


def _too_large(limit: int) -> str:
    return f"This request is too large: send {limit // 1_000_000} MB at most."


def _may_enter(scope: Scope) -> bool:
    """Whether no password is asked for, or the request carries the cookie that it earned."""
    app = scope["app"]
    if app.auth is None:
        return True
    cookies = HTTPConnection(scope).cookies
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(cookies.get(name) in app.tokens for name in names)


def _not_stored(path: str) -> list[tuple[bytes, bytes]]:
    """Pictures and answers are not to stay in the browser's own cache."""
    return [(b"cache-control", b"no-store")] if path.startswith(API + "file=") else []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # deleted in between
        return 0
