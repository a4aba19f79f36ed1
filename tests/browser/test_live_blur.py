"""Faces hidden on the live view, before, while and after they are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.detail import detail
from tests.support.live_faces import show, start, wait_for_faces
from tests.support.live_page import LIVE_ANSWERS, snapshot

OpenPage = Callable[..., Page]

DETAIL = """() => {  // pixels inside the middle box that differ clearly from the next one
    const [{ box: [x0, y0, x1, y1] }] = JSON.parse(document.querySelector("#live").dataset.marks);
    const canvas = document.querySelector("#live-canvas"), inset = 0.2 * (x1 - x0);
    const [wide, high] = [x1 - x0 - 2 * inset, y1 - y0 - 2 * inset].map(Math.round);
    const { data } = canvas.getContext("2d").getImageData(x0 + inset, y0 + inset, wide, high);
    let steps = 0;
    for (let i = 4; i < data.length; i += 4)
        if (i % (4 * wide) && Math.abs(data[i] - data[i - 4]) > 12) steps += 1;
    return steps;
}"""
SHARP = """() => [80, 340].map((x) => {  // the same, in the middle of two boxes
    const canvas = document.querySelector("#live-canvas"), by = canvas.width / 480;
    const { data } = canvas.getContext("2d").getImageData(x * by, 160 * by, 60, 60);
    let steps = 0;
    for (let i = 4; i < data.length; i += 4)
        if (i % 240 && Math.abs(data[i] - data[i - 4]) > 12) steps += 1;
    return steps;
})"""
NOISE = """() => {  // the camera shows noise, so that all detail would be seen
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (source, ...where) {
        draw.call(this, source, ...where);
        if (!(source instanceof HTMLVideoElement)) return;
        const { width, height } = this.canvas, noise = this.createImageData(width, height);
        const words = new Uint32Array(noise.data.buffer);
        for (let i = 0; i < words.length; i += 1) words[i] = (Math.random() * 2 ** 32) | 0xff000000;
        this.putImageData(noise, 0, 0);
    };
}"""


def test_blurred_faces_on_the_canvas_and_in_what_is_saved(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page()
    page.evaluate(NOISE)
    box = (180, 120, 300, 240)
    start(page, [box])
    page.wait_for_timeout(300)
    assert page.evaluate(DETAIL) > 1000
    page.locator("#live-blur").check()
    page.wait_for_timeout(300)
    assert page.evaluate(DETAIL) == 0
    expect(page.locator("#live-text")).to_have_text("One face: hidden.")
    assert snapshot(page)["marks"][0]["label"] is None
    with page.expect_download() as saved:
        page.locator("#live-save").click()
    saved.value.save_as(tmp_path / "saved.png")
    with Image.open(tmp_path / "saved.png") as picture:
        by = picture.width / 480
        x0, y0, x1, y1 = (round(value * by) for value in box)
        inside = (x0 + 20, y0 + 20, x1 - 20, y1 - 20)
        assert detail(picture, inside) == 0
        assert detail(picture, (0, 0, 100, 100)) > 1000, "the rest of the picture stays"


def test_one_face_alone_is_blurred_and_stays_so_while_it_is_lost(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate(NOISE)
    boxes = [(40, 120, 160, 240), (300, 120, 420, 240)]
    start(page, boxes)
    page.locator("#live-mirror").uncheck()
    page.get_by_role("button", name="Blur face 1").click()
    page.wait_for_timeout(300)
    labels = "JSON.parse(document.querySelector('#live').dataset.marks).map((mark) => mark.label)"
    assert sorted(page.evaluate(labels), key=str) == [None, "female"]
    first, second = sorted(page.evaluate(SHARP))
    assert first == 0
    assert second > 1000
    show(page, [])
    wait_for_faces(page, 0)
    assert min(page.evaluate(SHARP)) == 0, "where it was seen last"


def test_with_blur_on_nothing_is_seen_before_the_faces_are_known(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate(NOISE)
    page.evaluate(LIVE_ANSWERS)
    page.evaluate("() => { window.faces = () => new Promise(() => {}); }")
    page.locator("#live-blur").check()
    page.locator("#live-start").click()
    page.wait_for_function("Number(document.querySelector('#live').dataset.frame) > 3")
    steps = page.evaluate("""() => {
        const canvas = document.querySelector("#live-canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let steps = 0;
        for (let i = 4; i < data.length; i += 4)
            if (i % (4 * canvas.width) && Math.abs(data[i] - data[i - 4]) > 12) steps += 1;
        return steps;
    }""")
    assert steps == 0
