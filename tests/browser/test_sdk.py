"""The browser SDK in a real Chromium, on a page of another origin under a strict policy: consent, queue, decisions."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from micromoments.server.scripts import BUILT
from tests.browser.conftest import Visit
from tests.browser.site import Site, in_chromium, named, stored, until
from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
WEB = ROOT / "clients" / "web"
YES = 'data-consent="measure personalise"'


def decide(page: Page, **asking: Any) -> Any:
    """A decision for the slot, as the page gets it."""
    return page.evaluate("asking => micromoments.decide('home', asking)", asking)


def test_it_is_small() -> None:
    """The script that pages load has less than 6 KB in gzip."""
    assert len(gzip.compress((BUILT / "sdk.js").read_bytes(), 9)) < 6000


def test_what_is_shipped_is_what_is_written(tmp_path: Path) -> None:
    """The scripts in the package are those that the sources build, byte for byte."""
    if not (WEB / "node_modules").is_dir():
        pytest.skip("the SDK's build tools are not installed; run `npm ci` in clients/web to compare")
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=WEB, check=True, capture_output=True, timeout=60)
    built = {file.name: file.read_bytes() for file in tmp_path.glob("*.js")}
    assert built == {file.name: file.read_bytes() for file in BUILT.glob("*.js")}
    done = subprocess.run(["npx", "tsc", "--noEmit"], cwd=WEB, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


class TestInChromium:
    """What a page and a person see."""

    pytestmark = in_chromium

    def test_before_consent(self, visit: Visit, site: Site) -> None:
        """Nothing is on the device and no event was sent; each decision comes from nobody in particular."""
        page = visit("/search?q=trail+shoes")
        page.evaluate("micromoments.track('Product Viewed', { product_id: 'p1' })")
        first, second = decide(page, context={"query": "trail shoes"}), decide(page, context={"query": "trail shoes"})
        page.evaluate("micromoments.flush()")
        page.wait_for_timeout(600)
        assert stored(page) == {}
        assert site.posts("/v1/batch") == []
        assert first["moment"]["need"]["query"] == "trail shoes"
        assert "no_consent" in first["degraded"]
        assert first["items"]
        asked = site.posts("/v1/decide")
        assert asked[0]["anonymousId"] != asked[1]["anonymousId"]
        assert [body for body in asked if "event" in body or "userId" in body] == []
        assert first["decisionId"] != second["decisionId"]
        assert site.person(f"anon:{asked[0]['anonymousId']}")["events"] == []

    def test_after_consent(self, visit: Visit, site: Site) -> None:
        """What waited is sent with the person's word, the id is kept, and the next page is the same visitor."""
        page = visit("/search?q=trail+shoes")
        page.evaluate("micromoments.consent({ measure: true, personalise: true })")
        until(page, lambda: len(named(site)) == 3)
        assert named(site) == ["page", "Products Searched", "Consent Updated"]
        kept = stored(page)
        assert {"mm.id", "mm.consent"} <= set(kept)
        until(page, lambda: "mm.queue" not in stored(page))
        page.goto(f"{site.home}/")
        until(page, lambda: len(named(site)) == 4)
        assert stored(page)["mm.id"] == kept["mm.id"]
        person = site.person(f"anon:{kept['mm.id']}")
        assert person["consent"] == {"measure": True, "personalise": True}
        assert len(person["events"]) == 4
        searched = next(e["event"] for e in person["events"] if e["event"].get("event") == "Products Searched")
        assert searched["properties"] == {"query": "trail shoes"}
        assert "consent" not in searched["context"]
        assert searched["context"]["device"] == {"type": "desktop"}

    def test_a_no_after_a_yes(self, visit: Visit, site: Site) -> None:
        """The engine is told to stop, and the device holds nothing but the refusal."""
        page = visit(attributes=YES)
        id = stored(page)["mm.id"]
        page.evaluate("micromoments.consent({ measure: false, personalise: false })")
        until(page, lambda: "Consent Updated" in named(site))
        until(page, lambda: set(stored(page)) == {"mm.consent"})
        assert site.person(f"anon:{id}")["consent"] == {"measure": False, "personalise": False}
        before = len(site.relay.sent)
        page.reload()
        page.evaluate("micromoments.track('Product Viewed', { product_id: 'p1' })")
        page.wait_for_timeout(600)
        assert json.loads(stored(page)["mm.consent"]) == {"measure": False, "personalise": False}
        assert [one.path for one in site.relay.sent[before:] if one.path != "/sdk.js"] == []

    def test_global_privacy_control(self, visit: Visit, site: Site) -> None:
        """What the business declared is no yes to a profile where the browser says no; the person's own word is one."""
        page = visit(
            attributes='data-consent="measure personalise share"',
            script="Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })",
        )
        assert page.evaluate("micromoments.consent()") == {"measure": True, "personalise": False, "share": False}
        until(page, lambda: named(site))
        sent = site.events(f"anon:{stored(page)['mm.id']}")[0]["context"]
        assert (sent["gpc"], sent["consent"]["categoryPreferences"]) == (True, {"personalise": False, "share": False})
        said = page.evaluate("micromoments.consent({ personalise: true, share: true })")
        assert said == {"measure": True, "personalise": True, "share": False}

    def test_offline(self, visit: Visit, site: Site) -> None:
        """Events of a page without a connection outlive it, bounded, and are sent once when there is one."""
        page = visit(attributes=YES)
        until(page, lambda: named(site) == ["page"] and "mm.queue" not in stored(page))
        page.context.set_offline(True)
        page.evaluate("for (let n = 0; n < 250; n++) micromoments.track('Viewed', { n })")
        until(page, lambda: '"n":249' in stored(page).get("mm.queue", ""))
        waiting = json.loads(stored(page)["mm.queue"])
        assert [call["properties"]["n"] for call in waiting] == list(range(50, 250))
        answer = decide(page, fallback=[{"id": "f"}])
        assert (answer["shown"], answer["reason"], answer["items"]) == ("default", "offline", [{"id": "f"}])
        page.context.set_offline(False)
        page.evaluate("micromoments.flush()")
        until(page, lambda: "mm.queue" not in stored(page))
        kept = site.events(f"anon:{stored(page)['mm.id']}")
        assert sorted(e["properties"]["n"] for e in kept if e.get("event") == "Viewed") == list(range(50, 250))

    def test_leaving(self, visit: Visit, site: Site) -> None:
        """What was tracked in the page's last instant arrives, though the page is gone."""
        page = visit(attributes=YES)
        until(page, lambda: named(site) == ["page"])
        page.evaluate("addEventListener('pagehide', () => micromoments.track('Left', {}), { capture: true })")
        page.evaluate("micromoments.track('Last Seen', {})")
        page.goto("about:blank")
        until(page, lambda: "Last Seen" in named(site))
        page.goto(f"{site.home}/")
        until(page, lambda: "Left" in named(site))
        names = [e.get("event") for e in site.events(f"anon:{stored(page)['mm.id']}")]
        assert (names.count("Last Seen"), names.count("Left")) == (1, 1)

    def test_leaving_without_keepalive(self, visit: Visit, site: Site) -> None:
        """A browser whose requests don't outlive their page hands what is left to sendBeacon; what the next page sends
        again of it, as nobody told it that it arrived, counts once.
        """
        page = visit(attributes=YES)
        until(page, lambda: named(site) == ["page"])
        page.evaluate("delete Request.prototype.keepalive")
        page.evaluate(
            """() => {
                const beacon = navigator.sendBeacon.bind(navigator);
                navigator.sendBeacon = (url, body) => {
                    localStorage.setItem('beacon', url);
                    return beacon(url, body);
                };
                addEventListener('pagehide', () => micromoments.track('Left', {}), { capture: true });
            }"""
        )
        page.goto("about:blank")
        until(page, lambda: "Left" in named(site))
        page.goto(f"{site.home}/")
        until(page, lambda: named(site).count("page") == 2 and "mm.queue" not in stored(page))
        assert page.evaluate("localStorage.getItem('beacon')").endswith("/v1/batch")
        names = [e.get("event") for e in site.events(f"anon:{stored(page)['mm.id']}")]
        assert names.count("Left") == 1

    def test_slow_down(self, visit: Visit, site: Site) -> None:
        """After a 429 it waits as long as it was told, then sends the same messages; what is wrong isn't sent again."""
        page = visit(attributes=YES)
        until(page, lambda: "mm.queue" not in stored(page) and named(site))
        answers = [(429, {"retry-after": "2"}), (503, {}), (400, {})]
        tries: list[tuple[float, list[str]]] = []

        def answer(route: Route) -> None:
            body = json.loads(route.request.post_data or "")
            tries.append((page.evaluate("performance.now()"), [call["messageId"] for call in body["batch"]]))
            status, headers = answers.pop(0)
            cors = {"access-control-allow-origin": "*", "access-control-expose-headers": "retry-after"}
            route.fulfill(status=status, headers={**headers, **cors}, body="{}")

        page.route("**/v1/batch", answer)
        page.evaluate("micromoments.track('Viewed', {}); micromoments.flush()")
        until(page, lambda: len(tries) == 3)
        assert tries[0][1] == tries[1][1] == tries[2][1]
        assert tries[1][0] - tries[0][0] >= 2000
        assert tries[2][0] - tries[1][0] >= 500
        until(page, lambda: "mm.queue" not in stored(page))

    def test_a_clock_put_right(self, visit: Visit, site: Site) -> None:
        """What was to be waited for by a clock that was weeks ahead isn't; what the server asks for is."""
        page = visit(attributes=YES)
        page.evaluate("micromoments.flush()")
        for ahead, sent in ((30 * 86_400_000, 1), (3_600_000, 0)):
            page.evaluate("ahead => localStorage.setItem('mm.wait', String(Date.now() + ahead))", ahead)
            before = len(site.posts("/v1/batch"))
            page.evaluate("micromoments.track('Product Viewed', { product_id: 'p1' })")
            page.evaluate("micromoments.flush()")
            page.wait_for_timeout(600)
            assert len(site.posts("/v1/batch")) - before == sent

    def test_late(self, visit: Visit, site: Site) -> None:
        """An answer that takes longer than the time-out leaves the default standing, and that is told."""
        page = visit(attributes=YES)

        def slowly(route: Route) -> None:
            page.wait_for_timeout(900)
            route.continue_()

        page.route("**/v1/decide", slowly)
        page.evaluate(
            """async () => {
                window.choice = await micromoments.slot('home', (items, box) => {
                    box.replaceChildren(...items.map((item) => Object.assign(document.createElement('a'), {
                        textContent: item.title })));
                }, { timeout: 150 });
            }"""
        )
        assert page.evaluate("[choice.shown, choice.reason, choice.items]") == ["default", "late", []]
        page.wait_for_timeout(1200)
        assert page.text_content("#default") == "Our favourites"
        assert page.get_attribute("[data-mm-slot]", "aria-busy") is None
        until(page, lambda: "Decision Rendered" in named(site))
        told = next(e for e in site.events(f"anon:{stored(page)['mm.id']}") if e.get("event") == "Decision Rendered")
        assert told["properties"]["shown"] == "default"
        assert told["properties"]["reason"] == "late"
        assert told["properties"]["milliseconds"] >= 150
        report = until(page, lambda: (found := site.ask("GET", "/v1/reports/rendering"))["rows"] and found)
        figures = {one["name"]: one for one in report["figures"]}
        assert (figures["late"]["count"], figures["late"]["of"]) == (1, 1)
        assert figures["visible_p50"]["value"] == told["properties"]["milliseconds"]
        assert report["rows"][0]["device"] == "desktop"

    def test_seen_and_clicked(self, visit: Visit, site: Site) -> None:
        """What is in view for a second is seen, what is clicked is clicked, each once, and the engine joins them."""
        page = visit(attributes=YES)
        page.evaluate(
            """() => micromoments.slot('home', (items, box) => {
                box.replaceChildren(...items.map((item, place) => {
                    const one = document.createElement('button');
                    one.textContent = item.title;
                    one.setAttribute('data-mm-item', item.id);
                    one.style.display = 'block';
                    if (place) one.style.marginTop = '3000px';
                    return one;
                }));
            }, { context: { query: 'trail running shoe' } })"""
        )
        until(page, lambda: "Decision Seen" in named(site))
        page.click("[data-mm-item]")
        page.click("[data-mm-item]")
        until(page, lambda: "Decision Clicked" in named(site))
        page.wait_for_timeout(1300)
        kept = site.events(f"anon:{stored(page)['mm.id']}")
        told = [(e["event"], e["properties"]) for e in kept if str(e.get("event", "")).startswith("Decision ")]
        assert sorted(name for name, _ in told) == ["Decision Clicked", "Decision Rendered", "Decision Seen"]
        asked = site.posts("/v1/decide")[0]["decisionId"]
        first = page.get_attribute("[data-mm-item]", "data-mm-item")
        assert {p["decision_id"] for _, p in told} == {asked}
        assert {p.get("item_id", first) for _, p in told} == {first}
        receipt = f"/v1/reports/receipt?decision={asked}"
        until(page, lambda: {row.get("what") for row in site.ask("GET", receipt)["rows"]} >= {"seen", "clicked"})

    def test_seen_by_who_comes_back(self, visit: Visit, site: Site) -> None:
        """What stands in a page that was left at once is unseen, and seen when they are back, though nothing moved."""
        page = visit(attributes=YES)
        page.evaluate(
            """() => {
                window.away = true;
                const get = () => window.away ? 'hidden' : 'visible';
                Object.defineProperty(document, 'visibilityState', { get, configurable: true });
                return micromoments.slot('home', (items, box) => {
                    const one = document.createElement('button');
                    one.textContent = items[0].title;
                    one.setAttribute('data-mm-item', items[0].id);
                    box.replaceChildren(one);
                }, { context: { query: 'trail running shoe' } });
            }"""
        )
        page.wait_for_timeout(1500)
        page.evaluate("micromoments.flush()")
        page.wait_for_timeout(300)
        assert "Decision Seen" not in named(site)
        page.evaluate("window.away = false")
        until(page, lambda: "Decision Seen" in named(site))

    def test_clicks_in_anger_and_into_nothing(self, visit: Visit, site: Site) -> None:
        """Three quick clicks are anger, a click that changes nothing is dead; one that is answered, a link that loads
        a page, what a script or a key clicks, and what is meant to be clicked fast are neither.
        """
        page = visit(attributes=YES)
        page.evaluate(
            """() => {
                const made = (tag, id, more = {}) => document.body.appendChild(
                    Object.assign(document.createElement(tag), { id, textContent: id, ...more }));
                made('button', 'answers').addEventListener('click', () => made('p', 'answer'));
                made('a', 'loads', { href: 'mailto:ana@example.com' });
                made('button', 'dead').setAttribute('data-mm-item', 'p1');
                made('button', 'steps').setAttribute('data-mm-repeat', '');
                made('button', 'scripted');
                let now = 0;
                const click = (id, later = 100, detail = 1) => {
                    const event = new MouseEvent('click', { bubbles: true, detail, clientX: 9, clientY: 9 });
                    // Clicks are as far apart as they say, however slow the machine is.
                    Object.defineProperty(event, 'timeStamp', { value: now += later });
                    document.getElementById(id).dispatchEvent(event);
                };
                for (let n = 0; n < 3; n++) click('steps');
                for (let n = 0; n < 3; n++) click('scripted', 100, 0);
                click('answers', 1000);
                setTimeout(() => {
                    click('loads', 1000);
                    click('dead', 1000);
                    for (let n = 0; n < 3; n++) click('dead');
                });
            }"""
        )
        until(page, lambda: "Dead Click" in named(site))
        kept = site.events(f"anon:{stored(page)['mm.id']}")
        told = [(e["event"], e["properties"]) for e in kept if str(e.get("event", "")).endswith(" Click")]
        assert sorted(name for name, _ in told) == ["Dead Click", "Rage Click"]
        assert [said for _, said in told] == [{"element": "button#dead", "item_id": "p1"}] * 2
        report = until(page, lambda: (f := _figures(site.ask("GET", "/v1/reports/pain")))["dead"] and f)
        assert (report["angry"], report["dead"]) == (1, 1)


def _figures(report: Any) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in report["figures"]}
