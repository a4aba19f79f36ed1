"""Every tab in a real browser: photos in, table and CSV out, report, looks at both widths."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.detail import detail
from tests.support.live_page import violations
from tests.support.paths import EXAMPLES, ROOT
from tests.support.tabs import SLOW_MS, column, open_tab, open_table, sideways, upload

OpenPage = Callable[..., Page]

PASTE = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], name, { type: "image/jpeg" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""
DETAIL = """() => {
    const canvas = document.querySelector(".photo-stage canvas"), context = canvas.getContext("2d");
    const { data, width, height } = context.getImageData(190, 76, 64, 88);
    let steps = 0;
    for (let y = 1; y < height; y += 1) for (let x = 1; x < width; x += 1) {
        const at = 4 * (y * width + x);
        const aside = data[at] - data[at - 4], above = data[at] - data[at - 4 * width];
        if (Math.abs(aside) + Math.abs(above) > 16) steps += 1;
    }
    return steps;
}"""
"""How many pixels of the astronaut's face differ clearly from the next ones."""


def download(page: Page, kind: str) -> Any:
    """One of the files below the table, read as JSON."""
    with page.expect_download() as sent:
        page.locator(f"#photos-{kind}").click()
    return json.loads(sent.value.path().read_text(encoding="utf-8"))


