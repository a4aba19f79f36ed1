"""report(): everything that page and model card show of an audit, and no other number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gender_demo.audit.charts import Chart, charts
from gender_demo.audit.reading import fits, read_audit
from gender_demo.audit.schema import Audit
from gender_demo.audit.tables import Table, tables
from gender_demo.audit.wording import NO_AUDIT, OTHER_AUDIT, Sentences, headline, sentences

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Checkpoint, Config


@dataclass(frozen=True)
class Report:
    """``headline``: how often it is wrong, in short; ``sentences``: the panel's lines. ``audit``
    is the one they are made from, None where there is none or it is another checkpoint's."""

    audit: Audit | None
    headline: str
    sentences: Sentences
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
        return Report(None, headline(None), sentences(None, config, missing))
    return Report(
        audit,
        headline(audit),
        sentences(audit, config),
        tables(audit),
        charts(audit, config.classes),
    )
