"""What goes wrong around the live view, and that it comes back by itself or says what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.live_page import start, wait_for_box, wait_for_new_frame, wait_for_state
from tests.support.paths import ROOT
from tests.support.server import app_flags, free_port, start_app, stop_app

OpenPage = Callable[..., Page]

SET_HIDDEN = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
TURNING_CAMERA = (ROOT / "tests" / "support" / "turning_camera.js").read_text(encoding="utf-8")
TRACK = "document.querySelector('#live-video').srcObject?.getTracks()[0]"
SHOWN_SHAPE = """canvas => {  // as object-fit says
    const { width, height } = canvas.getBoundingClientRect();
    const fill = getComputedStyle(canvas).objectFit === "contain" ? Math.min : Math.max;
    const zoom = fill(width / canvas.width, height / canvas.height);
    return Math.min(width, canvas.width * zoom) / Math.min(height, canvas.height * zoom);
}"""
MARKS = "JSON.parse(document.querySelector('#live').dataset.marks).length"
WATCH_STRENGTH = """() => {
    const { dataset } = document.querySelector("#live");
    window.weakest = 1;
    const watch = new MutationObserver(() => {
        if (dataset.marks !== "[]") window.weakest = Math.min(window.weakest, dataset.strength);
    });
    watch.observe(document.querySelector("#live"), { attributeFilter: ["data-strength"] });
}"""
CAMERA = f"{TRACK}.getSettings().deviceId"


def cut(route: Route) -> None:
    route.abort()


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

    page.route("**/component_server/**", cut)
    wait_for_state(page, "error")
    expect(page.locator("#live-message")).to_contain_text("no answer from the server")
    wait_for_new_frame(page)  # the picture goes on
    expect(page.locator("#live-faces button")).to_have_count(0)  # without guesses
    page.unroute("**/component_server/**", cut)
    wait_for_state(page, "running")
    wait_for_box(page)
    expect(page.locator("#live-message")).to_be_empty()


def test_a_server_lost_before_the_start_and_in_a_pause_is_said(open_page: OpenPage) -> None:
    page = open_page()
    message = page.locator("#live-message")
    page.route("**/component_server/**", cut)
    page.locator("#live-start").click()
    for lost in ("before the start", "in a pause"):
        wait_for_state(page, "error")
        expect(message, lost).to_contain_text("no answer from the server")
        page.unroute("**/component_server/**", cut)
        wait_for_state(page, "running")
        wait_for_box(page)
        expect(message).to_be_empty()
        page.locator("#live-pause").click()
        page.route("**/component_server/**", cut)
        page.locator("#live-pause").click()
    page.locator("#live-stop").click()
    wait_for_state(page, "idle")
    expect(message).to_be_empty()


def test_a_server_lost_before_the_tab_was_hidden_is_found_again(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    page.route("**/component_server/**", cut)
    wait_for_state(page, "error")
    page.evaluate(SET_HIDDEN, True)
    page.evaluate(SET_HIDDEN, False)
    page.unroute("**/component_server/**", cut)
    wait_for_state(page, "running")
    wait_for_box(page)
    expect(page.locator("#live-message")).to_be_empty()


def test_a_frozen_tab_goes_on(open_page: OpenPage) -> None:
    """All its timers and answers stand still, as in a tab hidden for long, and come at once."""
    page = open_page()
    start(page)
    protocol = page.context.new_cdp_session(page)
    page.evaluate(SET_HIDDEN, True)
    protocol.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(7)  # longer than the page waits for an answer
    protocol.send("Page.setWebLifecycleState", {"state": "active"})
    page.evaluate(SET_HIDDEN, False)
    wait_for_new_frame(page)
    wait_for_state(page, "running")
    wait_for_box(page)
    expect(page.locator("#live-message")).to_be_empty()


def test_a_gap_of_three_seconds_in_the_network_heals(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    page.evaluate(WATCH_STRENGTH)
    page.context.set_offline(True)
    page.wait_for_function("window.weakest < 0.5")  # marks of the past fade
    page.wait_for_function(f"{MARKS} === 0")
    page.wait_for_timeout(2000)
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
    assert canvas.evaluate("c => [c.width, c.height]") == [640, 360]
    page.evaluate("window.turn()")
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("document.querySelector('#live-canvas').height === 640")
    assert canvas.evaluate("c => [c.width, c.height]") == [360, 640]
    place = page.locator("#live-stage").bounding_box()
    assert place is not None
    assert place["height"] <= 390
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#live-stop")).to_be_in_viewport(ratio=1)
    for width, height in ((844, 390), (320, 568), (1280, 900), (2560, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert canvas.evaluate(SHOWN_SHAPE) == pytest.approx(360 / 640, rel=0.01)


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


TAKEN_SHARE = """async () => {
  const video = document.querySelector("#live-video");
  const { dataset } = document.querySelector("#live");
  const before = +dataset.frame;
  let brought = 0;
  const count = () => { brought += 1; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
  await new Promise((done) => setTimeout(done, 1500));
  return (dataset.frame - before) / brought;
}"""


def wait_for_share_of_frames(page: Page, fits: Callable[[float], bool]) -> None:
    """Until the page takes such a share of the frames that the camera brings."""
    shares: list[float] = []
    while len(shares) < 12 and not (shares and fits(shares[-1])):
        shares.append(page.evaluate(TAKEN_SHARE))
    assert fits(shares[-1]), shares


def test_pages_of_one_browser_share_its_cores(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    others = [page.context.new_page() for _ in range(2)]
    for other in others:
        other.goto("/")
        start(other)
    for one in (page, *others):
        wait_for_share_of_frames(one, lambda share: share < 0.65)
    for other in others:
        other.close()
    wait_for_share_of_frames(page, lambda share: share > 0.85)
    wait_for_state(page, "running")


def test_another_camera_can_be_chosen(browser: Browser, app_url: str) -> None:
    flags = [f"{flag}=device-count=2" if "fake-device" in flag else flag for flag in CHROMIUM_FLAGS]
    with browser.browser_type.launch(executable_path=find_chromium(), args=flags) as two:
        page = two.new_context(permissions=["camera"]).new_page()
        page.goto(app_url)
        page.locator("#live-start").click()
        wait_for_new_frame(page)
        choice = page.locator("#live-camera")
        expect(choice.locator("option")).to_have_count(2)
        first = page.evaluate(CAMERA)
        assert choice.input_value() == first
        choice.select_option(index=1 - int(choice.evaluate("list => list.selectedIndex")))
        page.wait_for_function(f"({CAMERA} ?? '{first}') !== '{first}'")
        wait_for_new_frame(page)
        wait_for_state(page, "running")
        assert choice.input_value() == page.evaluate(CAMERA)
