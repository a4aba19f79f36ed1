"""app.py as a process: it serves, guards, ends well; wrong flags get one sentence."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
from tests.support.clips import make_clip, read_clip
from tests.support.detail import detail
from tests.support.paths import ROOT
from tests.support.server import free_port

DIRECT = build_opener(ProxyHandler({}))
ANN = ("ann", "secret")
NOWHERE = "http://127.0.0.1:9"
OFFLINE = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "ALL_PROXY": NOWHERE,
           "http_proxy": NOWHERE, "https_proxy": NOWHERE, "NO_PROXY": "127.0.0.1",
           "no_proxy": "127.0.0.1"}  # fmt: skip


def run(*flags: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *map(str, flags)],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def assert_one_sentence(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert said in last, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--port", "0"], "'0' is not a port"),
        (["--port", "many"], "'many' is not a port"),
        (["--port", "٨٠"], "'٨٠' is not a port"),
        (["--root-path", "faces"], "'faces' is not a path: give one such as /faces"),
        (["--root-path", "/a b"], "'/a b' is not a path"),
        (["--root-path", "/../x?"], "'/../x?' is not a path"),
        (["--root-path", "https://a.org/x"], "is not a path: give one such as /faces"),
        (["--host", "x" * 300], "is not known: use --host"),
        (["--host", "a..b"], "The host 'a..b' is not known"),
        (["--host", "1.2.3.4"], "on 1.2.3.4 cannot be used"),
        (["--host", "2001:db8::1"], "on 2001:db8::1 cannot be used"),
        (["--share-server", "here"], "'here' is not a server: give it as HOST:PORT"),
        (["--share-server", "here:x"], "'x' is not a port"),
        (["--share"], "A public page says who runs it: give --operator NAME and --contact URL"),
        (["--operator", "Ann"], "Give both, --operator NAME and --contact URL, or neither"),
        (["--operator", "Ann", "--contact", "somewhere"], "'somewhere' is no way to reach anybody"),
        (["--auth", "nocolon"], "give a user and a password with a colon between them"),
        (["--auth", ":"], "give a user and a password with a colon between them"),
        (["--host", "no.such.host.invalid"], "The host 'no.such.host.invalid' is not known"),
    ],
)
def test_wrong_flags(flags: list[str], said: str) -> None:
    assert_one_sentence(run(*flags), said)


def test_a_variable_names_the_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENDER_DEMO_CHECKPOINT", "checkpoints/mine")
    assert app.parse_flags([]).checkpoint == "checkpoints/mine"
    assert app.parse_flags(["--checkpoint", "other"]).checkpoint == "other"


def test_a_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_one_sentence(run("--port", port), f"Port {port} on 127.0.0.1 cannot be used")


def test_a_missing_checkpoint(tmp_path: Path) -> None:
    done = run("--checkpoint", tmp_path / "none", "--port", str(free_port()))
    assert_one_sentence(done, "There is no checkpoint folder at")


def test_a_damaged_checkpoint(tmp_path: Path, random_checkpoint: Path) -> None:
    for file in random_checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    done = run("--checkpoint", tmp_path, "--port", str(free_port()))
    assert_one_sentence(done, "does not match the hash")


def test_an_unknown_device(random_checkpoint: Path) -> None:
    done = run("--checkpoint", random_checkpoint, "--device", "abacus", "--port", str(free_port()))
    assert_one_sentence(done, "The device 'abacus' is not known")


def test_no_place_for_pictures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> str:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    assert app.main(["--port", str(free_port())]) == 2
    assert capsys.readouterr().err == (
        "There is no place for temporary files (Read-only file system): make room, or let TMPDIR "
        "name a folder that can be written to.\n"
    )


@pytest.fixture(scope="module")
def url(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app behind a password, asked for a link where there is no internet; it ends well."""
    temp, port = tmp_path_factory.mktemp("temp"), free_port()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--checkpoint", str(random_checkpoint), "--port", str(port),
         "--auth", ":".join(ANN), "--share", "--no-operator"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | OFFLINE | {"TMPDIR": str(temp)},
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        assert process.stdout.readline().startswith("There is no public link: ")
        yield f"http://127.0.0.1:{port}/"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == "", "the log says nothing about visitors"
    assert not list(temp.glob("gender-demo-*")), "pictures are gone with the process"


