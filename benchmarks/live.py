"""The live view against its demands, in a real browser with a camera that plays a known face.

    python benchmarks/live.py [--checkpoint DIR] [--seconds 15] [--only 1,crowd] [--app APP.PY]

Every shown frame carries its number in its pixels, so the drawn box is compared with the true face
of the very frame that is shown; ``crowd`` plays 14 moving faces in 1280x720. The stock way,
gr.Image to gr.Image, runs in the same process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.slow_proxy import slow_proxy
from benchmarks.table import Table
from gender_demo.results import Box
from gender_demo.vision.detector import FaceDetector
from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.face_video import (
    BITS,
    SQUARE_PX,
    CrowdVideo,
    FaceVideo,
    make_crowd_video,
    make_face_video,
)
from tests.support.server import free_port, start_app, stop_app

CROWD_PX = (1280, 720)
APP = HERE.parents[1] / "app.py"
WATCH = (HERE.parent / "live_watch.js").read_text(encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def start_live(page: Page, url: str, camera_px: int = 640) -> float:
    """Open the page, start the camera; seconds from the camera's start to the first box, if any."""
    page.goto(url)
    page.locator("#live-start").wait_for()
    page.evaluate(WATCH, {"bits": BITS, "squarePx": SQUARE_PX, "width": camera_px})
    page.evaluate("document.querySelector('#live-start').click()")
    try:
        page.wait_for_function("window.watched.firstBox > 0", timeout=60_000)
    except PlaywrightTimeout:
        return float("inf")
    # The number in the pixels and the true boxes are those of the picture as the camera has it.
    page.evaluate("(m => m.checked && m.click())(document.querySelector('#live-mirror'))")
    return float(page.evaluate("window.watched.firstBox - window.watched.running")) / 1000


def watch(pages: Sequence[Page], seconds: float) -> list[list[dict[str, Any]]]:
    """What each page showed, frame by frame, for a while: {t, n, width, marks, age, answers}."""
    for page in pages:
        page.evaluate("window.watched.frames.length = 0")
    pages[0].wait_for_timeout(seconds * 1000)
    return [page.evaluate("window.watched.frames") for page in pages]


def rate(frames: Sequence[dict[str, Any]]) -> float:
    return (len(frames) - 1) / (frames[-1]["t"] - frames[0]["t"]) * 1000 if len(frames) > 1 else 0


def answers(frames: Sequence[dict[str, Any]]) -> float:
    return statistics.mean(frame["answers"] for frame in frames) if frames else 0.0


def overlaps(frames: Sequence[dict[str, Any]], video: FaceVideo) -> list[float]:
    """IoU of the drawn box and the true face in each shown frame; 0 where none is drawn."""
    return [
        max((video.boxes[frame["n"]].iou(Box(*m["box"])) for m in frame["marks"]), default=0.0)
        for frame in frames
        if frame["n"] < len(video.boxes)
    ]


@contextmanager
def tabs(browser: Browser, count: int) -> Iterator[list[Page]]:
    context = browser.new_context(permissions=["camera"], viewport={"width": 1280, "height": 900})
    pages = [context.new_page()]
    while len(pages) < count:  # each in a window of its own: a tab behind another one hardly draws
        with context.expect_page() as opened:
            pages[0].evaluate("window.open('about:blank', '', 'popup,noopener')")
        pages.append(opened.value)
    yield pages
    context.close()


def measure_one(browser: Browser, url: str, video: FaceVideo, table: Table, seconds: float) -> None:
    with tabs(browser, 1) as pages:
        first_s = start_live(pages[0], url)
        pages[0].wait_for_timeout(4000)
        frames = watch(pages, seconds)[0]
    ages = [frame["age"] for frame in frames if frame["age"] is not None]
    table.row("picture shown, 1 tab", rate(frames), 25, 29, "/s")
    table.row("analyses answered, 1 tab", answers(frames), 12, 25, "/s")
    table.row("age of the analysis, median", percentile(ages, 0.5), 120, 60, "ms", most=True)
    table.row("age of the analysis, p95", percentile(ages, 0.95), 250, 120, "ms", most=True)
    fits = overlaps(frames, video)
    table.row("drawn box on the true face, moving, median IoU", percentile(fits, 0.5), 0.8, 0.9)
    print(f"    (IoU at the 5th percentile {percentile(fits, 0.05):.2f}, {len(fits)} frames)")
    table.row("camera start to first box", first_s, 1.5, 0.7, "s", most=True)


def measure_many(browser: Browser, url: str, count: int, table: Table, seconds: float) -> None:
    with tabs(browser, count) as pages:
        boxed = sum(start_live(page, url) < float("inf") for page in pages)
        pages[0].wait_for_timeout(4000)
        watched = watch(pages, seconds)
    table.row(f"{count} tabs: tabs in which a box appears", boxed, count, count)
    print(f"    (analyses/s: {', '.join(f'{answers(frames):.1f}' for frames in watched)})")
    slowest = min(answers(frames) for frames in watched)
    if count == 4:
        table.row("4 tabs: analyses per tab, slowest tab", slowest, 4, 10, "/s")
    else:
        print(f"{f'{count} tabs: analyses per tab, slowest tab':<58}{slowest:>9.2f} /s")
    shown = min(rate(frames) for frames in watched)
    print(f"{f'{count} tabs: picture shown, slowest tab':<58}{shown:>9.2f} /s")


