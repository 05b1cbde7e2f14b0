"""The coffee app in real browsers, before a real engine: customer and barista, a crash in mid-order, WCAG."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from micromoments.demo import coffee, project
from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.supervisor import Supervisor
from tests.demo.browser import in_chromium, is_clean, opened, press

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = in_chromium


class Running:
    """The engine and the coffee server, as processes of their own; ``more`` of the engine's configuration."""

    def __init__(self, folder: Path, more: str = "") -> None:
        zone = project.daytime_zone(time.time_ns() // 1_000_000)
        self.folder = folder / "town"
        self.folder.mkdir()
        (self.folder / "micromoments.toml").write_text(project.settings(zone, more=coffee.TABLES + more))
        self.engine = Supervisor(["-m", "micromoments", "serve", str(self.folder)], folder / "engine.log")
        words = ["-m", "micromoments.demo.coffee", "--folder", str(self.folder / "coffee"), "--timezone", zone]
        words += ["--engine", f"http://127.0.0.1:{self.engine.port}"]
        self.coffee = Supervisor(words, folder / "coffee.log", "/coffee/readyz")
        for server in (self.engine, self.coffee):
            server.start_now()
        self.url = f"http://127.0.0.1:{self.coffee.port}/coffee/"
        items = f"http://127.0.0.1:{self.engine.port}/v1/items?limit=50"
        while len(httpx.get(items, timeout=60).json()["items"]) < 20:
            time.sleep(0.1)

    def audit(self) -> list[str]:
        """What doesn't agree in the books."""
        store, bank = Store(self.folder / "coffee/coffee.sqlite"), Sandbox(self.folder / "coffee/bank.sqlite")
        wrong = audit(store, bank.held())
        store.close()
        bank.close()
        return wrong


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Both servers."""
    started = Running(tmp_path_factory.mktemp("coffee"))
    yield started
    started.coffee.stop()
    started.engine.stop()


def phone(browser: Browser, running: Running, troubles: list[str], **options: Any) -> Page:
    """A customer's phone."""
    page = opened(browser, running.url, troubles, **{"locale": "en", **options})
    page.wait_for_selector(".things")
    return page


def agrees(page: Page, words: str = "Yes, please") -> None:
    """A yes or no to what may be used; the question is gone then."""
    page.get_by_role("button", name=words).click()
    page.locator(".ask").wait_for(state="detached")


def chooses(page: Page, thing: str, *options: str) -> None:
    """A thing of the menu lands in the bag."""
    page.get_by_role("button", name=f"Add {thing}").click()
    for option in options:
        page.get_by_role("radio", name=option).check()
    if page.get_by_role("dialog").count():
        page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="To the bag").click()
    page.wait_for_selector("#pay:enabled")


def bar(browser: Browser, running: Running, troubles: list[str]) -> Page:
    """The bar's screen at the square, signed in."""
    page = opened(browser, f"{running.url}barista", troubles, locale="en", viewport={"width": 1280, "height": 800})
    page.fill("#pin", "2468")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(".lanes")
    return page


def test_customer_and_barista(browser: Browser, running: Running, troubles: list[str]) -> None:
    """Consent, a promotion with why, a drink with options, tip and card; the bar accepts, makes, calls; stars come."""
    page = phone(browser, running, troubles)
    agrees(page)
    page.wait_for_selector(".offer")
    page.get_by_role("button", name="Why do I see this?").first.click()
    page.wait_for_selector("dialog.why li")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    chooses(page, "Flat white", "Oat")
    page.get_by_role("radio", name="€0.50").check()
    page.get_by_role("button", name="Pay €4.80").click()
    page.wait_for_selector(".track.paid")
    number = page.locator("h1").inner_text().removeprefix("Order ")
    screen = bar(browser, running, troubles)
    ticket = screen.get_by_role("article", name=f"Order {number}")
    for step, shown in (("Accept", "accepted"), ("Make", "making"), ("Call", "ready")):
        ticket.get_by_role("button", name=step, exact=True).click()
        page.wait_for_selector(f".track.{shown}")
    page.get_by_text(f"Order {number} is ready").wait_for()
    ticket.get_by_role("button", name="Hand over").click()
    page.wait_for_selector(".track.done")
    page.goto(f"{running.url}#rewards")
    page.get_by_text("20 stars", exact=False).first.wait_for()
    page.goto(f"{running.url}#")
    page.get_by_role("heading", name="Your usual").wait_for()
    assert troubles == []
    assert running.audit() == []


