"""The whole demo as a stranger sees it: the live page, and each experience from its first page to an order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.demo.browser import in_chromium, is_clean, opened
from tests.demo.whole import started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = in_chromium


def has_coffee(page: Page) -> None:
    """A drink, ordered and paid."""
    page.get_by_role("button", name="No, thanks").click()
    page.locator(".ask").wait_for(state="detached")
    page.get_by_role("button", name="Add Butter croissant").click()
    page.get_by_role("link", name="To the bag").click()
    page.locator("#pay:enabled").click()
    page.locator(".track.paid").wait_for()


def rides(page: Page) -> None:
    """A ride to a place that was searched, until a simulated driver is on the way."""
    page.locator(".where").click()
    page.fill("#q", "market")
    page.locator("#found[data-words=market] button").first.click()
    page.locator("#ask-for-it").click()
    page.locator(".now.coming, .now.arrived, .now.riding, .now.done").wait_for()


def shops(page: Page) -> None:
    """A thing that was searched for lands in the cart."""
    page.fill("#q", "coffee grinder")
    page.locator("#q").press("Enter")
    page.locator("#results .add:enabled").first.click()
    page.locator("#tabs .count").wait_for()


def test_a_stranger_walks_through_all(browser: Browser, troubles: list[str], tmp_path: Path) -> None:
    """One address shows the town live, sells coffee, drives and fills a cart; nothing complains, and ways lead on."""
    with started(tmp_path) as running:
        live = opened(browser, f"{running.url}/", troubles, viewport={"width": 1280, "height": 800})
        live.locator("[data-demo]").wait_for()
        live.fill("#try-input", "how to fix a leaking tap")
        live.locator(".first h3", has_text="Fix a leaking tap").wait_for()
        for name, title, does in (
            ("coffee", "Alder Coffee", has_coffee),
            ("ride", "Alder Ride", rides),
            ("shop", "Tidewater", shops),
        ):
            page = opened(browser, f"{running.url}/{name}/", troubles)
            page.locator("main h1").wait_for()
            assert page.locator(".brand").inner_text() == title
            is_clean(page)
            does(page)
            page.close()
        live.reload()
        live.locator("[data-demo]").wait_for()
    assert troubles == []
