"""The page at /, in a real browser, before a stand-in for the doors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.site import until
from tests.browser.stand_in import PAGES, doors

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        # No sandbox: containers run tests as root, and the page is our own.
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def troubles() -> list[str]:
    """What the page complained of."""
    return []


def opened(browser: Browser, url: str, troubles: list[str], **options: Any) -> Page:
    """The page, opened; errors and violations of its policy land in ``troubles``."""
    options = {"viewport": {"width": 1280, "height": 900}, **options}
    page = browser.new_page(**options)
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(url)
    return page


def test_moments_open_are_served_and_close(browser: Browser, troubles: list[str]) -> None:
    """Moments appear on the map and in words, with evidence, what was served and how it ended; nothing goes wrong."""
    with doors(demo=True) as (url, _):
        page = opened(browser, url, troubles)
        page.wait_for_selector(".card .served .title")
        page.wait_for_selector(".card.fulfilled, .card.expired, .card.abandoned")
        page.wait_for_selector(".map .mark.served")
        assert page.locator(".card .why li").first.inner_text().startswith("searched")
        assert page.locator(".card:not(:has(.sim))").count() == 0
        assert page.locator("#simulated").is_visible()
        assert page.locator("#plug").is_visible()
        page.close()
    assert troubles == []


def test_worth_is_one_sentence_beside_the_truth(browser: Browser, troubles: list[str]) -> None:
    """One sentence says what serving was worth, the interval and the simulator's truth stand beside it."""
    with doors(demo=True) as (url, _):
        page = opened(browser, url, troubles)
        page.wait_for_selector(".scale .truth")
        assert "0.26 more orders a person than the popular list" in page.locator("#worth-title").inner_text()
        assert "interval +0.09 to +0.43" in page.locator("#worth-fine").inner_text()
        assert page.locator(".scale .truth").inner_text() == "truth +0.24"
        until(page, lambda: page.locator("#scorecards .score").count() == 4)
        page.close()


def test_labels_stay_on_the_line_of_a_phone(browser: Browser, troubles: list[str]) -> None:
    """Wherever the estimate lies between no difference and the interval's end, its label ends where the line does."""
    with doors(demo=True) as (url, _):
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.set_default_timeout(60_000)

        def elsewhere(route: Route) -> None:
            answer = route.fetch()
            lift = answer.json()
            lift["rows"][0]["comparisons"][0] |= {"difference": 0.29, "low": 0.15, "high": 0.43}
            route.fulfill(response=answer, json=lift)

        page.route("**/v1/reports/lift*", elsewhere)
        page.goto(url)
        page.wait_for_selector(".scale .truth")
        ends = "all => all.map(one => one.getBoundingClientRect().right)"
        (line,) = page.eval_on_selector_all(".scale-in", ends)
        assert page.locator(".scale .estimate").inner_text() == "measured +0.29"
        assert max(page.eval_on_selector_all(".scale .tick", ends)) <= line
        page.close()
    assert troubles == []


def test_while_the_report_is_on_its_way_nothing_is_claimed(browser: Browser, troubles: list[str]) -> None:
    """The truth that comes before the report doesn't make the page say that nothing was served."""
    with doors(demo=True) as (url, _):
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.route("**/v1/reports/lift*", lambda _: None)  # never answered
        page.goto(url)
        # The people come on the same stream as the truth, after it.
        page.wait_for_selector(".map circle.person", state="attached")
        assert page.locator("#worth-title").inner_text() == "Working out what serving was worth."
        page.close()
    assert troubles == []


def test_typing_is_read_by_the_keystroke(browser: Browser, troubles: list[str]) -> None:
    """Typing a how-to raises do, lights the telling words and shows a guide; adding cheap swings it to buy."""
    with doors(demo=True) as (url, sent):
        page = opened(browser, url, troubles)
        page.wait_for_selector(".map")
        page.locator("#try-input").press_sequentially("how to fix a leaking tap", delay=20)
        page.wait_for_selector("#bars[aria-label*='do 78']")
        assert page.locator("#telling mark").all_inner_texts() == ["how", "fix"]
        assert page.locator(".first h3").inner_text() == "Fix a leaking tap"
        page.locator("#try-input").press_sequentially(" cheap")
        page.wait_for_selector("#bars[aria-label*='buy 68']")
        assert "cheap" in page.locator("#telling mark.buy").all_inner_texts()
        assert page.locator(".first h3").inner_text() == "Tap repair kit with washers"
        page.locator("#try-input").press("Enter")
        until(page, lambda: any(call["event"] == "Products Searched" for call in sent))
        page.close()
    assert troubles == []


