"""The coffee app in real browsers, before a real engine: customer and barista, a crash in mid-order, WCAG."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from micromoments.demo import coffee, project
from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.supervisor import Supervisor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install chromium"),
]
LONG = 60_000
"""Milliseconds; the machine may be busy."""


class Running:
    """The engine and the coffee server, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        zone = project.daytime_zone(time.time_ns() // 1_000_000)
        self.folder = folder / "town"
        self.folder.mkdir()
        (self.folder / "micromoments.toml").write_text(project.settings(zone, more=coffee.TABLES))
        self.engine = Supervisor(["-m", "micromoments", "serve", str(self.folder)], folder / "engine.log")
        words = ["-m", "micromoments.demo.coffee", "--folder", str(self.folder / "coffee"), "--timezone", zone]
        words += ["--engine", f"http://127.0.0.1:{self.engine.port}"]
        self.coffee = Supervisor(words, folder / "coffee.log", "/coffee/readyz")
        for server in (self.engine, self.coffee):
            server.start_now()
        self.url = f"http://127.0.0.1:{self.coffee.port}/coffee/"
        while len(httpx.get(f"http://127.0.0.1:{self.engine.port}/v1/items?limit=50").json()["items"]) < 20:
            time.sleep(0.1)

    def events(self, owner: str) -> list[dict[str, Any]]:
        """What the engine was told of somebody."""
        export = httpx.get(f"http://127.0.0.1:{self.engine.port}/v1/people/user:{owner}/export", timeout=30).json()
        return [entry["event"] for entry in export["events"]]

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        # No sandbox: containers run tests as root, and the page is our own.
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def phone(browser: Browser, running: Running, troubles: list[str], **options: Any) -> Page:
    """A customer's phone, 360 px wide."""
    context = browser.new_context(**{"viewport": {"width": 360, "height": 740}, "locale": "en", **options})
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(running.url)
    page.wait_for_selector(".things")
    return page


def bar(browser: Browser, running: Running) -> Page:
    """The bar's screen at the square, signed in."""
    page = browser.new_context(locale="en").new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{running.url}barista")
    page.fill("#pin", "2468")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(".lanes")
    return page


def test_customer_and_barista(browser: Browser, running: Running) -> None:
    """Consent, a promotion with why, a drink with options, tip and card; the bar accepts, makes, calls; stars come."""
    troubles: list[str] = []
    page = phone(browser, running, troubles)
    page.get_by_role("button", name="Yes, please").click()
    page.wait_for_selector(".offer")
    page.get_by_role("button", name="Why do I see this?").first.click()
    page.wait_for_selector("dialog.why li")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Add Flat white").click()
    page.get_by_role("radio", name="Oat").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="To the bag").click()
    page.get_by_role("radio", name="€0.50").check()
    page.get_by_role("button", name="Pay €4.80").click()
    page.wait_for_selector(".track.paid")
    number = page.locator("h1").inner_text().removeprefix("Order ")
    screen = bar(browser, running)
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


def test_walking_by_offers_the_usual_once(browser: Browser, running: Running) -> None:
    """A simulated phone past the store opens a go moment and offers the usual; a second walk the same day doesn't."""
    troubles: list[str] = []
    page = phone(browser, running, troubles)
    page.get_by_role("button", name="Yes, please").click()
    page.wait_for_selector(".offer")
    page.get_by_role("button", name="Add Espresso").click()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="To the bag").click()
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


def test_keyboard_alone_orders(browser: Browser, running: Running) -> None:
    """Without a pointer: a drink is chosen, paid by a failing card, then by another; no double charge."""
    troubles: list[str] = []
    page = phone(browser, running, troubles)
    for name in ("No, thanks", "Add Croissant"):
        button = page.get_by_role("button", name=name if name != "Add Croissant" else "Add Butter croissant")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
    page.get_by_role("link", name="To the bag").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#pay:enabled")
    page.locator("#card").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(500)
    page.locator("#pay:enabled").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".track.cart")
    page.get_by_role("button", name="Pay with Visa").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".track.paid")
    page.get_by_role("button", name="Cancel the order").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".track.cancelled")
    assert troubles == []
    assert running.audit() == []


def test_killed_in_mid_order(browser: Browser, running: Running) -> None:
    """The server is killed while an order is made: after its restart the order, the money and the live page go on."""
    troubles: list[str] = []
    page = phone(browser, running, troubles)
    page.get_by_role("button", name="No, thanks").click()
    page.get_by_role("button", name="Add Oat cookie").click()
    page.get_by_role("link", name="To the bag").click()
    page.locator("#card").select_option("pm_card_answerLost")
    page.wait_for_timeout(500)
    page.locator("#pay:enabled").click()
    page.wait_for_selector(".track.ordered, .track.paid")
    number = page.locator("h1").inner_text().removeprefix("Order ")
    screen = bar(browser, running)
    running.coffee.kill()
    running.coffee.start_now()
    page.wait_for_selector(".track.paid")
    screen.reload()  # still signed in
    screen.get_by_role("article", name=f"Order {number}").get_by_role("button", name="Accept").click()
    page.wait_for_selector(".track.accepted")
    assert page.locator("h1").inner_text() == f"Order {number}"
    assert running.audit() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, running: Running, scheme: str) -> None:
    """WCAG 2.2 AA by axe on every screen, light and dark; nothing is wider than 360 px; German is whole."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed; run make setup")
    troubles: list[str] = []
    page = phone(browser, running, troubles, color_scheme=scheme, bypass_csp=True, locale="de")
    page.get_by_role("button", name="Ja, gern").click()
    page.wait_for_selector(".offer")
    page.get_by_role("button", name="Zimtschnecke dazu").click()
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    for screen in ("", "bag", "orders", "rewards", "you"):
        page.goto(f"{running.url}#{screen}")
        page.wait_for_selector("main h1")
        page.wait_for_timeout(400)
        found = axe.Axe().run(page, options=rules)
        assert found.violations_count == 0, f"{screen or 'home'}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert troubles == []