def measure_crowd(browser: Browser, url: str, video: CrowdVideo, table: Table, s: float) -> None:
    faces = len(video.boxes[0])
    with tabs(browser, 1) as pages:
        start_live(pages[0], url, CROWD_PX[0])
        pages[0].wait_for_timeout(6000)
        frames = watch(pages, s)[0]
    drawn = [frame for frame in frames if frame["n"] < len(video.boxes)]
    fits = [
        max((true.iou(Box(*mark["box"])) for mark in frame["marks"]), default=0.0)
        for frame in drawn
        for true in (box.scaled(frame["width"] / CROWD_PX[0]) for box in video.boxes[frame["n"]])
    ]
    ages = [frame["age"] for frame in frames if frame["age"] is not None]
    table.row(f"{faces} moving faces: analyses answered", answers(frames), 15, 25, "/s")
    table.row(f"{faces} moving faces: drawn box, median IoU", percentile(fits, 0.5), 0.7, 0.85)
    print(f"    (5th percentile {percentile(fits, 0.05):.2f}; {rate(frames):.1f} pictures/s; age "
          f"median {percentile(ages, 0.5):.0f}, p95 {percentile(ages, 0.95):.0f} ms)")  # fmt: skip


def measure_far(browser: Browser, port: int, table: Table, seconds: float) -> None:
    with slow_proxy(port, delay_s=0.075) as proxy, tabs(browser, 1) as pages:
        start_live(pages[0], proxy.url)
        pages[0].wait_for_timeout(4000)
        frames = watch(pages, seconds)[0]
        table.row("150 ms round trip: analyses", answers(frames), 8, 15, "/s")


def measure_thin(browser: Browser, port: int, table: Table, seconds: float) -> None:
    with slow_proxy(port, up_bytes_per_s=500_000) as proxy, tabs(browser, 1) as pages:
        start_live(pages[0], proxy.url)
        pages[0].wait_for_timeout(4000)
        before = proxy.sent_up()
        frames = watch(pages, seconds)[0]
        used = (proxy.sent_up() - before) * 8 / seconds / 1e6
        gaps = [b["t"] - a["t"] for a, b in pairwise(frames)]
        table.row("4 Mbit/s uplink: used", used, 2, 1, "Mb/s", most=True)
        table.row(
            "4 Mbit/s uplink: longest stall of the picture", max(gaps), 500, 150, "ms", most=True
        )
        print(f"{'4 Mbit/s uplink: analyses':<58}{answers(frames):>9.2f} /s")


def measure_stock(browser: Browser, checkpoint: list[str], folder: Path, seconds: float) -> None:
    port = free_port()
    app = start_app(port, *checkpoint, log=folder / "stock.txt", app=HERE.parent / "stock_live.py")
    try:
        with tabs(browser, 1) as pages:
            page = pages[0]
            page.goto(f"http://127.0.0.1:{port}")
            page.get_by_text("Click to Access Webcam").first.click()
            page.locator("button[aria-label='capture photo']").click()  # it says "Record"
            page.evaluate((HERE.parent / "stock_watch.js").read_text(encoding="utf-8"))
            page.wait_for_function("window.pictures.length > 0", timeout=60_000)
            page.wait_for_timeout(4000)
            page.evaluate("window.pictures.length = 0")
            page.wait_for_timeout(seconds * 1000)
            shown = page.evaluate("window.pictures")
        print(f"{'stock gr.Image to gr.Image: pictures':<58}{len(shown) / seconds:>9.2f} /s")
    finally:
        stop_app(app)


def launch(playwright: Playwright, camera: Path) -> Browser:
    """A browser whose camera plays a file."""
    return playwright.chromium.launch(
        executable_path=find_chromium(),
        args=[*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera}"],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", help="folder of the checkpoint (default: the shipped one)")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each measurement")
    parser.add_argument(
        "--only", default="stock,1,4,8,rtt,uplink,crowd", help="rows, comma-separated"
    )
    parser.add_argument("--app", type=Path, default=APP, help="app.py of another state, to compare")
    flags = parser.parse_args()
    only = flags.only.split(",")
    checkpoint = ["--checkpoint", flags.checkpoint] if flags.checkpoint else []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        video = make_face_video(folder / "face.mjpeg", frames=120, swing_px=110)
        browser = launch(playwright, video.path)
        table = Table()
        if "stock" in only:
            measure_stock(browser, checkpoint, folder, flags.seconds)
        port = free_port()
        app = start_app(port, *checkpoint, log=folder / "app.txt", app=flags.app.resolve())
        url = f"http://127.0.0.1:{port}"
        try:
            if "1" in only:
                measure_one(browser, url, video, table, flags.seconds)
            for count in (4, 8):
                if str(count) in only:
                    measure_many(browser, url, count, table, flags.seconds)
            if "rtt" in only:
                measure_far(browser, port, table, flags.seconds)
            if "uplink" in only:
                measure_thin(browser, port, table, flags.seconds)
            browser.close()
            if "crowd" in only:
                crowd = make_crowd_video(folder / "crowd.mjpeg", FaceDetector(), size=CROWD_PX)
                browser = launch(playwright, crowd.path)
                measure_crowd(browser, url, crowd, table, flags.seconds)
                browser.close()
        finally:
            stop_app(app)
    return 1 if table.short else 0


if __name__ == "__main__":
    sys.exit(main())
