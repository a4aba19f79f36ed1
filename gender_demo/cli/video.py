"""python -m gender_demo video: files -> annotated videos, tables of tracks, contact sheets."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gender_demo.cli.codes import DONE, SOME_FAILED
from gender_demo.cli.sources import add_model_flags, check_model_flags, named_files, reason
from gender_demo.errors import UsageError, VideoError
from gender_demo.files.names import free_name, name_key, printable

if TYPE_CHECKING:
    from gender_demo.video.annotate import VideoResult
    from gender_demo.vision.pipeline import Pipeline

TITLES = ("track", "seconds", "perceived as", "labelled", "unsure, and why")
WIDTHS = (5, 13, 12, 8)
STOPPED = 130


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "video",
        help="say how the faces in videos may be perceived",
        description="Writes for each video an annotated one with its sound, a CSV and a JSON of "
        "the faces followed, and a contact sheet. Exit code 0: all done; 1: some could not be "
        "read or written; 2: not started; 130: stopped, and nothing of a video half done is kept.",
    )
    command.add_argument(
        "sources", nargs="+", metavar="FILE", help="videos, folders, quoted patterns, or -"
    )
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="write there")
    command.add_argument(
        "--blur-faces", action="store_true", help="hide the faces found, for good; sound stays"
    )
    add_model_flags(command)
    command.set_defaults(run=video)


def video(flags: argparse.Namespace) -> int:
    """Annotate all videos, print each one's tracks as it is done; returns the exit code."""
    from gender_demo.video.source import SUFFIXES

    check_model_flags(flags)
    paths = named_files(flags.sources, "videos", SUFFIXES)
    try:
        flags.out.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=flags.out))
    except (OSError, ValueError) as error:
        raise UsageError(f"{flags.out} cannot be written to ({reason(error)}).") from None
    try:
        return _annotate_all(flags, paths, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _annotate_all(flags: argparse.Namespace, paths: list[Path], scratch: Path) -> int:
    # The heavy import stands behind all that can be wrong with the flags.
    from gender_demo.video.annotate import annotate_video
    from gender_demo.vision.pipeline import load_pipeline

    pipeline: Pipeline = load_pipeline(flags.checkpoint, flags.device)
    taken, failed = _names_in(flags.out, paths), 0
    for path in paths:
        stem = free_name(path.name, taken).removesuffix(".jpg")
        taken.add(name_key(f"{stem}.jpg"))
        shown = printable(str(path))
        try:
            with _progress(path.name) as report:
                done = annotate_video(
                    pipeline, path, scratch / stem, blur_faces=flags.blur_faces, report=report
                )
            _move(done.paths, flags.out)
        except VideoError as error:
            failed += 1
            print(f"{shown}: {printable(str(error))}", flush=True)
        except KeyboardInterrupt:
            print(f"Stopped: nothing of {shown} was kept.", file=sys.stderr)
            return STOPPED
        else:
            _print_tracks(shown, done)
    return SOME_FAILED if failed else DONE


def _names_in(folder: Path, sources: Iterable[Path]) -> set[str]:
    """Names that no result may get, since a source in that folder has them."""
    here = os.path.realpath(folder)
    found = (os.path.split(os.path.realpath(source)) for source in sources)
    return {
        name_key(f"{Path(name).stem}.jpg")
        for parent, name in found
        if name_key(parent) == name_key(here)
    }


def _move(paths: Iterable[Path], folder: Path) -> None:
    for path in paths:
        try:
            os.replace(path, folder / path.name)
        except OSError as error:
            raise VideoError(f"{path.name} cannot be written ({error.strerror}).") from None


def _print_tracks(shown: str, done: VideoResult) -> None:
    found = f"{len(done.tracks)} face{'' if len(done.tracks) == 1 else 's'} followed"
    print("; ".join(filter(None, (f"{shown}: {done.seconds:.1f} s, {found}", done.note))))
    if done.tracks:
        _print_line(TITLES)
    for row in done.tracks:
        unsure = f"{100 * row.share_unsure:.0f} %"
        _print_line(
            (str(row.track), f"{row.first_s:.1f} to {row.last_s:.1f}", row.label,
             f"{100 * row.share_labelled:.0f} %", f"{unsure}: {row.why}" if row.why else unsure)
        )  # fmt: skip
    sys.stdout.flush()


def _print_line(cells: Iterable[str]) -> None:
    *narrow, last = cells
    padded = [cell.ljust(width) for cell, width in zip(narrow, WIDTHS, strict=True)]
    print("  ".join(["", *padded, last]).rstrip())


@contextmanager
def _progress(name: str) -> Iterator[Callable[[float, float | None], None]]:
    """A bar on standard error: the share done, the time left, seconds of video a second."""
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}% of {total:.0f} s |{bar}| {remaining} left, {rate_noinv_fmt}"
    with tqdm(
        desc=printable(name), total=1.0, unit=" s of video", leave=False, bar_format=form
    ) as bar:

        def report(done_s: float, whole_s: float | None) -> None:
            bar.total = max(done_s, whole_s or 1.0)
            bar.update(done_s - bar.n)

        yield report
