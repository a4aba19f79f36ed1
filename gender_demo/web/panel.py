"""The panel beside the live view: what the three short lines leave out, one click away."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

import gradio as gr

from gender_demo.audit.report import Report
from gender_demo.label_words import about_gender
from gender_demo.operator import Operator
from gender_demo.web.links import to_report
from gender_demo.web.photos import escape_markdown
from gender_demo.web.static_files import read_static

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Checkpoint


def build_panel(checkpoint: Checkpoint, shown: Report, operator: Operator | None) -> None:
    """Its parts, inside a column; all are closed at first."""
    said = shown.sentences
    how = "how.md" if about_gender(checkpoint.config.classes) else "how_other_labels.md"
    gr.Markdown("## Good to know")
    _part("For whom it is wrong more often", "whom", said.error_rates, said.weak_spots)
    _part("Wrong about you? Correct it, or hide", "correct", text=read_static("correct.md"))
    _part("When it says “unsure”", "unsure", said.unsure, said.control)
    _part("What happens to pictures", "pictures", said.privacy, text=pictures(operator))
    _part("What it is not for", "uses", said.purpose, said.labels, said.not_for)
    _part("How it guesses", "how", text=read_static(how))


def pictures(operator: Operator | None) -> str:
    """What happens to pictures, and whom to ask about it, in Markdown."""
    whom = "runs this page, named at its top" if operator else "gave you this page’s address"
    return Template(read_static("pictures.md")).substitute(operator=f"whoever {whom}")


def _part(title: str, name: str, *sentences: str, text: str = "") -> None:
    with gr.Accordion(title, open=False, elem_id=f"panel-{name}", elem_classes="panel-part"):
        lines = "\n".join(f"- {to_report(escape_markdown(sentence))}" for sentence in sentences)
        gr.Markdown("\n\n".join(filter(None, (lines, text))))
