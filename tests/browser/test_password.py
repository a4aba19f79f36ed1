"""With --auth: the form, a wrong password, the right one, then the live view works."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.support.server import app_flags, free_port, start_app, stop_app


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("username").fill("anna")
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def test_the_password_opens_the_page(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    app = start_app(port, *app_flags(), "--auth", "anna:secret", log=tmp_path / "log.txt")
    context = browser.new_context(permissions=["camera"])
    try:
        page = context.new_page()
        answer = page.goto(f"http://127.0.0.1:{port}/")
        assert answer is not None
        assert answer.status == 401
        sign_in(page, "wrong")
        expect(page.get_by_text("Incorrect")).to_be_visible()
        assert page.locator("#live").count() == 0
        sign_in(page, "secret")
        page.locator("#live-start").click(timeout=60_000)
        page.wait_for_function(
            "JSON.parse(document.querySelector('#live').dataset.marks ?? '[]').length > 0",
            timeout=60_000,
        )
    finally:
        context.close()
        stop_app(app)
