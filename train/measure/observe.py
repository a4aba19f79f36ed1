"""observe(): what the serving pipeline says about each labelled picture."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from gender_demo.results import Box, Face
from gender_demo.vision import box_ops, detector, mtcnn
from gender_demo.vision import low_light as light
from gender_demo.vision.checkpoint import write_file
from gender_demo.vision.crops import crop_whole
from gender_demo.vision.pipeline import (
    Detect,
    Pipeline,
)
from train.data.records import Record
from train.measure.corruptions import (
    Random,
    seeded,
)

BATCH = 32
NO_FACE = "no_face"
"""The reason of a picture in which no face was found; serving says nothing about those."""

Point = tuple[float, float]
Show = Callable[[Image.Image, Random], tuple[Image.Image, Point]]
"""Picture -> the picture that is looked at, and where in it the labelled face is."""


@dataclass(frozen=True)
class Observation:
    """``probabilities`` in the classes' order, empty where nothing was classified; ``label`` and
    ``reasons`` as serving gives them, with abstention; ``face_px`` None where none was found."""

    sample: Record
    probabilities: tuple[float, ...]
    guess: str | None
    label: str | None
    reasons: tuple[str, ...]
    face_px: float | None

    @property
    def right(self) -> bool:
        return self.guess == self.sample.label

    @property
    def confidence(self) -> float:
        return max(self.probabilities, default=0.0)


def observe(
    pipeline: Pipeline,
    samples: Sequence[Record],
    show: Show | None = None,
    *,
    what: str = "as given",
    whole_if_none: bool = True,
) -> list[Observation]:
    """Detect, crop, classify and decide for the face nearest the middle of each picture.

    ``whole_if_none``: where no face is found the whole picture is the crop; else nothing is
    classified there, and a face counts as found only if its box holds the middle. ``what`` names
    the pass in the progress bar and seeds ``show``. On a CPU as many batches are on their way as
    torch has threads, each on one: that is faster than all threads on one batch.
    """

    def look(batch: Sequence[Record]) -> list[Observation]:
        shown = [_show(sample, show, what) for sample in batch]
        return _observe_batch(pipeline, batch, shown, whole_if_none)

    batches = [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
    threads = torch.get_num_threads()
    workers = threads if pipeline.device.type == "cpu" else 1
    result: list[Observation] = []
    try:
        with (
            tqdm(total=len(samples), desc=what, unit=" pictures") as bar,
            ThreadPoolExecutor(workers, initializer=_one_thread) as pool,
        ):
            for seen in pool.map(look, batches):
                result += seen
                bar.update(len(seen))
    finally:
        torch.set_num_threads(threads)
    return result


def _one_thread() -> None:
    torch.set_num_threads(1)


def _show(sample: Record, show: Show | None, what: str) -> tuple[Image.Image, Point]:
    picture = sample.picture()
    if show is None:
        return picture, aim(sample, picture)
    return show(picture, seeded(what, sample.path))


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
    for sample, face in zip(batch, faces, strict=True):
        if face is not None:
            said = next(predictions)
            values = tuple(value for _, value in said.probabilities)
            label, reasons = said.label, said.reasons
        else:
            values = next(whole) if whole_if_none else ()
            label, reasons = None, (NO_FACE,)
        guess = config.classes[values.index(max(values))] if values else None
        size = None if face is None else face.box.size_px
        result.append(Observation(sample, values, guess, label, reasons, size))
    return result


def middle(picture: Image.Image) -> Point:
    return picture.width / 2, picture.height / 2


def aim(sample: Record, picture: Image.Image) -> Point:
    """Where in the picture, or in one made worse, the labelled face is."""
    return sample.aim[0] * picture.width, sample.aim[1] * picture.height


def nearest(faces: Sequence[Face], aim: Point, *, must_hold: bool = False) -> Face | None:
    """The face whose box's centre is nearest ``aim``; ``must_hold``: of those that hold it."""

    held = [face for face in faces if not must_hold or face.box.contains(aim)]
    return min(held, key=lambda face: math.dist(face.box.centre, aim), default=None)


class RememberedDetector:
    """``detect`` that keeps each batch's faces in a folder, so that the next checkpoint need not
    wait for them. A file's name is the hash of the batch's pixels and of all that decides."""

    def __init__(self, detect: Detect, folder: Path, device: str) -> None:
        self.detect = detect
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        source = [inspect.getsource(module) for module in (box_ops, mtcnn, detector, light)]
        settings = getattr(getattr(detect, "__self__", detect), "settings", None)
        self._settings = repr((source, settings, device, torch.__version__)).encode()

    def __call__(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        digest = hashlib.sha256(self._settings)
        for picture in pictures:
            digest.update(repr(picture.size).encode() + picture.tobytes())
        file = self.folder / f"{digest.hexdigest()}.json"
        if file.exists():
            return [[_face(values) for values in faces] for faces in json.loads(file.read_text())]
        found = self.detect(pictures)
        write_file(file, json.dumps([[asdict(face) for face in faces] for faces in found]).encode())
        return found


def _face(values: dict[str, object]) -> Face:
    box = Box(*values["box"])  # type: ignore[misc]
    points = tuple((x, y) for x, y in values["landmarks"])  # type: ignore[attr-defined]
    return Face(box, float(values["score"]), points)  # type: ignore[arg-type]