def test_walking_by_offers_the_usual_once(browser: Browser, running: Running, troubles: list[str]) -> None:
    """A simulated phone past the store opens a go moment and offers the usual; a second walk the same day doesn't."""
    page = phone(browser, running, troubles)
    agrees(page)
    page.wait_for_selector(".offer")
    chooses(page, "Espresso")
    page.locator("#pay:enabled").click()
    page.wait_for_selector(".track.paid")
    page.goto(f"{running.url}#you")
    walk = page.get_by_role("button", name="Walk past")
    walk.click()
    page.wait_for_selector(".push")
    assert "wants to go" in page.locator(".told").inner_text()
    walk.click()
    page.get_by_text("Nothing is offered").wait_for()
    page.get_by_role("switch", name="Use your position").uncheck()
    page.get_by_text("Needs your position").wait_for()
    assert troubles == []


def test_keyboard_alone_orders(browser: Browser, running: Running, troubles: list[str]) -> None:
    """Without a pointer: a drink is chosen, paid by a failing card, then by another; no double charge."""
    page = phone(browser, running, troubles)
    press(page, page.get_by_role("button", name="No, thanks"))
    page.locator(".ask").wait_for(state="detached")
    press(page, page.get_by_role("button", name="Add Butter croissant"))
    press(page, page.get_by_role("link", name="To the bag"))
    page.wait_for_selector("#pay:enabled")
    press(page, page.locator("#card"), "ArrowDown")
    page.wait_for_selector("#card option:checked[value=pm_card_chargeDeclined]", state="attached")
    press(page, page.locator("#pay:enabled"))
    page.wait_for_selector(".track.cart")
    press(page, page.get_by_role("button", name="Pay with Visa"))
    page.wait_for_selector(".track.paid")
    press(page, page.get_by_role("button", name="Cancel the order"))
    page.wait_for_selector(".track.cancelled")
    assert troubles == []
    assert running.audit() == []


def test_killed_in_mid_order(browser: Browser, running: Running, troubles: list[str]) -> None:
    """The server is killed while an order is made: after its restart the order, the money and the live page go on."""
    page = phone(browser, running, troubles)
    agrees(page, "No, thanks")
    chooses(page, "Oat cookie")
    page.locator("#card").select_option("pm_card_answerLost")
    page.locator("#pay:enabled").click()
    page.wait_for_selector(".track.ordered, .track.paid")
    number = page.locator("h1").inner_text().removeprefix("Order ")
    screen = bar(browser, running, troubles)
    running.coffee.kill()
    running.coffee.start_now()
    page.wait_for_selector(".track.paid")
    screen.reload()  # still signed in
    screen.get_by_role("article", name=f"Order {number}").get_by_role("button", name="Accept").click()
    page.wait_for_selector(".track.accepted")
    assert page.locator("h1").inner_text() == f"Order {number}"
    assert running.audit() == []


WRAPPED = """() => [...document.querySelectorAll(".offer .row button")].filter((button) => {
  const text = document.createRange();
  text.selectNodeContents(button);
  return new Set([...text.getClientRects()].map((line) => Math.round(line.top))).size > 1;
}).map((button) => button.textContent)"""
"""The offers' buttons whose words take more than one line."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, running: Running, troubles: list[str], scheme: str) -> None:
    """WCAG 2.2 AA by axe on every screen, light and dark; nothing is wider than 360 px; German is whole."""
    page = phone(browser, running, troubles, color_scheme=scheme, bypass_csp=True, locale="de")
    agrees(page, "Ja, bitte")
    page.wait_for_selector(".offer")
    assert page.evaluate(WRAPPED) == []
    page.get_by_role("button", name="Zimtschnecke dazu").click()
    page.wait_for_selector("#tabs .count")
    screens = {"": ".things", "bag": "#pay", "orders": ".empty", "rewards": ".tier", "you": "#name"}
    for screen, shown in screens.items():
        page.goto(f"{running.url}#{screen}")
        page.wait_for_selector(f"main {shown}")
        is_clean(page)
    assert troubles == []
