"""python -m train prepare | fit | evaluate | card | …

Each command is a module of this package with ``add_arguments(parser)`` and ``run(args) -> int``;
only the chosen one is imported. ``run`` raises ``SystemExit(sentence)`` or returns an exit code.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "prepare": "find faces in labelled pictures and cut the crops",
    "pack": "make prepared crops small enough to carry",
    "fit": "train a network on prepared crops",
    "review": "look at the highest losses: keep, relabel or drop",
    "export": "write a checkpoint folder from a training run",
    "evaluate": "measure a checkpoint and write its audit",
    "card": "write a checkpoint's model card from its config and audit",
}
MODULES = {"fit": "engine"}
"""Where the module has another name than the command."""


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
    module = importlib.import_module(f"train.{MODULES.get(command, command)}")
    own = argparse.ArgumentParser(prog=f"python -m train {command}", description=module.__doc__)
    module.add_arguments(own)
    return int(module.run(own.parse_args(arguments[1:])))


if __name__ == "__main__":
    sys.exit(main())
