"""python -m train prepare | fit | evaluate | card | …

Each command is a function of ``flags``, which says what it takes, and a module of this package
with ``run(args) -> int``; only the chosen one is imported. ``run`` raises ``SystemExit(sentence)``
or returns an exit code.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gender_demo.errors import of_machine
from gender_demo.files.names import printable
from train import flags

COMMANDS = {
    "prepare": "find faces in labelled pictures and cut the crops",
    "pack": "make prepared crops small enough to carry",
    "fit": "train a network on prepared crops",
    "crossfit": "train teachers and their student, as the shipped network was",
    "review": "look at the highest losses: keep, relabel or drop",
    "export": "write a checkpoint folder from a training run",
    "evaluate": "measure a checkpoint and write its audit",
    "card": "write a checkpoint's model card from its config and audit",
}
ROOMS = {
    **dict.fromkeys(("prepare", "pack"), "data"),
    "crossfit": "fit/cross_fit",
    **dict.fromkeys(("evaluate", "card"), "measure"),
}
"""The room of a command's module where it is not named like the command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description="\n".join(f"{name:<10}{what}" for name, what in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(arguments[:1]).command
    room = ROOMS.get(command, command)
    module = Path(__file__).parent / room / f"{command}.py"
    about = ast.get_docstring(ast.parse(module.read_text("utf-8")))
    own = argparse.ArgumentParser(prog=f"python -m train {command}", description=about)
    getattr(flags, command)(own)
    given = own.parse_args(arguments[1:])
    flags.check(given)
    return int(importlib.import_module(f"train.{room}.{command}".replace("/", ".")).run(given))


def run_and_leave() -> None:
    """A sentence that refuses ends with exit code 2, as argparse's do."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except SystemExit as ended:
        if not isinstance(ended.code, str):
            raise
        said = ended.code
    except Exception as error:
        found = of_machine(error)
        if found is None:
            raise
        said = found
    print(printable(said), file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    run_and_leave()
