"""The log names kinds and places, and never quotes what was sent."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gender_demo.web.logs import (
    describe_failure,
    log_failure,
)
from tests.support.paths import ROOT

NOISE = """
import logging, threading, traceback
from gender_demo.web.logs import redact_tracebacks
redact_tracebacks()
def fail():
    raise KeyError("ann.jpg")
try:
    fail()
except KeyError:
    traceback.print_exc()
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
logging.getLogger("python_multipart.multipart").warning("Expected boundary, got ann.jpg")
class Late:
    def __del__(self):
        fail()
Late()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def fail() -> None:
    raise KeyError("ann.jpg")


def test_kind_and_places(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError) as caught:
        fail()
    said = describe_failure(caught.value)
    assert said.startswith("KeyError at test_logs.py:")
    assert " < test_logs.py:" in said
    log_failure(caught.value, "/config")
    assert caplog.records[0].getMessage() == f"{said} in /config"
    assert describe_failure(None) == "NoneType at unknown"


def test_what_others_log_is_kept_short_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOISE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "ann.jpg" not in done.stderr
    assert done.stderr.count("KeyError at <string>:6 < ") == 5
