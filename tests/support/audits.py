"""An audit of a model that does not exist, of faces that do not exist."""

from __future__ import annotations

import random
from datetime import date

from gender_demo.audit.figures import GroupFigures
from gender_demo.audit.reading import settings
from gender_demo.audit.schema import (
    Audit,
    CheckpointId,
    CorruptionFigures,
    FullPictureFigures,
    FullPictures,
    Machine,
    Source,
    Speed,
)
from gender_demo.vision.checkpoint import Config
from train.data.records import AGES, RACES, LabelledSet, Record
from train.measure.metrics import group_figures, groups, invariance, set_figures
from train.measure.observe import Observation

CONFIG = Config(name="tried", classes=("female", "male"), temperature=1.2, weights_sha256="a" * 64)


def observations(count: int = 600, accuracy: float = 0.8) -> list[Observation]:
    """Made-up answers of a model that does not exist, for faces that do not exist."""
    draw = random.Random(5)
    result = []
    for i in range(count):
        label = draw.choice(CONFIG.classes)
        groups_ = {"race": draw.choice(RACES), "age": draw.choice(AGES)}
        record = Record(f"{i}", b"", {"label": label}, groups=groups_)
        other = CONFIG.classes[label == CONFIG.classes[0]]
        guess = label if draw.random() < accuracy else other
        sure = draw.uniform(0.5, 1)
        values = (sure, 1 - sure) if guess == "female" else (1 - sure, sure)
        reasons = ("close_call",) if sure < 0.7 else ()
        answer = None if reasons else guess
        result.append(Observation(record, values, guess, answer, reasons, draw.uniform(30, 200)))
    return result


def made_up_audit() -> Audit:
    """An audit of the form that ``train evaluate`` writes."""
    seen = observations()
    samples = tuple(o.record for o in seen)
    fairface, utkface = (
        set_figures(LabelledSet(title, "val", ("a.parquet",), samples), seen, CONFIG)
        for title in ("FairFace", "UTKFace")
    )
    everything = group_figures(seen)
    return Audit(
        date=date(2026, 11, 22),
        checkpoint=CheckpointId(name=CONFIG.name, weights_sha256=CONFIG.weights_sha256),
        settings=settings(CONFIG),
        parameters=11_177_538,
        machine=Machine(device="cpu", processor="any", threads=2, torch="2"),
        primary=fairface,
        others=(utkface,),
        full_pictures=FullPictures(
            **dict(Source.model_validate(fairface, from_attributes=True)),
            chips=everything,
            shown=(
                FullPictureFigures(
                    **dict(everything), name="as a photo", chips_accuracy=0.9, by=groups(seen)
                ),
            ),
        ),
        corruptions=(
            CorruptionFigures(
                **dict(everything),
                name="dark",
                clean_accuracy=(everything.accuracy or 0) + 0.0225,
                label_gap_points=1.0,
                worst=everything,
            ),
        ),
        invariance=(invariance(seen, seen, "shifted"),),
        speed=Speed(picture_px=(640, 480), ms_per_picture=50.0, ms_per_face=15.0),
    )


def with_primary(audit: Audit, **changes: object) -> Audit:
    return audit.model_copy(update={"primary": audit.primary.model_copy(update=changes)})


def row(right: int, count: int, **group: str) -> GroupFigures:
    """A group that always gets a label."""
    return GroupFigures(
        group=group,
        pictures=count,
        missed=0,
        count=count,
        right=right,
        answered=count,
        answered_wrong=count - right,
    )
