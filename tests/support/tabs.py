"""Steps on the tabs that the browser tests share."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

SLOW_MS = 120_000


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    expect(page.get_by_role("tabpanel").filter(visible=True)).to_have_count(1)


def upload(page: Page, *files: Path) -> None:
    page.locator("#photos-files input[type=file]").set_input_files(list(files))
    page.locator("#photos-summary").wait_for(timeout=SLOW_MS)


def open_table(page: Page) -> None:
    page.get_by_role("button", name="Table and downloads").click(timeout=SLOW_MS)
    page.locator("#photos-csv").wait_for()


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#photos-table tbody tr > :nth-child({number})").all_inner_texts()


def sideways(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide
