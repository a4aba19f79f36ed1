"""The Photos tab: upload and examples above; summary, gallery, table and downloads below."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from gender_demo.audit.report import Report
from gender_demo.web.photos import (
    HEADERS,
    Annotator,
    TableRow,
    any_read,
    escape_markdown,
    summarize,
)
from gender_demo.web.static_files import STATIC, read_static, tables_view

EXAMPLES = {
    "One face: Eileen Collins, NASA": STATIC / "examples" / "astronaut.jpg",
    "Many faces: Solvay conference, 1927": STATIC / "examples" / "solvay_1927.jpg",
}
MORE = "For whom it is wrong more often, and how that was measured, is in the report."
DOWNLOADS = {
    "csv": "Table as CSV",
    "json": "Everything as JSON",
    "zip": "Annotated pictures as ZIP",
}


@dataclass(frozen=True)
class Results:
    """Where an answer appears; hidden until there is one."""

    whole: gr.Column
    summary: gr.Markdown
    gallery: gr.Gallery
    row: gr.Row
    downloads: list[gr.DownloadButton]
    faces: gr.HTML


def build_photos_tab(annotator: Annotator, shown: Report) -> None:
    """The whole tab, inside a ``gr.Tab``; its upload is also the API route ``/photos``."""
    said = shown.sentences
    guesses, labels, uses = map(escape_markdown, (said.purpose, said.labels, said.not_for))
    gr.Markdown(f"**{guesses}** {labels} {uses}", elem_id="photos-notice")
    gr.Markdown(read_static("photos.md"))
    files = gr.File(file_count="multiple", label="Pictures", elem_id="photos-files", height=150)
    with gr.Row(elem_id="photos-examples"):
        examples = {
            gr.Button(words, icon=path, size="md"): path for words, path in EXAMPLES.items()
        }
    gr.Markdown(read_static("examples.md"), elem_id="photos-examples-note")
    results = _build_results()
    # What the API route answers with; the page shows the same rows in its own table.
    table = gr.Dataframe(headers=HEADERS, type="array", visible=False)
    common: dict[str, Any] = {
        "outputs": [results.gallery, table, *results.downloads],
        "concurrency_id": "pictures",
        "show_progress_on": [files],
    }
    begun = [files.upload(annotator.photos, [files], api_name="photos", **common)]
    for button, path in examples.items():
        example = partial(annotator.photos, [str(path)])
        begun.append(button.click(example, None, api_visibility="private", **common))
    for done in begun:
        done.success(
            partial(_show, shown=shown),
            [table],
            [results.summary, results.faces, results.whole, results.gallery, results.row, files],
            api_visibility="private",
            show_progress="hidden",
        )


def _build_results() -> Results:
    with gr.Column(visible=False, elem_id="photos-results") as whole:
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
                for kind, words in DOWNLOADS.items()
            ]
        faces = tables_view(None, "photos-table")
    return Results(whole, summary, gallery, row, downloads, faces)


def _show(rows: list[list[Any]], *, shown: Report) -> tuple[Any, ...]:
    """Summary, table, and which parts are seen; empties the field for files."""
    table = [TableRow(*row) for row in rows]
    # Without the boxes, which the downloads have: a phone is too narrow for them.
    cells = [row[:-1] for row in table]
    listed = {"title": "Faces", "headers": HEADERS[:-1], "rows": cells, "note": ""}
    read = any_read(table)
    wrong = escape_markdown(f"{shown.headline} {MORE if shown.tables else ''}") if read else ""
    return (
        f"{summarize(table)}\n\n{wrong}",
        {"about": [], "charts": [], "tables": [listed] * read},
        gr.Column(visible=True),
        gr.Gallery(visible=read),
        gr.Row(visible=read),
        None,
    )
