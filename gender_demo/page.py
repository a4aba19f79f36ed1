"""The page: gr.Blocks with its tabs and events. Knows no torch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from gender_demo.audit import Report, report
from gender_demo.live import build_live
from gender_demo.photos import HEADERS, Annotator, escape_markdown, summarize
from gender_demo.pictures import MAX_BYTES
from gender_demo.theme import build_theme

if TYPE_CHECKING:
    from gender_demo.checkpoint import Checkpoint
    from gender_demo.pipeline import Pipeline

STATIC = Path(__file__).parent / "static"
EXAMPLES = [STATIC / "examples" / name for name in ("astronaut.jpg", "solvay_1927.jpg")]

DELETE_EVERY_S, DELETE_AFTER_S = 30, 240
"""Uploaded and annotated photos are deleted when they are 4 minutes old, 4.5 at the latest."""

LAUNCH: dict[str, Any] = {
    "theme": build_theme(),
    "css_paths": [STATIC / "page.css"],
    "head_paths": [STATIC / "head.html"],
    "pwa": True,
    "ssr_mode": False,
    "show_error": True,
    "footer_links": [],
    "run_history": False,  # it would keep pictures in the visitor's browser
    "enable_monitoring": False,
    "mcp_server": False,
    # Above the limit of one picture, so that a large one gets its sentence and the others go on.
    "max_file_size": 2 * MAX_BYTES,
}
"""Arguments of ``launch()`` that belong to the page."""


def build_page(pipeline: Pipeline) -> gr.Blocks:
    """The whole page for one pipeline; launch it with LAUNCH."""
    annotator = Annotator(pipeline)
    shown = report(pipeline.checkpoint.audit, pipeline.checkpoint.config)
    with gr.Blocks(
        title="Perceived gender demo",
        analytics_enabled=False,
        delete_cache=(DELETE_EVERY_S, DELETE_AFTER_S),
    ) as page:
        gr.Markdown(_static("title.md"), elem_id="title")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Live", id="live"):
                with gr.Row(elem_id="live-row"):
                    with gr.Column(scale=2, min_width=300, elem_id="panel"):
                        _build_panel(shown)
                    with gr.Column(scale=5, min_width=320):
                        build_live(pipeline)
            with gr.Tab("Photos", id="photos"):
                _build_photos(annotator)
            with gr.Tab("How often is it wrong?", id="report"):
                _build_report(pipeline.checkpoint, shown)
        _build_annotate_route(annotator)
    page.queue(default_concurrency_limit=1, max_size=64)
    return page


def _build_panel(shown: Report) -> None:
    lines = "\n".join(f"- {escape_markdown(sentence)}" for sentence in shown.sentences)
    gr.Markdown("## Before you start", elem_id="panel-title")
    gr.Markdown(lines, elem_id="panel-lines")
    with gr.Accordion("More", open=False, elem_id="panel-more"):
        gr.Markdown(_static("notice.md"))


def _build_report(checkpoint: Checkpoint, shown: Report) -> None:
    gr.HTML(
        {
            "about": [_whose_model(checkpoint), shown.sentences[2]],
            "charts": [asdict(chart) for chart in shown.charts],
            "tables": [asdict(table) for table in shown.tables],
        },
        html_template=_static("report.html"),
        js_on_load=_static("report.js"),
        apply_default_css=False,
        elem_id="report",
    )


def _whose_model(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    words = (
        f"The model {config.name} tells {len(config.classes)} labels: {', '.join(config.classes)}"
    )
    return f"{words}; it comes from the folder {checkpoint.path.name}."


def _build_photos(annotator: Annotator) -> None:
    gr.Markdown(_static("photos.md"))
    files = gr.File(file_count="multiple", label="Pictures", elem_id="photos-files")
    hide = gr.Checkbox(label="Hide the labels", elem_id="photos-hide", visible=False)
    with gr.Row():
        for path in EXAMPLES:
            gr.Button(path.stem)
    with gr.Column(visible=False, elem_id="photos-results") as results:
        summary = gr.Markdown(elem_id="photos-summary")
        gallery = gr.Gallery(
            label="Annotated pictures",
            elem_id="photos-gallery",
            columns=3,
            object_fit="contain",
            interactive=False,
            buttons=["download", "fullscreen"],
        )
        table = gr.Dataframe(
            headers=HEADERS, label="Faces", elem_id="photos-table", interactive=False, wrap=True
        )
        with gr.Row():
            downloads = [
                gr.DownloadButton(f"Download {kind}", elem_id=f"photos-{kind.lower()}")
                for kind in ("CSV", "JSON", "ZIP")
            ]
    done = files.upload(
        annotator.photos,
        [files],
        [gallery, table, *downloads],
        api_name="photos",
        concurrency_id="pictures",
        show_progress_on=files,
    )
    done.success(
        lambda rows: (summarize(rows.values.tolist()), gr.Column(visible=True), None),
        [table],
        [summary, results, files],
        api_visibility="private",
        show_progress="hidden",
    )


def _build_annotate_route(annotator: Annotator) -> None:
    """/annotate has no place on the page: gr.File hands the file over untouched."""
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


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
