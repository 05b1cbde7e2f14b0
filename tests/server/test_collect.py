"""The Segment doors: durable before answered, in Segment's words, for every spelling that real clients use."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import jwt
import pytest

from micromoments.core.event import BOT, TRUSTED
from micromoments.core.settings import Settings
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.service import LogDown, Overloaded
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client, basic
from tests.server.conftest import token
from tests.server.fake import FakeService

TRACK = {"type": "track", "event": "A", "anonymousId": "a", "messageId": "m"}
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


async def test_track_is_accepted(browser: Client, service: FakeService) -> None:
    """A sound event is kept as sent, unproven, and answered with 200."""
    answer = await browser("POST", "/v1/track", TRACK)

    assert (answer.status, answer.json) == (200, {"success": True, "rejected": []})
    (kept,) = service.arrivals
    assert json.loads(kept.body) == TRACK
    assert (kept.confirmed, kept.marks) == (False, 0)


@pytest.mark.parametrize(
    ("letter", "kind", "more"),
    [
        ("t", "track", {"event": "A"}),
        ("p", "page", {}),
        ("s", "screen", {}),
        ("i", "identify", {}),
        ("g", "group", {"groupId": "g"}),
        ("a", "alias", {"previousId": "p"}),
    ],
)
async def test_every_call_by_name_and_letter(
    browser: Client, service: FakeService, letter: str, kind: str, more: dict[str, str]
) -> None:
    """analytics.js 2 uses single letters; a slash at the end is no other door."""
    for path in (f"/v1/{letter}", f"/v1/{kind}", f"/v1/{kind}/"):
        assert (await browser("POST", path, {"userId": "u", **more})).status == 200
    assert [a.event.type for a in service.arrivals] == [kind] * 3


async def test_conformance_files_are_read_back_unchanged(browser: Client, service: FakeService, shared: Path) -> None:
    """All eleven events of Segment's tester, alone and in a batch, are kept byte for byte."""
    bodies = [file.read_bytes() for file in sorted((shared / "conformance" / "segment").glob("*.json"))]
    for body in bodies:
        assert (await browser("POST", f"/v1/{json.loads(body)['type']}", body)).json["rejected"] == []
    assert [a.body for a in service.arrivals] == bodies

    service.arrivals.clear()
    answer = await browser("POST", "/v1/batch", b'{"batch":[' + b",".join(bodies) + b"]}")
    assert answer.json["rejected"] == []
    assert [json.loads(a.body) for a in service.arrivals] == [json.loads(body) for body in bodies]


