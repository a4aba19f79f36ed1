"""analyze_files(): many picture files -> one FileResult each, in their order, batch by batch.

Shared by the photos tab and the command line.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from gender_demo.errors import PictureError
from gender_demo.results import Analysis, Wish
from gender_demo.vision.pictures import clean_name, read_picture

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

BATCH_FILES = 8
"""On a GPU; on a CPU several pictures in one batch are no cheaper than each on its own."""
BATCH_PIXELS = 24_000_000
"""A batch ends there too: pictures are held in memory until their batch is analysed."""


@dataclass(frozen=True)
class FileResult:
    """One file: its picture and analysis, or the sentence that says what is wrong with it.

    ``note`` says what else is wrong, such as a missing end or a drawing that could not be written.
    ``wishes`` are people's own, by the number of their face (from 1 at the left).
    """

    name: str
    path: Path
    picture: Image.Image | None = None
    analysis: Analysis | None = None
    error: str | None = None
    note: str | None = None
    wishes: Mapping[int, Wish] = field(default_factory=dict)


def analyze_files(pipeline: Pipeline, paths: Iterable[tuple[str, Path]]) -> Iterator[FileResult]:
    """Results for (name, path) pairs, in their order, as each batch is done.

    On a CPU two pictures are analysed at once. Meanwhile the next one is read, and whoever asks
    draws the one before; but what is large is alone in memory.
    """
    from gender_demo.vision.backends import STREAMS  # loads torch

    cpu = pipeline.device.type == "cpu"
    files, threads = (1, STREAMS) if cpu else (BATCH_FILES, 1)
    ahead: deque[tuple[list[FileResult], Future[list[FileResult]]]] = deque()
    with ThreadPoolExecutor(threads, "analysis") as analysis:
        for batch in _read_in_batches(paths, files):
            run = analysis.submit(lambda batch: list(_analyze(pipeline, batch)), batch)
            ahead.append((batch, run))
            while len(ahead) > threads or sum(_pixels(b) for b, _ in ahead) >= BATCH_PIXELS:
                yield from ahead.popleft()[1].result()
        while ahead:
            yield from ahead.popleft()[1].result()


def _read_in_batches(paths: Iterable[tuple[str, Path]], files: int) -> Iterator[list[FileResult]]:
    batch: list[FileResult] = []
    for name, path in paths:
        try:
            picture, note = read_picture(path, name)
            batch.append(FileResult(name, path, picture, note=note))
        except PictureError as error:
            batch.append(FileResult(name, path, error=str(error)))
        if len(batch) >= files or _pixels(batch) >= BATCH_PIXELS:
            yield batch
            batch = []
    if batch:
        yield batch


def _pixels(batch: Iterable[FileResult]) -> int:
    return sum(done.picture.width * done.picture.height for done in batch if done.picture)


def _analyze(pipeline: Pipeline, batch: list[FileResult]) -> Iterator[FileResult]:
    """Each with its analysis. Where the analysis of all fails, that of each is tried, so that one
    picture never costs the results of the others."""
    pictures = [done.picture for done in batch if done.picture]
    try:
        analyses = iter(pipeline.analyze_batch(pictures) if pictures else [])
    except Exception as error:  # of a network, or of memory: nothing a person could name
        if len(batch) == 1:
            yield _failed(batch[0], error)
            return
        for done in batch:
            yield from _analyze(pipeline, [done])
        return
    for done in batch:
        yield replace(done, analysis=next(analyses)) if done.picture else done


def _failed(done: FileResult, error: Exception) -> FileResult:
    logging.getLogger(__name__).error("%s while a picture was analysed", type(error).__name__)
    size = f"{done.picture.width} x {done.picture.height} pixels, " if done.picture else ""
    sentence = (
        f"{clean_name(done.name)} could not be analysed ({size}{type(error).__name__}): shrink it "
        "or leave it out, and report it, for it should not happen."
    )
    return replace(done, picture=None, error=sentence)
