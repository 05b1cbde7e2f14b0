"""The dashboard can be read: charts at both widths, zones, and what a project without an event says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.looking import at, sign_in, watched
from tests.browser.shop import Shop, shop
from tests.browser.site import in_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
pytestmark = [*in_chromium, pytest.mark.timeout(300)]
LETTERS = """() => [...document.querySelectorAll('#view .chart:not(.sankey) text')].map((text) => {
    const chart = text.ownerSVGElement;
    const scale = chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;
    return parseFloat(getComputedStyle(text).fontSize) * scale;
})"""
"""How high the letters of a view's charts are on the screen, in pixels."""


@pytest.mark.parametrize("width", [360, 1280])
def test_words_of_charts_can_be_read(page: Page, busy: Shop, width: int) -> None:
    """On a phone, and in panels half as wide as the window; and no name of a bar leaves its panel."""
    page.set_viewport_size({"width": width, "height": 800})
    for view in ("scorecards", "missed", "needs", "preferences", "decisions"):
        at(page, busy, f"{view}?range=all")
        letters = page.evaluate(LETTERS)
        assert min(letters, default=10) >= 10, view
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = """() => [...document.querySelectorAll('.chart .bar-name, .chart .bar-value')].filter((text) => {
            const [box, panel] = [text, text.closest('.panel')].map((one) => one.getBoundingClientRect());
            return box.left < panel.left || box.right > panel.right;
        }).map((text) => text.textContent)"""
        assert page.evaluate(cut) == [], view


def test_zones_are_told_as_people_write_them(page: Page, busy: Shop) -> None:
    """The names in Etc count to the west: what is nine hours ahead isn't shown as minus nine."""
    at(page, busy, "health")
    line = """zone => import('./frame.js').then((frame) => frame.provenance(
        { counting: '', tz: zone, to: '2026-11-20T10:00:00Z' }).textContent)"""
    assert "days in UTC+9." in page.evaluate(line, "Etc/GMT-9")
    assert "days in UTC−11." in page.evaluate(line, "Etc/GMT+11")
    assert "days in Europe/Berlin." in page.evaluate(line, "Europe/Berlin")


def test_a_new_project_says_what_to_do(browser: Browser, tmp_path: Path, troubles: list[str]) -> None:
    """Before the first event no instant is made up, a number of nothing leads nowhere, and the way to begin is said."""
    with shop(tmp_path / "shop", people=0) as fresh:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = watched(context, troubles)
        sign_in(page, fresh)
        box, lane = (page.locator(one).first.bounding_box() for one in (".picture > .empty", ".picture"))
        assert box
        assert lane
        assert lane["y"] <= box["y"] <= box["y"] + box["height"] <= lane["y"] + lane["height"]
        at(page, fresh, "health")
        assert "1970" not in page.locator("#view").inner_text()
        at(page, fresh, "needs")
        assert "send events to /v1/track" in page.locator("#view").inner_text()
        assert page.locator("#view .figures a").count() == 0
        at(page, fresh, "deliveries")
        page.get_by_text("[triggers.come-back]").wait_for()
        context.close()
    assert troubles == []
