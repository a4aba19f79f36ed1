"""Live view, photos and report in Firefox, whose fake camera shows a pattern without a face."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.firefox import Firefox, find_firefox, start_firefox
from tests.support.paths import EXAMPLES

pytestmark = pytest.mark.skipif(
    find_firefox() is None, reason="there is no Firefox: apt-get install firefox-esr"
)

TAB = """return [...document.querySelectorAll("#tabs button[role=tab]")]
    .find((tab) => tab.textContent.trim() === "{}").click() ?? true"""
LIVE = 'const live = document.querySelector("#live")?.dataset ?? {}; '
WITHOUT_SCROLLING = """const { top, bottom } = document.querySelector("#live-start")
    .getBoundingClientRect(); return top >= 0 && bottom <= innerHeight"""


@pytest.fixture(scope="module")
def firefox(app_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with start_firefox(tmp_path_factory.mktemp("firefox")) as started:
        started.open(app_url)
        started.wait('return document.querySelector("#live-start:enabled") !== null')
        yield started


def test_the_live_view_runs(firefox: Firefox) -> None:
    assert firefox.run(WITHOUT_SCROLLING)
    firefox.run('document.querySelector("#live-start").click()')
    firefox.wait(LIVE + 'return live.state === "running" && Number(live.answersFps) > 1')
    said = firefox.wait('return document.querySelector("#live-text").textContent')
    assert "face" in said
    assert firefox.run('return document.querySelector("#live-message").textContent') == ""
    firefox.run('document.querySelector("#live-stop").click()')
    firefox.wait(LIVE + 'return live.state === "idle"')


def test_the_sample_has_a_face(firefox: Firefox) -> None:
    firefox.run('document.querySelector("#live-sample").click()')
    firefox.wait(LIVE + 'return JSON.parse(live.marks ?? "[]").length > 0')
    firefox.wait('return document.querySelector("#live-faces button") !== null')
    firefox.run('document.querySelector("#live-faces button").click()')
    assert firefox.run('return document.querySelector("#live-correct").open')
    firefox.run('document.querySelector("#live-correct-close").click()')
    firefox.run('document.querySelector("#live-stop").click()')


def test_a_photo_has_a_card_for_its_face(firefox: Firefox) -> None:
    firefox.run(TAB.format("Photos"))
    firefox.wait('return document.querySelector("#photos-files input[type=file]") !== null')
    firefox.choose_file("#photos-files input[type=file]", EXAMPLES / "astronaut.jpg")
    card = firefox.wait('return document.querySelector(".photo-card .photo-words")?.textContent')
    assert card.startswith(("perceived as", "unsure"))
    firefox.wait('return document.querySelector(".photo-card .photo-crop") !== null')
    assert firefox.run('return document.querySelector("#photos-trouble").textContent').strip() == ""


def test_the_report_has_its_slider_and_charts(firefox: Firefox) -> None:
    firefox.run(TAB.format("Report"))
    told = firefox.wait('return document.querySelector(".how-sure output")?.textContent')
    assert "faces get a label" in told
    assert firefox.run('return document.querySelectorAll("#report figure svg").length') > 3
    assert firefox.run("return document.documentElement.scrollWidth <= innerWidth")
