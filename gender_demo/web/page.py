"""The page: gr.Blocks with its tabs and events. Knows no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.middleware import Middleware

from gender_demo.audit.report import (
    Report,
    report,
)
from gender_demo.errors import CheckpointError
from gender_demo.vision.pictures import MAX_BYTES
from gender_demo.vision.preflight import SHIPPED
from gender_demo.web.live import build_live
from gender_demo.web.logs import (
    is_disk_trouble,
    log_failure,
)
from gender_demo.web.middleware import (
    DISK_FULL,
    FAILED,
    RequestFilter,
    Traffic,
)
from gender_demo.web.photos import (
    HEADERS,
    Annotator,
    any_read,
    escape_markdown,
    summarize,
)
from gender_demo.web.theme import build_theme

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Checkpoint
    from gender_demo.vision.pipeline import Pipeline

STATIC = Path(__file__).parent / "static"
EXAMPLES = {
    "One face: Eileen Collins, NASA": STATIC / "examples" / "astronaut.jpg",
    "Many faces: Solvay conference, 1927": STATIC / "examples" / "solvay_1927.jpg",
}
DELETE_EVERY_S, DELETE_AFTER_S = 30, 240
"""Uploaded and annotated photos are deleted when they are 4 minutes old, 4.5 at the latest."""
MORE = "For whom it is wrong more often, and how that was measured, is in the report."
MAX_WAITING = 64
"""Photo requests that wait for their turn."""
MAX_SESSIONS = 64
"""Sessions that gradio remembers: they hold nothing of ours, and a forgotten one is made anew."""


class Page(gr.Blocks):
    """Blocks whose failures are one sentence for the visitor and one line without content for the
    log; gradio would print a traceback that quotes what was sent."""

    async def process_api(
        self, block_fn: Any, inputs: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        if names_address(inputs):
            raise gr.Error("Send the picture itself, not its address.", print_exception=False)
        try:
            return await super().process_api(block_fn, inputs, *args, **kwargs)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            log_failure(error, "a picture request")
            sentence = DISK_FULL if is_disk_trouble(error) else FAILED
            raise gr.Error(sentence, print_exception=False) from None


def names_address(inputs: Any) -> bool:
    """Whether a file is named by an address: gradio would fetch it, from whomever a caller wants,
    and ask a third party where it is."""
    left = [inputs]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            if str(item.get("path")).lower().startswith(("http:", "https:")):
                return True
            left += item.values()
        elif isinstance(item, list):
            left += item
    return False


def launch_options(traffic: Traffic) -> dict[str, Any]:
    """Arguments of ``launch()`` that belong to the page."""
    return {
        "app_kwargs": {"middleware": [Middleware(RequestFilter, traffic=traffic)]},
        "theme": build_theme(),
        "css_paths": [STATIC / "page.css"],
        "head_paths": [STATIC / "head.html"],
        "js": _static("page.js"),
        "pwa": True,
        "ssr_mode": False,
        "show_error": True,
        "footer_links": [],
        "run_history": False,  # it would keep pictures in the visitor's browser
        "enable_monitoring": False,
        "mcp_server": False,
        # Above the limit of one picture: a large one gets its sentence and the others go on.
        "max_file_size": 2 * MAX_BYTES,
        "state_session_capacity": MAX_SESSIONS,
    }


def build_page(pipeline: Pipeline) -> gr.Blocks:
    """The whole page for one pipeline; launch it with ``launch_options()``."""
    checkpoint = pipeline.checkpoint
    annotator = Annotator(pipeline)
    shown = _read_report(checkpoint)
    gr.set_static_paths([STATIC / "examples"])
    page = Page(
        title="How might this face be perceived?",
        analytics_enabled=False,
        delete_cache=(DELETE_EVERY_S, DELETE_AFTER_S),
    )
    with page:
        subtitle = escape_markdown(shown.headline)
        gr.Markdown(f"{_static('title.md').rstrip()} {subtitle}", elem_id="title")
        if not is_shipped(checkpoint):
            gr.Markdown(escape_markdown(whose_model(checkpoint)), elem_id="whose")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Live", id="live"), gr.Row(elem_id="live-row"):
                with gr.Column(scale=3, min_width=320, elem_id="panel"):
                    _build_panel(checkpoint, shown)
                with gr.Column(scale=5, min_width=320):
                    build_live(pipeline)
            with gr.Tab("Photos", id="photos"):
                _build_photos(annotator, shown)
            with gr.Tab("Report", id="report"):
                _build_report(checkpoint, shown)
        _build_annotate_route(annotator)
    page.queue(default_concurrency_limit=1, max_size=MAX_WAITING)
    return page


def _read_report(checkpoint: Checkpoint) -> Report:
    from gender_demo.vision.checkpoint import AUDIT

    try:
        return report(checkpoint.audit, checkpoint.config)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise CheckpointError(
            f"{checkpoint.path / AUDIT} cannot be read by this version: measure again with "
            "python -m train evaluate --write-audit, or delete the file."
        ) from None


def is_shipped(checkpoint: Checkpoint) -> bool:
    """Whether this is the model that comes with the project."""
    return checkpoint.path.resolve() == SHIPPED


def whose_model(checkpoint: Checkpoint) -> str:
    """One sentence: the model's name, its classes and the folder it came from."""
    config = checkpoint.config
    whose = "the project's own" if is_shipped(checkpoint) else "not the project's own"
    return (
        f"The model “{config.name}” from the folder “{checkpoint.path.resolve().name}” "
        f"({whose}) knows the labels {', '.join(config.classes)}."
    )


