"""Browser SDKs of Segment, RudderStack and Snowplow in a real Chromium, on a page of another origin than the server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.conftest import HERE, Shop
from tests.clients.table import Row, npm
from tests.clients.test_python import UNCHANGED

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; on Debian: apt-get install chromium"),
]


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without words."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def page_url(installed: Path) -> Iterator[str]:
    """A page that loads the SDK, served at an origin of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HERE))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}/browser.html"
        server.shutdown()


@contextmanager
def opened(url: str) -> Iterator[tuple[Page, list[str]]]:
    """A page in a headless Chromium, and what it complained of."""
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    with sync_playwright() as started:
        # No sandbox: containers run tests as root, and the page is our own.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(url)
        yield page, troubles
        browser.close()


def test_segment_in_the_browser(shop: Shop, seen: list[Row], page_url: str) -> None:
    """It asks for settings, sends each call as text/plain to the single letters, and all of it is in the log."""
    with opened(page_url) as (page, troubles):
        page.evaluate(
            """async ([url, key]) => {
                const analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: url });
                await analytics.identify('ana', { plan: 'gold' });
                await analytics.track('Products Searched', { query: 'trail shoes' });
                await analytics.page('Shop', 'Home');
                await analytics.screen('Cart', { items: 2 });
                await analytics.group('g1', { size: 3 });
                await analytics.alias('ana', 'ana-before');
            }""",
            [shop.url, shop.write_key],
        )
        for _ in range(600):
            if {one.path for one in shop.sent if one.method == "POST"} == {f"/v1/{letter}" for letter in "itpsga"}:
                break
            page.wait_for_timeout(100)
        page.wait_for_timeout(200)
    assert troubles == []
    posts = [one for one in shop.sent if one.method == "POST"]
    assert {one.path for one in posts} == {f"/v1/{letter}" for letter in "itpsga"}
    assert {one.headers["Content-Type"] for one in posts} == {"text/plain"}
    assert {one.status for one in shop.sent if one.method != "OPTIONS"} == {200}
    kept = shop.kept("ana")
    assert [one.json for one in posts if one.json not in kept] == []
    package = "@segment/analytics-next"
    calls = ("settings", "identify", "track", "page", "screen", "group", "alias")
    seen += [Row(package, npm(package), call, "answered" if call == "settings" else UNCHANGED) for call in calls]


def test_rudderstack_in_the_browser(shop: Shop, seen: list[Row], page_url: str) -> None:
    """Its calls, with the write key as the user and the anonymous id in a header of its own, are in the log."""
    calls = ("identify", "track", "page", "group", "alias")
    with opened(page_url) as (page, troubles):
        page.evaluate(
            """([url, key]) => {
                const source = { id: 's', name: 's', writeKey: key, workspaceId: 'w', enabled: true, destinations: [],
                    config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } } };
                const rudder = new rudderanalytics.RudderAnalytics();
                rudder.load(key, url, { getSourceConfig: () => ({ source, updatedAt: '' }) });
                rudder.identify('ana', { plan: 'gold' });
                rudder.track('Products Searched', { query: 'trail shoes' });
                rudder.page('Shop', 'Home');
                rudder.group('g1', { size: 3 });
                rudder.alias('ana', 'ana-before');
            }""",
            [shop.url, shop.write_key],
        )
        for _ in range(600):
            if {one.path for one in shop.sent if one.method == "POST"} >= {f"/v1/{call}" for call in calls}:
                break
            page.wait_for_timeout(100)
        page.wait_for_timeout(200)
    assert troubles == []
    posts = [one for one in shop.sent if one.method == "POST"]
    assert {one.path for one in posts} == {f"/v1/{call}" for call in calls}
    assert {one.status for one in posts} == {200}
    kept = shop.kept("ana")
    assert [one.json for one in posts if one.json not in kept] == []
    package = "@rudderstack/analytics-js"
    seen += [Row(package, npm(package), call, UNCHANGED) for call in calls]


def test_snowplow_in_the_browser(shop: Shop, seen: list[Row], page_url: str) -> None:
    """Snowplow's browser tracker, which sends with credentials: a page view and a site search, recognised as one."""
    with opened(page_url) as (page, troubles):
        page.evaluate(
            """([url, key]) => {
                const plugins = [snowplowSiteTracking.SiteTrackingPlugin()];
                snowplowBrowserTracking.newTracker('sp', url, { appId: key, bufferSize: 1, plugins });
                snowplowBrowserTracking.setUserId('ana');
                snowplowBrowserTracking.trackPageView();
                snowplowSiteTracking.trackSiteSearch({ terms: ['trail', 'shoes'] });
            }""",
            [shop.url, shop.write_key],
        )
        page.wait_for_function("document.readyState === 'complete'")
        for _ in range(100):
            if sum(len(one.json["data"]) for one in shop.sent if one.method == "POST") == 2:
                break
            page.wait_for_timeout(50)
    assert troubles == []
    kept = {event["type"]: event for event in shop.kept("ana")}
    assert kept["page"]["properties"]["title"] == "Home"
    assert kept["track"]["event"] == "Products Searched"
    assert kept["track"]["properties"]["terms"] == ["trail", "shoes"]
    assert kept["track"]["anonymousId"] == kept["page"]["anonymousId"]
    package = "@snowplow/browser-tracker"
    seen += [Row(package, npm(package), call, UNCHANGED) for call in ("page view, POST", "site search, POST")]
