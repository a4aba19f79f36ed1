"""python -m gender_demo COMMAND: each command is a module of ``gender_demo.cli``."""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gender_demo.cli import (
    deploy,
    explain,
    predict,
    publish,
    video,
)
from gender_demo.cli.codes import (
    DONE,
    NOT_STARTED,
    SOME_FAILED,
)
from gender_demo.errors import GenderDemoError, of_machine
from gender_demo.files.names import printable

COMMANDS = {
    "predict": predict,
    "video": video,
    "explain": explain,
    "deploy": deploy,
    "publish": publish,
}

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    flags = parse_flags(argv)
    speak_utf8()
    try:
        with terminated_as_interrupted():
            return int(flags.run(flags))
    except GenderDemoError as error:
        print(printable(str(error)), file=sys.stderr)
        return NOT_STARTED
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if said := of_machine(error):
            print(printable(said), file=sys.stderr)
            return NOT_STARTED
        if not isinstance(error, OSError) or error.errno not in FULL or error.filename:
            raise
        print(f"What was found cannot be written ({error.strerror}): make room.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM and a closed terminal end it as Ctrl-C does: results so far are whole, and nothing
    half done is left."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}  # none on Windows
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):  # as nohup has it
                signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def speak_utf8() -> None:
    """Results are UTF-8 wherever they go, but for a terminal that knows less; what cannot be
    spelled is escaped, so that one file's name never costs the results of the others. Streams that
    are closed take all and keep nothing."""
    if sys.stdout is None or sys.stderr is None:
        nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def parse_flags(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command and its flags; ``run`` is what is to be called with them."""
    parser = argparse.ArgumentParser(
        "python -m gender_demo",
        description="Say how the faces in pictures may be perceived, or publish page and model.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS.values():
        command.add_command(commands)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
