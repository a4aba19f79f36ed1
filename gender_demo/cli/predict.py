"""python -m gender_demo predict: files and folders -> a table, CSV or JSON, drawn pictures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gender_demo.cli.codes import DONE, SOME_FAILED
from gender_demo.cli.sources import (
    add_model_flags,
    check_model_flags,
    make_folder,
    named_files,
    reason,
)
from gender_demo.errors import UsageError
from gender_demo.files.about import About
from gender_demo.files.analyze import FileResult, analyze_files
from gender_demo.files.export import to_jpeg, write_csv, write_json
from gender_demo.files.names import free_name, name_key, printable
from gender_demo.files.rows import rows

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

TITLES = ("file", "face", "perceived as", "probability", "why unsure, or what is wrong")


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "predict",
        help="say how the faces in pictures may be perceived",
        description="Exit code 0: all done; 1: some files could not be read, or drawn pictures "
        "not be written; 2: not started.",
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
    command.add_argument(
        "--blur-faces", action="store_true", help="hide the faces found in the drawn pictures"
    )
    add_model_flags(command)
    command.set_defaults(run=predict)


def predict(flags: argparse.Namespace) -> int:
    """Analyse all files, print each result as it is done; returns the exit code."""
    check_model_flags(flags)
    if flags.blur_faces and not flags.annotate:
        raise UsageError("--blur-faces is about drawn pictures: say where with --annotate DIR.")
    paths = named_files(flags.sources, "pictures")
    if flags.annotate:
        make_folder(flags.annotate)

    # The heavy import stands behind all that can be wrong with the flags.
    from gender_demo.vision.pipeline import load_pipeline

    pipeline = load_pipeline(flags.checkpoint, flags.device)
    about = About.today(pipeline.checkpoint.config)
    failed: list[str] = []
    drawings = None
    if flags.annotate:
        drawings = Drawings(flags.annotate, paths, about, blur_faces=flags.blur_faces)
    results = analyze(pipeline, paths, drawings, failed)
    if flags.json:
        write_json(results, about, sys.stdout)
    elif flags.csv:
        write_csv(results, about, sys.stdout)
    else:
        print_table(results, max(len(printable(str(path))) for path in paths))
    return SOME_FAILED if failed else DONE


def analyze(
    pipeline: Pipeline, paths: list[Path], drawings: Drawings | None, failed: list[str]
) -> Iterator[FileResult]:
    """Results in the order of ``paths``, drawn but without their pictures; names of files with
    which something went wrong are added to ``failed``."""
    from tqdm import tqdm

    named = [(str(path), path) for path in paths]
    # On a terminal the printed results themselves show how far it is.
    quiet = len(paths) < 2 or sys.stdout.isatty()
    for result in tqdm(
        analyze_files(pipeline, named), total=len(paths), unit="file", disable=quiet
    ):
        note = drawings.write(result) if drawings else None
        if result.error or note:
            failed.append(result.name)
        notes = "; ".join(filter(None, (result.note, note)))
        yield replace(result, picture=None, note=notes or None)


class Drawings:
    """The folder that drawn pictures are written to; no source picture there is written over."""

    def __init__(
        self, folder: Path, sources: Iterable[Path], about: About, *, blur_faces: bool = False
    ) -> None:
        self.folder, self.about, self.blur_faces = folder, about, blur_faces
        here = os.path.realpath(folder)
        found = map(os.path.split, map(os.path.realpath, sources))
        self.taken = {
            name_key(name) for parent, name in found if name_key(parent) == name_key(here)
        }

    def write(self, result: FileResult) -> str | None:
        """Draw one result, if there is anything to draw; what went wrong as a note, or None."""
        from gender_demo.drawing.hide import annotate

        if result.picture is None or result.analysis is None:
            return None
        name = free_name(result.path.name, self.taken)
        self.taken.add(name_key(name))
        try:
            drawn = annotate(result.picture, result.analysis, blur_faces=self.blur_faces)
            (self.folder / name).write_bytes(to_jpeg(drawn, self.about))
        except (OSError, ValueError) as error:
            return f"the drawn picture cannot be written ({reason(error)})"
        return None


def print_table(results: Iterable[FileResult], name_width: int) -> None:
    """Aligned columns, a file's lines at once as soon as it is done."""
    widths = [max(name_width, len(TITLES[0])), *map(len, TITLES[1:-1])]
    print(table_line(TITLES, widths), flush=True)
    for result in results:
        lines = []
        for row in rows(result):
            face = "" if row.face is None else str(row.face)
            cells = (row.file, face, row.label, row.percent, row.remark)
            lines.append(table_line(cells, widths))
        print("\n".join(lines), flush=True)


def table_line(cells: Iterable[str], widths: list[int]) -> str:
    """One line of the table; the last cell is as wide as it is."""
    *narrow, last = map(printable, cells)
    padded = [cell.ljust(width) for cell, width in zip(narrow, widths, strict=True)]
    return "  ".join([*padded, last]).rstrip()
