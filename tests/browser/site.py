"""A business's site under a strict content security policy, and the engine that its pages ask, at another origin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from micromoments.core.settings import Settings, Slot
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.clients.relay import Relay, relay
from tests.server.asgi import SECRET_KEY, TOKEN_KEY, WRITE_KEY
from tests.server.conftest import signed
from tests.server.serving import running

if TYPE_CHECKING:
    from playwright.sync_api import Page

HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Example</title>'
PAGES = {
    "/": '<div data-mm-slot="home"><p id="default">Our favourites</p></div>',
    "/search": '<div data-mm-slot="home"></div>',
    "/choices": "<micromoments-preferences></micromoments-preferences>",
}
ITEMS = [
    {"id": "p1", "kind": "product", "title": "Trail running shoe"},
    {"id": "p2", "kind": "product", "title": "Trail gaiters"},
    {"id": "g1", "kind": "guide", "title": "How to lace a running shoe"},
]


@dataclass
class Site:
    """The site's address, the engine's (``url``, behind a relay that keeps what was sent), and the engine's doors."""

    home: str
    url: str
    direct: str
    relay: Relay
    attributes: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the business's own server."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        with urlopen(Request(self.direct + path, data, headers, method=method), timeout=20) as answer:
            return json.load(answer)

    def person(self, key: str) -> Any:
        """All that the engine holds of somebody."""
        return self.ask("GET", f"/v1/people/{quote(key, safe='')}/export")

    def events(self, key: str) -> list[dict[str, Any]]:
        """Somebody's events, out of the log in its order."""
        return [one["event"] for one in self.person(key)["events"]]

    def posts(self, path: str) -> list[Any]:
        """The bodies that pages sent to a door."""
        return [one.json for one in self.relay.sent if one.method == "POST" and one.path == path]

    def token(self) -> str:
        """Ana's token, as the business's server signs it."""
        return signed("ana")

    def script(self) -> str:
        """The tag that a business puts on its pages; patient, as what is late on a busy machine is no answer at all."""
        said = f'data-write-key="{WRITE_KEY}" data-timeout="60000" {self.attributes}'
        return f'<script src="{self.url}/sdk.js" {said}></script><script src="{self.url}/preferences.js"></script>'

    def policy(self) -> str:
        """The site's own policy: nothing inline, nothing evaluated, the engine named."""
        return (
            f"default-src 'none'; script-src {self.url}; connect-src {self.url} {self.direct}; style-src 'self'; "
            "require-trusted-types-for 'script'"
        )


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    """The site and the engine, running."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        home = f"http://localhost:{server.server_address[1]}"
        settings = Settings(origins=(home,), slots={"home": Slot()})
        app = App(open_service(folder, settings, now_ms), Keys([WRITE_KEY], [SECRET_KEY], [TOKEN_KEY], clock=now_ms))
        with running(app) as (port, _), relay(port) as between:
            site = Site(home, between.url, f"http://127.0.0.1:{port}", between)
            server.RequestHandlerClass = _pages(site)
            Thread(target=server.serve_forever, daemon=True).start()
            site.ask("PUT", "/v1/items", ITEMS)
            yield site
            server.shutdown()


def _pages(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGES.get(self.path.partition("?")[0])
            page = f"{HEAD}{body}{site.script()}".encode()
            self.send_response(200 if body is not None else 404)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-security-policy", site.policy())
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def stored(page: Page) -> dict[str, str]:
    """Everything that the page's origin keeps on the device: local and session storage, cookies, databases, caches."""
    found: dict[str, str] = page.evaluate(
        """async () => ({
            ...localStorage, ...sessionStorage, ...(document.cookie && { cookie: document.cookie }),
            ...Object.fromEntries((await indexedDB.databases()).map((one) => [`db ${one.name}`, 'database'])),
        })"""
    )
    return found | {str(one.get("name")): str(one.get("value")) for one in page.context.cookies()}


def until(page: Page, met: Any, seconds: float = 60.0) -> Any:
    """What ``met`` gives once that is true, asked again and again while the page goes on."""
    end = monotonic() + seconds
    while not (found := met()):
        assert monotonic() < end, "waited in vain"
        page.wait_for_timeout(40)
    return found


def named(site: Site) -> list[str]:
    """What the pages sent as events, by name or type, each message once."""
    calls = {c["messageId"]: c for body in site.posts("/v1/batch") for c in body["batch"]}
    calls |= {c["messageId"]: c for body in site.posts("/v1/decide") if (c := body.get("event"))}
    return [call.get("event") or call["type"] for call in calls.values()]


def chromium() -> str | None:
    """Where the system's Chromium is."""
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := which(name))), None)


in_chromium = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed; on Debian: apt-get install chromium"),
]