def _build_panel(checkpoint: Checkpoint, shown: Report) -> None:
    gr.Markdown("## Before you start")
    lines = "\n".join(f"- {escape_markdown(sentence)}" for sentence in shown.sentences)
    gr.Markdown(lines, elem_id="panel-lines")
    with gr.Accordion("More", open=False, elem_id="panel-more"):
        knows_gender = set(checkpoint.config.classes) == {"female", "male"}
        gr.Markdown(_static("notice.md" if knows_gender else "notice_other_labels.md"))


def _build_photos(annotator: Annotator, shown: Report) -> None:
    guesses, labels, _, _, _, uses, *_ = map(escape_markdown, shown.sentences)
    gr.Markdown(f"**{guesses}** {labels} {uses}", elem_id="photos-notice")
    gr.Markdown(_static("photos.md"))
    files = gr.File(file_count="multiple", label="Pictures", elem_id="photos-files", height=150)
    with gr.Row(elem_id="photos-examples"):
        examples = {
            gr.Button(words, icon=path, size="md"): path for words, path in EXAMPLES.items()
        }
    gr.Markdown(_static("examples.md"), elem_id="photos-examples-note")
    with gr.Column(visible=False, elem_id="photos-results") as results:
        summary = gr.Markdown(elem_id="photos-summary")
        gallery = gr.Gallery(
            label="Annotated pictures",
            show_label=False,
            elem_id="photos-gallery",
            columns=2,
            height="auto",
            object_fit="contain",
            interactive=False,
            buttons=["download", "fullscreen"],
        )
        with gr.Row(elem_id="photos-downloads") as row:
            downloads = [
                gr.DownloadButton(words, elem_id=f"photos-{kind}", size="md")
                for kind, words in {
                    "csv": "Table as CSV",
                    "json": "Everything as JSON",
                    "zip": "Annotated pictures as ZIP",
                }.items()
            ]
        faces = _tables_view(None, "photos-table")
    # What the API route answers with; the page shows the same rows in its own table.
    table = gr.Dataframe(headers=HEADERS, type="array", visible=False)
    outputs = [gallery, table, *downloads]

    def show(rows: list[list[Any]]) -> tuple[str, dict[str, Any], Any, Any, Any, None]:
        # Without the boxes, which the downloads have: a phone is too narrow for them.
        cells = [row[:-1] for row in rows]
        listed = {"title": "Faces", "headers": HEADERS[:-1], "rows": cells, "note": ""}
        read = any_read(rows)
        wrong = escape_markdown(f"{shown.headline} {MORE if shown.tables else ''}") if read else ""
        return (
            f"{summarize(rows)}\n\n{wrong}",
            {"about": [], "charts": [], "tables": [listed] * read},
            gr.Column(visible=True),
            gr.Gallery(visible=read),
            gr.Row(visible=read),
            None,
        )

    def then_show(done: Any) -> None:
        done.success(
            show,
            [table],
            [summary, faces, results, gallery, row, files],
            api_visibility="private",
            show_progress="hidden",
        )

    then_show(
        files.upload(
            annotator.photos,
            [files],
            outputs,
            api_name="photos",
            concurrency_id="pictures",
            show_progress_on=[files],
        )
    )
    for button, path in examples.items():
        then_show(
            button.click(
                _example(annotator, path),
                None,
                outputs,
                api_visibility="private",
                concurrency_id="pictures",
                show_progress_on=[files],
            )
        )


def _example(annotator: Annotator, path: Path) -> Callable[[], Any]:
    return lambda: annotator.photos([str(path)])


def _build_report(checkpoint: Checkpoint, shown: Report) -> None:
    gr.Markdown("## How often is it wrong?")
    own = is_shipped(checkpoint)
    how_to_read = _static("report.md").split("\n\n")[: 1 + own] if shown.tables else []
    value = {
        "about": [*([whose_model(checkpoint)] * own), shown.sentences[2], *how_to_read],
        "charts": [asdict(chart) for chart in shown.charts],
        "tables": [asdict(table) for table in shown.tables],
    }
    _tables_view(value, "report")


def _tables_view(value: dict[str, Any] | None, elem_id: str) -> gr.HTML:
    """Charts and sortable tables; ``static/tables.html`` says what ``value`` holds."""
    return gr.HTML(
        value or {"about": [], "charts": [], "tables": []},
        html_template=_static("tables.html"),
        js_on_load=_static("tables.js"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="tables",
    )


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


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
