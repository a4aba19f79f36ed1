"""Faces where a test wants them on the live view (live_answers.js)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

from gender_demo.drawing.marks import marks
from gender_demo.results import Analysis, Box, Face, Prediction
from tests.support.live_page import LIVE_ANSWERS


def answer(boxes: Sequence[Sequence[float]], unsure: int = 0) -> list[dict[str, Any]]:
    """Marks of faces at these boxes in 480 x 360 pixels, tracks counted from 1, the last unsure."""
    found = []
    for track, box in enumerate(boxes, 1):
        label = "female" if track <= len(boxes) - unsure else None
        reasons = () if label else ("close_call",)
        face = Face(Box(*box), 0.99, ())
        chances = (("female", 0.9), ("male", 0.1))
        found.append(Prediction(face, label, 0.9, chances, reasons, track))
    return [mark.to_json() for mark in marks(Analysis((480, 360), tuple(found)), shown_px=480)]


def row(count: int) -> list[tuple[float, ...]]:
    """Boxes side by side."""
    side = 480 / count
    return [(i * side + 0.2 * side, 120, i * side + 0.8 * side, 120 + 0.7 * side)
            for i in range(count)]  # fmt: skip


def grid(count: int) -> list[tuple[float, ...]]:
    """Boxes in rows and columns."""
    columns = max(1, math.ceil(math.sqrt(count * 4 / 3)))
    side = 480 / columns
    return [
        ((i % columns + 0.2) * side, (i // columns + 0.3) * side,
         (i % columns + 0.7) * side, (i // columns + 0.9) * side)
        for i in range(count)
    ]  # fmt: skip


def start(page: Page, boxes: Sequence[Sequence[float]], unsure: int = 0) -> None:
    page.evaluate(LIVE_ANSWERS)
    show(page, boxes, unsure)
    page.locator("#live-start").click()
    wait_for_faces(page, len(boxes))


def show(page: Page, boxes: Sequence[Sequence[float]], unsure: int = 0) -> None:
    page.evaluate("marks => { window.faces = () => marks; }", answer(boxes, unsure))


def wait_for_faces(page: Page, count: int) -> None:
    page.wait_for_function(
        "n => JSON.parse(document.querySelector('#live').dataset.marks ?? '[]').length === n",
        arg=count,
        timeout=60_000,
    )
