"""The one client of the app's routes: live frames, uploads, calls, over one kept connection."""

from __future__ import annotations

import base64
import http.client
import io
import json
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from PIL import Image

from tests.support.paths import ASTRONAUT

JSON = "application/json"
BOUNDARY = "0123456789"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
LIVE = "/gradio_api/component_server/"


class Answer(NamedTuple):
    """What came back: HTTP status (0: nothing before the timeout), body, headers."""

    status: int
    body: bytes
    headers: http.client.HTTPMessage

    def json(self) -> Any:
        """The body as JSON; ValueError if it is none."""
        return json.loads(self.body)


class AppClient:
    """Asks the app on ``port`` as page and programs do.

    ``prefix`` is what a proxy puts before every path; without ``keep`` each request opens a
    connection of its own.
    """

    def __init__(
        self,
        port: int,
        *,
        host: str = "127.0.0.1",
        cookie: str = "",
        prefix: str = "",
        keep: bool = True,
        timeout_s: float = 60.0,
    ) -> None:
        self.cookie, self.prefix, self.keep = cookie, prefix, keep
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout_s)

    def __enter__(self) -> AppClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = JSON) -> Answer:
        """One request. Raises ConnectionError or HTTPException when it is cut off."""
        headers = {"Content-Type": kind} | ({"Cookie": self.cookie} if self.cookie else {})
        try:
            self.connection.request(method, self.prefix + path, body, headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers)
        except TimeoutError:
            self.connection.close()
            return Answer(0, b"", http.client.HTTPMessage())
        except (ConnectionError, http.client.HTTPException):
            self.connection.close()  # the next request opens another one
            raise
        finally:
            if not self.keep:
                self.connection.close()

    @cached_property
    def live_id(self) -> int:
        """The component that the page's live view calls."""
        components = self.ask("GET", "/config").json()["components"]
        return next(int(c["id"]) for c in components if c["props"].get("elem_id") == "live-view")

    def live_body(self, request: object, **changes: object) -> bytes:
        """The body of one call of the live view's function; ``changes`` replace its fields."""
        body = {"data": request, "component_id": self.live_id, "fn_name": "follow_frame",
                "session_hash": "client"}  # fmt: skip
        return json.dumps(body | changes).encode()

    def live(self, request: object) -> Answer:
        """Send what ``frame()`` makes, or something else in its place."""
        return self.ask("POST", LIVE, self.live_body(request))

    def upload(self, files: Sequence[tuple[str, bytes]]) -> Answer:
        """Send (name, bytes) pairs as a browser's form does; the body lists the server's paths."""
        return self.ask("POST", "/gradio_api/upload", multipart(files), MULTIPART)

    def call(self, route: str, data: list[Any]) -> tuple[str, Any]:
        """Event and data of one call of ``annotate`` or ``photos``; "refused" with the answer."""
        body = json.dumps({"data": data}).encode()
        answer = self.ask("POST", f"/gradio_api/call/{route}", body)
        if answer.status != 200:
            return "refused", answer
        event = answer.json()["event_id"]
        said = self.ask("GET", f"/gradio_api/call/{route}/{event}").body.decode()
        last = said.strip().rpartition("\n\n")[2]  # heartbeats come before what takes long
        kind, _, data_line = last.partition("\ndata: ")
        return kind.removeprefix("event: "), json.loads(data_line.split("\n")[0] or "null")

    def annotate(self, picture: bytes) -> dict[str, Any]:
        """The analysis of one picture: upload, call and answer."""
        (path,) = self.upload([("a.jpg", picture)]).json()
        kind, data = self.call("annotate", [file_data(path)])
        assert kind == "complete", data
        return dict(data[1])


def frame(number: int, jpeg: bytes | str, *, viewer: int = 15, at_ms: float | None = None) -> Any:
    """One request to the live view; ``jpeg`` as bytes or already in base64."""
    picture = jpeg if isinstance(jpeg, str) else base64.b64encode(jpeg).decode()
    at_ms = 40.0 * number if at_ms is None else at_ms
    return {"viewer": f"{viewer:032x}", "frame": number, "at_ms": at_ms, "picture": picture}


def file_data(path: str) -> dict[str, Any]:
    """An uploaded file as gradio's routes take it."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def multipart(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The body of a form that sends (name, bytes) pairs."""
    parts = b""
    for name, data in files:
        safe = name.encode("utf-8", "replace").replace(b'"', b"%22")
        parts += f"--{BOUNDARY}\r\n".encode()
        parts += b'Content-Disposition: form-data; name="files"; filename="' + safe
        parts += b'"\r\nContent-Type: image/jpeg\r\n\r\n' + data + b"\r\n"
    return parts + f"--{BOUNDARY}--\r\n".encode()


def swaying_face(
    count: int = 40, *, size: tuple[int, int] = (480, 360), shift_px: int = 0, quality: int = 75
) -> list[bytes]:
    """JPEGs of a face that sways there and back, as the page sends them."""
    portrait, files = Image.open(ASTRONAUT).convert("RGB"), []
    for n in range(count):
        left = round(40 + 40 * math.sin(2 * math.pi * n / count)) + shift_px
        file = io.BytesIO()
        portrait.crop((left, 0, left + 420, 315)).resize(size).save(file, "JPEG", quality=quality)
        files.append(file.getvalue())
    return files
