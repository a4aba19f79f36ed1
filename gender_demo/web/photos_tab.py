"""The Photos tab: upload and examples above; summary, gallery, table and downloads below."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from gender_demo.audit.report import Report
from gender_demo.errors import PictureError
from gender_demo.files.rows import HIDDEN
from gender_demo.label_words import REASONS
from gender_demo.web.links import to_report
from gender_demo.web.photos import (
    HEADERS,
    Annotator,
    Photos,
    any_read,
    escape_markdown,
    summarize,
)
from gender_demo.web.static_files import STATIC, module_loader, read_static, tables_view
from gender_demo.web.videos import build_video_part
from gender_demo.web.why import Answer

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
    photos: gr.HTML
    more: gr.Accordion
    faces: gr.HTML

    def components(self) -> list[Any]:
        """In the order of ``_show``'s answer."""
        return [self.whole, self.summary, self.photos, self.more, self.faces]


def build_photos_tab(annotator: Annotator, shown: Report) -> None:
    """The whole tab, inside a ``gr.Tab``, and the API route ``/photos``."""
    said = shown.sentences
    guesses, labels, uses = map(escape_markdown, (said.purpose, said.labels, said.not_for))
    gr.Markdown(f"**{guesses}** {labels} {uses}", elem_id="photos-notice")
    gr.Markdown(read_static("photos.md"))
    files = gr.File(file_count="multiple", label="Pictures", elem_id="photos-files", height=150)
    gr.HTML(read_static("photos_trouble.html"), elem_id="photos-trouble")
    blur = gr.Checkbox(
        label="Blur all faces in what I get back",
        info="A face that is not found stays as it is: look before you share.",
        elem_id="photos-blur",
    )
    gr.Checkbox(label="Hide all labels", elem_id="photos-hide")
    with gr.Row(elem_id="photos-examples"):
        examples = {
            gr.Button(words, icon=path, size="md"): path for words, path in EXAMPLES.items()
        }
    gr.Markdown(read_static("examples.md"), elem_id="photos-examples-note")
    build_video_part(annotator.pipeline, blur)
    results = _build_results(annotator)

    def show(
        paths: list[str] | None,
        blur_faces: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as the default
    ) -> list[Any]:
        return [*_show(annotator.show(paths, progress, blur_faces=blur_faces), shown), None]

    events = [(files.upload, show, [files, blur])]
    events += [
        (button.click, partial(show, [str(path)]), [blur]) for button, path in examples.items()
    ]
    for event, answer, inputs in events:
        event(
            answer,
            inputs,
            [*results.components(), files],
            concurrency_id="pictures",
            api_visibility="private",
            show_progress_on=[files],
        )
    _build_photos_route(annotator)


def _build_results(annotator: Annotator) -> Results:
    def explain_face(request: object) -> Answer:
        return annotator.explanations.answer(request)

    def make_file(asked: gr.EventData) -> dict[str, object]:
        try:
            path, name = annotator.files.make(asked._data)  # noqa: SLF001 - gradio's way to all of it
        except PictureError as error:
            return {"error": str(error), "made_s": time.monotonic()}
        return {"path": path, "name": name, "made_s": time.monotonic()}

    with gr.Column(visible=False, elem_id="photos-results") as whole:
        summary = gr.Markdown(elem_id="photos-summary")
        photos = gr.HTML(
            {"photos": []},
            html_template=read_static("photos.html"),
            js_on_load=module_loader("photos.js"),
            apply_default_css=False,
            server_functions=[explain_face],
            elem_id="photos-gallery",
            classes=list(annotator.pipeline.checkpoint.config.classes),
            reasons=REASONS,
        )
        made = gr.HTML(
            {},
            html_template=read_static("photo_made.html"),
            js_on_load=module_loader("photo_made.js"),
            apply_default_css=False,
            elem_id="photos-made",
        )
        photos.ask(
            make_file, None, [made], concurrency_id="pictures", api_visibility="private",
            show_progress="hidden",
        )  # fmt: skip
        with gr.Accordion("Table and downloads", open=False, elem_id="photos-more") as more:
            with gr.Row(elem_id="photos-downloads"):
                for kind, words in DOWNLOADS.items():
                    gr.Button(words, elem_id=f"photos-{kind}", size="md")
            faces = tables_view(None, "photos-table", "photo_table.js")
    return Results(whole, summary, photos, more, faces)


def _show(done: Photos, shown: Report) -> list[Any]:
    """Values of ``Results.components``."""
    # Without the boxes, which the downloads have: a phone is too narrow for them.
    listed = {
        "title": "Faces",
        "headers": [*HEADERS[:-1], "Corrected to"],
        "rows": [[*row[:-1], ""] for row in done.table],
        "keys": done.keys,
        "note": "",
    }
    read = any_read(done.table)
    labels = any(row.label not in ("", HIDDEN) for row in done.table)
    said = f"{shown.headline} {MORE if shown.tables else ''}"
    wrong = to_report(escape_markdown(said)) if labels else ""
    return [
        gr.Column(visible=True),
        f"{summarize(done.table)}\n\n{wrong}",
        {"photos": [photo.to_json() for photo in done.photos], "token": done.token},
        gr.Accordion(visible=read),
        {"about": [], "charts": [], "tables": [listed] * read},
    ]


def _build_photos_route(annotator: Annotator) -> None:
    """/photos for programs: the same analysis, with drawn pictures; nothing of it is seen."""
    outputs = [
        gr.Gallery(visible=False),
        gr.Dataframe(headers=HEADERS, type="array", visible=False),
        *(gr.DownloadButton(words, visible=False) for words in DOWNLOADS.values()),
    ]
    files = gr.File(file_count="multiple", label="Pictures", visible=False)
    gr.Button(visible=False).click(
        annotator.photos, [files], outputs, api_name="photos", concurrency_id="pictures"
    )
