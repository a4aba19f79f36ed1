"""The real app in a process of its own, and Chromium with a camera that plays a known face.

``app_url``    where the app under test answers
``face_video`` what the camera shows, with the true box of the face in every frame
``browser``    Chromium with that camera
``open_page``  open_page(width=1280, scheme="light", camera=True), and whatever else ``new_context``
               takes -> the page, loaded; a request to another origin or an error in the page's
               scripts fails the test
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.face_video import FaceVideo, make_face_video
from tests.support.server import app_flags, free_port, start_app, stop_app

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    process = start_app(port, *app_flags(), log=tmp_path_factory.mktemp("app") / "log.txt")
    yield f"http://127.0.0.1:{port}"
    stop_app(process)


@pytest.fixture(scope="session")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> FaceVideo:
    return make_face_video(tmp_path_factory.mktemp("video") / "face.mjpeg")


@pytest.fixture(scope="module")  # while Playwright runs, other tests cannot call asyncio.run
def browser(face_video: FaceVideo) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=[*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={face_video.path}"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(app_url: str, browser: Browser) -> Iterator[OpenPage]:
    pages: list[Page] = []
    troubles: list[str] = []

    def open_one(
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        camera: bool = True,
        **more: Any,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            permissions=["camera"] if camera else [],
            accept_downloads=True,
            base_url=app_url,
            **more,
        )
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        page.on("request", lambda request: _note_stranger(request.url, app_url, troubles))
        page.goto("/")
        page.locator("#live").wait_for(state="attached")
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert not troubles, "\n".join(troubles)


def _note_stranger(url: str, app_url: str, troubles: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(app_url).netloc:
        troubles.append(f"the page called {parts.scheme}://{parts.netloc}")
