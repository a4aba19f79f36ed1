"""What lies in ``static/``: HTML, CSS, JavaScript and Markdown, never in Python strings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

STATIC = Path(__file__).parent / "static"


def read_static(name: str) -> str:
    """The text of one file."""
    return (STATIC / name).read_text(encoding="utf-8")


def tables_view(value: dict[str, Any] | None, elem_id: str) -> gr.HTML:
    """Charts and sortable tables; ``static/tables.html`` says what ``value`` holds."""
    return gr.HTML(
        value or {"about": [], "charts": [], "tables": []},
        html_template=read_static("tables.html"),
        js_on_load=read_static("tables.js"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="tables",
    )
