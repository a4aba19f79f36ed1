"""A phone's slow line, browsers of other languages: nothing jumps, Start is in sight."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support.slow_line import PHONE, SLOW_LINE, WATCH_SHIFTS
from tests.support.tabs import open_tab

MOST_SHIFT = 0.05


@pytest.mark.parametrize("language", ["de-DE", "ar"])
def test_a_slow_phone_sees_start_in_english_and_nothing_jumps(
    app_url: str, browser: Browser, language: str
) -> None:
    with browser.new_context(locale=language, base_url=app_url, **PHONE) as context:
        page = context.new_page()
        page.add_init_script(WATCH_SHIFTS)
        page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_LINE)
        page.goto("/", wait_until="commit")
        expect(page.get_by_text("The page is loading")).to_be_visible()
        expect(page.locator("#live-start")).to_be_enabled(timeout=60_000)
        expect(page.locator("#live-start")).to_be_in_viewport(ratio=1)
        page.wait_for_timeout(1500)
        shifts = page.evaluate("window.shifts")
        assert sum(shift[0] for shift in shifts) < MOST_SHIFT, shifts
        assert page.evaluate("[document.documentElement.lang, document.dir]") == ["en", ""]
        assert (
            page.evaluate("getComputedStyle(document.querySelector('#live-notice')).direction")
            == "ltr"
        )
        for tab in ("Photos", "Report"):
            open_tab(page, tab)
        open_tab(page, "Photos")
        expect(page.get_by_text("Click to Upload")).to_be_visible()


def test_what_the_first_tab_needs_is_named_and_fetched_once(app_url: str, browser: Browser) -> None:
    """If this fails, gradio writes the names of its files in another way: see web/preloads.py."""
    with browser.new_context(base_url=app_url) as context:
        page, asked = context.new_page(), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/", wait_until="commit")
        expect(page.locator("#live-start")).to_be_enabled(timeout=60_000)
        named = page.eval_on_selector_all(
            "link[rel=modulepreload]", "all => all.map((l) => l.href)"
        )
        for part in ("/index-", "/core-", "/Blocks-", "/HTML-", "/live.js", "/camera.js"):
            assert sum(part in address for address in named) == 1, part
        assert [address for address in named if asked.count(address) != 1] == []
        sheets = [address.split("/")[-1] for address in asked if ".css" in address]
        assert sorted(name.split("?")[0] for name in sheets) == ["gradio.css", "theme.css"]
