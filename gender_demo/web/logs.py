"""What the log says about a failure: its kind and the lines of code, never what was sent.

Python's own report quotes the message, and messages quote file names and other input.
"""

from __future__ import annotations

import errno
import logging
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

FRAMES = 4


def describe_failure(error: BaseException | None) -> str:
    """ "KeyError at b.py:7 < a.py:3": the innermost lines of code first."""
    at, places = error.__traceback__ if error else None, []
    while at is not None:
        places.append(f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}")
        at = at.tb_next
    return f"{type(error).__name__} at {' < '.join(places[: -FRAMES - 1 : -1]) or 'unknown'}"


def log_failure(error: BaseException | None, where: str) -> None:
    """One line in the log; ``where`` is a route or part of the program, never what was sent."""
    logging.getLogger(__name__).error("%s in %s", describe_failure(error), where)


def redact_tracebacks() -> None:
    """Make gradio, uvicorn, asyncio and Python itself log failures in this way too, in this
    process for good."""

    def format_exception(_: logging.Formatter, info: Any) -> str:
        return describe_failure(info[1])

    def print_exc(*_: Any, **__: Any) -> None:
        log_failure(sys.exc_info()[1], "gradio")

    # Of each request that is no good form it would quote a byte.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    logging.Formatter.formatException = format_exception  # type: ignore[assignment,method-assign]
    traceback.print_exc = print_exc
    sys.excepthook = lambda _, error, __: log_failure(error, "the program")
    threading.excepthook = lambda args: log_failure(args.exc_value, "a thread")
    sys.unraisablehook = lambda args: log_failure(args.exc_value, "tidying up")


def is_disk_trouble(error: BaseException) -> bool:
    """Whether a disk is full or may not be written to."""
    full = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EIO)
    return isinstance(error, OSError) and error.errno in full
