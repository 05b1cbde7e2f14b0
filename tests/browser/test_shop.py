"""The shop in real browsers, before a real engine: two devices of one person, a crash in mid-order, keyboard, WCAG."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from micromoments.demo import project, shop
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
ADDRESS = {"name": "Anna Berg", "street": "Quay 3", "postcode": "00100", "city": "Alderhaven"}


class Running:
    """The engine and the shop, as processes of their own; the carrier is ten times as quick."""

    def __init__(self, folder: Path) -> None:
        zone = project.daytime_zone(time.time_ns() // 1_000_000)
        self.folder = folder / "town"
        self.folder.mkdir()
        (self.folder / "micromoments.toml").write_text(project.settings(zone, more=shop.TABLES))
        self.engine = Supervisor(["-m", "micromoments", "serve", str(self.folder)], folder / "engine.log")
        words = ["-m", "micromoments.demo.shop", "--folder", str(self.folder / "shop"), "--timezone", zone]
        words += ["--engine", f"http://127.0.0.1:{self.engine.port}", "--speed", "0.1"]
        self.shop = Supervisor(words, folder / "shop.log", "/shop/readyz")
        for server in (self.engine, self.shop):
            server.start_now()
        self.url = f"http://127.0.0.1:{self.shop.port}/shop/"
        while len(httpx.get(f"http://127.0.0.1:{self.engine.port}/v1/items?limit=100").json()["items"]) < 100:
            time.sleep(0.1)

    def audit(self) -> list[str]:
        """What doesn't agree in the books."""
        store, bank = Store(self.folder / "shop/shop.sqlite"), Sandbox(self.folder / "shop/bank.sqlite")
        wrong = audit(store, bank.held())
        store.close()
        bank.close()
        return wrong

    def events(self) -> list[dict[str, Any]]:
        """What the engine was told of whoever bought last."""
        store = Store(self.folder / "shop/shop.sqlite")
        (owner,) = store.rows("SELECT owner FROM orders ORDER BY at DESC LIMIT 1")[0]
        while store.unsent(1):
            time.sleep(0.1)
        store.close()
        export = httpx.get(f"http://127.0.0.1:{self.engine.port}/v1/people/user:{owner}/export", timeout=30).json()
        return [entry["event"] for entry in export["events"]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Both servers."""
    started = Running(tmp_path_factory.mktemp("shop"))
    yield started
    started.shop.stop()
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


def device(browser: Browser, running: Running, troubles: list[str], **options: Any) -> Page:
    """A device of somebody new, 360 px wide unless said otherwise."""
    whole = {"viewport": {"width": 360, "height": 740}, "locale": "en", "user_agent": "Mobile", **options}
    page = browser.new_context(**whole).new_page()
    page.set_default_timeout(LONG)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(running.url)
    page.wait_for_selector("main h1")
    return page


def pay(page: Page, running: Running, card: str = "pm_card_visa") -> None:
    """Fill in the one page of the checkout and order, with a double click."""
    page.goto(f"{running.url}#cart")
    page.wait_for_selector("#pay")
    for name, value in ADDRESS.items():
        page.fill(f"#a-{name}", value)
    page.locator("#card").select_option(card)
    page.locator("#pay").dblclick()
    page.wait_for_selector(".track")


def test_two_devices_of_one_person(browser: Browser, running: Running) -> None:
    """Found and put in the cart on the phone, gone on with and paid on a laptop, followed to the door, sent back."""
    troubles: list[str] = []
    phone = device(browser, running, troubles)
    phone.get_by_role("button", name="Yes, please").click()
    phone.wait_for_selector(".offer")
    phone.get_by_role("button", name="Why do I see this?").first.click()
    phone.get_by_role("dialog").get_by_role("button", name="Close").click()
    phone.goto(f"{running.url}#find")
    phone.wait_for_selector("#results li")
    phone.fill("#q", "coffe grindr")
    phone.get_by_text("Did you mean").wait_for()
    phone.goto(f"{running.url}#product/p-chef-s-knife-20-cm")
    phone.get_by_text("“Sharp out of the box and well made.”").wait_for()
    phone.locator("#add").click()
    phone.wait_for_selector(".count")
    phone.goto(f"{running.url}#you")
    phone.locator("#code").click()
    code = phone.locator(".code").inner_text()
    laptop = device(browser, running, troubles, viewport={"width": 1200, "height": 900}, user_agent="Laptop")
    laptop.goto(f"{running.url}#you")
    laptop.fill("#their-code", code)
    laptop.get_by_role("button", name="Join").click()
    laptop.get_by_role("heading", name="Go on where you left off").wait_for()
    laptop.get_by_text("You were on your phone.").wait_for()
    phone.goto(f"{running.url}#cart")
    phone.wait_for_selector("#pay")
    pay(laptop, running)
    phone.get_by_text("Your cart is empty").wait_for()  # told live, without a reload
    laptop.wait_for_selector(".track.done")
    laptop.get_by_text("Send something back").click()
    laptop.get_by_label("Chef's knife").select_option("1")
    laptop.get_by_role("button", name="Announce the return").click()
    laptop.get_by_text("Came back").wait_for()
    assert troubles == []
    assert running.audit() == []
    told = running.events()
    names = [event["event"] for event in told if event["type"] == "track"]
    assert names.count("Order Completed") == 1
    assert {"Product Viewed", "Product Added", "Checkout Started", "Order Refunded"} <= set(names)
    assert {event["context"]["device"]["type"] for event in told if "device" in event["context"]} == {
        "mobile",
        "desktop",
    }


def test_a_question_and_a_guide(browser: Browser, running: Running) -> None:
    """A question gets the passage that answers it, what to do a guide that is played on with a timer; one tap buys."""
    troubles: list[str] = []
    page = device(browser, running, troubles)
    page.get_by_role("button", name="Yes, please").click()
    page.wait_for_selector(".offer")
    page.fill("#q", "how much caffeine is in a cup")
    page.keyboard.press("Enter")
    assert "125 mg" in page.locator(".answer blockquote").inner_text()
    page.locator("#helped").click()
    page.fill("#q", "how to fix a leaking tap")
    page.keyboard.press("Enter")
    page.locator(".answer").get_by_role("link", name="Play the guide").click()
    page.locator("#materials-all").click()
    page.wait_for_selector(".count")
    page.locator("#play").click()
    for step in range(2, 6):
        page.locator("#next").click()
        page.get_by_text(f"Step {step} of 5", exact=True).wait_for()
    page.locator("#next").click()
    page.get_by_text("Well made!").wait_for()
    page.goto(f"{running.url}#guide/g-sharpen-a-kitchen-knife")
    page.locator("#play").click()
    page.locator("#timer").click()
    page.reload()
    page.wait_for_selector(".clock")
    page.goto(f"{running.url}#you")
    page.get_by_text("You want to do something").first.wait_for()
    assert troubles == []


def test_keyboard_alone_orders(browser: Browser, running: Running) -> None:
    """Without a pointer: a product is found, paid by a failing card and then by another, and cancelled."""
    troubles: list[str] = []
    page = device(browser, running, troubles)

    def press(selector: str) -> None:
        page.locator(selector).first.focus()
        page.keyboard.press("Enter")

    press(".ask button")
    page.locator(".ask").wait_for(state="detached")
    page.locator("#q").focus()
    page.keyboard.type("bread tin")
    page.keyboard.press("Enter")
    press("#results .card-s a")
    page.wait_for_selector(".product")
    press("#add")
    page.wait_for_selector(".count")
    press('#tabs a[href="#cart"]')
    page.wait_for_selector("#pay")
    for name, value in ADDRESS.items():
        page.locator(f"#a-{name}").focus()
        page.keyboard.type(value)
    page.locator("#card").focus()
    page.keyboard.press("ArrowDown")
    press("#pay")
    page.wait_for_selector(".track.cart")
    press("#retry")
    page.wait_for_selector("#cancel")
    press("#cancel")
    page.wait_for_selector(".track.cancelled")
    assert troubles == []
    assert running.audit() == []


def test_killed_in_mid_order(browser: Browser, running: Running) -> None:
    """The server is killed while the bank's answer is lost: after its restart order, money and live page go on."""
    troubles: list[str] = []
    page = device(browser, running, troubles)
    page.goto(f"{running.url}#product/p-whetstone-1000-6000")
    page.locator("#add").click()
    page.wait_for_selector(".count")
    pay(page, running, "pm_card_answerLost")
    number = page.locator("h1").inner_text()
    running.shop.kill()
    running.shop.start_now()
    page.wait_for_selector(".track.done")
    assert page.locator("h1").inner_text() == number
    assert troubles == []
    assert running.audit() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, running: Running, scheme: str) -> None:
    """WCAG 2.2 AA by axe on every screen, light and dark; nothing is wider than 360 px; German is whole."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed; run make setup")
    troubles: list[str] = []
    page = device(browser, running, troubles, color_scheme=scheme, bypass_csp=True, locale="de")
    page.get_by_role("button", name="Ja, gern").click()
    page.wait_for_selector(".offer")
    knife = "product/p-chef-s-knife-20-cm"
    page.goto(f"{running.url}#{knife}")
    page.locator("#add").click()
    page.locator("#compare").click()
    page.locator("#wish").click()
    page.wait_for_selector(".count")
    page.goto(f"{running.url}#guide/g-sharpen-a-kitchen-knife")
    page.locator("#play").click()
    page.wait_for_selector("#next")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    screens = ("", "find/messer", knife, "compare", "guide/g-sharpen-a-kitchen-knife", "article/a-why-do-taps-drip")
    for screen in (*screens, "cart", "orders", "wishes", "you", "desk"):
        page.goto(f"{running.url}{'' if screen == 'desk' else '#'}{screen}")
        page.wait_for_selector("main h1")
        page.wait_for_timeout(700)
        found = axe.Axe().run(page, options=rules)
        assert found.violations_count == 0, f"{screen or 'home'}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, screen
    assert troubles == []
