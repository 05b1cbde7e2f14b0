"""One person with two browsers, their live moments, and what they may do about what is held of them."""

from __future__ import annotations

import json
from time import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.browser.conftest import Visit
from tests.browser.site import Site, in_chromium, named, stored, until
from tests.server.asgi import TOKEN_KEY, WRITE_KEY

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
from axe_playwright_python.sync_playwright import Axe

pytestmark = in_chromium
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
YES = "micromoments.consent({ measure: true, personalise: true })"
BOXES = "micromoments-preferences input"


def sign_in(page: Page, site: Site) -> None:
    """The business's page hands on who is signed in, and asks for a token when one is needed."""
    page.evaluate("token => micromoments.identify('ana', {}, () => token)", site.token())


def test_a_moment_goes_on_on_the_next_device(visit: Visit, site: Site) -> None:
    """What Ana searched for on her phone is the moment that her computer's page is decided by, and crossed devices."""
    phone = visit("/search?q=trail+running+shoes", user_agent=PHONE)
    phone.evaluate(YES)
    sign_in(phone, site)
    first = phone.evaluate("micromoments.decide('home', { timeout: 60000 })")
    until(phone, lambda: "identify" in named(site) and "mm.queue" not in stored(phone))
    assert first["moment"]["need"]["query"] == "trail running shoes"

    desk = visit("/")
    desk.evaluate(YES)
    stranger = desk.evaluate("micromoments.decide('home', { timeout: 60000 })")
    assert stranger["moment"] is None
    sign_in(desk, site)
    desk.evaluate("micromoments.flush()")
    until(desk, lambda: "mm.queue" not in stored(desk))
    second = desk.evaluate("micromoments.decide('home', { timeout: 60000 })")
    assert second["moment"]["id"] == first["moment"]["id"]
    assert second["moment"]["need"]["query"] == "trail running shoes"
    assert second["items"][0]["id"] == "p1"
    assert stored(phone)["mm.id"] != stored(desk)["mm.id"]

    desk.goto(f"{site.home}/search?q=trail+running+shoes")
    until(desk, lambda: named(site).count("Products Searched") == 2 and "mm.queue" not in stored(desk))
    (moment,) = site.ask("GET", "/v1/people/ana/moments")["moments"]
    assert moment["id"] == first["moment"]["id"]
    assert set(moment["channels"]) == {"mobile", "desktop"}

    def crossed() -> int:
        figures = {one["name"]: one for one in site.ask("GET", "/v1/reports/scorecards")["figures"]}
        return int(figures["crossed"]["count"])

    until(desk, lambda: crossed() == 1)


def test_a_claim_alone_opens_nothing(visit: Visit, site: Site) -> None:
    """Without a token, or with one that nobody signed, a page that calls itself Ana's gets none of her moments."""
    phone = visit("/search?q=trail+running+shoes", user_agent=PHONE)
    phone.evaluate(YES)
    sign_in(phone, site)
    until(phone, lambda: "identify" in named(site) and "mm.queue" not in stored(phone))
    other = visit("/")
    other.evaluate(YES)
    other.evaluate("micromoments.identify('ana')")
    other.evaluate("micromoments.flush()")
    assert other.evaluate("micromoments.decide('home', { timeout: 60000 })")["moment"] is None
    forged = site.token().rpartition(".")[0] + "." + "A" * 43
    other.evaluate("token => micromoments.identify('ana', {}, () => token)", forged)
    answer = other.evaluate("micromoments.decide('home', { timeout: 60000 })")
    assert (answer["shown"], answer["moment"]) == ("default", None)


def test_live(visit: Visit, site: Site) -> None:
    """A moment that opens on the phone is told on the computer as it happens, and after signing out no more."""
    desk = visit("/")
    desk.evaluate(YES)
    sign_in(desk, site)
    # Straight to the engine: the relay of these tests keeps an answer until it is whole.
    desk.evaluate(
        """([host, token]) => {
            window.told = [];
            const near = new Micromoments({ host, token, page: false, search: [], consent: { personalise: true } });
            window.stop = near.live(({ kind, data }) => told.push([kind, data]));
        }""",
        [site.direct, site.token()],
    )
    phone = visit("/", user_agent=PHONE)
    phone.evaluate(YES)
    sign_in(phone, site)

    def told() -> Any:
        # Said again until the computer's stream is open: it tells what happens, not what happened.
        phone.evaluate("micromoments.track('Products Searched', { query: 'trail running shoes' })")
        phone.wait_for_timeout(200)
        return [data for kind, data in desk.evaluate("told") if kind == "moment"]

    moment = until(desk, told)[-1]
    assert "trail running shoes" in json.dumps(moment)
    desk.evaluate("stop()")
    before = len(desk.evaluate("told"))
    phone.evaluate("micromoments.track('Products Searched', { query: 'coffee near me' }); micromoments.flush()")
    phone.wait_for_timeout(800)
    assert len(desk.evaluate("told")) == before


