"""A headless Chromium, a site with an engine, and devices that visit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.looking import sign_in, watched
from tests.browser.shop import Shop, shop
from tests.browser.site import Site, chromium, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""A headless browser's own name is a crawler's, whose events count for nothing."""
Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        # No sandbox: containers run tests as root, and the pages are our own.
        running = started.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The business's site, and its engine."""
    with opened(tmp_path / "shop") as running:
        yield running


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """Opens a page of the site on a device of its own, where nothing may be complained of."""
    troubles: list[str] = []
    devices: list[BrowserContext] = []

    def open(path: str = "/", *, attributes: str = "", script: str = "", **device: Any) -> Page:
        site.attributes = attributes
        context = browser.new_context(**{"user_agent": DESKTOP, **device})
        devices.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        # Chromium reports what a policy forbade to the console.
        page.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
        page.goto(path if path.startswith("about:") else site.home + path)
        return page

    yield open
    for context in devices:
        context.close()
    assert troubles == []


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with keys and a morning's traffic, for the dashboard."""
    with shop(tmp_path_factory.mktemp("busy") / "shop") as found:
        yield found


@pytest.fixture
def troubles() -> list[str]:
    """What pages of the dashboard complained of."""
    return []


@pytest.fixture
def page(browser: Browser, busy: Shop, troubles: list[str]) -> Iterator[Page]:
    """A page of the dashboard that signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    found = watched(context, troubles)
    sign_in(found, busy)
    yield found
    context.close()
