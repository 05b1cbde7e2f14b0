"""Browsers for the experiences' tests: a headless Chromium, people's pages in it, and what every page must be.

``MICROMOMENTS_BROWSER_SLOW=8`` makes every page's processor eight times as slow and its answers late and out of order:
a test that holds then holds on a busy machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
LONG = 60_000
"""Milliseconds that a page is given for a step; the machine may be busy."""
SLOW = int(os.environ.get("MICROMOMENTS_BROWSER_SLOW", "1"))
LATE = """(() => {
    const ask = window.fetch;
    window.fetch = (...a) => new Promise((go) => setTimeout(go, Math.random() * %d)).then(() => ask(...a));
})()"""

in_chromium = [
    pytest.mark.browser,
    pytest.mark.timeout(300 * SLOW),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install chromium"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; run make setup"
    ).sync_playwright
    with playwright() as started:
        # No sandbox: containers run tests as root, and the pages are our own.
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser: Browser, url: str, troubles: list[str], **options: Any) -> Page:
    """A page on a device of its own, a narrow phone unless said otherwise; complaints land in ``troubles``."""
    context = browser.new_context(**{"viewport": {"width": 360, "height": 740}, "locale": "en-GB", **options})
    page = context.new_page()
    page.set_default_timeout(LONG * SLOW)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    # A server that is killed, or refuses, is an answer that the page shows; what a policy forbids is a fault.
    page.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
    if SLOW > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOW})
        context.add_init_script(LATE % (100 * SLOW))
    page.goto(url)
    return page


def press(page: Page, control: Locator, key: str = "Enter") -> None:
    """Press a key on a control that has the focus by then, however often its screen is drawn anew."""
    from playwright.sync_api import expect

    control.focus()
    expect(control).to_be_focused(timeout=LONG * SLOW)
    page.keyboard.press(key)


def is_clean(page: Page) -> None:
    """Axe finds nothing of WCAG 2.2 AA or its own good practice, and nothing is wider than the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed; run make setup")
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
