"""CachedDetector: found faces kept in a folder, for the next checkpoint measured on them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from pydantic import TypeAdapter

from gender_demo.results import Face
from gender_demo.vision import box_ops, detector, low_light, mtcnn
from gender_demo.vision.checkpoint import write_file
from gender_demo.vision.find import Detect

BATCH = TypeAdapter(list[list[Face]])


class CachedDetector:
    """``detect`` that remembers each batch's faces.

    A file's name is the hash of the batch's pixels and of all that decides what is found in them:
    the detector's settings and source, what runs its networks (``engine``) and torch's version.
    """

    def __init__(self, detect: Detect, folder: Path, engine: str) -> None:
        self.detect = detect
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        source = [inspect.getsource(module) for module in (box_ops, mtcnn, detector, low_light)]
        settings = getattr(getattr(detect, "__self__", detect), "settings", None)
        self._key = repr((source, settings, engine, torch.__version__)).encode()

    def __call__(self, pictures: Sequence[Image.Image]) -> list[list[Face]]:
        """Faces of each upright RGB picture, largest first."""
        digest = hashlib.sha256(self._key)
        for picture in pictures:
            digest.update(repr(picture.size).encode() + picture.tobytes())
        file = self.folder / f"{digest.hexdigest()}.json"
        if file.exists():
            return BATCH.validate_json(file.read_bytes())
        found = self.detect(pictures)
        write_file(file, BATCH.dump_json(found))
        return found
