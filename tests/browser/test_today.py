"""The morning's page says what the reports say, and every view that the server is away when it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.looking import at
from tests.browser.shop import Shop
from tests.browser.site import in_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
pytestmark = [*in_chromium, pytest.mark.timeout(300)]


def test_today_says_what_the_reports_say(page: Page, busy: Shop, troubles: list[str]) -> None:
    """Figures and the cause of misses are the reports'; without a stretch before it nothing is said to have moved."""
    at(page, busy, "today?range=all")
    moved, todo = (page.locator(f"section[aria-label='{name}']").inner_text() for name in ("What moved", "What to do"))
    there = busy.figure("scorecards", "be_there")
    assert f"{there['count']} of {there['of']}" in moved
    assert "no whole stretch before it" in moved
    missed = busy.ask("/v1/reports/missed")
    causes = [f for f in missed["figures"] if f["title"].startswith("Missed: ") and f["name"] != "held_out"]
    most = max(causes, key=lambda f: int(f["count"]))
    name = most["title"].removeprefix("Missed: ")
    assert (f"“{name}”" if most["count"] else "No moment that is over was missed, but by those held out.") in todo
    assert page.locator("#view .brief a, #view .figures a").count() > 3
    assert troubles == []


@pytest.mark.parametrize(
    ("now", "then", "unit"),
    [((523, 1220), (601, 1300), "share"), ((40, 400), (80, 400), "share"), ((454, 511), (300, 600), "per person")],
)
def test_what_moved_is_told_by_its_standard_errors(
    page: Page, now: tuple[int, int], then: tuple[int, int], unit: str
) -> None:
    """A difference of shares in pooled standard errors; of goals a person as spread as a geometric draw."""
    a, b = ({"count": n, "of": of, "value": n / of, "unit": unit} for n, of in (now, then))
    told = page.evaluate("([a, b]) => import('./views/today.js').then((view) => view.apart(a, b))", [a, b])
    (x, m), (y, n) = now, then
    if unit == "share":
        both = (x + y) / (m + n)
        error = (both * (1 - both) * (1 / m + 1 / n)) ** 0.5
    else:
        error = ((x / m) * (1 + x / m) / m + (y / n) * (1 + y / n) / n) ** 0.5
    assert told == pytest.approx((x / m - y / n) / error)


def test_a_server_that_is_away_is_told(page: Page, busy: Shop) -> None:
    """Without a network a view says so in words, one that was never loaded too, as does the page; both are well again
    once the server is back.
    """
    at(page, busy, "needs")
    at(page, busy, "scorecards")
    page.context.set_offline(True)
    told = '[role=alert]:has-text("The server can\'t be reached")'
    for view, where in (("items", "#view"), ("needs", "#view[data-view=needs]")):
        page.evaluate("view => { location.hash = `#/${view}` }", view)
        page.locator(f"{where} {told}").first.wait_for()
    assert page.locator("#state-text").inner_text().startswith("Server away")
    page.context.set_offline(False)
    page.locator("#view[data-view=needs] [role=alert] button").first.click()
    page.locator("#view[data-view=needs] .figures b").first.wait_for()
    page.wait_for_function("!document.querySelector('#state-text').textContent.startsWith('Server away')")
