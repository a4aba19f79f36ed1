"""The arrow, for one picture or many:

picture --detect--> faces --crop--> crops --classify--> probabilities --decide--> predictions
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image

from gender_demo.results import (
    Analysis,
    Face,
    Prediction,
)
from gender_demo.vision.backends import Engine
from gender_demo.vision.checkpoint import (
    Checkpoint,
    load_checkpoint,
)
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_face
from gender_demo.vision.decision import decide
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.find import Detect, find_faces
from gender_demo.vision.preflight import check_device, no_device
from gender_demo.vision.quality import sharpness

Classify = Callable[[Sequence[Image.Image]], list[tuple[float, ...]]]


class Pipeline:
    """``detect`` and ``classify`` are plain callables, so tests pass two small functions.

    ``engine`` says in words what runs the networks, as in "openvino 2026.4.1, bfloat16".
    """

    def __init__(
        self,
        detect: Detect,
        classify: Classify,
        checkpoint: Checkpoint,
        device: str | torch.device = "cpu",
        engine: str = "",
    ) -> None:
        self.detect = detect
        self.classify = classify
        self.checkpoint = checkpoint
        self.device = torch.device(device)
        self.engine = engine

    def analyze(self, picture: Image.Image) -> Analysis:
        """How each face in an upright RGB picture may be perceived, largest face first."""
        return self.analyze_batch([picture])[0]

    def analyze_batch(self, pictures: Sequence[Image.Image]) -> list[Analysis]:
        """The same for many pictures; their faces are found and classified together."""
        found = find_faces(pictures, self.detect)
        pairs = [(p, face) for p, each in zip(pictures, found, strict=True) for face in each.faces]
        predictions = iter(self.predict(pairs))
        return [
            Analysis(picture.size, tuple(next(predictions) for _ in each.faces), each.notes)
            for picture, each in zip(pictures, found, strict=True)
        ]

    def warm_up(self) -> None:
        """Run the nets once, so that the first picture does not wait for their set-up."""
        side = self.checkpoint.config.crop_px
        self.detect([Image.new("RGB", (480, 360))])
        self.classify([Image.new("RGB", (side, side))])

    def find(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        """The faces of each picture, largest first, in its own pixels; see ``find_faces``."""
        return [found.faces for found in find_faces(pictures, self.detect)]

    def cut(self, picture: Image.Image, face: Face) -> Image.Image:
        """What the classifier sees of a face."""
        config = self.checkpoint.config
        return crop_face(picture, face, config.crop_px, margin=config.crop_margin)

    def classify_by_turns(
        self, crops: Sequence[Image.Image], turns: Sequence[int]
    ) -> list[tuple[float, ...]]:
        """Probabilities of faces that are classified again and again, at half the cost where there
        is a mirror image to average with: it is seen in odd turns, the crop itself in even ones."""
        if isinstance(self.classify, Classifier):
            return self.classify.by_turns(crops, turns)
        return self.classify(crops)

    def predict(self, faces: Sequence[tuple[Image.Image, Face]]) -> list[Prediction]:
        """Crop, classify and decide for faces of any number of pictures at once."""
        config = self.checkpoint.config
        crops = [self.cut(picture, face) for picture, face in faces]
        result = []
        for (picture, face), crop, values in zip(faces, crops, self.classify(crops), strict=True):
            label, reasons = decide(
                values, config.classes, config.rules, face, picture.size, sharpness(crop)
            )
            named = tuple(zip(config.classes, values, strict=True))
            result.append(Prediction(face, label, max(values), named, reasons))
        return result


def load_pipeline(
    checkpoint: str | Path | None = None, device: str = "auto", engine: Engine = "auto"
) -> Pipeline:
    """Pipeline of a checkpoint folder or hf:USER/MODEL[@revision] (None: the shipped checkpoint) on
    auto, cpu, cuda, cuda:N or mps.

    ``engine`` "auto" is OpenVINO on a CPU and torch elsewhere.
    Raises CheckpointError or DeviceError, each with one sentence that says what to do.
    """
    place = pick_device(device)
    loaded = load_checkpoint(checkpoint)
    classifier = Classifier(loaded, place, engine)
    detector = FaceDetector(place, engine=engine)
    return Pipeline(detector, classifier, loaded, place, classifier.engine)


def pick_device(device: str = "auto") -> torch.device:
    """auto: CUDA where there is one, else Apple's, else the CPU."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    check_device(device)
    kind, _, number = device.partition(":")
    there = {"cpu": True, "mps": mps, "cuda": int(number or 0) < torch.cuda.device_count()}
    if not there[kind]:
        raise no_device(device)
    return torch.device(device)


def leave_room() -> None:
    """Let torch use half of the cores: the others serve the page and, at home, the browser.

    On a CPU that is fully taken, threads that wait for each other cost more than they bring.
    """
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