def test_choices_without_a_token(visit: Visit, site: Site) -> None:
    """On a business's own page, under its policy: each purpose is a box, one button refuses all, each holds at once."""
    page = visit("/choices")
    assert page.locator(BOXES).count() == 5
    assert page.locator("micromoments-preferences section").count() == 0
    assert [box.is_checked() for box in page.locator(BOXES).all()] == [False] * 5
    page.get_by_label("Measure").check()
    until(page, lambda: "mm.id" in stored(page))
    page.get_by_label("Personalise").check()
    until(page, lambda: named(site).count("Consent Updated") == 2)
    page.get_by_role("button", name="Allow nothing").click()
    until(page, lambda: set(stored(page)) == {"mm.consent"})
    assert [box.is_checked() for box in page.locator(BOXES).all()] == [False] * 5
    until(page, lambda: named(site).count("Consent Updated") == 3)


def test_choices_of_a_person(visit: Visit, site: Site) -> None:
    """With a token: why this, in words; a copy of everything; a no from another device holds; deleting deletes."""
    phone = visit("/search?q=trail+running+shoes", user_agent=PHONE)
    phone.evaluate("micromoments.consent({ measure: true, personalise: true, location: true })")
    sign_in(phone, site)
    phone.evaluate("micromoments.decide('home', { timeout: 60000 })")
    until(phone, lambda: "identify" in named(site) and "mm.queue" not in stored(phone))

    page = visit("about:blank")
    page.goto(f"{site.direct}/preferences/#key={WRITE_KEY}&token={site.token()}")
    why = page.locator("micromoments-preferences section").first
    why.wait_for()
    assert "token" not in page.url
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert "trail running shoes (because:" in (why.text_content() or "")
    assert "Trail running shoe (because:" in (why.text_content() or "")
    with page.expect_download() as loading:
        page.get_by_role("button", name="Download a copy").click()
    held = json.loads(loading.value.path().read_text())
    assert held["consent"]["personalise"] is True
    assert "Products Searched" in {one["event"].get("event") for one in held["events"]}

    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("button", name="Keep it").click()
    assert site.person("user:ana")["events"]
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("button", name="Yes, delete it").click()
    page.get_by_text("Everything was deleted.").wait_for()
    with pytest.raises(OSError, match="404"):
        site.person("user:ana")
    assert set(stored(page)) <= {"mm.consent"}


def test_a_token_that_ran_out(visit: Visit, site: Site) -> None:
    """A page's token is asked for again once it is no good, and then the person's history is there."""
    phone = visit("/search?q=trail+running+shoes", user_agent=PHONE)
    phone.evaluate(YES)
    sign_in(phone, site)
    until(phone, lambda: "identify" in named(site) and "mm.queue" not in stored(phone))
    desk = visit("/")
    desk.evaluate(YES)
    old = jwt.encode({"sub": "ana", "exp": time() - 60}, TOKEN_KEY, algorithm="HS256")
    refused = jwt.encode({"sub": "ana", "exp": time() + 600}, "another key, of thirty-two bytes.", algorithm="HS256")
    desk.evaluate(
        "tokens => { window.tokens = tokens; micromoments.identify('ana', {}, () => tokens.shift()); }",
        [old, refused, site.token()],
    )
    assert desk.evaluate("micromoments.decide('home', { timeout: 60000 })")["moment"] is not None
    assert desk.evaluate("tokens") == []


def test_two_tabs(visit: Visit, site: Site) -> None:
    """A no that is said in one tab holds in the other: it sends no more, and writes nothing."""
    page = visit("/")
    page.evaluate(YES)
    until(page, lambda: "mm.queue" not in stored(page) and "Consent Updated" in named(site))
    other = page.context.new_page()
    other.goto(site.home)
    until(page, lambda: named(site).count("page") == 2 and "mm.queue" not in stored(page))
    other.evaluate("micromoments.consent({ measure: false, personalise: false })")
    until(page, lambda: page.evaluate("micromoments.consent().measure") is False)
    page.evaluate("micromoments.track('Product Viewed', { product_id: 'p1' })")
    page.evaluate("micromoments.flush()")
    until(page, lambda: set(stored(page)) == {"mm.consent"})
    assert "Product Viewed" not in named(site)
