"""Variables of people's machines: none keeps the page from starting, or starts another one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import certifi
import pytest

from app import check_port, parse_flags
from gender_demo.web.environment import clean_environment
from tests.support.client import AppClient, frame
from tests.support.paths import ASTRONAUT, ROOT
from tests.support.server import free_port

NOWHERE = "http://127.0.0.1:9"
COMPANY = {"HTTP_PROXY": NOWHERE, "https_proxy": NOWHERE, "ALL_PROXY": "socks5://127.0.0.1:9",
           "SSL_CERT_FILE": "/gone/cacert.pem"}  # fmt: skip
LEFT_OVER = {"GRADIO_DEBUG": "1", "GRADIO_SHARE": "true", "GRADIO_SSR_MODE": "true",
             "GRADIO_ALLOWED_PATHS": "/", "GRADIO_NUM_PORTS": "x", "GRADIO_MCP_SERVER": "true",
             "GRADIO_TEMP_DIR": "/gone", "GRADIO_WATCH_DIRS": "/", "WEB_CONCURRENCY": "auto",
             "SSLKEYLOGFILE": "/gone/keys", "PYTHONSAFEPATH": "1"}  # fmt: skip
NO_FOLDER = 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$@"'


@pytest.mark.parametrize(
    ("before", "host", "share", "after"),
    [
        ({"HTTP_PROXY": "a", "http_proxy": "b"}, "::1", False, {}),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "b.org"}, "127.0.0.1", False, {"+": "b.org"}),
        ({"all_proxy": "socks5h://a"}, "10.0.0.7", False, {"+": "10.0.0.7"}),
        ({"HTTPS_PROXY": "a"}, "::", True, {"HTTPS_PROXY": "a"}),
        ({"no_proxy": "*"}, "127.0.0.1", False, {"+": "*"}),
        ({"GRADIO_DEBUG": "1", "GRADIO_ANALYTICS_ENABLED": "True"}, "a", False, {}),
        ({"SSL_CERT_FILE": "/gone", "PATH": "/bin"}, "a", False, {"PATH": "/bin"}),
        ({"SSL_CERT_DIR": "/"}, "a", False, {"SSL_CERT_DIR": "/"}),
        ({"SSL_CERT_FILE": "/"}, "a", False, {}),
        ({"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": __file__}, "a", False, {}),
        ({"SSL_CERT_FILE": "a\0b"}, "a", False, {}),
        ({"SSL_CERT_FILE": certifi.where()}, "a", True, {"SSL_CERT_FILE": certifi.where()}),
        ({"SSLKEYLOGFILE": "/gone/keys"}, "a", True, {}),
        ({"SSLKEYLOGFILE": "/dev/null"}, "a", True, {"SSLKEYLOGFILE": "/dev/null"}),
        ({"WEB_CONCURRENCY": "auto"}, "a", False, {}),
        ({"WEB_CONCURRENCY": "-1"}, "a", False, {}),
        ({"LRU_CACHE_CAPACITY": "9"}, "a", False, {"LRU_CACHE_CAPACITY": "9"}),
    ],
)
def test_what_is_left(
    before: dict[str, str], host: str, share: bool, after: dict[str, str]
) -> None:
    left = dict(before)
    clean_environment(host, share=share, environment=left)
    direct = left["no_proxy"].split(",")
    assert left["NO_PROXY"] == left["no_proxy"]
    assert {"localhost", "127.0.0.1", "::1", host, after.pop("+", "::1")} <= set(direct)
    assert len(direct) == len(set(direct))
    ours = ("no_proxy", "GRADIO_ANALYTICS_ENABLED", "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
            "LRU_CACHE_CAPACITY", "NO_PROXY")  # fmt: skip
    assert left["GRADIO_ANALYTICS_ENABLED"] == "False"
    others = {name: left[name] for name in left if name not in ours or name in after}
    assert others == after


@pytest.mark.parametrize(
    ("variables", "flags", "wanted"),
    [
        ({}, [], ("127.0.0.1", 7860, "")),
        ({"SPACE_ID": "ann/faces"}, [], ("0.0.0.0", 7860, "")),
        ({"GRADIO_SERVER_NAME": "", "GRADIO_SERVER_PORT": ""}, [], ("127.0.0.1", 7860, "")),
        ({"GRADIO_SERVER_NAME": "[::]", "GRADIO_SERVER_PORT": "80"}, [], ("::", 80, "")),
        ({"GRADIO_ROOT_PATH": "/faces/"}, ["--host", "[::1]"], ("::1", 7860, "/faces")),
        ({"GRADIO_ROOT_PATH": "/faces"}, ["--root-path", "/"], ("127.0.0.1", 7860, "")),
        ({"GRADIO_SERVER_NAME": " 0:0:0:0:0:0:0:1 "}, ["--port", "81"], ("::1", 81, "")),
        ({}, ["--host", "0::0"], ("::", 7860, "")),
        ({}, ["--host", "*"], ("0.0.0.0", 7860, "")),
        ({}, ["--host", "FE80::1%eth0"], ("fe80::1%eth0", 7860, "")),
        ({}, ["--host", "Box.Example"], ("Box.Example", 7860, "")),
    ],
)
def test_variables_that_give_flags_their_defaults(
    variables: dict[str, str], flags: list[str], wanted: tuple[str, int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_ROOT_PATH", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    read = parse_flags(flags)
    assert (read.host, read.port, read.root_path) == wanted


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.1", None), ("localhost", None),
        ("http://127.0.0.1", "The host 'http://127.0.0.1' is not known"),
        ("127.0.0.1:80", "The host '127.0.0.1:80' is not known"),
        ("[::1", "The host '[::1' is not known"),
        ("x" * 300, "The host 'xxx"), ("a b", "The host 'a b' is not known"), ("\0", "The host '"),
    ],
)  # fmt: skip
def test_hosts_as_people_spell_them(host: str, said: str | None) -> None:
    wrong = check_port(host, free_port())
    assert wrong is None if said is None else str(wrong).startswith(said)


def test_another_machines_address_is_no_matter_of_the_port() -> None:
    wrong = check_port("192.0.2.7", free_port())
    assert str(wrong).endswith("): use --host 127.0.0.1 or 0.0.0.0.")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@contextmanager
def running(
    host: str, checkpoint: Path, variables: dict[str, str], end: signal.Signals = signal.SIGTERM
) -> Iterator[tuple[str, int]]:
    """The printed address and the port, started where the folder is gone; a signal ends it well."""
    port = free_port()
    process = subprocess.Popen(
        ["sh", "-c", NO_FOLDER, "sh", sys.executable, str(ROOT / "app.py"), "--checkpoint",
         str(checkpoint), "--host", host, "--port", str(port), "--operator", "Ann Example",
         "--contact", "ann@example.org"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | variables,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        said = re.match(r"The page is at (http://\S+/) ", process.stdout.readline())
        assert said is not None, process.stderr.read()
        try:
            yield said[1], port
        finally:
            process.send_signal(end)
            assert process.wait(timeout=30) == 0
        assert "Traceback" not in process.stderr.read()


def test_behind_a_companys_proxy_with_a_prefix_and_left_over_variables(
    random_checkpoint: Path,
) -> None:
    variables = COMPANY | LEFT_OVER | {"GRADIO_ROOT_PATH": "/faces"}
    host = "::" if has_ipv6() else "0.0.0.0"
    # Whoever closes the terminal ends it as well as whoever stops it.
    with running(host, random_checkpoint, variables, signal.SIGHUP) as (address, port):
        assert address.endswith(f":{port}/faces/")
        direct = build_opener(ProxyHandler({}))
        for own in ("127.0.0.1", "[::1]") if has_ipv6() else ("127.0.0.1",):
            direct.open(f"http://{own}:{port}/faces/", timeout=60).close()
        with direct.open(address, timeout=60) as page:
            text = page.read().decode()
        assert "Ann Example" in text
        assert "mailto:ann@example.org" in text


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_on_the_ipv6_loopback(random_checkpoint: Path) -> None:
    with running("[::1]", random_checkpoint, {"HTTP_PROXY": NOWHERE}) as (address, port):
        assert address == f"http://[::1]:{port}/"
        with AppClient(port, host="::1") as client:
            answer = client.live(frame(0, ASTRONAUT.read_bytes()))
        assert answer.json()["size"] == [512, 512]


@pytest.mark.parametrize("output", [">&-", "2>&-", ">/dev/full", ">&- 2>&- <&-"])
def test_the_end_is_calm_where_the_output_is_closed_or_full(output: str) -> None:
    code = "import app; print('The page', flush=False); app.leave(3)"
    command = f'"{sys.executable}" -c "{code}" {output}'
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, timeout=60, check=False, env=buffered
    )
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="only there a test sees what is loaded")
def test_who_is_asked_to_stop_while_starting_ends_at_once(
    random_checkpoint: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "app.py", "--checkpoint", str(random_checkpoint),
         "--port", str(free_port())],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    loaded = Path(f"/proc/{process.pid}/maps")
    while process.poll() is None and "libtorch" not in loaded.read_text():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out + err == "", "the page was never up"
    assert list(tmp_path.glob("gender-demo-*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="others do not keep to such limits")
@pytest.mark.parametrize("command", ["app.py --port PORT", f"-m gender_demo predict {ASTRONAUT}"])
def test_too_little_memory_is_one_sentence(command: str) -> None:
    command = command.replace("PORT", str(free_port()))
    limited = f'ulimit -v 600000; OPENBLAS_NUM_THREADS=1 exec "{sys.executable}" {command}'
    done = subprocess.run(
        ["sh", "-c", limited], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    said = done.stderr.decode()
    assert said.startswith("A library cannot be loaded (")
    assert said.endswith("): give it more memory, or run make install again.\n")
    assert said.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "confstr") or "CS_GNU_LIBC_VERSION" not in os.confstr_names,
                    reason="only glibc has heaps for each thread")  # fmt: skip
@pytest.mark.parametrize(("before", "most"), [("", 99), ("share_heaps()", 2)])
def test_threads_share_few_heaps(before: str, most: int, tmp_path: Path) -> None:
    code = (
        "import ctypes, threading\nfrom gender_demo.web.environment import share_heaps\n"
        f"{before}\nbarrier = threading.Barrier(6)\n"
        "def work():\n    barrier.wait(); kept.append(bytearray(90_000)); barrier.wait()\n"
        "kept = []\nthreads = [threading.Thread(target=work) for _ in range(6)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "libc = ctypes.CDLL(None)\nlibc.fopen.restype = ctypes.c_void_p\n"
        f"file = ctypes.c_void_p(libc.fopen({str(tmp_path / 'heaps.xml')!r}.encode(), b'w'))\n"
        "libc.malloc_info(0, file)\nlibc.fclose(file)\n"
    )
    free = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60, env=free)
    heaps = (tmp_path / "heaps.xml").read_text().count("<heap nr=")
    assert heaps <= most
    assert before or heaps > 2
