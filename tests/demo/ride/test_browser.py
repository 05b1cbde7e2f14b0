"""The whole path in real browsers: a rider's phone and a driver's, one server between them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.supervisor import Supervisor
from tests.demo.browser import in_chromium, is_clean, opened, press
from tests.demo.ride.server import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = in_chromium


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
    rider.click("#found[data-words=market] button:has-text('Market Hall')")
    rider.wait_for_selector("#ask-for-it")
    rider.check("input[value=go]", force=True)
    is_clean(rider)


def is_fetched(driver: Page, rider: Page) -> None:
    """The driver takes the offer, comes, and the rider gets in."""
    driver.wait_for_selector("#accept")
    is_clean(driver)
    driver.click("#accept")
    rider.wait_for_selector(".now.coming")
    is_clean(rider)
    driver.wait_for_selector("#words:has-text(' 0 seconds')")
    driver.click("#do-arrived")
    rider.wait_for_selector(".now.arrived")
    driver.select_option("#hurry", "0")
    driver.click("#do-start")
    rider.wait_for_selector(".now.riding")
    rider.wait_for_selector(".map .car.mine")


def goes_on_after_a_kill(server: Supervisor, driver: Page, rider: Page) -> None:
    """The server is killed and started; the car drives on by itself on the rider's page."""
    server.kill()
    server.start_now()
    before = rider.get_attribute(".map .car.mine", "transform")
    driver.select_option("#hurry", "3")
    rider.wait_for_selector(f".map .car.mine:not([transform='{before}'])")
    rider.wait_for_selector(".eta:has-text('There in')")


def thanks(rider: Page) -> None:
    """Five stars and a tip."""
    rider.click(".stars button:nth-of-type(5)")
    rider.wait_for_selector("text=5 of 5 stars, thank you")
    rider.click(".chips button:first-child")
    rider.wait_for_selector("text=Tip of €1.00, thank you")
    is_clean(rider)


def speaks_german(rider: Page) -> None:
    """The person's own page, and its other language."""
    rider.wait_for_selector("#consent-personalise")
    is_clean(rider)
    rider.click("#language")
    rider.wait_for_selector("h1:has-text('Du')")


def test_rider_and_driver_meet(browser: Browser, troubles: list[str], tmp_path: Path) -> None:
    """Where to, price, request; offer, fetch, killed in mid-ride, drop-off, receipt, stars and tip: money right."""
    with running(tmp_path) as server:
        whole_ride(browser, troubles, server)
    the_money_is_right(tmp_path, troubles)


def the_money_is_right(folder: Path, troubles: list[str]) -> None:
    """The books of a ride with a tip agree with the bank's, and no page complained."""
    store, bank = Store(folder / "ride" / "ride.sqlite"), Sandbox(folder / "ride" / "bank.sqlite")
    assert audit(store, bank.held()) == []
    assert bank.held() == 450
    assert troubles == []


def whole_ride(browser: Browser, troubles: list[str], server: Supervisor) -> None:
    """All of that, on a server that runs."""
    url = f"http://127.0.0.1:{server.port}/ride/"
    driver = opened(browser, f"{url}driver", troubles, viewport={"width": 1280, "height": 900})
    driver.wait_for_selector("#pin")
    is_clean(driver)
    signs_in(driver)
    rider = opened(browser, url, troubles)
    says_where_to(rider)
    rider.click("#ask-for-it")
    is_fetched(driver, rider)
    goes_on_after_a_kill(server, driver, rider)
    driver.wait_for_selector("#words:has-text(' 0 seconds')")
    driver.click("#do-finish")
    rider.wait_for_selector(".now.done")
    thanks(rider)
    driver.reload()
    driver.wait_for_selector("text=Waiting for a ride")
    driver.wait_for_selector("dl:has-text('€4.50')")
    rider.goto(f"{url}#you")
    speaks_german(rider)


def test_by_keyboard_alone_and_without_motion(browser: Browser, troubles: list[str], tmp_path: Path) -> None:
    """A ride is asked for and called off with keys only; with motion reduced, cars are simply where they are."""
    with running(tmp_path, drivers=30, engine=False) as server:
        url = f"http://127.0.0.1:{server.port}/ride/"
        page = opened(browser, url, troubles, reduced_motion="reduce", color_scheme="dark")
        press(page, page.locator(".where"))
        page.wait_for_selector("#q:focus")
        page.keyboard.type("station")
        page.wait_for_selector("#found[data-words=station] li:only-child")
        page.keyboard.press("Tab")
        page.wait_for_selector("#found button:focus:has-text('Central Station')")
        page.keyboard.press("Enter")
        page.wait_for_selector("#ask-for-it")
        press(page, page.locator("#ask-for-it"))
        page.wait_for_selector(".now.coming, .now.arrived")
        page.wait_for_selector(".map .car.mine")
        assert page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length") == 0
        is_clean(page)
        press(page, page.locator("#call-off"))
        page.wait_for_selector(".now.cancelled")
        is_clean(page)
        cost = re.findall(r"\d+\.\d\d", page.inner_text(".receipt .sum"))
    bank = Sandbox(tmp_path / "ride" / "bank.sqlite")
    assert cost == [f"{bank.held() / 100:.2f}"]  # free within two minutes, and by the rules on a slower machine
    assert bank.held() in (0, 250, 400)
    assert troubles == []


def test_answers_that_come_late_and_out_of_order(browser: Browser, troubles: list[str], tmp_path: Path) -> None:
    """Whoever types quickly sees what fits the last letter, and keeps the focus while former answers still come in."""
    with running(tmp_path, engine=False) as server:
        page = opened(browser, f"http://127.0.0.1:{server.port}/ride/", troubles)
        page.wait_for_selector(".where")
        page.evaluate(
            """() => { const ask = fetch; window.fetch = async (...a) => {
                const late = { 'sta': 900, 'st': 1300, 's': 1700 }[new URL(a[0], location).searchParams.get('q')];
                if (late) await new Promise((go) => setTimeout(go, late));
                const said = await ask(...a);
                if (late === 1700) setTimeout(() => { document.body.dataset.all = 'in'; }, 300);
                return said;
            }; }"""
        )
        press(page, page.locator(".where"))
        page.wait_for_selector("#q:focus")
        page.keyboard.type("station")
        page.wait_for_selector("#found[data-words=station] li:only-child")
        page.keyboard.press("Tab")
        page.wait_for_selector("body[data-all=in]")
        page.wait_for_selector("#found li:only-child button:focus:has-text('Central Station')")
        page.keyboard.press("Enter")
        page.wait_for_selector("#ask-for-it")
    assert troubles == []
