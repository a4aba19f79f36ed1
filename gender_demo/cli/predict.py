"""python -m gender_demo predict: files and folders -> a table, CSV or JSON, drawn pictures."""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from gender_demo.cli.codes import DONE, SOME_UNREADABLE
from gender_demo.errors import UsageError
from gender_demo.files.export import (
    FileResult,
    analyze_files,
    annotated_name,
    percent,
    rows,
    to_csv,
    to_json,
)
from gender_demo.vision.pictures import SUFFIXES
from gender_demo.vision.preflight import check_device, check_folder


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "predict",
        help="say how the faces in pictures may be perceived",
        description="Exit code 0: all done; 1: some files could not be read; 2: not started.",
    )
    command.add_argument(
        "sources",
        nargs="+",
        metavar="FILE_OR_FOLDER",
        help="pictures, folders, quoted patterns, or - for a list of files on standard input",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, as JSON")
    form.add_argument("--csv", action="store_true", help="one line per face, as CSV")
    command.add_argument("--annotate", metavar="DIR", type=Path, help="write drawn pictures there")
    command.add_argument("--checkpoint", metavar="DIR", help="default: the shipped one")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    command.set_defaults(run=predict)


def predict(flags: argparse.Namespace) -> int:
    check_folder(flags.checkpoint)
    check_device(flags.device)
    paths = list(dict.fromkeys(find_files(flags.sources)))
    if not any(path.exists() for path in paths):
        raise UsageError(f"No pictures were found in {', '.join(flags.sources)}.")
    if flags.annotate:
        try:
            flags.annotate.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{flags.annotate} cannot be made ({error.strerror}).") from None
    results = list(run(flags, paths))
    if flags.json:
        print(to_json(results))
    elif flags.csv:
        print(to_csv(results), end="")
    else:
        print(to_text(results))
    return SOME_UNREADABLE if any(result.error for result in results) else DONE


def run(flags: argparse.Namespace, paths: list[Path]) -> Iterator[FileResult]:
    """Analyse (and draw) file by file; results come without their pictures."""
    # The heavy imports stand behind all that can be wrong with the flags.
    from tqdm import tqdm

    from gender_demo.vision.pipeline import load_pipeline

    pipeline = load_pipeline(flags.checkpoint, flags.device)
    taken = {path.resolve() for path in paths}
    named = [(str(path), path) for path in paths]
    for result in tqdm(
        analyze_files(pipeline, named), total=len(paths), unit="file", disable=len(paths) < 2
    ):
        if flags.annotate:
            write_annotated(result, flags.annotate, taken)
        yield replace(result, picture=None)


def find_files(sources: Iterable[str]) -> Iterator[Path]:
    """Files as named; pictures below folders; what patterns match; lines of standard input."""
    for source in sources:
        path = Path(source)
        if source == "-":
            yield from (Path(line.rstrip("\n")) for line in sys.stdin if line.strip())
        elif path.is_dir():
            found = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            yield from sorted(file for file in found if file.is_file())
        elif not path.exists() and glob.has_magic(source):
            yield from (Path(match) for match in sorted(glob.glob(source, recursive=True)))
        else:
            yield path  # a missing file gets its sentence with the results


def write_annotated(result: FileResult, folder: Path, taken: set[Path]) -> None:
    """Write the drawn picture under a name that is no source picture's and was not used yet."""
    from gender_demo.drawing.marks import (
        draw,
        marks,
    )

    if result.picture is None or result.analysis is None:
        return
    names = (annotated_name(result.path.name, number) for number in range(1, len(taken) + 2))
    target = next(t for name in names if (t := (folder / name).resolve()) not in taken)
    taken.add(target)
    try:
        draw(result.picture, marks(result.analysis)).save(target, quality=92)
    except OSError as error:
        raise UsageError(f"{target} cannot be written ({error.strerror}).") from None


def to_text(results: Iterable[FileResult]) -> str:
    """All rows as a table of aligned columns."""
    table = [("file", "face", "perceived as", "probability", "why unsure, or what is wrong")]
    for row in (row for result in results for row in rows(result)):
        said = row["reasons"] or row["note"]
        table.append((row["file"], str(row["face"]), row["label"], percent(row), said))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )
