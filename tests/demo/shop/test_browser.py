"""The shop in real browsers, before a real engine: two devices of one person, a crash in mid-order, keyboard, WCAG."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from micromoments.demo import project, shop
from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.supervisor import Supervisor
from tests.demo.browser import in_chromium, is_clean, opened, press

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = in_chromium
ADDRESS = {"name": "Anna Berg", "street": "Quay 3", "postcode": "00100", "city": "Alderhaven"}


class Running:
    """The engine and the shop, as processes of their own; the carrier is ten times as quick. ``more`` of the
    engine's configuration.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        zone = project.daytime_zone(time.time_ns() // 1_000_000)
        self.folder = folder / "town"
        self.folder.mkdir()
        (self.folder / "micromoments.toml").write_text(project.settings(zone, more=shop.TABLES + more))
        self.engine = Supervisor(["-m", "micromoments", "serve", str(self.folder)], folder / "engine.log")
        words = ["-m", "micromoments.demo.shop", "--folder", str(self.folder / "shop"), "--timezone", zone]
        words += ["--engine", f"http://127.0.0.1:{self.engine.port}", "--speed", "0.1"]
        self.shop = Supervisor(words, folder / "shop.log", "/shop/readyz")
        for server in (self.engine, self.shop):
            server.start_now()
        self.url = f"http://127.0.0.1:{self.shop.port}/shop/"
        items = f"http://127.0.0.1:{self.engine.port}/v1/items?limit=100"
        while len(httpx.get(items, timeout=60).json()["items"]) < 100:
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


def device(browser: Browser, running: Running, troubles: list[str], **options: Any) -> Page:
    """A device of somebody new."""
    page = opened(browser, running.url, troubles, **{"locale": "en", "user_agent": "Mobile", **options})
    page.wait_for_selector("main h1")
    return page


def at(page: Page, running: Running, screen: str, shown: str) -> None:
    """Go to a screen, and wait until something of it is there."""
    page.goto(f"{running.url}#{screen}")
    page.wait_for_selector(f"main {shown}")


def agrees(page: Page, words: str = "Yes, please") -> None:
    """A yes to what may be used; the question is gone then, and offers are there."""
    page.get_by_role("button", name=words).click()
    page.locator(".ask").wait_for(state="detached")
    page.wait_for_selector(".offer")


def pay(page: Page, running: Running, card: str = "pm_card_visa") -> None:
    """Fill in the one page of the checkout and order, with a double click."""
    at(page, running, "cart", "#pay")
    for name, value in ADDRESS.items():
        page.fill(f"#a-{name}", value)
    page.locator("#card").select_option(card)
    page.locator("#pay").dblclick()
    page.wait_for_selector(".track")


def test_two_devices_of_one_person(browser: Browser, running: Running, troubles: list[str]) -> None:
    """Found and put in the cart on the phone, gone on with and paid on a laptop, followed to the door, sent back."""
    phone = device(browser, running, troubles)
    agrees(phone)
    phone.get_by_role("button", name="Why do I see this?").first.click()
    phone.get_by_role("dialog").get_by_role("button", name="Close").click()
    at(phone, running, "find", "#results li")
    phone.fill("#q", "coffe grindr")
    phone.get_by_text("Did you mean").wait_for()
    at(phone, running, "product/p-chef-s-knife-20-cm", "#add")
    phone.get_by_text("“Sharp out of the box and well made.”").wait_for()
    phone.locator("#add").click()
    phone.wait_for_selector(".count")
    at(phone, running, "you", "#code")
    phone.locator("#code").click()
    code = phone.locator(".code").inner_text()
    laptop = device(browser, running, troubles, viewport={"width": 1200, "height": 900}, user_agent="Laptop")
    at(laptop, running, "you", "#their-code")
    laptop.fill("#their-code", code)
    laptop.get_by_role("button", name="Join").click()
    laptop.get_by_role("heading", name="Go on where you left off").wait_for()
    laptop.get_by_text("You were on your phone.").wait_for()
    at(phone, running, "cart", "#pay")
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


def test_a_question_and_a_guide(browser: Browser, running: Running, troubles: list[str]) -> None:
    """A question gets the passage that answers it, what to do a guide that is played on with a timer; one tap buys."""
    page = device(browser, running, troubles)
    agrees(page)
    page.fill("#q", "how much caffeine is in a cup")
    page.keyboard.press("Enter")
    page.locator(".answer blockquote", has_text="125 mg").wait_for()
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
    at(page, running, "guide/g-sharpen-a-kitchen-knife", "#play")
    page.locator("#play").click()
    page.locator("#timer").click()
    page.wait_for_selector(".clock")
    page.reload()
    page.wait_for_selector(".clock")
    at(page, running, "you", "#code")
    page.get_by_text("You want to do something").first.wait_for()
    assert troubles == []


def test_keyboard_alone_orders(browser: Browser, running: Running, troubles: list[str]) -> None:
    """Without a pointer: a product is found, paid by a failing card and then by another, and cancelled."""
    page = device(browser, running, troubles)
    press(page, page.locator(".ask button").first)
    page.locator(".ask").wait_for(state="detached")
    page.locator("#q").focus()
    page.keyboard.type("bread tin")
    page.wait_for_selector("#q:focus")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="bread tin").wait_for()
    press(page, page.locator("#results .card-s a").first)
    page.wait_for_selector(".product")
    press(page, page.locator("#add"))
    page.wait_for_selector(".count")
    press(page, page.locator('#tabs a[href="#cart"]'))
    page.wait_for_selector("#pay")
    for name, value in ADDRESS.items():
        page.locator(f"#a-{name}").focus()
        page.keyboard.type(value)
    press(page, page.locator("#card"), "ArrowDown")
    page.wait_for_selector("#card option:checked[value=pm_card_chargeDeclined]", state="attached")
    press(page, page.locator("#pay"))
    page.wait_for_selector(".track.cart")
    press(page, page.locator("#retry"))
    page.wait_for_selector("#cancel")
    press(page, page.locator("#cancel"))
    page.wait_for_selector(".track.cancelled")
    assert troubles == []
    assert running.audit() == []


def test_killed_in_mid_order(browser: Browser, running: Running, troubles: list[str]) -> None:
    """The server is killed while the bank's answer is lost: after its restart order, money and live page go on."""
    page = device(browser, running, troubles)
    at(page, running, "product/p-whetstone-1000-6000", "#add")
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
def test_axe_finds_nothing(browser: Browser, running: Running, troubles: list[str], scheme: str) -> None:
    """WCAG 2.2 AA by axe on every screen, light and dark; nothing is wider than 360 px; German is whole."""
    page = device(browser, running, troubles, color_scheme=scheme, bypass_csp=True, locale="de")
    agrees(page, "Ja, bitte")
    knife, guide = "product/p-chef-s-knife-20-cm", "guide/g-sharpen-a-kitchen-knife"
    at(page, running, knife, "#add")
    page.locator("#add").click()
    page.wait_for_selector(".count")
    page.locator("#compare").click()
    page.wait_for_selector("#compare[aria-pressed=true]")
    page.locator("#wish").click()
    page.wait_for_selector("#wish[aria-pressed=true]")
    at(page, running, guide, "#play")
    page.locator("#play").click()
    page.wait_for_selector("#next")
    screens = {"": ".departments", "find/messer": "#results li", knife: "#add", "compare": "table", guide: "#next"}
    screens |= {"article/a-why-do-taps-drip": ".answered", "cart": "#pay", "orders": ".empty", "wishes": ".cards"}
    screens |= {"you": "#code"}
    for screen, shown in screens.items():
        at(page, running, screen, shown)
        is_clean(page)
    page.goto(f"{running.url}desk")
    page.wait_for_selector("#pin")
    is_clean(page)
    assert troubles == []
