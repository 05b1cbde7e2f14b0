"""What the dashboard alone needs: signing in, the audit log, and what a receipt can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromoments.core.audit import Entry
from micromoments.server.app import App
from micromoments.server.sessions import LIFE, MAX_WRONG
from micromoments.stores.embedded.audit import SqliteAudit
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Answer, Client
from tests.server.fake import FakeService

PAGE = ("sec-fetch-site", "same-origin")


async def signed_in(anyone: Client, name: str = "Mo") -> tuple[str, str]:
    """The cookie header of a session."""
    got = await anyone("POST", "/v1/session", {"key": SECRET_KEY, "name": name}, headers=[PAGE])
    assert got.status == 200
    return "cookie", got.headers["set-cookie"].partition(";")[0]


async def put(anyone: Client, *headers: tuple[str, str]) -> Answer:
    """A change, asked for with these headers."""
    return await anyone("PUT", "/v1/switch", {"slot": "home", "off": True}, headers=headers)


async def test_a_secret_key_opens_a_session_that_no_script_reads(anyone: Client) -> None:
    """The cookie is HttpOnly and SameSite; with it the doors open, and the key is in no answer."""
    got = await anyone("POST", "/v1/session", {"key": SECRET_KEY, "name": "Mo"}, headers=[PAGE])
    cookie = got.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={LIFE}"))
    assert SECRET_KEY not in cookie + got.body.decode()
    assert got.json["signedIn"] is True
    held = ("cookie", cookie.partition(";")[0])
    assert (await anyone("GET", "/v1/items", headers=[PAGE, held])).status == 200
    assert (await anyone("GET", "/v1/session", headers=[PAGE, held])).json["name"] == "Mo"
    assert (await anyone("GET", "/v1/session", headers=[PAGE])).json == {
        "keyNeeded": True,
        "signedIn": False,
        "until": None,
        "name": "",
    }
    secure = await anyone("POST", "/v1/session", {"key": SECRET_KEY}, headers=[PAGE, ("x-forwarded-proto", "https")])
    assert "; Secure" in secure.headers["set-cookie"]


@pytest.mark.parametrize("key", [WRITE_KEY, "", "nonsense"])
async def test_nothing_but_a_secret_key_signs_in(anyone: Client, key: str) -> None:
    """The public write key is none; no cookie comes with the refusal."""
    got = await anyone("POST", "/v1/session", {"key": key}, headers=[PAGE])
    assert (got.status, got.json["code"]) == (401, "wrong_key")
    assert "set-cookie" not in got.headers


async def test_guessing_has_to_wait(anyone: Client, service: FakeService) -> None:
    """After ten wrong keys an address waits a minute; another address doesn't."""
    for _ in range(MAX_WRONG):
        assert (await anyone("POST", "/v1/session", {"key": "x"}, headers=[PAGE])).status == 401
    assert (await anyone("POST", "/v1/session", {"key": SECRET_KEY}, headers=[PAGE])).status == 429
    elsewhere = await anyone("POST", "/v1/session", {"key": SECRET_KEY}, headers=[PAGE], client=("10.0.0.1", 1))
    assert elsewhere.status == 200
    service.now += 61_000
    assert (await anyone("POST", "/v1/session", {"key": SECRET_KEY}, headers=[PAGE])).status == 200


async def test_another_page_can_do_nothing_with_the_cookie(anyone: Client) -> None:
    """Of another site, another port of this host, or a form that says nothing of where it comes from: refused."""
    cookie = await signed_in(anyone)
    for headers in (
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "http://localhost:3000")],
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [],
    ):
        assert (await put(anyone, cookie, *headers)).status == 401, headers
    assert (await anyone("GET", "/v1/items", headers=[cookie, ("sec-fetch-site", "cross-site")])).status == 401
    assert (await put(anyone, cookie, ("origin", "http://localhost:8000"))).status == 200
    assert (await put(anyone, cookie, PAGE)).status == 200
    other = await anyone("POST", "/v1/session", {"key": SECRET_KEY}, headers=[("sec-fetch-site", "cross-site")])
    assert (other.status, other.json["code"]) == (403, "foreign_page")


async def test_a_session_ends(anyone: Client, service: FakeService) -> None:
    """By signing out, wherever the cookie was copied to; and by itself after half a day."""
    first, second = await signed_in(anyone), await signed_in(anyone)
    gone = await anyone("DELETE", "/v1/session", headers=[first, PAGE])
    assert (gone.status, "Max-Age=0" in gone.headers["set-cookie"]) == (204, True)
    assert (await anyone("GET", "/v1/items", headers=[first, PAGE])).status == 401
    assert (await anyone("GET", "/v1/items", headers=[second, PAGE])).status == 200
    service.now += LIFE * 1000
    assert (await anyone("GET", "/v1/items", headers=[second, PAGE])).status == 401


