"""The video part of the Photos tab and the API route /video: one video in; player, table and
downloads out. Files lie in gradio's own cache folder and are deleted like photos."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from gender_demo.errors import VideoError
from gender_demo.files.names import annotated_name, printable
from gender_demo.web.limits import VIDEO
from gender_demo.web.static_files import module_loader, read_static, tables_view

if TYPE_CHECKING:
    from gender_demo.video.annotate import VideoResult
    from gender_demo.vision.pipeline import Pipeline

REPORT_EVERY_S = 0.5
DOWNLOADS = ("Annotated video", "Tracks as CSV", "Tracks as JSON", "Contact sheet")
KINDS = ("video", "csv", "json", "sheet")
BEGIN = "() => [{words: ''}, {__type__: 'update', interactive: true}]"
"""Done in the browser: the last trouble goes, the stop button works."""
HEADERS = ["Face", "Seconds", "Perceived as", "Labelled", "Unsure", "Reasons"]


class Stopped(Exception):  # noqa: N818 - somebody's wish
    """Raised in the middle of a video whose visitor no longer wants it."""


class Videos:
    """What the page's events call, over one pipeline; one video at a time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._stopping: set[str] = set()
        self._running = ""

    def stop(self, request: gr.Request) -> None:
        """End the video of this visitor, if one is running."""
        if request.session_hash and request.session_hash == self._running:
            self._stopping.add(self._running)

    def annotate(
        self,
        file: str | None,
        blur_faces: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as the default
    ) -> tuple[str, str, str, str]:
        """Paths of annotated video, CSV, JSON and contact sheet; raises gr.Error."""
        return self.run(file, blur_faces, request.session_hash or "", progress)[1]

    def run(
        self, file: str | None, blur_faces: bool, visitor: str, progress: gr.Progress
    ) -> tuple[VideoResult, tuple[str, str, str, str]]:
        """What came of a video, and the paths of its four files; raises gr.Error."""
        from gender_demo.video.annotate import annotate_video  # loads torch

        if not file:
            raise gr.Error("Choose a video.", print_exception=False)
        self._running = visitor
        self._stopping.discard(visitor)
        folder = Path(tempfile.mkdtemp())
        try:
            stem = folder / annotated_name(Path(file).name).removesuffix(".jpg")
            done = annotate_video(
                self.pipeline, Path(file), stem, blur_faces=blur_faces, limits=VIDEO,
                report=self._reporter(visitor, progress),
            )  # fmt: skip
            video, *others = (save_file_to_cache(p, get_upload_folder()) for p in done.paths)
            return done, (video, others[0], others[1], others[2])
        except VideoError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Stopped:
            raise gr.Error("Stopped; nothing of it was kept.", print_exception=False) from None
        finally:
            self._running = ""
            shutil.rmtree(folder, ignore_errors=True)

    def _reporter(
        self, visitor: str, progress: gr.Progress
    ) -> Callable[[float, float | None], None]:
        begun, reported = time.monotonic(), 0.0

        def report(done_s: float, whole_s: float | None) -> None:
            nonlocal reported
            if visitor in self._stopping:
                self._stopping.discard(visitor)
                raise Stopped
            now = time.monotonic()
            if now - reported < REPORT_EVERY_S or not whole_s:
                return
            reported = now
            share = min(1.0, done_s / whole_s)
            left_s = (now - begun) * (1 - share) / max(0.01, share)
            progress(share, desc=f"about {left_s:.0f} s left")

        return report


def build_video_part(pipeline: Pipeline, blur: gr.Checkbox) -> None:
    """All of it, below the photos; ``blur`` says whether faces are to be hidden."""
    videos = Videos(pipeline)
    with gr.Accordion("A video instead", open=False, elem_id="video"):
        gr.Markdown(read_static("video.md"))
        trouble = gr.HTML(
            {"words": ""}, html_template=read_static("video_trouble.html"), elem_id="video-trouble"
        )
        file = gr.File(label="Video", elem_id="video-file", height=150)
        stop = gr.Button("Stop", elem_id="video-stop", size="md", interactive=False)
        with gr.Column(visible=False, elem_id="video-results") as whole:
            player = gr.HTML(
                {"path": "", "words": ""},
                html_template=read_static("video.html"),
                js_on_load=module_loader("video.js"),
                apply_default_css=False,
                elem_id="video-player",
            )
            with gr.Row(elem_id="video-downloads"):
                buttons = [
                    gr.DownloadButton(words, elem_id=f"video-{kind}", size="md")
                    for words, kind in zip(DOWNLOADS, KINDS, strict=True)
                ]
            tracks = tables_view(None, "video-tracks")

    def show(
        path: str | None,
        blur_faces: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as the default
    ) -> list[Any]:
        off = gr.Button(interactive=False)
        try:
            done, paths = videos.run(path, blur_faces, request.session_hash or "", progress)
        except gr.Error as error:  # what was there stays, and the next one can be chosen
            return [{"words": error.message}, *[gr.skip()] * 7, off, None]
        return [gr.skip(), gr.Column(visible=True), *_shown(done, paths[0]), *paths, off, None]

    file.upload(None, None, [trouble, stop], js=BEGIN, api_visibility="private")
    file.upload(
        show, [file, blur], [trouble, whole, player, tracks, *buttons, stop, file],
        concurrency_id="videos", concurrency_limit=1, api_visibility="private",
        show_progress_on=[file],
    )  # fmt: skip
    stop.click(videos.stop, None, None, queue=False, api_visibility="private")
    _build_video_route(videos)


def _shown(done: VideoResult, path: str) -> list[dict[str, object]]:
    """Values of the player and of the table of tracks."""
    faces = f"{len(done.tracks)} face{'' if len(done.tracks) == 1 else 's'} followed"
    words = "; ".join(filter(None, (f"{printable(done.name)}: {faces}", done.note)))
    rows = [
        [r.track, f"{r.first_s:.1f} to {r.last_s:.1f}", r.label, f"{100 * r.share_labelled:.0f} %",
         f"{100 * r.share_unsure:.0f} %", r.why]
        for r in done.tracks
    ]  # fmt: skip
    listed = {"title": "Faces followed", "headers": HEADERS, "rows": rows, "note": ""}
    return [
        {"path": path, "words": words},
        {"about": [], "charts": [], "tables": [listed] if rows else []},
    ]


def _build_video_route(videos: Videos) -> None:
    """/video for programs; nothing of it is seen."""
    file = gr.File(label="Video", visible=False)
    blur = gr.Checkbox(label="Blur faces", visible=False)
    outputs = [gr.File(label=words, visible=False) for words in DOWNLOADS]
    gr.Button(visible=False).click(
        videos.annotate, [file, blur], outputs, api_name="video", concurrency_id="videos",
        concurrency_limit=1,
    )  # fmt: skip