@pytest.fixture(scope="module")
def client(url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(url, auth=ANN, verbose=False, download_files=tmp_path_factory.mktemp("fetched"))


def every_route() -> list[tuple[str, str]]:
    """(method, path) of all that gradio would answer, with x for each part that varies."""

    def walk(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
        for route in routes:
            if included := getattr(route, "original_router", None):
                yield from walk(included.routes)
            for method in getattr(route, "methods", None) or ():
                yield method, re.sub(r"\{[^}]*\}", "x", route.path)

    async def inside() -> list[tuple[str, str]]:
        return sorted(walk(gr.Blocks(analytics_enabled=False).app.routes))

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, inside()).result()


def test_the_password_guards_every_route(url: str) -> None:
    """Without it: 401, or nothing is there, or it is part of the form that asks for it."""
    routes = every_route()
    live = "/gradio_api/component_server/"
    assert {("POST", live), ("GET", "/config"), ("POST", "/gradio_api/upload")} <= set(routes)
    form = ("/login", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt",
            "/gradio_api/theme.css")  # fmt: skip
    certainly = ("/", live, "/config", "/gradio_api/upload", "/gradio_api/queue/join")
    for method, path in routes:
        said = status(url.rstrip("/") + path, method)
        assert said in (401, 404) or path in form, f"{method} {path}: {said}"
        assert said == 401 or path not in certainly, f"{method} {path}: {said}"


def status(address: str, method: str) -> int:
    ask = Request(address, b"{}" if method == "POST" else None, method=method)
    ask.add_header("Content-Type", "application/json")
    try:
        with DIRECT.open(ask, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as refused:
        refused.close()
        return refused.code


def test_the_form_that_asks_for_the_password_is_shown(url: str) -> None:
    with pytest.raises(HTTPError) as caught:
        DIRECT.open(url, timeout=60)
    with caught.value as page:
        assert b"auth_required" in page.read()
        assert "camera=(self)" in page.headers["permissions-policy"]


def test_annotate_route(client: Client, astronaut_path: Path) -> None:
    path, analysis = client.predict(handle_file(str(astronaut_path)), api_name="/annotate")
    with Image.open(path) as drawn:
        assert drawn.size == (512, 512)
    assert analysis["size"] == [512, 512]
    (prediction,) = analysis["predictions"]
    assert prediction["probabilities"][0][0] == "female"
    assert abs(prediction["face"]["box"][0] - 179) < 15


def test_photos_route(client: Client, astronaut_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no")
    gallery, table, csv_path, json_path, zip_path = client.predict(
        [handle_file(str(astronaut_path)), handle_file(str(broken))], api_name="/photos"
    )
    assert len(gallery) == 1
    assert table["headers"] == ["File", "Face", "Perceived as", "Probability", "Reasons", "Box"]
    assert table["data"][0][0] == "astronaut.jpg"
    assert table["data"][-1][4].startswith("broken.jpg is not a picture")
    assert Path(csv_path).read_text().startswith("file,face,perceived as,probability,reasons,")
    assert len(json.loads(Path(json_path).read_text())) == 2
    assert Path(zip_path).stat().st_size > 10_000


def test_video_route(client: Client, tmp_path: Path) -> None:
    clip = handle_file(str(make_clip(tmp_path / "clip.mp4")))
    paths = client.predict(clip, api_name="/video")
    hidden = client.predict(clip, blur_faces=True, api_name="/video")
    assert [Path(path).suffix for path in paths] == [".mp4", ".csv", ".json", ".jpg"]
    assert json.loads(Path(paths[2]).read_text())["file"] == "clip.mp4"
    seen, not_seen = (read_clip(Path(each[0]))[0][5][1] for each in (paths, hidden))
    assert detail(seen, (105, 65, 155, 140)) > 100
    assert detail(not_seen, (105, 65, 155, 140)) == 0
    with pytest.raises(AppError, match=r"^README\.md is not a video of a known kind"):
        client.predict(handle_file(str(ROOT / "README.md")), api_name="/video")


def test_a_bad_picture_reaches_the_client_as_one_sentence(client: Client, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(AppError, match=r"^empty\.png is empty\.$"):
        client.predict(handle_file(str(tmp_path / "empty.png")), api_name="/annotate")
