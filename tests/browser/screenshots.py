"""Pictures of every tab at 1280 and 390 px, light and dark, for looking at; and the README's one.

python tests/browser/screenshots.py OUT [--checkpoint DIR] [--readme]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.face_video import make_face_video
from tests.support.paths import ASTRONAUT
from tests.support.server import free_port, start_app, stop_app

README_PICTURE = ROOT / "docs" / "page.jpg"


def live(page: Page) -> None:
    page.locator("#live-start").click()
    page.wait_for_function("document.querySelector('#live')?.dataset.marks?.length > 5")
    page.wait_for_timeout(3000)


def photos(page: Page) -> None:
    page.get_by_role("tab", name="Photos").click()
    page.locator("#photos-files input[type=file]").set_input_files(ASTRONAUT)
    page.locator("#photos-results").wait_for(state="visible", timeout=60000)
    page.wait_for_timeout(1500)


def report(page: Page) -> None:
    page.get_by_role("tab", name="Report").click()
    page.wait_for_timeout(1000)


TABS = {"live": live, "photos": photos, "report": report}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--checkpoint")
    parser.add_argument("--readme", action="store_true", help=f"also write {README_PICTURE.name}")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        video = make_face_video(Path(folder) / "face.mjpeg", swing_px=30, numbered=False)
        port = free_port()
        flags = ["--checkpoint", args.checkpoint] if args.checkpoint else []
        app = start_app(port, *flags, log=Path(folder) / "log.txt")
        camera = f"--use-file-for-fake-video-capture={video.path}"
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*CHROMIUM_FLAGS, camera]
        )
        for width, height in ((1280, 900), (390, 844)):
            for scheme in ("light", "dark"):
                for name, show in TABS.items():
                    context = chromium.new_context(
                        viewport={"width": width, "height": height},
                        color_scheme=scheme,
                        permissions=["camera"],
                    )
                    page = context.new_page()
                    page.goto(f"http://127.0.0.1:{port}/")
                    page.locator("#live").wait_for(state="attached")
                    show(page)
                    path = args.out / f"{name}-{width}-{scheme}.png"
                    page.screenshot(path=path, full_page=True)
                    if args.readme and path.stem == "live-1280-light":
                        page.screenshot(path=path)
                        README_PICTURE.parent.mkdir(exist_ok=True)
                        Image.open(path).convert("RGB").save(README_PICTURE, quality=85)
                    context.close()
        chromium.close()
        stop_app(app)


if __name__ == "__main__":
    main()
