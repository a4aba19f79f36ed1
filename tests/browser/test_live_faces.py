"""Faces on the live view: hit by clicks at every shape, numbered, listed, corrected, hidden.

The page runs for real; where the faces are is answered by the test (tests/support/live_answers.js).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gender_demo.results import Box
from tests.support.live_faces import grid, row, show, start, wait_for_faces
from tests.support.live_page import LIVE_ANSWERS, snapshot, wait_for_new_frame

OpenPage = Callable[..., Page]

LAYOUT_SHIFT = """() => {  // of all but the rows inside the list, which has its fixed height
    window.moved = [];
    const list = document.querySelector("#live-faces");
    new PerformanceObserver((entries) => {
        for (const { sources } of entries.getEntries()) {
            const others = sources.filter(({ node }) => node === list || !list.contains(node));
            window.moved.push(...others.map(({ node }) => node?.id || node?.nodeName));
        }
    }).observe({ type: "layout-shift" });
}"""
MIDDLES = """() => {  // of the faces on the screen, by number, worked out from object-fit anew
    const canvas = document.querySelector("#live-canvas"), place = canvas.getBoundingClientRect();
    const zoom = Math.min(place.width / canvas.width, place.height / canvas.height);
    const left = place.left + (place.width - canvas.width * zoom) / 2;
    const top = place.top + (place.height - canvas.height * zoom) / 2;
    return JSON.parse(document.querySelector("#live").dataset.marks).map(
        ({ box: [x0, y0, x1, y1], number }) =>
            [number, left + ((x0 + x1) / 2) * zoom, top + ((y0 + y1) / 2) * zoom]);
}"""


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 800), (1366, 650), (820, 1180), (390, 844), (844, 390)]
)
def test_a_click_on_each_face_opens_its_correction(
    open_page: OpenPage, width: int, height: int
) -> None:
    page = open_page(width=width, height=height)
    start(page, row(3))
    page.locator("#live-canvas").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    for number, x, y in page.evaluate(MIDDLES):
        page.mouse.click(x, y)
        expect(page.locator("#live-correct")).to_be_visible()
        expect(page.locator("#live-correct-title")).to_contain_text(f"at face {number}?")
        page.keyboard.press("Escape")
        expect(page.locator("#live-correct")).to_be_hidden()


def test_a_face_is_hit_where_the_picture_is_letterboxed(open_page: OpenPage) -> None:
    page = open_page()
    start(page, row(3))
    page.add_style_tag(content="#live-stage { aspect-ratio: 3 !important; zoom: 0.8 }")
    page.wait_for_timeout(300)
    for number, x, y in page.evaluate(MIDDLES):
        page.mouse.click(x, y)
        expect(page.locator("#live-correct-title")).to_contain_text(f"at face {number}?")
        page.keyboard.press("Escape")


def numbers(page: Page) -> list[int]:
    """Of the faces as they stand on the screen, from left to right."""
    return [mark["number"] for mark in sorted(snapshot(page)["marks"], key=lambda m: m["box"][0])]


def test_faces_are_numbered_from_left_to_right_and_keep_their_numbers(open_page: OpenPage) -> None:
    page = open_page()
    boxes = row(3)
    start(page, boxes)
    assert numbers(page) == [1, 2, 3]
    show(page, [boxes[0], (230, 20, 300, 100), boxes[2]])  # they move
    page.wait_for_timeout(1500)
    assert numbers(page) == [1, 2, 3]


@pytest.mark.parametrize("width", [1280, 390])
def test_a_crowd_is_counted_and_nothing_moves(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width, height=844)
    start(page, row(14), unsure=2)
    expect(page.locator("#live-text")).to_have_text("14 faces: 12 labelled, 2 unsure.")
    assert numbers(page) == list(range(1, 15))
    page.evaluate(LAYOUT_SHIFT)
    for count in (3, 30, 0, 100, 1, 14):
        show(page, grid(count))
        wait_for_faces(page, count)
        page.wait_for_timeout(400)
        assert page.locator("#live-faces .face").count() == count
    assert page.evaluate("window.moved") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_sentence_changes_only_with_counts_and_labels(open_page: OpenPage) -> None:
    page = open_page()
    start(page, row(2))
    expect(page.locator("#live-text")).to_contain_text("2 faces: 2 perceived as female.")
    page.evaluate("""() => {
        window.said = 0;
        const text = document.querySelector("#live-text");
        new MutationObserver(() => { window.said += 1; }).observe(text, { childList: true });
        const [one, other] = window.faces();
        window.faces = (frame) => [one, other].map((mark) => ({ ...mark,
            caption: `perceived as female ${80 + (frame % 20)} %`,
            box: mark.box.map((value) => value + (frame % 5)) }));
    }""")
    page.wait_for_timeout(6000)
    assert page.evaluate("window.said") == 0


def test_do_not_label_me_holds_through_a_pause_and_a_short_loss(open_page: OpenPage) -> None:
    page = open_page()
    boxes = row(2)
    start(page, boxes)
    page.get_by_role("button", name="Do not label face 1").click()
    expect(page.locator("#live-text")).to_contain_text("not labelled, as you asked")
    labels = "JSON.parse(document.querySelector('#live').dataset.marks).map((mark) => mark.label)"
    assert sorted(page.evaluate(labels), key=str) == [None, "female"]
    page.locator("#live-pause").click()
    page.locator("#live-faces button", has_text="Face 2").click()
    page.get_by_role("button", name="male", exact=True).click()
    show(page, [[x0 + 90, y0 + 60, x1 + 90, y1 + 60] for x0, y0, x1, y1 in boxes])  # meanwhile
    page.wait_for_timeout(1500)  # from then on it is a pause
    page.locator("#live-pause").click()
    page.wait_for_function(
        "JSON.parse(document.querySelector('#live').dataset.marks)[0]?.box[1] > 220"
    )
    assert sorted(page.evaluate(labels), key=str) == [None, "male"]
    show(page, [])
    wait_for_faces(page, 0)
    show(page, boxes)
    wait_for_faces(page, 2)
    assert sorted(page.evaluate(labels), key=str) == [None, "male"]
    page.get_by_role("button", name="Label face 1 again").click()
    page.wait_for_timeout(500)
    assert sorted(page.evaluate(labels)) == ["female", "male"]


FIRST_LABEL = """() => {  // where the plate of the leftmost face stands in the window
    const { left, top, width } = document.querySelector("#live-canvas").getBoundingClientRect();
    const zoom = width / 480, places = window.faces().map(({ plate }) => plate.box);
    const [x0, y0, x1, y1] = places.sort((one, other) => other[0] - one[0])[0];  // mirrored
    return [left + (480 - x1) * zoom, top + y0 * zoom, left + (480 - x0) * zoom, top + y1 * zoom];
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_correction_opens_at_the_face_and_gives_the_focus_back(
    open_page: OpenPage, width: int
) -> None:
    page = open_page(width=width, height=844)
    start(page, row(2))
    first = page.locator("#live-faces button").first
    before = page.evaluate("scrollY")
    first.focus()
    scrolled = page.evaluate("scrollY")
    page.keyboard.press("Enter")
    place = page.locator("#live-correct").bounding_box()
    assert place is not None
    if width == 1280:
        label = Box(*page.evaluate(FIRST_LABEL))
        x, y = place["x"], place["y"]
        assert label.area > 1000
        assert not label.intersection(Box(x, y, x + place["width"], y + place["height"]))
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= width
    assert place["y"] + place["height"] <= 844
    if width == 390:
        assert place["y"] + place["height"] == pytest.approx(844, abs=1)
    assert page.evaluate("scrollY") == scrolled >= before
    page.keyboard.press("Escape")
    expect(first).to_be_focused()


def test_box_and_row_point_at_each_other(open_page: OpenPage) -> None:
    page = open_page()
    start(page, row(2))
    number, x, y = page.evaluate(MIDDLES)[0]
    page.mouse.move(x, y)
    active = page.locator("#live-faces .face.active")
    expect(active).to_contain_text(f"Face {number}")
    page.mouse.move(0, 0)
    expect(active).to_have_count(0)


def test_a_box_too_old_for_the_motion_fades(open_page: OpenPage) -> None:
    """The face runs, then answers stop: its mark is gone before it would stand beside it."""
    page = open_page()
    start(page, [(20, 120, 80, 200)])
    page.evaluate("""() => {
        const [mark] = window.faces(), { dataset } = document.querySelector("#live");
        const begun = performance.now();
        window.faces = () => {
            const x = (performance.now() - begun) * 0.25;
            return [{ ...mark, box: [20 + x, 120, 80 + x, 200] }];
        };
        setTimeout(() => {
            window.faces = () => new Promise(() => {});
            window.stopped = performance.now();
        }, 1200);
        window.late = [];
        setInterval(() => {
            if (window.stopped && performance.now() > window.stopped + 700)
                for (const { strength } of JSON.parse(dataset.marks)) window.late.push(strength);
        }, 50);
    }""")
    page.wait_for_timeout(3500)
    late = page.evaluate("window.late")
    assert all(strength < 0.2 for strength in late), late


FRAMES_IN_THE_PAUSE = """async () => {  // but for those on their way
    const video = document.querySelector("#live-video");
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    let count = 0;
    const seen = () => { count += 1; handle = video.requestVideoFrameCallback(seen); };
    let handle = video.requestVideoFrameCallback(seen);
    for (let tries = 0; tries < 10; tries += 1) {
        count = 0;
        await sleep(500);
        if (!count) break;
    }
    video.cancelVideoFrameCallback(handle);
    return count;
}"""


def test_the_sample_plays_without_a_camera(open_page: OpenPage) -> None:
    page = open_page(camera=False)
    page.evaluate(LIVE_ANSWERS)
    show(page, row(1))
    page.locator("#live-sample").click()
    wait_for_faces(page, 1)
    expect(page.locator("#live-mirror")).not_to_be_checked()
    page.locator("#live-pause").click()
    assert page.evaluate(FRAMES_IN_THE_PAUSE) == 0, "the clip plays on while the view stands"
    page.locator("#live-pause").click()
    wait_for_new_frame(page)
    page.locator("#live-stop").click()
    expect(page.locator("#live")).to_have_attribute("data-state", "idle")


def test_mirror_is_on_and_what_is_chosen_is_remembered(open_page: OpenPage) -> None:
    page = open_page()
    start(page, row(1))
    expect(page.locator("#live-mirror")).to_be_checked()
    page.locator("#live-mirror").uncheck()
    page.reload()
    page.locator("#live").wait_for()
    start(page, row(1))
    expect(page.locator("#live-mirror")).not_to_be_checked()


SCREENS = [(1280, 800), (1366, 650), (390, 844), (844, 390)]
PICTURE = """() => {  // its share of the screen's width and height; whether it lies under controls
    const canvas = document.querySelector("#live-canvas"), { width: wide, height: high } = canvas;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const zoom = Math.min(width / wide, height / high);
    const controls = document.querySelector("#live-controls").getBoundingClientRect();
    const apart = controls.left >= left + width || controls.top >= top + height;
    return [wide * zoom / innerWidth, high * zoom / innerHeight, apart];
}"""


def test_full_screen_is_filled_and_its_controls_are_reachable(open_page: OpenPage) -> None:
    page = open_page()
    full = page.locator("#live-full")
    expect(full).to_be_disabled()
    start(page, row(2))
    full.click()
    page.wait_for_function("document.fullscreenElement?.id === 'live'")
    expect(full).to_have_text("Leave full screen")
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(
            "size => `${[innerWidth, innerHeight]}` === `${size}`", arg=[width, height]
        )
        wide, high, apart = page.evaluate(PICTURE)
        assert max(wide, high) > 0.99, f"{width} x {height}: {wide:.0%} x {high:.0%}"
        assert apart
        for button in page.locator("#live-controls :is(button, input):visible").all():
            expect(button).to_be_in_viewport(ratio=1)
        expect(page.locator("#live-faces .face").first).to_be_in_viewport(ratio=1)
        page.locator("#live-faces button").first.click()
        expect(page.locator("#live-correct")).to_be_in_viewport(ratio=1)
        page.locator("#live-correct-close").click()
    full.click()
    page.wait_for_function("document.fullscreenElement === null")
    expect(full).to_have_text("Full screen")
    assert re.fullmatch("running", page.locator("#live").get_attribute("data-state") or "")
    full.click()
    page.locator("#live-stop").click()
    page.wait_for_function("document.fullscreenElement === null")
