"""Figures for what is no clean chip: full pictures, corruptions, covers, copies and drawings."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from gender_demo.audit.figures import spread_points, worst_and_best
from gender_demo.audit.schema import (
    CorruptionFigures,
    DrawingFigures,
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
    seeded,
)
from train.measure.drawings import DRAWINGS, MADE_OF_PHOTOS, draw
from train.measure.metrics import (
    figures_by,
    group_figures,
    groups,
    invariance,
    source,
)
from train.measure.observe import Observation, Point, Show, middle, observe
from train.measure.occlusion import COVERS, cover
from train.measure.printing import print_accuracy

COVERED, OF_EACH, PHOTOS = 2000, 30, 150
"""At most so many faces get each cover; so many drawings of each kind there are; so many photos are
made drawings."""


def measure_full_pictures(
    pipeline: Pipeline, data: LabelledSet, chips: Sequence[Observation]
) -> FullPictures:
    """Full pictures against the same faces' chips."""
    ways: dict[str, tuple[str, Show | None]] = {"context": ("as the pictures show them", None)}
    if data.split == "val_context":
        ways = {
            "context": ("as a photo shows them, 384 px", None),
            "frame": (
                "in a 640 × 480 frame, face 60 to 120 px",
                lambda record, random: paste_into_frame(record.picture(), random),
            ),
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
    return tuple(
        _corruption(
            name,
            observe(pipeline, records, _show(change), what=name, whole_if_none=whole_if_none),
            clean,
        )
        for name, change in CORRUPTIONS.items()
    )


def measure_covered(
    pipeline: Pipeline, clean: Sequence[Observation]
) -> tuple[CorruptionFigures, ...]:
    """Each cover of ``occlusion`` drawn over clean chips in which a face was found."""
    found = [o for o in clean if o.face]
    found = found[:: max(1, len(found) // COVERED)][:COVERED]
    faces = {o.record.path: o.face for o in found if o.face}

    def show(name: str) -> Show:
        def covered(record: Record, random: Random) -> tuple[Image.Image, Point]:
            picture, face = record.picture(), faces[record.path]
            return cover(picture, face, name, random), face.box.centre

        return covered

    records = [o.record for o in found]
    return tuple(
        _corruption(name, observe(pipeline, records, show(name), what=name), found)
        for name in COVERS
    )


def measure_drawings(pipeline: Pipeline, records: Sequence[Record]) -> tuple[DrawingFigures, ...]:
    """Drawings of no person, and some of ``records``, evenly spread, turned into drawings."""
    photos = records[:: max(1, len(records) // PHOTOS)][:PHOTOS]
    pictures = {
        name: [draw(name, seeded(name, str(i))) for i in range(OF_EACH)] for name in DRAWINGS
    } | {name: [change(r.picture()) for r in photos] for name, change in MADE_OF_PHOTOS.items()}
    result = []
    for name, made in pictures.items():
        analyses = [pipeline.analyze(picture) for picture in made]
        figures = DrawingFigures(
            name=name,
            count=len(made),
            found=sum(bool(analysis.predictions) for analysis in analyses),
            hits=sum(any(p.label for p in analysis.predictions) for analysis in analyses),
        )
        print(f"{name}: a face found in {figures.found}, labelled {figures.hits} of {len(made)}")
        result.append(figures)
    return tuple(result)


def _corruption(
    name: str, seen: Sequence[Observation], clean: Sequence[Observation]
) -> CorruptionFigures:
    figures = CorruptionFigures(
        **dict(group_figures(seen)),
        name=name,
        clean_accuracy=group_figures(clean).accuracy,
        label_gap_points=spread_points(figures_by(seen, "label")),
        worst=worst_and_best(figures_by(seen, "race", "label"))[0],
    )
    print_accuracy(name, figures)
    return figures


def measure_invariance(
    pipeline: Pipeline, records: Sequence[Record], clean: Sequence[Observation]
) -> tuple[InvarianceFigures, ...]:
    """Each invariance pair: the clean chip and its copy."""
    return tuple(
        invariance(clean, observe(pipeline, records, _show(copy), what=name), name)
        for name, copy in INVARIANCE_PAIRS.items()
    )


def _show(change: Change) -> Show:
    def show(record: Record, random: Random) -> tuple[Image.Image, Point]:
        changed = change(record.picture(), random)
        return changed, middle(changed)

    return show


def _only(observations: Sequence[Observation], records: Sequence[Record]) -> list[Observation]:
    names = {record.path for record in records}
    return [o for o in observations if o.record.path in names]
