"""Why this guess? under the card of a face: by keyboard, on both widths, and when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.live_page import violations
from tests.support.paths import EXAMPLES
from tests.support.tabs import SLOW_MS, open_tab, sideways, upload

OpenPage = Callable[..., Page]

SERVER = "**/gradio_api/component_server**"


@pytest.mark.parametrize("width", [1280, 390])
def test_why_this_guess(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    open_tab(page, "Photos")
    upload(page, EXAMPLES / "astronaut.jpg")
    ask, panel = page.get_by_role("button", name="Why this guess?"), page.locator(".photo-why")
    ask.wait_for(timeout=SLOW_MS)
    expect(panel).to_be_hidden()

    def cut(route: Route) -> None:
        body = route.request.post_data or ""
        route.abort() if "explain_face" in body else route.continue_()

    page.route(SERVER, cut)
    ask.press("Enter")
    expect(panel.get_by_role("status")).to_contain_text("The server could not be reached")
    page.unroute(SERVER, cut)
    ask.press("Enter")
    picture = panel.get_by_role("img")
    picture.wait_for(timeout=SLOW_MS)
    expect(picture).to_have_attribute("alt", re.compile("orange where covering"))
    expect(panel.get_by_role("status")).to_have_text(re.compile("^(It rests most on|No single)"))
    expect(panel.get_by_role("status")).to_be_in_viewport()
    expect(panel.locator("tbody tr")).to_have_count(10)
    expect(panel).to_contain_text("The map shows what the model needs")
    assert not re.search(r"\bis (fe)?male\b", panel.inner_text())
    assert picture.evaluate("(node) => node.naturalWidth") > 500
    stage = page.locator(".photo-stage")
    expect(stage).to_have_css("position", "static" if width == 390 else "sticky")
    assert violations(page) == []
    assert not sideways(page)
    expect(ask).to_be_focused()
    ask.press("Enter")
    expect(panel).to_be_hidden()
    expect(stage).to_have_css("position", "sticky")
    ask.press("Space")
    expect(picture).to_be_visible()
    page.get_by_role("button", name="Do not label").click()
    expect(panel).to_be_hidden()
    expect(ask).to_be_hidden()
    page.get_by_role("button", name="Label again").click()
    expect(ask).to_be_visible()
    page.get_by_label("Blur all faces in what I get back").check()
    upload(page, EXAMPLES / "astronaut.jpg")
    expect(page.locator(".photo-words")).to_contain_text("hidden, as you asked", timeout=SLOW_MS)
    expect(ask).to_be_hidden()