@pytest.mark.parametrize("label", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
async def test_json_whatever_the_label(browser: Client, label: str) -> None:
    """Browsers say text/plain to spare a preflight, RudderStack says it is a form; it is JSON."""
    assert (await browser("POST", "/v1/track", TRACK, headers=[("content-type", label)])).status == 200


async def test_gzip_with_and_without_its_header(browser: Client, service: FakeService) -> None:
    """Compressed bodies are understood by their header or by their first bytes, in one member or several."""
    for index, headers in enumerate(([("content-encoding", "gzip")], [])):
        body = json.dumps({**TRACK, "messageId": f"m{index}"}).encode()
        packed = gzip.compress(body[:20]) + gzip.compress(body[20:])
        assert (await browser("POST", "/v1/track", packed, headers=headers)).status == 200
    assert len(service.arrivals) == 2


async def test_rudderstack_batch(browser: Client, service: FakeService) -> None:
    """Gzip labelled as a form, no writeKey in the body, originalTimestamp only: taken, with status exactly 200."""
    body = {"batch": [{**TRACK, "originalTimestamp": "2026-11-23T15:44:20.000Z"}], "sentAt": "2026-11-23T15:44:25.000Z"}
    headers = [("content-encoding", "gzip"), ("content-type", "application/x-www-form-urlencoded")]
    answer = await browser("POST", "/v1/batch", gzip.compress(json.dumps(body).encode()), headers=headers)
    assert answer.status == 200
    assert service.arrivals[0].occurred == service.now - 5000


async def test_bombs_cost_no_more_than_honest_bodies(browser: Client) -> None:
    """A body that unpacks beyond the limit is refused without being unpacked."""
    bomb = gzip.compress(b" " * 50_000_000, mtime=0)
    answer = await browser("POST", "/v1/batch", bomb, headers=[("content-encoding", "gzip")])
    assert (answer.status, answer.json["code"]) == (400, "too_large")


@pytest.mark.parametrize("body", [b"\x1f\x8bnonsense", gzip.compress(b"x" * 100, mtime=0)[:-5]])
async def test_broken_gzip_is_malformed(browser: Client, body: bytes) -> None:
    """What can't be unpacked is the client's fault, not ours."""
    answer = await browser("POST", "/v1/track", body, headers=[("content-encoding", "gzip")])
    assert (answer.status, answer.json["code"]) == (400, "malformed_body")


async def test_other_encodings_are_refused(browser: Client) -> None:
    """Deflate and the like are named as what they are."""
    packed = zlib.compress(json.dumps(TRACK).encode())
    answer = await browser("POST", "/v1/track", packed, headers=[("content-encoding", "deflate")])
    assert answer.status == 400


@pytest.mark.parametrize("chunks", [1, 3])
async def test_oversized_is_400_in_segments_words(browser: Client, chunks: int) -> None:
    """32 KB an event and 500 KB a batch; the error has a code and a message, and success false."""
    for path, size in (("/v1/track", 40_000), ("/v1/batch", 600_000)):
        answer = await browser("POST", path, b"{" + b" " * size, chunks=chunks)
        assert (answer.status, answer.json["code"], answer.json["success"]) == (400, "too_large", False)
        assert answer.json["message"]
        assert "connection" not in answer.headers


async def test_endless_is_refused_unread(browser: Client) -> None:
    """What is so large that reading it off would take long is refused, and its connection ended."""
    answer = await browser("POST", "/v1/track", b"{}", headers=[("content-length", "99999999999")])
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    answer = await browser("PUT", "/v1/items", b"[]", headers=[("content-length", "99999999999")])
    assert answer.status in (401, 403)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"'])
async def test_malformed_is_400(browser: Client, body: bytes) -> None:
    """What is no JSON object is refused for good."""
    for path in ("/v1/track", "/v1/batch"):
        answer = await browser("POST", path, body)
        assert answer.status == 400
        assert answer.json["success"] is False


async def test_unusable_event_is_200_and_named(browser: Client, service: FakeService) -> None:
    """An event that can't be used is not sent again by its client, and the answer says what was wrong."""
    answer = await browser("POST", "/v1/track", {"event": "A", "messageId": "m9"})
    assert answer.status == 200
    assert answer.json["rejected"][0] | {"detail": ""} == {
        "index": 0,
        "messageId": "m9",
        "code": "no_user_anon_id",
        "detail": "",
    }
    assert service.arrivals == []


async def test_rejected_are_told_after_the_rest_is_durable(browser: Client, service: FakeService) -> None:
    """A batch with one bad event accepts the others, and fails whole where they can't be made durable."""
    body = {"batch": [TRACK, {"type": "track", "userId": "u"}]}
    answer = await browser("POST", "/v1/batch", body)
    assert [r["index"] for r in answer.json["rejected"]] == [1]
    assert len(service.arrivals) == 1

    service.failure = LogDown("disk full")
    assert (await browser("POST", "/v1/batch", body)).status == 503


async def test_overload_is_429_with_when_to_come_back(browser: Client, service: FakeService) -> None:
    """Clients are told to wait, in both headers that SDKs read."""
    service.failure = Overloaded("busy")
    answer = await browser("POST", "/v1/track", TRACK)
    assert (answer.status, answer.json["code"]) == (429, "overloaded")
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-reset"]) == ("1", "1")


async def test_log_down_is_503(browser: Client, service: FakeService) -> None:
    """What isn't durable isn't accepted."""
    service.failure = LogDown("disk full")
    answer = await browser("POST", "/v1/track", TRACK)
    assert (answer.status, answer.json["success"]) == (503, False)


async def test_keys_in_every_place(anyone: Client, service: FakeService) -> None:
    """Basic with and without colon, or writeKey in the body; an unknown or missing key is 401."""
    for auth in (basic(WRITE_KEY), basic(WRITE_KEY, colon=False), f"Bearer {SECRET_KEY}"):
        assert (await anyone("POST", "/v1/page", {"userId": "u"}, auth=auth)).status == 200
    for path, body in (("/v1/page", {"userId": "u"}), ("/v1/batch", {"batch": []})):
        assert (await anyone("POST", path, {**body, "writeKey": WRITE_KEY})).status == 200
        wrongs: list[dict[str, object]] = [{**body, "writeKey": "nope"}, {**body, "writeKey": 7}, {**body}]
        for wrong in wrongs:
            answer = await anyone("POST", path, wrong)
            assert (answer.status, answer.json["code"]) == (401, "invalid_write_key")
    for auth in (basic("nope"), "Basic !!!", "Basic", "Digest x", "Bearer nope", "Bearer a.b.c", "Basic " + "x" * 9000):
        assert (await anyone("POST", "/v1/page", {"userId": "u"}, auth=auth)).status == 401


async def test_an_oauth_token_of_segments_is_no_key_of_ours(anyone: Client, service: FakeService) -> None:
    """Beside a foreign Bearer the write key in the body counts, as a write key; a stale person token is still 401."""
    body = {"userId": "u", "writeKey": WRITE_KEY}
    signed_elsewhere = jwt.encode({"sub": "u"}, "another server" * 8, algorithm="HS512")
    for bearer in ("an-opaque-token", "a.b.c", signed_elsewhere):
        assert (await anyone("POST", "/v1/identify", body, auth=f"Bearer {bearer}")).status == 200
    assert [(a.confirmed, a.marks & TRUSTED) for a in service.arrivals] == [(False, 0)] * 3
    stale = jwt.encode({"sub": "u", "exp": 1}, "a key of ours or not, 32 bytes at least", algorithm="HS256")
    for auth in (f"Bearer {stale}", "Bearer ", basic("nope")):
        assert (await anyone("POST", "/v1/identify", body, auth=auth)).status == 401


async def test_only_proven_ids_are_confirmed(app: App, service: FakeService) -> None:
    """Under a write key identify is a claim; a secret key proves all, a token its own person and no alias."""
    identify = {"userId": "ana", "anonymousId": "a"}
    secret = basic(SECRET_KEY)
    for auth in (basic(WRITE_KEY), secret, f"Bearer {token('ana')}", f"Bearer {token('bob')}"):
        await Client(app)("POST", "/v1/identify", identify, auth=auth)
    await Client(app)("POST", "/v1/alias", {"userId": "ana", "previousId": "x"}, auth=f"Bearer {token('ana')}")
    assert [a.confirmed for a in service.arrivals] == [False, True, True, False, False]
    assert [a.marks & TRUSTED for a in service.arrivals] == [0, TRUSTED, 0, 0, 0]


async def test_bots_are_marked_at_the_door(browser: Client, service: FakeService) -> None:
    """The request's agent is looked at."""
    await browser("POST", "/v1/track", TRACK, headers=[("user-agent", GOOGLEBOT)])
    assert service.arrivals[0].marks == BOT


async def test_cors_for_configured_origins_on_errors_too(service: FakeService) -> None:
    """A configured origin reads every answer; another origin's page reads none."""
    service.settings = Settings(origins=("https://shop.example",))
    client = Client(App(service, Keys([WRITE_KEY], clock=service.clock)), basic(WRITE_KEY))
    ours, theirs = [("origin", "https://shop.example")], [("origin", "https://evil.example")]
    for body in (json.dumps(TRACK).encode(), b"{"):
        answer = await client("POST", "/v1/t", body, headers=ours)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert "access-control-allow-origin" not in (await client("POST", "/v1/t", body, headers=theirs)).headers
    problem = await client("GET", "/v1/people/x/export", headers=ours)
    assert problem.headers["access-control-allow-origin"] == "https://shop.example"
    asked = [*ours, ("access-control-request-method", "POST")]
    preflight = await client("OPTIONS", "/v1/t", headers=asked, auth="Basic none")
    assert preflight.status == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "access-control-allow-methods" not in (await client("OPTIONS", "/v1/t", headers=theirs)).headers


async def test_other_methods_are_405(browser: Client) -> None:
    """The doors say how they are used."""
    answer = await browser("GET", "/v1/track")
    assert (answer.status, answer.json["code"], answer.headers["allow"]) == (405, "wrong_method", "OPTIONS, POST")


async def test_a_path_says_what_it_does(browser: Client) -> None:
    """OPTIONS and a 405 name every method that a path answers; HEAD goes wherever GET does; a page has methods too."""
    for path, methods in (
        ("/v1/track", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ):
        assert (await browser("OPTIONS", path)).headers["allow"] == methods
        refused = await browser("PUT", path)
        assert (refused.status, refused.headers["allow"]) == (405, methods)
    assert "allow" not in (await browser("OPTIONS", "/nothing")).headers
