"""report(): everything that page and model card show of an audit, and no other number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gender_demo.audit.brief import brief
from gender_demo.audit.cells import Table
from gender_demo.audit.charts import Chart, charts, picture
from gender_demo.audit.reading import fits, read_audit
from gender_demo.audit.schema import Audit, WorkingPoint
from gender_demo.audit.tables import tables
from gender_demo.audit.wording import (
    NO_AUDIT,
    OTHER_AUDIT,
    Findings,
    Sentences,
    findings,
    headline,
    sentences,
)
from gender_demo.audit.working_points import working_points

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Checkpoint, Config


@dataclass(frozen=True)
class Report:
    """``headline``: how often it is wrong, in short; ``brief``: three lines before the camera
    starts; ``sentences``: what is one click away. Then, for everybody, ``picture``, ``findings``
    and ``charts``, for a slider ``working_points``, for experts ``tables``. ``audit`` is what they
    are made from, None where there is none or it is another checkpoint's."""

    audit: Audit | None
    headline: str
    brief: tuple[str, str, str]
    sentences: Sentences
    findings: Findings | None = None
    picture: Chart | None = None
    working_points: tuple[WorkingPoint, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()


def read_report(checkpoint: Checkpoint) -> Report:
    """The report of a checkpoint's audit; CheckpointError where audit.json cannot be read."""
    audit = read_audit(checkpoint.audit, checkpoint.path / "audit.json")
    return report(audit, checkpoint.config)


def report(audit: Audit | None, config: Config) -> Report:
    """Everything to show; without an audit of this very checkpoint there are no numbers in it."""
    if audit is None or not fits(audit, config):
        missing = NO_AUDIT if audit is None else OTHER_AUDIT
        return Report(
            None, headline(None), brief(None, config.classes), sentences(None, config, missing)
        )
    return Report(
        audit,
        headline(audit),
        brief(audit, config.classes),
        sentences(audit, config),
        findings(audit, config),
        picture(audit),
        working_points(audit.primary, config.rules.min_probability),
        tables(audit),
        charts(audit, config.classes),
    )