def test_why_wrong_and_stop(browser: Browser, troubles: list[str]) -> None:
    """Why this explains, wrong moment corrects, stop switches personalisation off; each goes through the doors."""
    with doors(demo=True) as (url, sent):
        page = opened(browser, url, troubles)
        page.wait_for_selector(".map")
        page.fill("#try-input", "how to fix a leaking tap")
        why = page.get_by_role("button", name="Why this?")
        why.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#more li")
        assert "84 things were considered" in page.locator("#more").inner_text()
        page.get_by_role("button", name="Wrong moment").click()
        page.get_by_role("button", name="wants to buy").click()
        page.locator("#answer .off").wait_for()
        corrected = next(call for call in sent if call["event"] == "Moment Corrected")
        assert corrected["properties"] == {"moment_id": "m-sent", "correct_type": "buy"}
        page.fill("#try-input", "how to fix a tap")
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Personalisation is off, and").wait_for()
        assert {"personalise": False} in [call["properties"] for call in sent]
        page.fill("#try-input", "why does my tap drip")
        page.get_by_text("Personalisation is off: this goes by").wait_for()
        assert page.get_by_role("button", name="Stop", exact=True).count() == 0
        assert {"personalise": True} not in [call["properties"] for call in sent]
        page.get_by_role("button", name="Turn it on again").click()
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        assert {"personalise": True} in [call["properties"] for call in sent]
        page.close()
    assert troubles == []


def test_without_a_demo_nothing_is_simulated(browser: Browser, troubles: list[str]) -> None:
    """Before a plain server there is no mark, no plug and no town: lanes of time instead."""
    with doors(demo=False) as (url, _):
        page = opened(browser, url, troubles)
        page.wait_for_selector(".lanes .bar")
        assert not page.locator("#simulated").is_visible()
        assert not page.locator("#plug").is_visible()
        assert page.locator(".map").count() == 0
        page.close()
    assert troubles == []


@pytest.mark.parametrize("width", [360, 768, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_over_the_edge(browser: Browser, troubles: list[str], width: int, scheme: str) -> None:
    """From a small phone to a wide screen, light and dark, the page never scrolls sideways."""
    with doors(demo=True) as (url, _):
        size = {"width": width, "height": 800}
        page = opened(browser, url, troubles, viewport=size, color_scheme=scheme)
        page.wait_for_selector(".card .served .title")
        page.fill("#try-input", "how to fix a leaking tap")
        page.wait_for_selector(".first h3")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
    assert troubles == []


def test_pause_stops_the_page(browser: Browser, troubles: list[str]) -> None:
    """Pause keeps what is shown; the button says that it is pressed."""
    with doors(demo=True) as (url, _):
        page = opened(browser, url, troubles)
        page.wait_for_selector(".card")
        page.locator("#pause").click()
        shown = page.locator("#counts").inner_text()
        page.wait_for_timeout(2000)
        assert page.locator("#counts").inner_text() == shown
        assert page.locator("#pause").get_attribute("aria-pressed") == "true"
        page.close()


def test_still_for_those_who_want_it(browser: Browser, troubles: list[str]) -> None:
    """With reduced motion nothing is animated."""
    with doors(demo=True) as (url, _):
        page = opened(browser, url, troubles, reduced_motion="reduce")
        page.wait_for_selector(".map .mark")
        assert page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length") == 0
        page.close()


def test_page_is_small_and_has_nothing_inline() -> None:
    """All files of the page together stay under 300 KB, and none needs inline code or another host."""
    files = [file for file in PAGES.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 300_000
    html = (PAGES / "index.html").read_text(encoding="utf-8")
    assert "style=" not in html
    assert " on" + "click" not in html
    assert not any("https://" in file.read_text(encoding="utf-8") for file in files if file.suffix in (".html", ".css"))


def test_pages_exist() -> None:
    """The page's folder is where the server looks."""
    assert Path(PAGES, "index.html").is_file()
