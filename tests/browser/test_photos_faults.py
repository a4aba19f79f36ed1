"""A server that is lost while photos go there, wait or are analysed is said in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.paths import EXAMPLES
from tests.support.server import app_flags, free_port, start_app, stop_app
from tests.support.tabs import SLOW_MS, open_tab, upload

OpenPage = Callable[..., Page]

LOST = "The server was lost on the way, so there is no result."


@pytest.mark.parametrize("step", ["upload?*", "queue/join*", "queue/data*"])
def test_a_step_that_fails_is_said_and_can_be_done_again(open_page: OpenPage, step: str) -> None:
    page = open_page()
    open_tab(page, "Photos")

    def cut(route: Route) -> None:
        route.abort()

    page.route(f"**/gradio_api/{step}", cut)
    page.locator("#photos-files input[type=file]").set_input_files(EXAMPLES / "astronaut.jpg")
    expect(page.locator("#photos-trouble")).to_contain_text(LOST)
    page.unroute(f"**/gradio_api/{step}", cut)
    page.wait_for_timeout(2500)  # gradio may load the page anew by itself
    expect(page.locator("#photos-trouble")).to_contain_text(LOST)
    expect(page.get_by_text("Failed to fetch")).to_have_count(0)
    upload(page, EXAMPLES / "astronaut.jpg")
    expect(page.locator(".photo-card")).to_have_count(1, timeout=SLOW_MS)
    expect(page.locator("#photos-trouble")).to_be_hidden()


def test_a_server_that_dies_while_it_looks_is_said(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    app = start_app(port, *app_flags(), log=tmp_path / "log.txt")
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/#photos")
        with page.expect_response("**/gradio_api/queue/data**"):
            page.locator("#photos-files input[type=file]").set_input_files(
                [EXAMPLES / "solvay_1927.jpg"] * 9
            )
        app.kill()
        app.wait()
        expect(page.locator("#photos-trouble")).to_contain_text(LOST)
    finally:
        context.close()
        stop_app(app)
