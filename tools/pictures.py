"""Takes the pictures of the live page and the dashboard in the docs again, of the demo, in a headless Chromium.

usage: python -m tools.pictures [--url URL] [--into docs/images]

Without ``--url`` the demo is started for it (a simulated town of fourteen days), and ended afterwards. People in it are
simulated, which the pictures say.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

VIEWS = {
    "today": "today?range=7d",
    "scorecards": "scorecards?range=all",
    "missed": "missed?range=all",
    "journeys": "journeys?range=all",
    "unmet": "unmet?range=all",
}
"""A picture's name, and the address of its view."""
SIZE = {"width": 1280, "height": 900}
LIVE = {"width": 1280, "height": 960}
PATIENCE = 300_000
"""Milliseconds that a view is given to be drawn: the machine may be busy."""


def main(url: str, into: Path) -> None:
    """Take them all."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]  # a TypedDict of these
        page.set_default_timeout(PATIENCE)
        for name, address in VIEWS.items():
            _at(page, f"{url}/#/{address}")
            page.screenshot(path=into / f"dashboard-{name}.png")
        _at(page, f"{url}/#/decisions?range=all")
        page.locator("#view td a", has_text="open").first.click()
        page.wait_for_selector("#view[data-view=decision][data-ready]")
        page.screenshot(path=into / "dashboard-receipt.png")
        _live(page, url, into / "live.png")
        browser.close()


def _live(page: Page, url: str, into: Path) -> None:
    """The town, with its verdict, a few moments, and what a visitor types."""
    page.set_viewport_size(LIVE)  # type: ignore[arg-type]  # as above
    page.goto(url)
    page.wait_for_selector("#worth-title b, #worth-title em, #worth-title strong")
    page.wait_for_timeout(20_000)  # people come one by one
    page.locator("#try-input").press_sequentially("how to fix a leaking tap", delay=60)
    page.wait_for_selector(".first h3")
    page.wait_for_timeout(2_000)  # the last letters are read, too
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=into)


def _at(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(f"#view[data-ready='{address[address.index('#') :]}']")


@contextmanager
def demo() -> Iterator[str]:
    """The demo's address, once it takes traffic."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "micromoments", "demo", "--port", str(port)])
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit("the demo ended by itself; its own words say why")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    break
            except OSError:
                time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="", help="a running demo; without it one is started")
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    if given.url:
        main(given.url.rstrip("/"), given.into)
    else:
        with demo() as address:
            main(address, given.into)
