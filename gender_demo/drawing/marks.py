"""marks(analysis) -> what to draw on each face: box, colour, caption with its lines and place.

Pillow (paint.py) and the live view's canvas (static/js/drawing.js) stroke the same marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from gender_demo.drawing.layout import Plate, Scale, can_write, place_plates
from gender_demo.label_words import certainty, in_words
from gender_demo.results import Analysis, Box, Prediction, Wish

COLORS = ("#E69F00", "#009E73", "#F0E442", "#56B4E9", "#D55E00", "#CC79A7")
"""One per class, in the checkpoint's order, from Okabe and Ito's colour-blind-safe palette; blue
and pink stand late, so that two classes never get them."""
UNSURE_COLOR, OWN_COLOR = "#C4C7CC", "#FFFFFF"
"""The second where a person's wish stands in place of the guess."""
CORRECTED = "corrected"

SHORT, CROWD = 4, 8
"""With more faces than SHORT captions are short; with more than CROWD they are numbers, since
words would cover other faces."""


@dataclass(frozen=True)
class Mark:
    """One face's mark, in the pixels of the analysed picture.

    ``caption`` says the label in words; what is drawn of it stands in ``plate``, whose first line
    begins with ``number`` where there are several faces. ``dash`` marks an unsure face.
    """

    box: Box
    label: str | None
    caption: str
    probability: float
    color: str
    dash: bool
    line_px: float
    reasons: tuple[str, ...] = ()
    number: int | None = None
    track: int | None = None
    plate: Plate | None = None

    def shifted(self, dx: float, dy: float) -> Mark:
        """The mark, with its plate, moved ``dx`` pixels to the right and ``dy`` down."""
        plate = self.plate and replace(self.plate, box=self.plate.box.shifted(dx, dy))
        return replace(self, box=self.box.shifted(dx, dy), plate=plate)

    def to_json(self) -> dict[str, object]:
        """As JSON-ready values; boxes become lists."""
        return asdict(self) | {"box": list(self.box)}


def marks(
    analysis: Analysis,
    *,
    show_labels: bool = True,
    shown_px: float | None = None,
    wishes: Mapping[int, Wish] | None = None,
) -> list[Mark]:
    """One mark per face, in the analysis's order and pixels.

    Without labels a mark is a plain box that says nothing. ``shown_px`` is how wide the picture
    stands on a screen (CSS pixels); captions can be read there, else in the picture as a whole.
    ``wishes`` are people's own, by their face's rank from the left: nothing is said of it but
    its number and their word.
    """
    found = analysis.predictions
    scale = Scale.of(analysis.size, shown_px)
    numbers = number_faces(analysis)
    asked = [(wishes or {}).get(rank) for rank in analysis.left_to_right]
    texts = [
        _text(prediction, number, len(found), wish) if show_labels else ""
        for prediction, number, wish in zip(found, numbers, asked, strict=True)
    ]
    # In the pixels of the screen: fonts are whole pixels, of which a small frame has too few.
    by = scale.unit if shown_px else 1.0
    width, height = (round(side / by) for side in analysis.size)
    boxes = [prediction.face.box.scaled(1 / by) for prediction in found]
    laid_out = place_plates(texts, boxes, (width, height), scale.scaled(1 / by))
    plates = [plate and plate.scaled(by) for plate in laid_out]
    return [
        _wanted(_mark(prediction, show_labels and wish is None, scale, number, plate), wish)
        for prediction, number, plate, wish in zip(found, numbers, plates, asked, strict=True)
    ]


def number_faces(analysis: Analysis) -> Sequence[int | None]:
    """The number that stands at each face: its track's, else 1, 2, 3 from left to right.

    None for a face that is alone.
    """
    found = analysis.predictions
    if len(found) < 2:
        return [None] * len(found)
    return [p.track or rank for p, rank in zip(found, analysis.left_to_right, strict=True)]


def caption(prediction: Prediction, *, short: bool = False) -> str:
    """The words at a face: "perceived as female 93 %", in short "female 93 %", or why unsure."""
    if prediction.label is None:
        why = () if short else prediction.reasons[:1]
        return ": ".join(["unsure", *(name.replace("_", " ") for name in why)])
    classes = [name for name, _ in prediction.probabilities]
    label = prediction.label
    words = label.replace("_", " ") if short else in_words(label, classes)
    return f"{words} {certainty(prediction.probability)}"


def _text(prediction: Prediction, number: int | None, faces: int, wish: Wish | None) -> str:
    if wish:
        shown = wish.correction if faces <= CROWD or number is None else ""
        return " · ".join(filter(None, (str(number or ""), _own(shown))))
    if number is None:
        return caption(prediction)
    if faces > CROWD:
        return str(number)
    return f"{number} · {caption(prediction, short=faces > SHORT)}"


def _own(word: str) -> str:
    """A person's own word as it is drawn."""
    if not word:
        return ""
    return f"{word} ({CORRECTED})" if can_write(word) else CORRECTED


def _wanted(mark: Mark, wish: Wish | None) -> Mark:
    """A mark without its label as somebody wants it; no figure about the face is left in it."""
    if wish is None:
        return mark
    return replace(mark, caption=_own(wish.correction), color=OWN_COLOR, probability=0.0)


def _mark(
    prediction: Prediction,
    show_label: bool,
    scale: Scale,
    number: int | None,
    plate: Plate | None,
) -> Mark:
    classes = [name for name, _ in prediction.probabilities]
    label = prediction.label if show_label else None
    return Mark(
        box=Box(*(round(value, 1) for value in prediction.face.box)),
        label=label,
        caption=caption(prediction) if show_label else "",
        probability=round(prediction.probability, 4),
        color=UNSURE_COLOR if label is None else COLORS[classes.index(label) % len(COLORS)],
        dash=show_label and label is None,
        line_px=round(scale.line_px, 2),
        reasons=prediction.reasons if show_label else (),
        number=number,
        track=prediction.track,
        plate=plate,
    )
