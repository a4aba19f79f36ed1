"""What stands before gradio: what passes, what gets one sentence, what is never logged."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gender_demo.web import limits, middleware
from gender_demo.web.middleware import (
    API,
    LIVE,
    UPLOAD,
    Message,
    Receive,
    RequestFilter,
    Scope,
    Send,
    Traffic,
    answer_unreadable,
)

Inner = Callable[[Scope, Receive, Send], Awaitable[None]]


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that reads the whole body and says how long it was."""
    taken, more = 0, True
    while more:
        message = await receive()
        taken, more = taken + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(taken).encode()})


def failing(error: Exception) -> Inner:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return fail


def ask(
    traffic: Traffic,
    path: str,
    *chunks: bytes,
    inner: Inner = read_all,
    method: str = "POST",
    auth: dict[str, str] | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to one request with a body of some chunks."""
    app = SimpleNamespace(
        auth=auth, cookie_id="c", tokens={"good": "ann"}, startup_events_triggered=True
    )
    named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {"type": "http", "path": path, "method": method, "app": app, "headers": named}
    incoming = [
        {"type": "http.request", "body": chunk, "more_body": i + 1 < len(chunks)}
        for i, chunk in enumerate(chunks or (b"",))
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(RequestFilter(inner, traffic)(scope, receive, send))
    start, *rest = sent
    said = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], said, b"".join(message["body"] for message in rest)


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    return Traffic(tmp_path / "gradio")


def assert_refused(answer: tuple[int, dict[str, str], bytes], status: int, said: str) -> None:
    assert answer[0] == status
    sentence = json.loads(answer[2])["detail"]
    assert said in sentence
    assert sentence.endswith(".")


JSON = "application/json"


def test_a_good_request_passes_with_safe_headers(traffic: Traffic) -> None:
    status, headers, body = ask(traffic, LIVE, b"a" * 10, b"b", content_type=JSON)
    assert (status, body) == (200, b"11")
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "camera=(self), microphone=()" in headers["permissions-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert traffic.requests == traffic.uploads == 0


def test_pictures_are_not_kept_by_the_browser(traffic: Traffic) -> None:
    answer = ask(traffic, API + "file=/tmp/a.jpg", method="GET")
    assert answer[1]["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/monitoring", API + "runs", API + "deep_link", API + "vibe-edit", API + "proxy=http://a",
     API + "file=http://example.org/a.jpg", API + "process_recording", "/nothing", API + "run/x"],
)  # fmt: skip
def test_other_routes_are_not_there(traffic: Traffic, path: str) -> None:
    assert_refused(ask(traffic, path), 404, "nothing here")


@pytest.mark.parametrize(
    ("path", "declared", "chunks", "limit"),
    [
        (middleware.LIVE, "1000001", (), "1 MB"),
        (middleware.UPLOAD, "500000001", (), "500 MB"),
        (middleware.LIVE, "", (b"x" * 600_000, b"x" * 600_000), "1 MB"),
        (API + "queue/join", "5", (b"x" * 1_000_001,), "1 MB"),
    ],
)
def test_too_large_is_refused_before_it_is_read(
    traffic: Traffic, path: str, declared: str, chunks: tuple[bytes, ...], limit: str
) -> None:
    headers: dict[str, Any] = {"content_type": JSON}
    headers |= {"content_length": declared} if declared else {}
    assert_refused(ask(traffic, path, *chunks, **headers), 413, limit)


def test_live_frames_come_as_json_only(traffic: Traffic) -> None:
    answer = ask(traffic, LIVE, content_type="multipart/form-data; boundary=x")
    assert_refused(answer, 415, "JSON")


def test_a_sender_who_falls_silent_is_given_up(
    traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_PAUSE_S", 0.05)

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        async def never() -> Message:
            await asyncio.sleep(60)
            return {}

        await middleware._limited(scope["path"], never)()

    assert_refused(ask(traffic, UPLOAD, inner=silent), 408, "in time")


def test_the_password_stands_before_everything(traffic: Traffic) -> None:
    auth = {"ann": "secret"}
    for path in (
        middleware.LIVE,
        middleware.UPLOAD,
        "/config",
        API + "cancel",
        API + "heartbeat/x",
    ):
        assert ask(traffic, path, auth=auth, content_type=JSON)[0] == 401
        assert ask(traffic, path, auth=auth, cookie="access-token-c=bad")[0] == 401
    entered = ask(traffic, "/config", auth=auth, cookie="access-token-c=good")
    assert entered[0] == 200
    status, _, body = ask(traffic, "/", auth=auth, method="GET")
    assert (status, body) == (401, b"0"), "the form is shown all the same"
    assert ask(traffic, "/", method="GET")[0] == 200


def test_too_many_at_once_is_said(traffic: Traffic) -> None:
    traffic.requests = limits.MAX_REQUESTS
    answer = ask(traffic, LIVE, content_type=JSON)
    assert_refused(answer, 503, "busy")
    assert answer[1]["retry-after"] == "5"
    traffic.requests, traffic.uploads = 0, limits.MAX_UPLOADS
    assert_refused(ask(traffic, UPLOAD), 503, "busy")
    assert ask(traffic, "/config")[0] == 200


def test_a_full_disk_is_said(traffic: Traffic, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(free=limits.SPARE_DISK_BYTES + 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free)
    assert_refused(ask(traffic, UPLOAD, content_length="11"), 507, "disk is full")
    assert ask(traffic, UPLOAD, content_length="9")[0] == 200
    full = OSError(errno.ENOSPC, "No space left on device")
    assert_refused(ask(traffic, LIVE, inner=failing(full), content_type=JSON), 507, "full")


def test_stored_pictures_have_a_limit_and_a_missing_folder_is_made(
    traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_STORED_BYTES", 100)
    assert ask(traffic, UPLOAD, content_length="60")[0] == 200
    (traffic.folder / "a.jpg").write_bytes(b"x" * 50)
    assert_refused(ask(traffic, UPLOAD, content_length="60"), 503, "busy")


def test_what_breaks_is_a_sentence_and_is_logged_without_content(
    traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(traffic, API + "file=/secret/ann.jpg", inner=failing(KeyError("ann.jpg")))
    assert_refused(answer, 500, "could not answer")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("KeyError at test_middleware.py:")
    assert "ann" not in line


def test_a_body_that_is_no_text_is_the_senders_fault(
    traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    assert_refused(ask(traffic, API + "cancel", inner=failing(error)), 400, "cannot be read")
    assert not caplog.records


def test_a_refusal_after_the_answer_had_begun_is_no_failure(
    traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    """As gradio does to whoever listens for a session that is not there."""

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: x", "more_body": True})
        raise RuntimeError("response already started") from HTTPException(404)

    status, _, body = ask(traffic, API + "queue/data", inner=late, method="GET")
    assert (status, body) == (200, b"data: x")
    assert not caplog.records


@pytest.mark.parametrize(
    "sent", [b"NaN", b"Infinity", b"-Infinity", b'{"number": NaN}', b'"\\ud800"', b"[1e999]",
             b'{"number": "\\udfff"}', b"null", b"", b"{", b"[" * 5000, b'{"number": 1e400}']
)  # fmt: skip
def test_what_has_not_the_routes_form_is_one_sentence(sent: bytes) -> None:
    app = FastAPI(exception_handlers={RequestValidationError: answer_unreadable})

    @app.post("/")
    def take(number: Annotated[int, Body(embed=True)]) -> int:
        return number

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
            return await client.post("http://a/", content=sent, headers={"content-type": JSON})

    answer = asyncio.run(post())
    assert answer.status_code in (400, 422)
    assert "number" not in answer.text or "ody" in answer.text
    assert answer.json()["detail"]


def test_stopping_refuses_what_is_new_and_waits_for_what_was_begun(traffic: Traffic) -> None:
    let_go, states = threading.Event(), []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(let_go.wait, 10)
        await read_all(scope, receive, send)

    def begin() -> None:
        states.append(ask(traffic, LIVE, inner=slow, content_type=JSON)[0])

    begun = threading.Thread(target=begin)
    begun.start()
    while not traffic.requests:
        time.sleep(0.01)
    assert traffic.drain(0.1) is False
    assert_refused(ask(traffic, LIVE, content_type=JSON), 503, "stopping")
    threading.Timer(0.1, let_go.set).start()
    assert traffic.drain(10, quiet_s=0.05) is True
    begun.join()
    assert states == [200]
    assert ask(traffic, API + "file=/a", method="GET")[0] == 200, "answers can still be fetched"


def test_other_kinds_of_messages_pass(traffic: Traffic) -> None:
    seen: list[Any] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    asyncio.run(RequestFilter(note, traffic)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]
