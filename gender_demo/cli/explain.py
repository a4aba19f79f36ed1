"""python -m gender_demo explain: files -> what each guess rests on and how steady it is."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
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
from gender_demo.errors import PictureError, UsageError
from gender_demo.files.names import free_name, name_key, printable
from gender_demo.label_words import certainty

if TYPE_CHECKING:
    from gender_demo.explain.explain import Explanation
    from gender_demo.vision.pipeline import Pipeline


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "explain",
        help="say what the guess about a face rests on, and how steady it is",
        description="Covers parts of each face and changes its light, sharpness, size and cut.",
    )
    command.add_argument("sources", nargs="+", metavar="FILE", help="pictures, folders, patterns")
    command.add_argument("--json", action="store_true", help="everything, as JSON")
    command.add_argument("--out", metavar="DIR", type=Path, help="write a PNG for each face there")
    command.add_argument("--faces", metavar="N", type=int, default=4, help="the N largest (4)")
    add_model_flags(command)
    command.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Explain the faces of all files; returns the exit code."""
    check_model_flags(flags)
    if flags.faces < 1:
        raise UsageError(f"--faces {flags.faces}: give a number from 1 up.")
    paths = named_files(flags.sources, "pictures")
    if flags.out:
        make_folder(flags.out)
    from gender_demo.explain.explain import CAVEAT
    from gender_demo.vision.pipeline import load_pipeline

    pipeline = load_pipeline(flags.checkpoint, flags.device)
    results: list[dict[str, object]] = []
    failed, taken = False, set[str]()
    try:
        for path in paths:
            try:
                results += explain_file(pipeline, path, flags, taken)
            except PictureError as error:
                failed = True
                print(printable(str(error)), file=sys.stderr)
            except OSError as error:
                if not error.filename:  # where the results go
                    raise
                failed = True
                said = f"{error.filename} cannot be written ({reason(error)})."
                print(printable(said), file=sys.stderr)
    finally:  # what was found is told when the rest cannot be done, too
        if flags.json:
            print(json.dumps({"model": pipeline.checkpoint.config.name, "caveat": CAVEAT,
                              "faces": results}, indent=1, ensure_ascii=False))  # fmt: skip
        else:
            print(textwrap.fill(CAVEAT, 100))
    return SOME_FAILED if failed else DONE


def explain_file(
    pipeline: Pipeline, path: Path, flags: argparse.Namespace, taken: set[str]
) -> list[dict[str, object]]:
    """Print what is said of the faces of one file, or return it for ``--json``."""
    from gender_demo.explain.explain import explain
    from gender_demo.explain.sheet import draw_sheet
    from gender_demo.vision.pictures import open_picture

    picture, results = open_picture(path), []
    faces = pipeline.find([picture])[0][: flags.faces]
    if not faces and not flags.json:
        print(f"{printable(str(path))}: no face was found\n")
    for number, face in enumerate(faces, start=1):
        explained = explain(pipeline, picture, face)
        results.append({"file": str(path), "face": number, "box": list(face.box)}
                    | explained.to_json())  # fmt: skip
        if not flags.json:
            print_explanation(f"{printable(str(path))}, face {number}", explained)
        if flags.out:
            name = free_name(path.name, taken, f"face{number}.png")
            taken.add(name_key(name))
            draw_sheet(explained).save(flags.out / name)
    return results


def print_explanation(title: str, explained: Explanation) -> None:
    """A title, two sentences and the table."""
    from gender_demo.explain.explain import reasons_in_words

    print(f"{title}\n{explained.sentence}\n{explained.steady}\n")
    print(f"{'the same face':<24}{'perceived as':<14}{'probability':<13}why unsure")
    for one in explained.variants:
        cells = f"{one.name:<24}{one.label or '':<14}{certainty(one.probability):<13}"
        print((cells + reasons_in_words(one)).rstrip())
    print(flush=True)
