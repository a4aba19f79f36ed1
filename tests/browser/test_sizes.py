"""Every tab on common screens, in light, dark and forced colours, for people who ask for stillness:
it fits, axe finds nothing serious, and Start is there without scrolling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.support.live_page import start, violations
from tests.support.paths import EXAMPLES
from tests.support.tabs import SLOW_MS, open_tab, sideways, upload

OpenPage = Callable[..., Page]

PHONE = {"has_touch": True, "is_mobile": True, "device_scale_factor": 3}
TABLET = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SCREENS: list[tuple[int, int, dict[str, Any], tuple[str, ...]]] = [
    (1280, 800, {}, ("light", "dark", "forced")),
    (1366, 650, {}, ("dark",)),
    (820, 1180, TABLET, ("light",)),
    (390, 844, PHONE, ("light", "dark", "forced")),
    (844, 390, PHONE, ("forced",)),
]
"""Width, height, what else the screen is, and the colours that are checked on it."""
MOVING = """() => [...document.querySelectorAll(".gradio-container *")]
    .filter((node) => {
        const { animationName, animationDuration, transitionDuration } = getComputedStyle(node);
        const seconds = animationName === "none" ? 0 : parseFloat(animationDuration);
        return seconds > 0.01 || parseFloat(transitionDuration) > 0;
    }).map((node) => node.id || node.getAttribute("class") || node.tagName)"""


def check(page: Page, colours: tuple[str, ...], state: str) -> None:
    for colour in colours:
        if colour == "forced":
            page.emulate_media(forced_colors="active")
        else:
            page.emulate_media(forced_colors="none", color_scheme=colour)  # type: ignore[arg-type]
            # The page's class follows in a listener, a moment later.
            page.wait_for_function(
                "dark => document.body.classList.contains('dark') === dark", arg=colour == "dark"
            )
        assert violations(page) == [], f"{state}, {colour}"
    assert not sideways(page), state


def check_welcome(page: Page) -> None:
    """The words before the start fit in where the last camera's picture was wide."""
    page.evaluate("localStorage.setItem('live-view', '{\"shape\": 1.78}')")
    page.goto("/")
    for part in ("#live-notice", "#live-start", "#live-sample"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("width", "height", "screen", "colours"), SCREENS)
def test_every_state_fits_every_screen(
    open_page: OpenPage, width: int, height: int, screen: dict[str, Any], colours: tuple[str, ...]
) -> None:
    page = open_page(width=width, height=height, reduced_motion="reduce", **screen)
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    expect(page.locator("#live-start")).to_be_in_viewport(ratio=1)
    expect(page.locator("#live-stage")).to_be_in_viewport(ratio=0.9)
    check(page, colours, "before the start")
    start(page)
    expect(page.locator("#live-stop")).to_be_in_viewport(ratio=1)
    if width >= 1280:
        expect(page.locator("#live-faces .face").first).to_be_in_viewport(ratio=1)
    page.locator("#live-faces button").first.click()
    expect(page.locator("#live-correct")).to_be_in_viewport(ratio=1)
    check(page, colours, "correction")
    page.keyboard.press("Escape")
    page.locator("#live-stop").click()
    open_tab(page, "Photos")
    upload(page, EXAMPLES / "astronaut.jpg")
    expect(page.locator(".photo-card")).to_have_count(1, timeout=SLOW_MS)
    check(page, colours, "photos")
    open_tab(page, "Report")
    page.get_by_text("For experts").click()
    check(page, colours, "report")
    assert page.evaluate(MOVING) == []
    if width == 390:
        check_welcome(page)
    assert errors == []
