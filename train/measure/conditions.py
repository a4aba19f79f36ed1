"""Figures for pictures other than clean chips: full pictures, corruptions, invariance pairs."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from gender_demo.audit.figures import spread_points, worst_and_best
from gender_demo.audit.schema import (
    CorruptionFigures,
    FullPictureFigures,
    FullPictures,
    InvarianceFigures,
)
from gender_demo.vision.pipeline import Pipeline
from train.data.records import LabelledSet, Record
from train.measure.corruptions import (
    CORRUPTIONS,
    INVARIANCE_PAIRS,
    Change,
    Random,
    paste_into_frame,
)
from train.measure.figures import (
    figures_by,
    group_figures,
    groups,
    invariance,
    source,
)
from train.measure.observe import Observation, Point, Show, middle, observe
from train.measure.printing import print_accuracy


def measure_full_pictures(
    pipeline: Pipeline, data: LabelledSet, chips: Sequence[Observation]
) -> FullPictures:
    """Full pictures against the same faces' chips."""
    ways: dict[str, tuple[str, Show | None]] = {"context": ("as the pictures show them", None)}
    if data.split == "val_context":
        ways = {
            "context": ("as a photo shows them, 384 px", None),
            "frame": ("in a 640 × 480 frame, face 60 to 120 px", paste_into_frame),
        }
    return FullPictures(
        **dict(source(data)),
        chips=group_figures(_only(chips, data.samples)),
        shown=tuple(
            _full_picture(pipeline, data.samples, chips, what, *way) for what, way in ways.items()
        ),
    )


def _full_picture(
    pipeline: Pipeline,
    records: Sequence[Record],
    chips: Sequence[Observation],
    what: str,
    name: str,
    show: Show | None,
) -> FullPictureFigures:
    seen = observe(pipeline, records, show, what=what, whole_if_none=False)
    found = _only(chips, [o.record for o in seen if o.guess])
    figures = FullPictureFigures(
        **dict(group_figures(seen)),
        name=name,
        chips_accuracy=group_figures(found).accuracy,
        by=groups(seen),
    )
    print_accuracy(f"{what}: found {figures.count} of {figures.pictures}, accuracy", figures)
    return figures


def measure_corruptions(
    pipeline: Pipeline,
    records: Sequence[Record],
    clean: Sequence[Observation],
    whole_if_none: bool = True,
) -> tuple[CorruptionFigures, ...]:
    """Each corruption on ``records``, whose clean observations are ``clean``."""
    result = []
    for name, change in CORRUPTIONS.items():
        seen = observe(pipeline, records, _show(change), what=name, whole_if_none=whole_if_none)
        figures = CorruptionFigures(
            **dict(group_figures(seen)),
            name=name,
            clean_accuracy=group_figures(clean).accuracy,
            label_gap_points=spread_points(figures_by(seen, "label")),
            worst=worst_and_best(figures_by(seen, "race", "label"))[0],
        )
        print_accuracy(name, figures)
        result.append(figures)
    return tuple(result)


def measure_invariance(
    pipeline: Pipeline, records: Sequence[Record], clean: Sequence[Observation]
) -> tuple[InvarianceFigures, ...]:
    """Each invariance pair: the clean chip and its copy."""
    return tuple(
        invariance(clean, observe(pipeline, records, _show(copy), what=name), name)
        for name, copy in INVARIANCE_PAIRS.items()
    )


def _show(change: Change) -> Show:
    def show(picture: Image.Image, random: Random) -> tuple[Image.Image, Point]:
        changed = change(picture, random)
        return changed, middle(changed)

    return show


def _only(observations: Sequence[Observation], records: Sequence[Record]) -> list[Observation]:
    names = {record.path for record in records}
    return [o for o in observations if o.record.path in names]
