"""Cameras of other shapes than 4:3 are seen whole, in their own shape."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.clips import portrait
from tests.support.live_page import PLACE, start

CANVAS = "({ width, height }) => [width, height]"


@pytest.mark.parametrize(
    ("camera", "kept"), [((1280, 720), (960, 540)), ((1080, 1920), (540, 960))]
)
def test_a_camera_keeps_its_shape(
    app_url: str, browser: Browser, tmp_path: Path,
    camera: tuple[int, int], kept: tuple[int, int],
) -> None:  # fmt: skip
    frame = io.BytesIO()
    portrait(camera, (camera[0] - min(camera)) // 2).save(frame, "jpeg")
    recorded = tmp_path / "camera.mjpeg"
    recorded.write_bytes(frame.getvalue() * 10)
    chromium = browser.browser_type.launch(
        executable_path=find_chromium(),
        args=[*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={recorded}"],
    )
    try:
        page = chromium.new_context(permissions=["camera"], base_url=app_url).new_page()
        page.goto("/")
        page.locator("#live-start").wait_for()
        before = page.evaluate(PLACE)
        start(page)
        if camera == (1280, 720):  # most have this shape
            assert page.evaluate(PLACE) == pytest.approx(before, abs=0.1), "the page jumped"
        canvas = page.locator("#live-canvas")
        assert tuple(canvas.evaluate(CANVAS)) == kept
        shown = canvas.bounding_box()
        assert shown
        assert shown["width"] / shown["height"] == pytest.approx(kept[0] / kept[1], rel=0.02)
    finally:
        chromium.close()
