"""hf:USER/MODEL[@revision] with the real client, against a small server like the Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gender_demo.errors import CheckpointError
from gender_demo.vision.hub import CONNECTION, fetch, is_hub_name, origin, variables_told
from tests.support.hub_server import Hub, hub_environment, hub_server
from tests.support.paths import ROOT

FETCH = """
import sys
from gender_demo.errors import CheckpointError
from gender_demo.vision.preflight import check_folder
try:
    print(check_folder(sys.argv[1]))
except CheckpointError as error:
    sys.exit(str(error))
assert "torch" not in sys.modules
"""


@pytest.fixture
def hub(random_checkpoint: Path) -> Iterator[Hub]:
    """With the model ann/faces."""
    with hub_server() as server:
        server.models["ann/faces"] = {
            file.name: file.read_bytes() for file in random_checkpoint.iterdir()
        } | {"evil.py": b"raise SystemExit"}
        yield server


def run(
    hub: Hub, name: str, home: Path, token: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FETCH, name],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=hub_environment(hub, home, token) | more,
    )  # fmt: skip


def fetched(hub: Hub, name: str, home: Path, **more: str) -> Path:
    done = run(hub, name, home, **more)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def refused(hub: Hub, name: str, home: Path, token: str | None = None, **more: str) -> str:
    done = run(hub, name, home, token, **more)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(name)
    return done.stderr


def test_a_model_is_fetched_once_and_then_works_offline(
    hub: Hub, random_checkpoint: Path, tmp_path: Path
) -> None:
    folder = fetched(hub, "hf:ann/faces", tmp_path)
    expected = {file.name: file.read_bytes() for file in random_checkpoint.iterdir()}
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == expected
    assert origin(folder) == f"hf:ann/faces@{hub.oid()[:7]}"

    asked = len(hub.asked)
    assert fetched(hub, f"hf:ann/faces@{hub.oid()}", tmp_path) == folder
    assert len(hub.asked) == asked, "a whole commit needs no question"
    assert fetched(hub, "hf:ann/faces", tmp_path, HF_HUB_OFFLINE="1") == folder
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert fetched(hub, "hf:ann/faces@main", tmp_path, **closed) == folder


def test_a_newer_version_is_fetched_whole(hub: Hub, tmp_path: Path) -> None:
    old = fetched(hub, "hf:ann/faces", tmp_path)
    hub.models["ann/faces"]["README.md"] = b"of the second version"
    hub.commits += 1
    new = fetched(hub, "hf:ann/faces", tmp_path)
    assert (new / "README.md").read_bytes() == b"of the second version"
    assert not (old / "README.md").exists()


def test_weights_that_were_damaged_in_the_cache_are_fetched_again(hub: Hub, tmp_path: Path) -> None:
    folder = fetched(hub, "hf:ann/faces", tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert fetched(hub, "hf:ann/faces", tmp_path) == folder
    assert weights.read_bytes() == hub.models["ann/faces"]["model.safetensors"]


def test_what_cannot_be_fetched_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    said = refused(hub, "hf:ann/none", tmp_path)
    assert "or is private: check the name, or run `hf auth login`" in said
    assert "is no revision of that model" in refused(hub, "hf:ann/faces@v9", tmp_path)
    hub.models["ann/bert"] = {"model.safetensors": b""}
    assert "does not hold config.json and model" in refused(hub, "hf:ann/bert", tmp_path)
    hub.models["ann/bert"]["config.json"] = b'{"architectures": ["BertModel"]}'
    hub.commits += 1
    assert "states no classes or no hash" in refused(hub, "hf:ann/bert", tmp_path)
    assert not any(line.startswith("GET /ann/bert/resolve/") and "safetensors" in line
                   for line in hub.asked)  # fmt: skip
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert "was not fetched before, and http://127.0.0.1:9 cannot be reached" in refused(
        hub, "hf:ann/faces", tmp_path, **closed
    )
    (tmp_path / "file").write_text("in the way")
    said = refused(hub, "hf:ann/faces", tmp_path / "file")
    assert "cannot be kept (Not a directory)" in said


def test_a_wrong_hash_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.models["ann/faces"]["model.safetensors"] += b"!"
    done = run(hub, "hf:ann/faces", tmp_path)
    assert done.stderr == (
        f"model.safetensors of hf:ann/faces@{hub.oid()[:7]} does not match the hash in its "
        "config.json: ask its owner to mend it, or name another revision with @.\n"
    )


def test_a_private_model_needs_a_token(hub: Hub, tmp_path: Path) -> None:
    hub.private.add("ann/faces")
    assert "or is private" in refused(hub, "hf:ann/faces", tmp_path)
    assert "or is private" in refused(hub, "hf:ann/faces", tmp_path, "hf_wrong")
    assert run(hub, "hf:ann/faces", tmp_path, "hf_" + "t" * 34).returncode == 0


@pytest.mark.parametrize("name", ["hf:", "hf:a", "hf:a/b/c", "hf:a/b@", "hf:a/b@x y", "hf:../b"])
def test_what_is_no_name_is_refused_unasked(name: str) -> None:
    assert is_hub_name(name)
    with pytest.raises(CheckpointError, match=r"names no model: give it as hf:USER/MODEL"):
        fetch(name)


def test_the_origin_of_a_folder_is_its_name(tmp_path: Path) -> None:
    assert origin(tmp_path / "mine") == "mine"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"SSL_CERT_FILE": "/gone/cacert.pem"},
            r"\(.*No such file.*\): mend or unset SSL_CERT_FILE",
        ),
        ({"SSL_CERT_FILE": "/dev/null"}, "no certificate or crl found.*: mend or unset SSL_CERT_F"),
        ({"SSLKEYLOGFILE": "/gone/keys"}, "No such file.*: mend or unset SSLKEYLOGFILE"),
        ({"ALL_PROXY": "socks5://127.0.0.1:9"}, "SOCKS proxy.*: mend or unset ALL_PROXY"),
        ({"https_proxy": "http://ann:secret@proxy:many"}, "Invalid port.*: mend or unset https_"),
        ({"HTTP_PROXY": "gopher://proxy"}, "mend or unset HTTP_PROXY"),
        ({"NO_PROXY": "[::1", "HTTP_PROXY": "a:1"}, "mend or unset HTTP_PROXY or NO_PROXY"),
        ({"HF_TOKEN": "hf_\u00fc"}, "The token has letters that no token of the Hub has"),
    ],
)
def test_variables_that_the_client_cannot_use(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*os.environ]:
        if name.upper() in CONNECTION:
            monkeypatch.delenv(name)
    with pytest.raises(OSError, match=r"^x$"), variables_told(CheckpointError):
        raise OSError("x")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CheckpointError, match=said) as caught, variables_told(CheckpointError):
        raise OSError("x")
    assert "secret" not in str(caught.value)
    with pytest.raises(CheckpointError, match=r"^own$"), variables_told(CheckpointError):
        raise CheckpointError("own")
