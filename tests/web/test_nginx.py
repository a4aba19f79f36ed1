"""Two app processes behind nginx with the project's own configuration, on loopback."""

from __future__ import annotations

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

from tests.support.client import AppClient, file_data, frame
from tests.support.paths import ROOT
from tests.support.server import free_port, start_app, stop_app

CONF, PATH_CONF = (ROOT / "deploy" / name for name in ("nginx.conf", "nginx-path.conf"))
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is absent: apt-get install nginx-light"
)


@dataclass
class Cluster:
    """nginx's port, and the app processes by the name that they give themselves."""

    port: int
    apps: dict[str, subprocess.Popen[bytes]]

    def client(self, cookie: str = "") -> AppClient:
        return AppClient(self.port, cookie=f"faces_node={cookie}" if cookie else "", keep=False)

    def ask(self, path: str, cookie: str = "") -> tuple[int, bytes, str]:
        """Status, body and new cookie of one request through nginx."""
        answer = self.client(cookie).ask("GET", path)
        given = re.search(r"faces_node=(\w+)", answer.headers.get("Set-Cookie") or "")
        return answer.status, answer.body, given[1] if given else ""

    def node(self, cookie: str) -> str:
        return str(json.loads(self.ask("/gradio_api/app_id", cookie)[1])["app_id"])

    def follow(self, cookie: str, numbers: range, jpeg: bytes) -> list[Any]:
        """Answers of live frames with these numbers."""
        client = self.client(cookie)
        return [client.live(frame(number, jpeg)).json() for number in numbers]

    def annotate(self, cookie: str, picture: bytes) -> list[float]:
        """The first face's box, by upload, call and answer: three requests to one process."""
        return list(self.client(cookie).annotate(picture)["predictions"][0]["face"]["box"])


@pytest.fixture(scope="module")
def cluster(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("nginx")
    ports = [free_port(), free_port(), free_port()]
    flags = ("--checkpoint", str(random_checkpoint))
    with ThreadPoolExecutor(2) as threads:
        apps = list(threads.map(lambda p: start_app(p, *flags, log=folder / f"{p}.txt"), ports[:2]))
    text = CONF.read_text()
    for name, port in (("app-1", ports[0]), ("app-2", ports[1])):
        text = text.replace(f"{name}:7860", f"127.0.0.1:{port}")
    nginx = start_nginx(text, ports[2], folder)
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


def start_nginx(text: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """nginx with one of our configurations, listening on ``port`` instead of 8080."""
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}")
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        text = text.replace("http {", f"http {{\n{kind}_temp_path {folder}/{kind};", 1)
    (folder / "nginx.conf").write_text(f"pid {folder}/pid;\ndaemon off;\n{text}")
    assert NGINX is not None
    return subprocess.Popen(
        [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error")]
    )


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
    cookie = cluster.ask("/")[2]
    answers = cluster.follow(cookie, range(5), data)
    assert abs(answers[-1]["marks"][0]["box"][0] - 179) < 15
    assert abs(cluster.annotate(cookie, data)[0] - 179) < 15

    first = cluster.node(cookie)
    cluster.apps[first].kill()
    cluster.apps[first].wait()
    answers = cluster.follow(cookie, range(5, 12), data)
    assert abs(answers[-1]["marks"][0]["box"][0] - 179) < 15
    assert cluster.node(cookie) != first
    assert abs(cluster.annotate(cookie, data)[0] - 179) < 15


@pytest.fixture(scope="module")
def under_a_path(
    random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """Ports of two nginx before one app, by what each does with the prefix."""
    folder = tmp_path_factory.mktemp("path")
    flags = ("--checkpoint", str(random_checkpoint), "--root-path", "/faces")
    app_port = free_port()
    app = start_app(app_port, *flags, log=folder / "app.txt")
    text = PATH_CONF.read_text().replace(":7860", f":{app_port}")
    stripping, keeping = re.findall(r"proxy_pass .*?;", text)
    texts = {"strips": text, "keeps": text.replace(stripping, keeping)}
    ports = {way: free_port() for way in texts}
    servers = []
    for way, port in ports.items():
        (folder / way).mkdir()
        servers.append(start_nginx(texts[way], port, folder / way))
    try:
        for port in ports.values():
            wait_for(Cluster(port, {}))
        yield ports
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        stop_app(app)


@pytest.mark.parametrize("way", ["strips", "keeps"])
def test_under_a_path_whatever_the_proxy_does_with_it(
    under_a_path: dict[str, int], way: str, astronaut_path: Path
) -> None:
    client = AppClient(under_a_path[way], prefix="/faces", keep=False)
    page = client.ask("GET", "/").body.decode()
    addresses = set(re.findall(r'(?:src|href)="(\.?/[^"]+\.(?:css|js|json|svg|ico)[^"]*)"', page))
    assert addresses
    for address in addresses | {"/theme.css?v=1", "/manifest.json", "/config"}:
        path = address.removeprefix(".").removeprefix("/faces")
        assert client.ask("GET", path).status == 200, address
    assert client.ask("GET", "/config").json()["root"].endswith(f":{under_a_path[way]}/faces")
    data = astronaut_path.read_bytes()
    assert client.live(frame(0, data, viewer=len(way))).json()["size"] == [512, 512]
    (path,) = client.upload([("a.jpg", data)]).json()
    kind, answer = client.call("annotate", [file_data(path)])
    assert kind == "complete", answer
    drawn = re.sub(r"^http://[^/]+/faces", "", answer[0]["url"])
    assert client.ask("GET", drawn).body.startswith(b"\xff\xd8\xff"), answer[0]["url"]
