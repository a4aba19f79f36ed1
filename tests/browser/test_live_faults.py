"""What goes wrong around the live view, and that it comes back by itself or says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.live_page import start, wait_for_box, wait_for_new_frame, wait_for_state
from tests.browser.stage import (
    app_flags,
    free_port,
    start_app,
    stop_app,
)

OpenPage = Callable[..., Page]

TURNING_CAMERA = (Path(__file__).parent / "turning_camera.js").read_text(encoding="utf-8")
TRACK = "document.querySelector('#live-video').srcObject.getTracks()[0]"


def test_an_unplugged_camera_is_said(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    page.evaluate(f"{TRACK}.dispatchEvent(new Event('ended'))")
    wait_for_state(page, "error")
    expect(page.locator("#live-message")).to_contain_text("unplugged")
    start(page)
    expect(page.locator("#live-message")).to_be_empty()


def test_a_lost_server_is_said_and_found_again(open_page: OpenPage) -> None:
    page = open_page()
    start(page)

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/component_server/**", cut)
    wait_for_state(page, "error")
    expect(page.locator("#live-message")).to_contain_text("no answer from the server")
    wait_for_new_frame(page)  # the picture goes on
    page.unroute("**/component_server/**", cut)
    wait_for_state(page, "running")
    wait_for_box(page)
    expect(page.locator("#live-message")).to_be_empty()


def test_a_gap_of_three_seconds_in_the_network_heals(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    page.context.set_offline(True)
    page.wait_for_timeout(3000)
    wait_for_new_frame(page)
    page.context.set_offline(False)
    wait_for_state(page, "running")
    wait_for_box(page)


def test_a_restarted_server_is_found_again(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    app = start_app(port, *app_flags(), log=tmp_path / "first.txt")
    try:
        context = browser.new_context(permissions=["camera"])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        start(page)
        app.kill()
        app.wait()
        wait_for_state(page, "error")
        app = start_app(port, *app_flags(), log=tmp_path / "second.txt")
        wait_for_state(page, "running")
        wait_for_box(page)
        context.close()
    finally:
        stop_app(app)


def test_the_picture_keeps_its_shape_when_the_phone_turns(open_page: OpenPage) -> None:
    page = open_page(width=390, height=844)
    page.evaluate(TURNING_CAMERA)
    page.locator("#live-start").click()
    wait_for_new_frame(page)
    canvas = page.locator("#live-canvas")
    assert canvas.evaluate("c => [c.width, c.height]") == [640, 480]
    page.evaluate("window.turn()")
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("document.querySelector('#live-canvas').height === 640")
    assert canvas.evaluate("c => [c.width, c.height]") == [480, 640]
    assert canvas.evaluate("c => getComputedStyle(c).objectFit") == "contain"
    place = page.locator("#live-stage").bounding_box()
    assert place is not None
    assert place["height"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 844


def test_nothing_moves_for_people_who_ask_for_stillness(open_page: OpenPage) -> None:
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    start(page)
    moving = page.evaluate(
        "[...document.querySelectorAll('#live, #live *')].filter(node => {"
        " const { animationName, transitionDuration } = getComputedStyle(node);"
        " return animationName !== 'none' || parseFloat(transitionDuration) > 0.01;"
        "}).map(node => node.id || node.tagName)"
    )
    assert moving == []


def test_pages_of_one_browser_share_its_cores(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    other = page.context.new_page()
    other.goto("/")
    start(other)
    rate = f"{TRACK}.getSettings().frameRate"
    for one in (page, other):
        one.wait_for_function(f"{rate} <= 15")
        wait_for_new_frame(one)
    other.close()
    page.wait_for_function(f"{rate} >= 29")
    wait_for_new_frame(page)
    wait_for_state(page, "running")
