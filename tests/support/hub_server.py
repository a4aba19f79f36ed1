"""A small server that speaks the Hub's endpoints for Spaces and models; keeps what it gets."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "hf_" + "t" * 34


@dataclass
class Hub:
    """Spaces and models by name, each {path: bytes}; which are private; what was asked; the stages
    that a build goes through. Of a model there is one commit, ``oid()``, named main."""

    spaces: dict[str, dict[str, bytes]] = field(default_factory=dict)
    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    stages: list[str] = field(default_factory=lambda: ["BUILDING", "APP_STARTING", "RUNNING"])
    created: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    step: int = 0
    url: str = ""

    def oid(self) -> str:
        return f"{self.commits:040x}"


def hub_environment(hub: Hub, home: Path, token: str | None = TOKEN) -> dict[str, str]:
    """This process's environment, but with that Hub, and a cache of its own in ``home``."""
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1",
           "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "*"}  # fmt: skip
    base = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return base | own | ({"HF_TOKEN": token} if token else {})


@contextmanager
def hub_server() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, hub)

        do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hub
        server.shutdown()


def answer(handler: BaseHTTPRequestHandler, hub: Hub) -> None:
    body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
    path = handler.path.split("?")[0]
    hub.asked.append(f"{handler.command} {path}")
    granted = handler.headers.get("authorization") == f"Bearer {TOKEN}"
    if path.startswith("/objects/"):  # an address of the storage: no token is sent there
        hub.objects[path.rpartition("/")[2]] = body
        return reply(handler, 200, {})
    if path.split("/")[3:4] == ["resolve"]:
        return send_file(handler, path, hub, granted=granted)
    if not granted:
        return reply(handler, 401, {"error": "Invalid credentials in Authorization header"})
    code, said = route(handler.command, path, body, hub)
    return reply(handler, code, said)


def send_file(handler: BaseHTTPRequestHandler, path: str, hub: Hub, *, granted: bool) -> None:
    """/USER/MODEL/resolve/REVISION/FILE, as the Hub answers it."""
    _, user, model, _, revision, file = path.split("/")
    name = f"{user}/{model}"
    missing = ""
    if name not in hub.models or (name in hub.private and not granted):
        missing = "RepoNotFound"
    elif revision not in ("main", hub.oid()):
        missing = "RevisionNotFound"
    elif file not in hub.models[name]:
        missing = "EntryNotFound"
    if missing:
        # The Hub does not tell strangers which private models there are.
        return reply(handler, 401 if missing == "RepoNotFound" and not granted else 404,
                     {"error": missing}, missing, hub.oid())  # fmt: skip
    data = hub.models[name][file]
    handler.send_response(200)
    handler.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
    handler.send_header("X-Repo-Commit", hub.oid())
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(data)


def reply(
    handler: BaseHTTPRequestHandler,
    code: int,
    said: Any,
    error: str = "RepoNotFound",
    commit: str = "",
) -> None:
    raw = json.dumps(said).encode()
    handler.send_response(code)
    if code == 404 or commit:
        handler.send_header("X-Error-Code", error)
        handler.send_header("X-Repo-Commit", commit)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw if handler.command != "HEAD" else b"")


def route(method: str, path: str, body: bytes, hub: Hub) -> tuple[int, Any]:
    if path == "/api/whoami-v2":
        return 200, {"name": "ann", "type": "user"}
    if path == "/api/validate-yaml":
        return 200, {"errors": [], "warnings": []}
    if path == "/api/repos/create":
        wanted = json.loads(body)
        hub.created.append(wanted)
        name = f"{wanted['organization'] or 'ann'}/{wanted['name']}"
        space = wanted.get("type") == "space"
        (hub.spaces if space else hub.models)[name] = {".gitattributes": b""}
        if "private" in (wanted.get("visibility"), wanted.get("private") and "private"):
            hub.private.add(name)
        return 200, {"url": f"{hub.url}/{'spaces/' * space}{name}"}
    if path.endswith(".git/info/lfs/objects/batch"):
        objects = json.loads(body)["objects"]
        return 200, {"transfer": "basic", "objects": [
            {**one, "actions": {"upload": {"href": f"{hub.url}/objects/{one['oid']}"}}}
            for one in objects
        ]}  # fmt: skip
    kind, *parts = path.removeprefix("/api/").split("/")
    name, rest = "/".join(parts[:2]), parts[2:]
    repositories = {"spaces": hub.spaces, "models": hub.models}.get(kind, {})
    if name not in repositories:
        return 404, {"error": "Repository not found"}
    return about_repository(name, rest, body, hub, repositories[name])


def about_repository(
    name: str, rest: list[str], body: bytes, hub: Hub, files: dict[str, bytes]
) -> tuple[int, Any]:
    kind = rest[0] if rest else ""
    if kind == "runtime":
        stage = hub.stages[min(hub.step, len(hub.stages) - 1)]
        hub.step += 1
        running = {"stage": stage, "hardware": {"current": None, "requested": "cpu-basic"}}
        return 200, running | {"sha": hub.oid(), "errorMessage": "no such package"}
    if kind == "preupload":
        wanted = json.loads(body)["files"]
        large = (".safetensors", ".jpg")
        return 200, {"files": [
            {"path": one["path"], "shouldIgnore": False,
             "uploadMode": "lfs" if one["path"].endswith(large) else "regular"}
            for one in wanted
        ]}  # fmt: skip
    if kind == "commit":
        return commit(files, body, hub)
    if kind == "tree":
        return 200, [
            {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for path, data in files.items()
        ]
    return about_settings(name, kind, body, hub, files)


def about_settings(
    name: str, kind: str, body: bytes, hub: Hub, files: dict[str, bytes]
) -> tuple[int, Any]:
    if kind == "variables":
        told = json.loads(body or b"{}")
        if "value" in told:
            hub.variables[told["key"]] = told["value"]
        elif told:  # DELETE
            del hub.variables[told["key"]]
        return 200, {key: {"value": value} for key, value in hub.variables.items()}
    if kind in ("settings", "hardware"):
        if json.loads(body).get("visibility") == "private":
            hub.private.add(name)
        return 200, {"stage": "RUNNING", "hardware": {"current": None, "requested": None}}
    siblings = [{"rfilename": path} for path in files]
    return 200, {"id": name, "sha": hub.oid(), "siblings": siblings, "private": False}


def commit(files: dict[str, bytes], body: bytes, hub: Hub) -> tuple[int, Any]:
    for line in map(json.loads, body.splitlines()):
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            files[value["path"]] = hub.objects[value["oid"]]
        elif line["key"] == "deletedFile":
            del files[value["path"]]
    hub.commits, hub.step = hub.commits + 1, 0
    url = f"{hub.url}/spaces/ann/faces/commit/{hub.oid()}"
    return 200, {"commitUrl": url, "commitOid": hub.oid(), "success": True}
