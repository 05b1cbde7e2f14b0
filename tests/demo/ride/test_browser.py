"""The whole path in real browsers: a rider's phone and a driver's, one server between them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.supervisor import Supervisor
from tests.demo.ride.server import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install chromium"),
]
PATIENCE = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        # No sandbox: containers run tests as root, and the page is our own.
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser: Browser, url: str, troubles: list[str], **options: Any) -> Page:
    """A page of somebody of their own; errors and violations of its policy land in ``troubles``."""
    page = browser.new_context(**{"viewport": {"width": 390, "height": 844}, "locale": "en-GB", **options}).new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(url)
    return page


def is_clean(page: Page) -> None:
    """Axe finds nothing, and nothing is wider than the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def signs_in(driver: Page) -> None:
    """A driver comes on duty, with a phone that drives three times as fast as roads allow."""
    driver.fill("#pin", "2468")
    driver.select_option("#at", "square")
    driver.click("text=Sign in")
    driver.wait_for_selector("text=Waiting for a ride")
    driver.select_option("#hurry", "3")


def says_where_to(rider: Page) -> None:
    """A rider agrees, searches, and is shown the prices."""
    rider.click("text=Yes, please")
    rider.wait_for_selector(".shelf button")
    rider.wait_for_selector(".words li:has-text('1 cars are free')")
    is_clean(rider)
    rider.click(".where")
    rider.fill("#q", "market")
    rider.click("#found button:has-text('Market Hall')")
    rider.wait_for_selector("#ask-for-it")
    rider.check("input[value=go]", force=True)
    is_clean(rider)


def goes_on_after_a_kill(server: Supervisor, rider: Page) -> None:
    """The server is killed and started; the car drives on by itself on the rider's page."""
    server.kill()
    server.start_now()
    rider.wait_for_selector(".eta:has-text('There in')")
    before = rider.get_attribute(".map .car.mine", "transform")
    rider.wait_for_selector(f".map .car.mine:not([transform='{before}'])")


def test_rider_and_driver_meet(browser: Browser, tmp_path: Path) -> None:
    """Where to, price, request; offer, fetch, killed in mid-ride, drop-off, receipt, stars and tip: money right."""
    troubles: list[str] = []
    with running(tmp_path) as server:
        url = f"http://127.0.0.1:{server.port}/ride/"
        driver = opened(browser, f"{url}driver", troubles, viewport={"width": 1280, "height": 900})
        driver.wait_for_selector("#pin")
        is_clean(driver)
        signs_in(driver)
        rider = opened(browser, url, troubles, viewport={"width": 360, "height": 740})
        says_where_to(rider)
        rider.click("#ask-for-it")
        driver.wait_for_selector("#accept")
        is_clean(driver)
        driver.click("#accept")
        rider.wait_for_selector(".now.coming")
        is_clean(rider)
        driver.wait_for_timeout(1500)
        driver.click("#do-arrived")
        rider.wait_for_selector(".now.arrived")
        driver.click("#do-start")
        rider.wait_for_selector(".now.riding")
        rider.wait_for_selector(".map .car.mine")
        goes_on_after_a_kill(server, rider)
        driver.wait_for_selector("#words:has-text(' 0 seconds')")
        driver.wait_for_timeout(1500)
        driver.click("#do-finish")
        rider.wait_for_selector(".now.done")
        rider.click(".stars button:nth-of-type(5)")
        rider.wait_for_selector("text=5 of 5 stars, thank you")
        rider.click(".chips button:first-child")
        rider.wait_for_selector("text=Tip of €1.00, thank you")
        is_clean(rider)
        driver.reload()
        driver.wait_for_selector("text=Waiting for a ride")
        assert "€4.50" in driver.inner_text("dl")
        rider.goto(f"{url}#you")
        rider.wait_for_selector("#consent-personalise")
        is_clean(rider)
        rider.click("#language")
        rider.wait_for_selector("h1:has-text('Du')")
    store, bank = Store(tmp_path / "ride" / "ride.sqlite"), Sandbox(tmp_path / "ride" / "bank.sqlite")
    assert audit(store, bank.held()) == []
    assert bank.held() == 450
    # A killed server is an answer that doesn't come; nothing else may go wrong.
    assert [t for t in troubles if "Failed to load resource" not in t and "ERR_" not in t] == []


def test_by_keyboard_alone_and_without_motion(browser: Browser, tmp_path: Path) -> None:
    """A ride is asked for and called off with keys only; with motion reduced, cars are simply where they are."""
    troubles: list[str] = []
    with running(tmp_path, drivers=30, engine=False) as server:
        url = f"http://127.0.0.1:{server.port}/ride/"
        page = opened(browser, url, troubles, reduced_motion="reduce", color_scheme="dark")
        page.wait_for_selector(".where")
        page.focus(".where")
        page.keyboard.press("Enter")
        page.wait_for_selector("#q:focus")
        page.keyboard.type("station")
        page.wait_for_selector("#found li:only-child")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("#ask-for-it")
        page.focus("#ask-for-it")
        page.keyboard.press("Enter")
        page.wait_for_selector(".now.looking, .now.coming")
        page.wait_for_selector(".now.coming .eta:not(:empty)")
        is_clean(page)
        page.focus("#call-off")
        page.keyboard.press("Enter")
        page.wait_for_selector(".now.cancelled")
        assert "€0.00" in page.inner_text(".receipt")
    assert troubles == []
