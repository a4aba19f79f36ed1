"""Two app processes behind nginx with the project's own configuration, on loopback."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import free_port, start_app, stop_app

CONF = Path(__file__).resolve().parent.parent / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is absent: apt-get install nginx-light"
)


@dataclass
class Cluster:
    """nginx's port, and the app processes by the name that they give themselves."""

    port: int
    apps: dict[str, subprocess.Popen[bytes]]

    def ask(self, path: str, cookie: str = "", body: Any = None) -> tuple[int, bytes, str]:
        """Status, body and new cookie of one request through nginx."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "multipart/form-data; boundary=b" if isinstance(body, bytes) else "application/json"
        headers = {"Content-Type": kind} | ({"Cookie": f"faces_node={cookie}"} if cookie else {})
        caller.request("GET" if raw is None else "POST", path, raw, headers)
        answer = caller.getresponse()
        said = answer.read()
        caller.close()
        given = re.search(r"faces_node=(\w+)", answer.getheader("Set-Cookie") or "")
        return answer.status, said, given[1] if given else ""

    def node(self, cookie: str) -> str:
        return str(json.loads(self.ask("/gradio_api/app_id", cookie)[1])["app_id"])

    def frame(self, cookie: str, view: int, number: int, picture: str) -> dict[str, Any]:
        frame = {"viewer": "a" * 32, "frame": number, "at_ms": 40 * number, "picture": picture}
        body = {"data": frame, "component_id": view, "fn_name": "follow_frame", "session_hash": "s"}
        status, said, _ = self.ask("/gradio_api/component_server/", cookie, body)
        assert status == 200, said
        return dict(json.loads(said))

    def annotate(self, cookie: str, picture: bytes) -> list[float]:
        """The first face's box, by upload, call and answer: three requests to one process."""
        form = (
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
            + picture
            + b"\r\n--b--\r\n"
        )
        (path,) = json.loads(self.ask("/gradio_api/upload", cookie, form)[1])
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}]
        called = self.ask("/gradio_api/call/annotate", cookie, {"data": data})[1]
        said = self.ask(f"/gradio_api/call/annotate/{json.loads(called)['event_id']}", cookie)[1]
        assert said.startswith(b"event: complete"), said
        found = json.loads(said.decode().partition("data: ")[2])[1]
        return list(found["predictions"][0]["face"]["box"])


@pytest.fixture(scope="module")
def cluster(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("nginx")
    ports = [free_port(), free_port(), free_port()]
    flags = ("--checkpoint", str(random_checkpoint))
    with ThreadPoolExecutor(2) as threads:
        apps = list(threads.map(lambda p: start_app(p, *flags, log=folder / f"{p}.txt"), ports[:2]))
    text = CONF.read_text().replace("listen 8080", f"listen 127.0.0.1:{ports[2]}")
    for name, port in (("app-1", ports[0]), ("app-2", ports[1])):
        text = text.replace(f"{name}:7860", f"127.0.0.1:{port}")
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        text = text.replace("http {", f"http {{\n{kind}_temp_path {folder}/{kind};", 1)
    (folder / "nginx.conf").write_text(f"pid {folder}/pid;\ndaemon off;\n{text}")
    assert NGINX is not None
    nginx = subprocess.Popen(
        [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error")]
    )
    try:
        named = {}
        for app, port in zip(apps, ports[:2], strict=True):
            direct = Cluster(port, {})
            named[direct.node("")] = app
        made = Cluster(ports[2], named)
        wait_for(made)
        yield made
    finally:
        nginx.terminate()
        nginx.wait()
        for app in apps:
            stop_app(app)


def wait_for(cluster: Cluster) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            cluster.ask("/gradio_api/app_id")
            return
        except ConnectionError:
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.1)


def test_visitors_are_spread_and_stay(cluster: Cluster) -> None:
    status, page, cookie = cluster.ask("/")
    assert status == 200
    assert b"gradio_config" in page
    assert len(cookie) == 32
    assert cluster.ask("/", cookie)[2] == "", "the cookie is given once"
    assert len({cluster.node(cookie) for _ in range(8)}) == 1
    assert len({cluster.node("") for _ in range(8)}) == 1, "programs without cookies stay too"
    assert {cluster.node(f"{n:032x}") for n in range(40)} == set(cluster.apps)


def test_a_viewer_whose_process_is_killed_goes_on(cluster: Cluster, astronaut_path: Path) -> None:
    data = astronaut_path.read_bytes()
    picture = base64.b64encode(data).decode()
    cookie = cluster.ask("/")[2]
    parts = json.loads(cluster.ask("/config", cookie)[1])["components"]
    view = next(part["id"] for part in parts if part["props"].get("elem_id") == "live-view")
    answers = [cluster.frame(cookie, view, number, picture) for number in range(5)]
    assert abs(answers[-1]["marks"][0]["box"][0] - 179) < 15
    assert abs(cluster.annotate(cookie, data)[0] - 179) < 15

    first = cluster.node(cookie)
    cluster.apps[first].kill()
    cluster.apps[first].wait()
    answers = [cluster.frame(cookie, view, number, picture) for number in range(5, 12)]
    assert abs(answers[-1]["marks"][0]["box"][0] - 179) < 15
    assert cluster.node(cookie) != first
    assert abs(cluster.annotate(cookie, data)[0] - 179) < 15