async def test_without_keys_nobody_signs_in(local: Client) -> None:
    """This machine is let in as it is."""
    assert (await local("GET", "/v1/session")).json["keyNeeded"] is False
    assert (await local("POST", "/v1/session", {})).json["signedIn"] is True


async def test_every_change_and_every_look_is_written_down(
    anyone: Client, backend: Client, browser: Client, ana: Client
) -> None:
    """Who, what and when, the newest first; what a person does with their own, and what was refused, is not."""
    cookie = await signed_in(anyone)
    await put(anyone, cookie, PAGE)
    await backend("GET", "/v1/people/anon:visitor-17/moments?history=1")
    await backend("PUT", "/v1/items/p1", {"kind": "product", "title": "Shoe"})
    await backend("DELETE", "/v1/people/ana")
    await ana("GET", "/v1/people/ana/moments")
    await browser("DELETE", "/v1/people/ana")
    entries = (await backend("GET", "/v1/audit")).json["entries"]
    assert [(e["who"], e["name"], e["what"]) for e in entries] == [
        ("secret key", "", "person erased"),
        ("secret key", "", "item put"),
        ("secret key", "", "person's moments looked at"),
        ("dashboard", "Mo", "slot switched"),
    ]
    assert entries[1]["target"] == "p1"
    assert entries[3]["detail"] == '{"off":["home"]}'
    assert (await browser("GET", "/v1/audit")).status == 403


async def test_the_audit_log_names_nobody_and_finds_everybody(backend: Client) -> None:
    """A person stands there masked; whoever has the id finds the entries about it."""
    await backend("GET", "/v1/people/anon:visitor-17/export")
    await backend("GET", "/v1/people/anon:visitor-18/export")
    entries = (await backend("GET", "/v1/audit")).json["entries"]
    assert all("visitor" not in e["target"] + e["detail"] for e in entries)
    found = (await backend("GET", "/v1/audit?person=anon:visitor-17")).json["entries"]
    assert [e["number"] for e in found] == [1]


async def test_the_audit_log_is_paged(backend: Client) -> None:
    """A cursor goes on where the last page ended."""
    for _ in range(3):
        await backend("PUT", "/v1/switch", {"slot": "home", "off": True})
    page = (await backend("GET", "/v1/audit?limit=2")).json
    assert [e["number"] for e in page["entries"]] == [3, 2]
    rest = (await backend("GET", f"/v1/audit?limit=2&cursor={page['cursor']}")).json
    assert ([e["number"] for e in rest["entries"]], rest["cursor"]) == ([1], None)


async def test_a_receipt_calls_a_moment_wrong_and_stops(
    app: App, backend: Client, browser: Client, service: FakeService
) -> None:
    """Both are events of the decision's person; a write key may do neither."""
    made = (await backend("POST", "/v1/decide", {"userId": "ana", "slot": "home"})).json["decisionId"]
    told = await backend("POST", f"/v1/decisions/{made}/correct", {"type": "buy"})
    assert told.json == {"corrected": "m-1", "type": "buy"}
    assert (await backend("POST", f"/v1/decisions/{made}/stop", {})).json == {"personalise": False}
    names = [(a.event.event, a.event.user_id) for a in service.arrivals]
    assert names == [("Moment Corrected", "ana"), ("Decision Dismissed", "ana"), ("Consent Updated", "ana")]
    assert (await browser("POST", f"/v1/decisions/{made}/stop", {})).status == 403
    assert (await backend("POST", "/v1/decisions/none/stop", {})).status == 404
    assert (await backend("POST", f"/v1/decisions/{made}/correct", {"type": "x"})).status == 400


def test_the_audit_log_outlives_the_process_and_stays_bounded(tmp_path: Path) -> None:
    """What was written is there when the file is opened again; the oldest go first; words are found in any case."""
    kept = SqliteAudit(tmp_path / "audit.sqlite", most=3)
    for n in range(5):
        kept.note(Entry(n, "dashboard", "Mo", "item put", f"P{n}", ""))
    kept.close()
    again = SqliteAudit(tmp_path / "audit.sqlite", most=3)
    assert [e.target for e in again.newest()] == ["P4", "P3", "P2"]
    assert [e.target for e in again.newest(before=5)] == ["P3", "P2"]
    assert [e.target for e in again.newest(containing="p2")] == ["P2"]
    again.close()
