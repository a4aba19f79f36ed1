"""rows(): a FileResult -> one FaceRow per face, as tables, CSV and the terminal show them."""

from __future__ import annotations

from dataclasses import dataclass

from gender_demo.files.analyze import FileResult
from gender_demo.label_words import NOTES, REASONS, certainty
from gender_demo.results import Box, Prediction

UNSURE, NO_FACE = "unsure", "no face found"
NOT_LABELLED, HIDDEN, AS_ASKED = "not labelled", "hidden", "as asked"
"""What stands in place of the guess, and why, where a person wants none."""


@dataclass(frozen=True)
class FaceRow:
    """One face, or one file without any (``face`` is None, ``note`` says why).

    ``face`` counts from 1 at the left; ``label`` is UNSURE where it is withheld and "" without a
    face; ``probability`` is that of the most probable class, 0 to 1; ``correction`` is a person's
    own word beside the guess; ``box`` is in the picture's pixels.
    """

    file: str
    face: int | None = None
    label: str = ""
    probability: float | None = None
    reasons: str = ""
    box: Box | None = None
    note: str = ""
    correction: str = ""

    @property
    def percent(self) -> str:
        """The probability in words; none without a label."""
        shown = self.label != UNSURE and self.probability is not None
        return certainty(self.probability or 0.0) if shown else ""

    @property
    def remark(self) -> str:
        """Why it is unsure, and what is wrong."""
        return "; ".join(filter(None, (self.reasons, self.note)))


def rows(result: FileResult) -> list[FaceRow]:
    """One row per face, from left to right; a file without faces has one row and a note."""
    if result.analysis is None:
        return [FaceRow(result.name, note=result.error or "")]
    note = "; ".join(filter(None, (result.note, *(NOTES[name] for name in result.analysis.notes))))
    if not result.analysis.predictions:
        return [FaceRow(result.name, note="; ".join(filter(None, (NO_FACE, note))))]
    found = zip(result.analysis.left_to_right, result.analysis.predictions, strict=True)
    return [
        _row(result, number, prediction, note if number == 1 else "")
        for number, prediction in sorted(found, key=lambda pair: pair[0])
    ]


def _row(result: FileResult, number: int, prediction: Prediction, note: str) -> FaceRow:
    wish, box = result.wishes.get(number), prediction.face.box
    if wish and not wish.correction:
        said = HIDDEN if wish.hidden else NOT_LABELLED
        return FaceRow(result.name, number, said, None, AS_ASKED, box, note)
    return FaceRow(
        file=result.name,
        face=number,
        label=prediction.label or UNSURE,
        probability=round(prediction.probability, 4),
        reasons="; ".join(REASONS[name] for name in prediction.reasons),
        box=box,
        note=note,
        correction=wish.correction if wish else "",
    )