@pytest.mark.parametrize("width", [1280, 390])
def test_photos_to_table_to_csv_to_report(open_page: OpenPage, width: int, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page = open_page(width=width)
    open_tab(page, "Photos")
    upload(page, EXAMPLES / "astronaut.jpg", broken)
    expect(page.locator("#photos-notice")).to_contain_text("cannot know who somebody is")
    expect(page.locator("#photos-summary")).to_contain_text("1 picture, ")
    expect(page.locator("#photos-summary")).to_contain_text("labels shown is wrong;")
    expect(page.locator("#photos-summary li")).to_contain_text("broken.jpg is not a picture")
    expect(page.locator("#photos-gallery .photo-crop").first).to_be_visible()
    expect(page.locator("#photos-summary")).to_be_in_viewport()
    expect(page.locator("#photos-summary")).to_be_focused()
    open_table(page)
    assert column(page, 1)[0] == "astronaut.jpg"
    assert column(page, 3)[0] in ("female", "male", "unsure")
    with page.expect_download() as download:
        page.locator("#photos-csv").click()
    with download.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert download.value.suggested_filename == "faces.csv"
    assert [row["file"] for row in rows] == column(page, 1)
    assert abs(float(rows[0]["x0"]) - 179) < 15
    open_tab(page, "Report")
    expect(page.get_by_role("heading", name="How often is it wrong?")).to_be_visible()
    expect(page.locator("#report .about", has_text="easured").first).to_be_visible()


def test_where_nothing_could_be_read_there_is_no_gallery(
    open_page: OpenPage, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page = open_page(width=390, height=500)
    open_tab(page, "Photos")
    upload(page, broken)
    expect(page.locator("#photos-summary")).to_contain_text("Nothing could be read:")
    expect(page.locator("#photos-summary")).to_be_focused()
    expect(page.locator("#photos-summary")).to_be_in_viewport(ratio=1)
    expect(page.locator("#photos-gallery .photo")).to_have_count(0)
    expect(page.locator("#photos-more")).to_be_hidden()
    upload(page, EXAMPLES / "astronaut.jpg")
    expect(page.locator("#photos-gallery .photo-crop").first).to_be_visible(timeout=SLOW_MS)
    open_table(page)


def test_an_example_and_a_sorted_table(open_page: OpenPage) -> None:
    page = open_page()
    open_tab(page, "Photos")
    page.get_by_role("button", name="Many faces").click()
    open_table(page)
    assert len(column(page, 1)) >= 29
    heading = page.locator("#photos-table th").filter(has_text="Probability")
    for direction, turned in (("ascending", False), ("descending", True)):
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", direction)
        values = [int(text.split()[0]) if text else -1 for text in column(page, 4)]
        assert values == sorted(values, reverse=turned)


def test_a_pasted_picture(open_page: OpenPage) -> None:
    page = open_page()
    open_tab(page, "Photos")
    data = base64.b64encode((EXAMPLES / "astronaut.jpg").read_bytes()).decode()
    page.evaluate(PASTE, ["pasted.jpg", data])
    open_table(page)
    assert column(page, 1)[0] == "pasted.jpg"


def test_a_hostile_file_name_stays_text(open_page: OpenPage, tmp_path: Path) -> None:
    """gr.HTML templates are JavaScript: a name must never be run or become markup."""
    name = "${window.bad=1}`<img src=x onerror='bad=1'>{{x}}.jpg"
    (tmp_path / name).write_bytes(b"no picture")
    page = open_page()
    open_tab(page, "Photos")
    upload(page, tmp_path / name, EXAMPLES / "astronaut.jpg")
    open_table(page)
    assert len(column(page, 1)) == 2
    assert page.evaluate("window.bad") is None
    expect(page.locator("#photos-results li img, #photos-table img")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_face_in_a_photo_has_a_card_and_can_be_corrected(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width, height=844)
    open_tab(page, "Photos")
    upload(page, EXAMPLES / "astronaut.jpg")
    card = page.locator(".photo-card")
    expect(card).to_have_count(1, timeout=SLOW_MS)
    expect(card.locator(".photo-crop")).to_be_visible()
    expect(card).to_contain_text(re.compile("perceived as|unsure"))
    canvas = page.locator(".photo-stage canvas")
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    assert place is not None
    side = min(place["width"], place["height"])  # the picture is square and shown whole
    left, top = place["x"] + (place["width"] - side) / 2, place["y"] + (place["height"] - side) / 2
    page.mouse.click(left + side * 223 / 512, top + side * 117 / 512)
    page.locator("#live-correct-word").fill("astronaut")
    page.keyboard.press("Enter")
    expect(card).to_contain_text("astronaut (your word)")
    expect(card.get_by_role("button", name="Change")).to_be_focused()
    open_table(page)
    expect(page.locator("#photos-table tbody td").last).to_have_text("astronaut")
    assert download(page, "json")[0]["analysis"]["predictions"][0]["corrected_to"] == "astronaut"
    card.get_by_role("button", name="Do not label").click()
    expect(card).to_contain_text("not labelled, as you asked")
    expect(page.locator("#photos-table tbody td").nth(1)).to_have_text("not labelled")
    assert download(page, "json")[0]["analysis"]["predictions"][0]["probability"] is None
    assert not sideways(page)


def test_faces_in_photos_are_blurred_for_good_one_or_all(open_page: OpenPage) -> None:
    """By the card, in the picture, by the photo's buttons, before and after; a photo that is
    chosen again gets back what was wanted of it."""
    page = open_page()
    open_tab(page, "Photos")
    upload(page, EXAMPLES / "astronaut.jpg")
    card, words = page.locator(".photo-card"), page.locator(".photo-words")
    expect(card.locator(".photo-crop")).to_be_visible(timeout=SLOW_MS)
    assert page.evaluate(DETAIL) > 1000
    card.get_by_role("button", name="Blur").click()
    expect(words).to_have_text("hidden, as you asked")
    assert page.evaluate(DETAIL) == 0
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save picture").click()
    with Image.open(saved.value.path()) as picture:
        assert detail(picture) == 0
    upload(page, EXAMPLES / "astronaut.jpg")
    expect(page.locator("#photos-made p")).to_be_empty()
    expect(words).to_have_text("hidden, as you asked")
    card.get_by_role("button", name="Show").click()
    expect(words).to_contain_text(re.compile("perceived as|unsure"))
    assert page.evaluate(DETAIL) > 1000
    card.get_by_role("button", name="Change").click()
    page.locator("#live-correct-blur").click()
    assert page.evaluate(DETAIL) == 0
    card.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Hide labels").click()
    expect(words).to_have_text("label hidden, as you asked")
    page.get_by_role("button", name="Hide labels").click()
    every, note = (
        page.get_by_label("Blur all faces in what I get back"),
        page.locator(".photo-blurred"),
    )
    every.check()
    expect(page.locator(".photo h3")).to_have_text("astronaut.jpg: 1 face, hidden")
    assert page.evaluate(DETAIL) == 0
    expect(note).to_be_empty()
    upload(page, EXAMPLES / "astronaut.jpg")
    expect(page.get_by_role("button", name="Blur faces")).to_be_hidden()  # they came blurred
    every.uncheck()
    expect(note).to_contain_text("came back blurred and stay so")


def test_three_short_lines_stand_before_the_camera(open_page: OpenPage) -> None:
    page = open_page()
    lines, button = page.locator("#live-notice li"), page.locator("#live-start")
    for width, height in ((1280, 800), (390, 844), (844, 390)):
        page.set_viewport_size({"width": width, "height": height})
        expect(lines).to_have_count(3)
        for line, words in zip(lines.all(), ("AI system", "wrong", "none is kept"), strict=True):
            expect(line).to_contain_text(words)
            expect(line).to_be_in_viewport(ratio=1)
        expect(button).to_be_in_viewport(ratio=1)
        assert page.evaluate(
            "document.querySelector('#live-notice').compareDocumentPosition("
            "document.querySelector('#live-start')) === Node.DOCUMENT_POSITION_FOLLOWING"
        )


def test_the_rest_is_one_click_away(open_page: OpenPage) -> None:
    page = open_page()
    for part, words in (
        ("whom", "The worst of the groups"),
        ("correct", "Do not label me"),
        ("unsure", "when it gives its guess less than"),
        ("pictures", "Ask them before"),
        ("uses", "It must not be used for decisions"),
        ("how", "Gender is not written on a face"),
    ):
        text = page.locator(f"#panel-{part}").get_by_text(words)
        expect(text).to_be_hidden()
        page.locator(f"#panel-{part} button").first.click()
        expect(text.first).to_be_visible()


@pytest.mark.parametrize("language", ["de-DE", "ar"])
def test_the_page_is_english_whatever_the_browser_speaks(
    app_url: str, browser: Browser, language: str
) -> None:
    with browser.new_context(locale=language, base_url=app_url) as context:
        page = context.new_page()
        page.goto("/#photos")
        expect(page.get_by_text("Click to Upload")).to_be_visible()  # the tab of the address
        assert page.evaluate("[document.documentElement.lang, document.dir]") == ["en", ""]
        open_tab(page, "Report")
        assert page.url.endswith("#report")


def test_the_page_is_compressed_and_previews_itself(app_url: str) -> None:
    request = urllib.request.Request(app_url, headers={"Accept-Encoding": "gzip"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=30) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        html = gzip.decompress(answer.read()).decode()
    assert 'property="og:title" content="How might this face be perceived?"' in html
    previews = re.findall(r"<meta[^>]*>", html)
    assert not re.search("githubusercontent|radio", " ".join(previews))
    assert re.search("<noscript>.*It needs JavaScript", html, re.DOTALL)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_video_is_played_listed_and_downloaded(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    open_tab(page, "Photos")
    page.get_by_role("button", name="A video instead").click()
    stop, box = page.locator("#video-stop"), page.locator("#video-file input[type=file]")
    expect(stop).to_be_disabled()
    picture = {"name": "<i>.mp4", "mimeType": "video/mp4", "buffer": b"no video"}
    box.set_input_files(picture)  # type: ignore[arg-type]
    trouble = page.locator("#video-trouble p")
    expect(trouble).to_contain_text(".mp4 is not a video of a known kind", timeout=SLOW_MS)
    box.set_input_files(ROOT / "docs" / "sample.mp4")
    expect(stop).to_be_enabled()
    player = page.locator("#video-player video")
    player.wait_for(timeout=SLOW_MS)
    expect(trouble).to_be_hidden()
    expect(stop).to_be_disabled()
    expect(page.locator("#video-player h3")).to_be_focused()
    expect(page.locator("#video-player h3")).to_be_in_viewport(ratio=1)
    page.wait_for_function("document.querySelector('#video-player video').duration > 3.9")
    expect(page.locator("#video-player h3")).to_have_text("sample.mp4: 1 face followed")
    expect(page.locator("#video-tracks tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#video-csv").click()
    assert download.value.suggested_filename == "sample-annotated.csv"
    assert not sideways(page)
    assert violations(page) == []
