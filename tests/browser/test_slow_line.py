"""A phone's slow line, browsers of other languages: nothing jumps, Start is in sight."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support.tabs import open_tab

SLOW_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
"""Bytes a second and milliseconds: 1.6 Mbit/s down, as Lighthouse's slow 4G."""
WATCH_SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
        const where = sources.map(({ node }) => node?.id || node?.className || node?.nodeName);
        if (!hadRecentInput) window.shifts.push([value, ...where]);
    }
}).observe({ type: "layout-shift", buffered: true });"""
MOST_SHIFT = 0.05


@pytest.mark.parametrize("language", ["de-DE", "ar"])
def test_a_slow_phone_sees_start_in_english_and_nothing_jumps(
    app_url: str, browser: Browser, language: str
) -> None:
    with browser.new_context(
        locale=language,
        base_url=app_url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=3,
    ) as context:
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
