"""The report's slider, and what it does to the live view and to photos."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.live_faces import row, start
from tests.support.paths import EXAMPLES
from tests.support.tabs import SLOW_MS, open_tab, upload

OpenPage = Callable[..., Page]

HIGHEST = "range => { range.value = range.max; range.dispatchEvent(new Event('input')); }"
ONLY = re.compile(r"labels are shown from \d\d % on only")


def share(text: str, pattern: str) -> int:
    """The number that a sentence says."""
    (number,) = re.findall(pattern, text)
    return int(number)


def set_highest(page: Page, *, use: bool) -> None:
    open_tab(page, "Report")
    expect(page.locator(".how-sure output")).to_contain_text("wrong")  # it is ready
    page.locator(".how-sure input[type=checkbox]").set_checked(use)
    page.locator(".how-sure input[type=range]").evaluate(HIGHEST)


def test_the_surer_it_must_be_the_fewer_labels_and_errors(open_page: OpenPage) -> None:
    page = open_page()
    open_tab(page, "Report")
    slider, told = page.locator(".how-sure input[type=range]"), page.locator(".how-sure output")
    expect(told).to_contain_text("wrong")
    first = told.inner_text()
    assert re.fullmatch(
        r"From \d\d % on: \d+ of 100 faces get a label, and about 1 in \d+ of these labels is "
        r"wrong\.",
        first,
    )
    slider.focus()
    page.keyboard.press("ArrowRight")
    second = told.inner_text()
    assert share(first, r"(\d+) of 100") > share(second, r"(\d+) of 100")
    assert share(first, r"1 in (\d+)") < share(second, r"1 in (\d+)")


def test_statistics_stand_under_for_experts(open_page: OpenPage) -> None:
    page = open_page()
    open_tab(page, "Report")
    table = page.locator("#report .experts table").first
    expect(table).to_be_hidden()
    expect(page.locator("#report table").filter(visible=True)).to_have_count(0)
    page.get_by_text("For experts").click()
    expect(table).to_be_visible()


def test_a_higher_limit_withholds_labels_in_the_live_view(open_page: OpenPage) -> None:
    page = open_page()
    start(page, row(2))  # both at 90 %
    text = page.locator("#live-text")
    expect(text).to_have_text("2 faces: 2 perceived as female.")
    set_highest(page, use=False)
    page.get_by_role("tab", name="Live").click()
    expect(page.locator("#live-limit")).to_be_hidden()
    set_highest(page, use=True)
    page.get_by_role("tab", name="Live").click()
    expect(text).to_have_text("2 faces: 2 unsure: close call.")
    expect(page.locator("#live-limit")).to_have_text(ONLY)
    set_highest(page, use=False)
    page.get_by_role("tab", name="Live").click()
    expect(text).to_have_text("2 faces: 2 perceived as female.")


def test_a_higher_limit_withholds_labels_in_photos_too(open_page: OpenPage) -> None:
    page = open_page()
    open_tab(page, "Photos")
    upload(page, EXAMPLES / "solvay_1927.jpg")
    unsure = page.locator(".photo-words", has_text="unsure")
    expect(page.locator(".photo-card").first).to_be_visible(timeout=SLOW_MS)
    before = unsure.count()
    set_highest(page, use=True)
    open_tab(page, "Photos")
    expect(page.locator(".photo-limit")).to_have_text(ONLY)
    assert unsure.count() > before
    expect(page.locator(".photo h3")).to_contain_text(f"{unsure.count()} unsure")
