"""Where a person stands among the doubtful faces, and what is shown next."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import load_checkpoint
from train.data.crops import open_crops
from train.data.decisions import DROP, KEEP, Decision, decide, read_decisions, undo
from train.data.manifest import MANIFEST
from train.review.ranking import HIGHEST_LOSS, OUT_OF_SAMPLE, RANKS, RankedFace, rank_faces

MOST_ALIKE = 6


@dataclass(frozen=True)
class View:
    """Which faces are shown, in which order: one of RANKS, and one class or "" for all."""

    rank: str = HIGHEST_LOSS
    label: str = ""


@dataclass(frozen=True)
class Picture:
    """A face as the page shows it: ``url`` is a data URL."""

    url: str
    label: str
    path: str


@dataclass(frozen=True)
class Shown:
    """What the page shows: one face, empty where none is left, and how far the work is.

    ``picture`` is a data URL, ``percent`` the probability of the guess, ``said`` a sentence about
    what was just done, ``alike`` are near copies and ``left_out`` the names of those without crops.
    """

    said: str
    folder: str
    left: int
    decided: int
    path: str = ""
    picture: str = ""
    label: str = ""
    guess: str = ""
    percent: int = 0
    loss: str = ""
    split: str = ""
    alike: tuple[Picture, ...] = ()
    left_out: str = ""


ALL = View()


class ReviewDesk:
    """The faces in the order of their losses, and where a person stands in them."""

    def __init__(self, folder: Path, checkpoint: Path, folds: int = 0) -> None:
        """DataError or CheckpointError where one of the folders cannot be used."""
        self.folder = folder
        loaded = load_checkpoint(checkpoint)
        self.classes = loaded.config.classes
        if not (folder / MANIFEST).is_file():
            raise DataError(f"{folder} was not written by python -m train prepare.")
        self.crops = open_crops(folder)
        self.faces = rank_faces(folder, self.crops, loaded, folds)
        self.ranks = [rank for rank in RANKS if folds or rank != OUT_OF_SAMPLE]
        self._by_row = {face.row: face for face in self.faces}

    @property
    def left(self) -> list[RankedFace]:
        """Those that nothing was decided about, highest losses first."""
        decided = {one.path for one in read_decisions(self.folder)}
        return [face for face in self.faces if face.path not in decided]

    def decide(self, path: str, action: str, view: View = ALL) -> Shown:
        """KEEP, DROP or a class for the face that was shown; returns the next one."""
        if all(face.path != path for face in self.left):  # a second click on what is done
            return self.show("", view)
        decide(self.folder, Decision(path, action))
        what = {KEEP: "Kept", DROP: "Dropped"}.get(action, f"Relabelled as {action}")
        return self.show(f"{what}: {path}", view)

    def undo(self, view: View = ALL) -> Shown:
        """Take the last decision back and show its face again."""
        taken = undo(self.folder)
        if taken is None:
            return self.show("There is nothing to take back.", view)
        return self.show(f"Taken back: {taken.path}", view, first=taken.path)

    def show(self, said: str, view: View = ALL, first: str = "") -> Shown:
        """The face ``first`` if it is left, else the first one of the view."""
        left = self.left
        progress = (said, str(self.folder), len(left), len(self.faces) - len(left))
        wanted = [face for face in left if view.label in ("", face.label)]
        face = next((face for face in left if face.path == first), None)
        face = face or min(wanted, key=RANKS[view.rank], default=None)
        if face is None:
            return Shown(*progress)
        unseen = "" if face.out_of_sample is None else f", {face.out_of_sample:.2f} out of sample"
        return Shown(
            *progress,
            path=face.path,
            picture=_data_url(self.crops[face.row]),
            label=face.label,
            guess=face.guess,
            percent=min(99, round(100 * face.probability)),
            loss=f"{face.loss:.2f}{unseen}",
            split=face.split,
            alike=tuple(self._picture(row) for row in face.alike[:MOST_ALIKE]),
            left_out=", ".join(face.left_out[:MOST_ALIKE]),
        )

    def _picture(self, row: int) -> Picture:
        face = self._by_row[row]
        return Picture(_data_url(self.crops[row]), face.label, face.path)


def _data_url(crop: np.ndarray) -> str:
    packed = io.BytesIO()
    Image.fromarray(crop).save(packed, "PNG")
    return f"data:image/png;base64,{base64.b64encode(packed.getvalue()).decode()}"
