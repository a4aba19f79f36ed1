"""Steps on the live view that its browser tests share."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.face_video import BITS, SQUARE_PX

SNAPSHOT = (Path(__file__).parent / "live_snapshot.js").read_text(encoding="utf-8")
LIVE_ANSWERS = (Path(__file__).parent / "live_answers.js").read_text(encoding="utf-8")

STAYS_S = 5.0
AT_REST = """() => document.getAnimations().every((one) =>
    one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""
PLACE = """(() => {
    const { x, y, width } = document.querySelector("#live-controls").getBoundingClientRect();
    return [x, y + scrollY, width];
})()"""


def start(page: Page) -> None:
    page.locator("#live-start").click()
    wait_for_box(page)


def wait_for_box(page: Page) -> None:
    try:
        page.wait_for_function(
            "JSON.parse(document.querySelector('#live').dataset.marks ?? '[]').length > 0",
            timeout=60_000,
        )
    except PlaywrightTimeout as late:
        said = page.evaluate(
            "[document.querySelector('#live').dataset, document.querySelector('#live').innerText]"
        )
        raise AssertionError(f"no box: {said}") from late


def wait_for_state(page: Page, state: str) -> None:
    expect(page.locator("#live")).to_have_attribute("data-state", state, timeout=30_000)


def wait_for_new_frame(page: Page) -> None:
    """Wait until the picture has moved on by several frames."""
    frame = page.evaluate("Number(document.querySelector('#live').dataset.frame ?? 0)")
    page.wait_for_function(f"Number(document.querySelector('#live').dataset.frame) > {frame} + 3")


def snapshot(page: Page) -> dict[str, Any]:
    """See live_snapshot.js."""
    shot: dict[str, Any] = page.evaluate(SNAPSHOT, [BITS, SQUARE_PX])
    return shot


def violations(page: Page) -> list[str]:
    """What axe finds serious in the page at rest.

    While colours change, those of a text and of its ground may come in different frames; what is
    found then is the change. What is still found after ``STAYS_S`` is the page.
    """
    deadline = time.monotonic() + STAYS_S
    page.wait_for_function(AT_REST)
    while (found := _violations_now(page)) and time.monotonic() < deadline:
        page.wait_for_function(AT_REST)
    return found


def _violations_now(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['target']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
