"""The live view: the page's element and the one server function under ``static/js/live.js``.

camera (drawn by the page) --small JPEG--> newest frame of each viewer --workers--> marks
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import gradio as gr

from gender_demo.label_words import REASONS
from gender_demo.web.sessions import Answer, LiveService
from gender_demo.web.static_files import module_loader, read_static

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

BATCH_SIZE, BATCH_SIZE_GPU = 2, 8
"""Frames of at most so many viewers who wait are one batch, which costs less than one by one."""


def build_live(
    pipeline: Pipeline, notice: Sequence[str], other_work: Callable[[], bool]
) -> gr.HTML:
    """The live view, to be called inside a ``gr.Blocks`` context; keep its ``value`` untouched.

    ``notice`` are plain sentences, shown above the button that starts the camera. ``other_work``:
    whether the nets have other pictures to analyse.
    """
    from gender_demo.tracking.tracker import Tracker, follow_all  # these load torch
    from gender_demo.vision.backends import STREAMS

    cuda = pipeline.device.type == "cuda"
    service = LiveService(
        lambda: Tracker(pipeline),
        follow_all,
        wants_large=lambda tracker: tracker.wants_large,
        other_work=other_work,
        workers=1 if cuda else STREAMS,
        batch_size=BATCH_SIZE_GPU if cuda else BATCH_SIZE,
    )

    async def follow_frame(request: object) -> Answer:
        return await asyncio.wrap_future(service.submit(request))

    return gr.HTML(
        html_template=read_static("live.html"),
        css_template=read_static("live.css"),
        js_on_load=module_loader("live.js"),
        apply_default_css=False,
        server_functions=[follow_frame],
        elem_id="live-view",
        classes=list(pipeline.checkpoint.config.classes),
        reasons=REASONS,
        notice=[html.escape(line) for line in notice],
    )
