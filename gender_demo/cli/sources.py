"""What commands that read files share: their flags, the files that are named, where they write."""

from __future__ import annotations

import argparse
import codecs
import glob
import os
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from gender_demo.errors import UsageError
from gender_demo.files.ignored import is_ignored
from gender_demo.files.names import from_address
from gender_demo.sensitive import FLAG, FLAG_HELP
from gender_demo.vision.pictures import SUFFIXES
from gender_demo.vision.preflight import CHECKPOINT_HELP, check_device, check_folder, check_labels

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def add_model_flags(command: argparse.ArgumentParser) -> None:
    """Which model, and where it runs."""
    command.add_argument("--checkpoint", metavar="DIR", help=CHECKPOINT_HELP)
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    command.add_argument(FLAG, action="store_true", help=FLAG_HELP)


def check_model_flags(flags: argparse.Namespace) -> None:
    """``flags.checkpoint`` becomes its folder; UsageError or CheckpointError where one is wrong."""
    flags.checkpoint = check_folder(flags.checkpoint)
    check_labels(flags.checkpoint, allowed=flags.allow_sensitive_labels)
    check_device(flags.device)


def named_files(
    sources: Sequence[str], what: str, suffixes: Collection[str] = SUFFIXES
) -> list[Path]:
    """What ``find_files`` finds, each once; UsageError where there is none of ``what``."""
    paths = list(dict.fromkeys(find_files(sources, suffixes)))
    if not any(os.path.exists(path) for path in paths):
        raise UsageError(f"No {what} were found in {', '.join(sources)}.")
    return paths


def make_folder(folder: Path) -> None:
    """UsageError where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} cannot be made ({reason(error)}).") from None


def reason(error: OSError | ValueError) -> str:
    """Why a file cannot be written; a ValueError: a name that cannot be spelled there."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it has no such name"


def find_files(sources: Iterable[str], suffixes: Collection[str] = SUFFIXES) -> Iterator[Path]:
    """Files as named; those with ``suffixes`` below folders; what patterns match; ``-``: a list on
    standard input, as ``read_list`` takes it."""
    for source in sources:
        # os.path, unlike Path, takes names that are too long for what does not exist.
        if source == "-":
            yield from map(Path, read_list(_standard_input()))
        elif os.path.isdir(source):
            yield from sorted(_below(source, suffixes))
        elif not os.path.exists(source) and glob.has_magic(source):
            yield from (Path(match) for match in sorted(glob.glob(source, recursive=True)))
        else:
            yield Path(source)  # a missing file gets its sentence with the results


def _below(folder: str, suffixes: Collection[str]) -> Iterator[Path]:
    """Files in a folder and all below, not through links, and folders that may not be listed, so
    that they get their sentence with the results. What is deleted meanwhile is passed over."""
    unlisted: list[OSError] = []
    for where, inner, names in os.walk(folder, onerror=unlisted.append):
        inner[:] = [name for name in inner if not is_ignored(name)]
        for name in names:
            path = Path(where, name)
            if path.suffix.lower() in suffixes and not is_ignored(name) and path.is_file():
                yield path
    yield from (
        Path(error.filename) for error in unlisted if not isinstance(error, FileNotFoundError)
    )


def read_list(data: bytes) -> Iterator[str]:
    """File names from a list: one a line, or between NULs as ``find -print0`` writes them; in the
    file system's encoding, UTF-8 or UTF-16 with a byte order mark, or Windows' Western one."""
    if data.startswith(UTF_16):
        # Written by Windows: what cannot be decoded is no file's name anyway.
        data = data.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    lines = data.split(b"\0") if b"\0" in data else data.split(b"\n")
    yield from (_existing(line) for line in lines if line.strip())


def _existing(line: bytes) -> str:
    """The reading of a line that is a file's name; its first reading where none is. Windows' dir
    writes in a console's encoding, programs put quotes around, macOS takes accents apart."""
    bare = line.removesuffix(b"\r")
    name = os.fsdecode(bare)
    plain = name.strip().strip("\"'")
    readings = [
        *(name, bare.decode("cp1252", errors="replace"), bare.decode("cp850", errors="replace")),
        *(os.fsdecode(line), plain, from_address(plain)),
        *(unicodedata.normalize(form, plain) for form in ("NFC", "NFD")),
    ]
    return next((name for name in readings if os.path.exists(name)), readings[0])


def _standard_input() -> bytes:
    raw = getattr(sys.stdin, "buffer", None)  # absent where a program has put text in its place
    try:
        return bytes(raw.read()) if raw else sys.stdin.read().encode()
    except (OSError, ValueError, AttributeError):  # a folder; closed; None where it always was
        raise UsageError(
            "Standard input cannot be read: give it a list of files, or name them."
        ) from None
