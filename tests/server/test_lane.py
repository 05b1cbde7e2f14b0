"""The fast lane gives the same answers as ASGI's way, on a real connection."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterator, Sequence

import pytest

from micromoments.core.event import BOT, Arrival
from micromoments.core.settings import Settings
from micromoments.server import lane
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.service import LogDown, Overloaded
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client, basic
from tests.server.fake import FakeService
from tests.server.serving import running, talk

ORIGIN = "https://shop.example"
SOUND = b'{"event":"A","userId":"u"}'


@pytest.fixture
def own() -> FakeService:
    """A service whose settings name an origin."""
    return FakeService(settings=Settings(origins=(ORIGIN,)))


@pytest.fixture
def doors(own: FakeService) -> App:
    """Its doors, with the write key already seen once."""
    keys = Keys([WRITE_KEY], [SECRET_KEY], clock=own.clock)
    keys.of(basic(WRITE_KEY).encode())
    return App(own, keys)


@pytest.fixture(params=[0, 1], ids=["alone", "front"])
def port(doors: App, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port where they are served, by one process and behind a front."""
    with running(doors, request.param) as (port, _):
        yield port


def wire(body: bytes, path: str = "/v1/track", **headers: str) -> bytes:
    """One request's bytes."""
    sent = {"host": "x", "authorization": basic(WRITE_KEY), "content-length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in sent.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def parsed(got: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the first answer."""
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize(
    "body",
    [
        SOUND,
        b"",
        b"{",
        b"[]",
        b'{"event":"A"}',
        b'{"event":"A","userId":7,"properties":null}',
        b'{"event":"A","userId":"u","x":' + b"[" * 70 + b"]" * 70 + b"}",
        gzip.compress(SOUND, mtime=0),
        gzip.compress(SOUND, mtime=0)[:-4],
        gzip.compress(b" " * 40_000, mtime=0),
        SOUND[:-1] + b',"x":"' + b"y" * 32_000 + b'"}',
        SOUND[:-1] + b',"x":"' + b"y" * 40_000 + b'"}',
    ],
)
async def test_same_answers_both_ways(port: int, doors: App, own: FakeService, body: bytes) -> None:
    """Status, headers and words are the same, and the same event is kept."""
    origin = {"origin": ORIGIN}
    status, headers, answer = parsed(await talk(port, wire(body, **origin)))
    fast = [a.body for a in own.arrivals]
    own.arrivals.clear()
    other = await Client(doors, basic(WRITE_KEY))("POST", "/v1/track", body, headers=list(origin.items()))
    assert (status, answer) == (other.status, other.body)
    headers.pop("date")
    assert headers == other.headers
    assert fast == [a.body for a in own.arrivals]


ASKED = b'{"anonymousId":"a","slot":"home"}'


@pytest.mark.parametrize("key", [basic(WRITE_KEY), f"Bearer {SECRET_KEY}", "Bearer nobody's", ""])
@pytest.mark.parametrize(
    "body",
    [
        ASKED,
        b"{",
        b'{"slot":"home"}',
        b'{"userId":"u","slot":"home","decisionId":"d1"}',
        gzip.compress(ASKED, mtime=0),
        gzip.compress(ASKED, mtime=0)[:-4],
        ASKED[:-1] + b',"context":{"x":"' + b"y" * 40_000 + b'"}}',
        ASKED[:-1] + b',"context":{"x":"' + b"y" * 140_000 + b'"}}',
    ],
)
async def test_decisions_have_the_same_answers(port: int, doors: App, own: FakeService, key: str, body: bytes) -> None:
    """Status, headers and words of a decision are the same by the lane, through a front, and by ASGI's way."""
    sent = wire(body, path="/v1/decide", origin=ORIGIN, authorization=key)
    if not key:
        sent = sent.replace(b"authorization: \r\n", b"")
    status, headers, answer = parsed(await talk(port, sent))
    other = await Client(doors, key or None)("POST", "/v1/decide", body, headers=[("origin", ORIGIN)])
    headers.pop("date")
    assert (status, headers.keys()) == (other.status, other.headers.keys())
    assert re.sub(rb"d-[\w-]{20}", b"d", answer) == re.sub(rb"d-[\w-]{20}", b"d", other.body)


async def test_failed_decisions_are_told(port: int, own: FakeService) -> None:
    """Overload, a log that is down, a conflict, and an error of ours, each with its status."""
    sent = wire(ASKED, path="/v1/decide")
    for failure, expected in ((Overloaded("x"), 429), (LogDown("x"), 503), (RuntimeError("inner"), 500)):
        own.failure = failure
        status, headers, body = parsed(await talk(port, sent))
        assert (status, headers["content-type"]) == (expected, "application/problem+json")
        assert b"inner" not in body
    own.failure = None
    named = b'{"anonymousId":"a","slot":"%b","decisionId":"d1"}'
    assert parsed(await talk(port, wire(named % b"home", path="/v1/decide")))[0] == 200
    assert parsed(await talk(port, wire(named % b"other", path="/v1/decide")))[0] == 409


async def test_an_event_comes_with_a_decision(port: int, own: FakeService) -> None:
    """The event within a decision's request is taken, with what its sender's agent says of it."""
    body = b'{"anonymousId":"a","slot":"home","event":{"event":"Products Searched"}}'
    sent = wire(body, path="/v1/decide", user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    assert parsed(await talk(port, sent))[0] == 200
    assert [a.event.event for a in own.arrivals] == ["Products Searched"]
    assert own.arrivals[0].marks & BOT


async def test_failures_are_told(port: int, own: FakeService) -> None:
    """Overload, a log that is down, and an error of ours, each with its status."""
    for failure, expected in ((Overloaded("x"), 429), (LogDown("x"), 503), (RuntimeError("inner"), 500)):
        own.failure = failure
        status, headers, body = parsed(await talk(port, wire(SOUND)))
        assert (status, json.loads(body)["success"]) == (expected, False)
        assert ("retry-after" in headers) == (expected != 500)
        assert b"inner" not in body


async def test_in_pieces_and_one_after_the_other(port: int, own: FakeService) -> None:
    """A request that comes byte by byte, and several on one connection, are all taken."""
    assert (await talk(port, wire(SOUND), pieces=40)).startswith(b"HTTP/1.1 200")
    assert (await talk(port, wire(SOUND) * 20, answers=20)).count(b"HTTP/1.1 200") == 20
    assert len(own.arrivals) == 21


async def test_close_when_asked(port: int) -> None:
    """A client that wants the connection closed gets its answer, and the close."""
    got = await talk(port, wire(SOUND, connection="close"), answers=2)
    assert parsed(got)[1]["connection"] == "close"


async def test_many_connections_go_together(port: int, own: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that come by many connections while the engine is busy all reach it, and each is answered."""
    calls: list[int] = []
    collect = own.collect

    async def counted(arrivals: Sequence[Arrival]) -> list[int]:
        """Slow enough for others to come meanwhile."""
        calls.append(len(arrivals))
        await asyncio.sleep(0.05)
        return await collect(arrivals)

    monkeypatch.setattr(own, "collect", counted)
    got = await asyncio.gather(*(talk(port, wire(SOUND)) for _ in range(30)))
    assert all(one.startswith(b"HTTP/1.1 200") for one in got)
    assert sum(calls) == 30


async def test_what_is_unusual_goes_the_other_way(port: int, own: FakeService) -> None:
    """Chunks, gzip by header, a key in the body, a batch, and an unknown key are answered as ever."""
    chunked = wire(b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (len(SOUND), SOUND)
    packed = gzip.compress(SOUND, mtime=0)
    keyed = SOUND[:-1] + b',"writeKey":"' + WRITE_KEY.encode() + b'"}'
    for one in (
        chunked,
        wire(packed, content_encoding="gzip"),
        wire(keyed).replace(f"authorization: {basic(WRITE_KEY)}\r\n".encode(), b""),
        wire(b'{"batch":[{"type":"page","userId":"u"}]}', path="/v1/batch"),
    ):
        assert (await talk(port, one)).startswith(b"HTTP/1.1 200"), one
    assert (await talk(port, wire(SOUND, authorization=basic("nope")))).startswith(b"HTTP/1.1 401")
    assert len(own.arrivals) == 4


async def test_foreign_hosts_are_refused_without_keys(own: FakeService) -> None:
    """The lane checks what ASGI's way checks."""
    with running(App(own, Keys(clock=own.clock))) as (port, _):
        keyless = wire(SOUND).replace(f"authorization: {basic(WRITE_KEY)}\r\n".encode(), b"")
        assert (await talk(port, keyless)).startswith(b"HTTP/1.1 403")
        assert (await talk(port, keyless.replace(b"host: x", b"host: localhost"))).startswith(b"HTTP/1.1 200")
        foreign = keyless.replace(b"host: x", b"host: localhost\r\norigin: https://evil.example")
        assert (await talk(port, foreign)).startswith(b"HTTP/1.1 403")


async def test_an_old_client_keeps_its_connection_where_both_say_so(doors: App) -> None:
    """HTTP/1.0 (``ab -k``, old proxies): told ``keep-alive`` where it asked to be kept, else ``close``."""
    old = wire(SOUND, connection="keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    with running(doors) as (port, _):
        _, headers, _ = parsed(await talk(port, old))
        assert headers["connection"] == "keep-alive"
        _, headers, _ = parsed(await talk(port, wire(SOUND).replace(b"HTTP/1.1", b"HTTP/1.0")))
        assert headers["connection"] == "close"
        _, headers, _ = parsed(await talk(port, wire(SOUND, connection="keep-alive")))
        assert "connection" not in headers


def test_the_lane_is_for_single_events() -> None:
    """Every spelling of a single call's door has it, a batch's none."""
    assert b"/v1/track" in lane._DOORS
    assert b"/v1/batch" not in lane._DOORS
