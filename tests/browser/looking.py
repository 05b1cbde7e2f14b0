"""How tests look at the dashboard: signed in, at a view that is drawn, with what the page complained of noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.shop import Shop
from tests.server.asgi import SECRET_KEY

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


def watched(context: BrowserContext, troubles: list[str]) -> Page:
    """A page whose errors are noted, the refusals that a test asks for left out."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console", lambda m: troubles.append(m.text) if m.type == "error" and "status of 40" not in m.text else None
    )
    return page


def sign_in(page: Page, shop: Shop) -> None:
    """Open the dashboard with the secret key."""
    page.goto(shop.url)
    page.fill("#key-input", SECRET_KEY)
    page.fill("#key-name", "Mo")
    page.click("#key-form button")
    page.wait_for_selector("#live-view:not([hidden])")


def at(page: Page, shop: Shop, address: str) -> None:
    """Go to a view, and wait until it is drawn."""
    page.goto(f"{shop.url}/#/{address}")
    page.wait_for_selector(f"#view[data-ready='#/{address}']", timeout=60_000)


def number(page: Page, selector: str) -> str:
    """A number as it stands on the page, without narrow spaces."""
    return page.locator(selector).first.inner_text().replace("\u00a0", " ").strip()
