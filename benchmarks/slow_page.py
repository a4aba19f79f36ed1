"""The first page on a thin line and a slow phone: when Start can be pressed, and what jumps.

    python benchmarks/slow_page.py [--app app.py] [--loads 5]

1.6 Mbit/s and 150 ms (Lighthouse's slow 4G) and a quarter of this machine's CPU, by Chromium, on a
page of 390 x 844 px with an empty cache. ``--app``: app.py of another state, to compare.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe
from benchmarks.table import Table
from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.paths import ROOT
from tests.support.server import free_port, start_app, stop_app
from tests.support.slow_line import PHONE, SLOW_LINE, WATCH_SHIFTS

SLOWER, SETTLED_MS, PATIENCE_MS = 4, 3000, 60_000


def load(browser: Browser, address: str) -> tuple[float, float, float]:
    """Seconds until Start is in sight, cumulative layout shift, kilobytes until then."""
    with browser.new_context(**PHONE) as context:
        page = context.new_page()
        page.add_init_script(WATCH_SHIFTS)
        devtools, received = context.new_cdp_session(page), [0.0]
        devtools.on(
            "Network.loadingFinished",
            lambda event: received.append(event["encodedDataLength"]),
        )
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", SLOW_LINE)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(address, wait_until="commit")
        page.wait_for_selector("#live-start:enabled", timeout=PATIENCE_MS)
        start_s, sent = page.evaluate("performance.now()") / 1000, sum(received)
        page.wait_for_timeout(SETTLED_MS)
        shifts = page.evaluate("window.shifts")
        return start_s, sum(shift[0] for shift in shifts), sent / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--app", type=Path, default=ROOT / "app.py", help="app.py of another state")
    parser.add_argument("--loads", type=int, default=5)
    args = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        port = free_port()
        app = start_app(port, log=Path(folder) / "app.txt", app=args.app.resolve())
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        try:
            seen = [load(browser, f"http://127.0.0.1:{port}/") for _ in range(args.loads)]
        finally:
            browser.close()
            stop_app(app)
    starts, shifts, sizes = zip(*seen, strict=True)
    table = Table()
    table.row("Start in sight, median", statistics.median(starts), 3.5, 2.5, "s", most=True)
    table.row("layout shift, most", max(shifts), 0.05, 0.02, most=True)
    print(f"    ({', '.join(f'{start:.2f}' for start in starts)} s; {max(sizes):.0f} kB)")
    return int(table.short > 0)


if __name__ == "__main__":
    sys.exit(main())
