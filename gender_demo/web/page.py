"""The page: a pipeline -> gr.Blocks with its tabs and events. Loads no torch by itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware

from gender_demo.audit.report import Report, read_report
from gender_demo.audit.working_points import stops, stops_note
from gender_demo.operator import Operator
from gender_demo.vision.hub import is_hub_name, origin
from gender_demo.vision.pictures import MAX_BYTES
from gender_demo.vision.preflight import SHIPPED
from gender_demo.web import limits
from gender_demo.web.links import links, text_routes
from gender_demo.web.live import build_live
from gender_demo.web.middleware import RequestFilter, Traffic, answer_unreadable
from gender_demo.web.panel import build_panel
from gender_demo.web.photos import Annotator, escape_markdown
from gender_demo.web.photos_tab import build_photos_tab
from gender_demo.web.preloads import sheet_route
from gender_demo.web.safe_blocks import SafeBlocks
from gender_demo.web.shell import Shell
from gender_demo.web.static_files import (
    STATIC,
    TablesValue,
    read_static,
    static_routes,
    tables_view,
)
from gender_demo.web.theme import build_theme

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Checkpoint
    from gender_demo.vision.pipeline import Pipeline

DELETE_EVERY_S, DELETE_AFTER_S = 30, 240
"""Uploaded and annotated photos are deleted when they are 4 minutes old, 4.5 at the latest."""


def launch_options(traffic: Traffic) -> dict[str, Any]:  # each value as launch() types it
    """Arguments of ``launch()`` that belong to the page."""
    return {
        "app_kwargs": {
            "middleware": [Middleware(RequestFilter, traffic=traffic), Middleware(Shell)],
            "exception_handlers": {RequestValidationError: answer_unreadable},
            "routes": [*static_routes(), sheet_route(), *text_routes()],
        },
        "theme": build_theme(),
        "css_paths": [STATIC / f"{name}.css" for name in ("page", "photos", "report")],
        "head_paths": [STATIC / "head.html"],
        "favicon_path": STATIC / "images" / "icon.svg",
        "js": read_static("page.js"),
        "pwa": True,
        "ssr_mode": False,
        "show_error": True,
        "footer_links": [],
        "run_history": False,  # it would keep pictures in the visitor's browser
        "enable_monitoring": False,
        "mcp_server": False,
        # Above the limit of one picture: a large one gets its sentence and the others go on.
        "max_file_size": 2 * MAX_BYTES,
        "state_session_capacity": limits.MAX_SESSIONS,
    }


def build_page(pipeline: Pipeline, operator: Operator | None = None) -> gr.Blocks:
    """The whole page for one pipeline; launch it with ``launch_options()``."""
    checkpoint, shipped = pipeline.checkpoint, is_shipped(pipeline.checkpoint)
    annotator = Annotator(pipeline)
    shown = read_report(checkpoint)
    gr.set_static_paths([STATIC / "examples"])
    page = SafeBlocks(
        title="How might this face be perceived?",
        analytics_enabled=False,
        delete_cache=(DELETE_EVERY_S, DELETE_AFTER_S),
    )
    with page:
        gr.Markdown(
            f"{read_static('title.md')}\n{escape_markdown(shown.headline)}", elem_id="title"
        )
        if not shipped:
            gr.Markdown(escape_markdown(whose_model(checkpoint)), elem_id="whose")
        gr.Markdown(who_runs_it(operator), elem_id="operator")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Live", id="live"), gr.Row(elem_id="live-row"):
                with gr.Column(scale=1, min_width=320, elem_id="panel"):
                    build_panel(checkpoint, shown, operator)
                with gr.Column(scale=2, min_width=320):
                    build_live(pipeline, shown.brief, lambda: annotator.busy)
            with gr.Tab("Photos", id="photos"):
                build_photos_tab(annotator, shown)
            with gr.Tab("Report", id="report"):
                _build_report(checkpoint, shown)
        gr.Markdown(links(operator, shipped=shipped), elem_id="links")
        _build_annotate_route(annotator)
    page.queue(default_concurrency_limit=1, max_size=limits.MAX_WAITING)
    return page


def is_shipped(checkpoint: Checkpoint) -> bool:
    """Whether this is the model that comes with the project."""
    return checkpoint.path.resolve() == SHIPPED


def who_runs_it(operator: Operator | None) -> str:
    """One sentence of Markdown: who runs this page and how they are reached."""
    if operator is None:
        return "This page runs for whoever started it; nobody is named as its operator."
    shown = escape_markdown(operator.contact.removeprefix("mailto:"))
    return f"This page is run by {escape_markdown(operator.name)}: [{shown}]({operator.contact})."


def whose_model(checkpoint: Checkpoint) -> str:
    """One sentence: the model's name, its classes and where it came from."""
    config = checkpoint.config
    whose = "the project's own" if is_shipped(checkpoint) else "not the project's own"
    where = origin(checkpoint.path)
    folder = "" if is_hub_name(where) else "the folder "
    return (
        f"The model “{config.name}” from {folder}“{where}” "
        f"({whose}) knows the labels {', '.join(config.classes)}."
    )


def _build_report(checkpoint: Checkpoint, shown: Report) -> None:
    gr.Markdown("## How often is it wrong?")
    own, found = is_shipped(checkpoint), shown.findings
    about = [shown.sentences.error_rates]
    value: TablesValue = {"about": about}
    if shown.audit and found:
        at = checkpoint.config.rules.min_probability
        how_to_read = read_static("report.md").split("\n\n")[: 1 + own]
        more = (found.calibration, found.trade_off)
        value = {
            "about": [*about, *filter(None, (found.covered, found.drawings))],
            "picture": asdict(shown.picture) if shown.picture else None,
            "sure": {
                "note": stops_note(shown.audit),
                "points": [asdict(stop) for stop in stops(shown.audit, at)],
            },
            "charts": [asdict(chart) for chart in shown.charts],
            "experts": {
                "about": [whose_model(checkpoint), *filter(None, more), *how_to_read],
                "tables": [asdict(table) for table in shown.tables],
            },
        }
    tables_view(value, "report")


def _build_annotate_route(annotator: Annotator) -> None:
    """/annotate has no place on the page. gr.File hands the file over as it is."""
    picture = gr.File(visible=False)
    annotated = gr.Image(visible=False, type="filepath")
    analysis = gr.JSON(visible=False)
    gr.Button(visible=False).click(
        annotator.annotate,
        [picture],
        [annotated, analysis],
        api_name="annotate",
        concurrency_id="pictures",
    )
