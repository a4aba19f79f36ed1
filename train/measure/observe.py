"""observe(): what the serving pipeline says about each labelled picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from PIL import Image
from tqdm import tqdm

from gender_demo.results import Face
from gender_demo.vision.crops import crop_whole
from gender_demo.vision.pipeline import Pipeline
from train.data.records import Record
from train.measure.corruptions import (
    Random,
    seeded,
)

BATCH = 32
NO_FACE = "no_face"
"""The reason of a picture in which no face was found; serving says nothing about those."""

Point = tuple[float, float]
Show = Callable[[Record, Random], tuple[Image.Image, Point]]
"""Record -> the picture that is analysed, and where in it the labelled face is."""


@dataclass(frozen=True)
class Observation:
    """``probabilities`` in the classes' order, empty where nothing was classified; ``label`` and
    ``reasons`` as serving gives them, with abstention; ``face_px`` and ``face`` None where none was
    found."""

    record: Record
    probabilities: tuple[float, ...]
    guess: str | None
    label: str | None
    reasons: tuple[str, ...]
    face_px: float | None
    face: Face | None = None

    @property
    def right(self) -> bool:
        """Whether the likeliest class is the label."""
        return self.guess == self.record.label

    @property
    def confidence(self) -> float:
        """Probability of the likeliest class; 0 where nothing was classified."""
        return max(self.probabilities, default=0.0)


def observe(
    pipeline: Pipeline,
    records: Sequence[Record],
    show: Show | None = None,
    *,
    what: str = "chips",
    whole_if_none: bool = True,
) -> list[Observation]:
    """Detect, crop, classify and decide for the labelled face of each picture.

    That is the face nearest the place that record or ``show`` name. ``whole_if_none``: where no
    face is found the whole picture is the crop; else nothing is classified there, and a face
    counts as found only if its box holds that place. ``what`` names the pass in the progress bar
    and seeds ``show``. On a CPU torch's threads each run a batch of their own: that is faster than
    all threads on one batch.
    """

    def run(batch: Sequence[Record]) -> list[Observation]:
        shown = [_show(record, show, what) for record in batch]
        return _observe_batch(pipeline, batch, shown, whole_if_none)

    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    threads = torch.get_num_threads()
    workers = threads if pipeline.device.type == "cpu" else 1
    result: list[Observation] = []
    try:
        with (
            tqdm(total=len(records), desc=what, unit=" pictures") as bar,
            ThreadPoolExecutor(workers, initializer=_one_thread) as pool,
        ):
            for seen in pool.map(run, batches):
                result += seen
                bar.update(len(seen))
    finally:
        torch.set_num_threads(threads)
    return result


def _one_thread() -> None:
    torch.set_num_threads(1)


def _show(record: Record, show: Show | None, what: str) -> tuple[Image.Image, Point]:
    if show is None:
        picture = record.picture()
        return picture, aim(record, picture)
    return show(record, seeded(what, record.path))


def _observe_batch(
    pipeline: Pipeline,
    batch: Sequence[Record],
    shown: Sequence[tuple[Image.Image, Point]],
    whole_if_none: bool,
) -> list[Observation]:
    config = pipeline.checkpoint.config
    found = pipeline.find([picture for picture, _ in shown])
    faces = [
        nearest(faces, aim, must_hold=not whole_if_none)
        for faces, (_, aim) in zip(found, shown, strict=True)
    ]
    predictions = iter(
        pipeline.predict(
            [(p, face) for (p, _), face in zip(shown, faces, strict=True) if face is not None]
        )
    )
    whole = iter(
        pipeline.classify(
            [
                crop_whole(picture, config.crop_px, margin=config.crop_margin)
                for (picture, _), face in zip(shown, faces, strict=True)
                if face is None and whole_if_none
            ]
        )
    )
    result = []
    for record, face in zip(batch, faces, strict=True):
        if face is not None:
            said = next(predictions)
            values = tuple(value for _, value in said.probabilities)
            label, reasons = said.label, said.reasons
        else:
            values = next(whole) if whole_if_none else ()
            label, reasons = None, (NO_FACE,)
        guess = config.classes[values.index(max(values))] if values else None
        size = None if face is None else face.box.size_px
        result.append(Observation(record, values, guess, label, reasons, size, face))
    return result


def middle(picture: Image.Image) -> Point:
    """The picture's middle in its pixels."""
    return picture.width / 2, picture.height / 2


def aim(record: Record, picture: Image.Image) -> Point:
    """Where in the picture, or in one made worse, the labelled face is."""
    return record.aim[0] * picture.width, record.aim[1] * picture.height


def nearest(faces: Sequence[Face], aim: Point, *, must_hold: bool = False) -> Face | None:
    """The face whose box's centre is nearest ``aim``; ``must_hold``: of those that hold it."""

    held = [face for face in faces if not must_hold or face.box.contains(aim)]
    return min(held, key=lambda face: math.dist(face.box.centre, aim), default=None)
