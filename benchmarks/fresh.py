"""What deploy would upload, alone in an empty folder, in a fresh environment: does the page answer?

    python benchmarks/fresh.py

Needs the package index or a full cache. Installs from the staged requirements.txt only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from gender_demo.cli.deploy import prepare
from tests.support.server import free_port

START_S = 300.0


def main() -> int:
    bundle = prepare()
    with tempfile.TemporaryDirectory() as name, bundle.staged() as space:
        environment = Path(name, "environment")
        print(f"staged {len(bundle.files)} files")
        began = time.monotonic()
        uv = [sys.executable, "-m", "uv"]
        python = str(environment / "bin" / "python")
        version = str(bundle.settings["python_version"])
        subprocess.run([*uv, "venv", "-q", "-p", version, str(environment)], check=True)
        install = [*uv, "pip", "install", "-q", "--python", python, "-r", "requirements.txt"]
        subprocess.run(install, cwd=space, check=True)
        print(f"installed in {time.monotonic() - began:.0f} s with Python {version}")
        return start(python, space)


def start(python: str, space: Path) -> int:
    """Start the staged app as Spaces does and ask it for the page; 0 when it answers."""
    port, began = free_port(), time.monotonic()
    app = subprocess.Popen(
        [python, "app.py"],
        cwd=space,
        env={"PATH": os.environ["PATH"], "GRADIO_SERVER_PORT": str(port), "HOME": str(space)},
    )
    direct = build_opener(ProxyHandler({}))
    try:
        while app.poll() is None and time.monotonic() - began < START_S:
            try:
                with direct.open(f"http://127.0.0.1:{port}/", timeout=10) as page:
                    good = b"How might this face be perceived?" in page.read()
                    took = time.monotonic() - began
                    print(f"the page {'answers' if good else 'is wrong'} after {took:.0f} s")
                    return 0 if good else 1
            except URLError:
                time.sleep(0.5)
        print("the page does not answer")
        return 1
    finally:
        app.terminate()
        app.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
