"""The live stream: framing, resuming, silence, gaps, leaving, draining, and whose messages one may hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from micromoments.engine.stream import QUEUE, RING
from micromoments.server.app import App
from micromoments.server.cors import Cors
from micromoments.server.keys import Keys
from micromoments.server.sessions import LIFE
from micromoments.server.stream import Streams
from tests.server.asgi import SECRET_KEY, Client
from tests.server.conftest import token
from tests.server.fake import FakeService
from tests.server.serving import running, talk


class Listener:
    """One connection to ``/v1/stream``; ``heard`` is what came, message by message."""

    def __init__(self, app: App, query: str, headers: dict[str, str]) -> None:
        """Connect."""
        self.heard: list[bytes] = []
        self.status = 0
        self.leave = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/stream",
            "raw_path": b"/v1/stream",
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost"), *((k.encode(), v.encode()) for k, v in headers.items())],
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.hold.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"]:
            self.heard += [piece + b"\n\n" for piece in message["body"].split(b"\n\n")[:-1]]

    async def until(self, count: int) -> list[bytes]:
        """Wait for so many pieces."""
        for _ in range(12_000):
            if len(self.heard) >= count or self.task.done():
                return self.heard
            await asyncio.sleep(0.005)
        raise AssertionError(f"heard {len(self.heard)} pieces, wanted {count}")


@asynccontextmanager
async def listening(app: App, query: str = "", **headers: str) -> AsyncIterator[Listener]:
    """A connection that leaves at the end."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    listener = Listener(app, query, {"authorization": f"Bearer {SECRET_KEY}"} | named)
    try:
        yield listener
    finally:
        listener.leave.set()
        listener.hold.set()
        await asyncio.wait_for(listener.task, 60)


def tell(service: FakeService, person: str = "user:ana", data: bytes = b'{"a":1}') -> None:
    """Something became durable."""
    service.stream.publish("moment", person, lambda: data)


async def test_messages_come_framed_with_ids(app: App, service: FakeService) -> None:
    """First how soon to come back, then each message with its id and kind."""
    async with listening(app) as listener:
        await listener.until(1)
        tell(service)
        assert await listener.until(2) == [
            b"retry: 2000\n\n",
            b'id: 1000\nevent: moment\ndata: {"a":1}\n\n',
        ]
    assert len(service.stream) == 0


async def test_a_head_is_answered_whole(app: App, service: FakeService, caplog: pytest.LogCaptureFixture) -> None:
    """Who asks for the head alone gets it and listens to nothing."""
    ask = f"HEAD /v1/stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {SECRET_KEY}\r\n\r\n"
    with running(app) as (port, _):
        got = await talk(port, ask.encode())
    assert got.startswith(b"HTTP/1.1 200")
    assert len(service.stream) == 0
    assert "without completing" not in caplog.text


async def test_resume_after_last_event_id(app: App, service: FakeService) -> None:
    """Who lost the connection goes on with the next message; from too long ago there is a gap, and it is told."""
    for _ in range(3):
        tell(service)
    async with listening(app, last_event_id="1000") as listener:
        assert [piece[:8] for piece in (await listener.until(3))[1:]] == [b"id: 1001", b"id: 1002"]
    for _ in range(RING):
        tell(service)
    async with listening(app, last_event_id="1000") as listener:
        assert b"event: gap" in (await listener.until(2))[1]


async def test_silence_is_broken(service: FakeService) -> None:
    """A comment now and then keeps proxies from closing a silent connection."""
    app = App(service, Keys([], [SECRET_KEY], clock=service.clock))
    app.streams = Streams(service, Cors(()), heartbeat=0.02)
    app._exact["/v1/stream"]["GET"] = (app.streams.listen, False)
    async with listening(app) as listener:
        assert (await listener.until(3))[1:3] == [b": alive\n\n"] * 2


async def test_slow_reader_is_told_of_a_gap(app: App, service: FakeService) -> None:
    """Who doesn't read loses messages, not our memory, and hears that it did."""
    async with listening(app) as listener:
        await listener.until(1)
        listener.hold.clear()
        for _ in range(QUEUE * 3):
            tell(service)
            await asyncio.sleep(0)
        listener.hold.set()
        for _ in range(3_000):
            if any(b"event: gap" in piece for piece in listener.heard):
                break
            await asyncio.sleep(0.02)
        assert any(b"event: gap" in piece for piece in listener.heard)
        assert len(listener.heard) < QUEUE * 3


async def test_draining_ends_a_stream_that_is_just_sending(app: App, service: FakeService) -> None:
    """A reader who holds up the sending when the server stops is let go as soon as it takes what was sent."""
    async with listening(app) as listener:
        await listener.until(1)
        listener.hold.clear()
        tell(service)
        for _ in range(5):
            await asyncio.sleep(0)
        app.drain()
        listener.hold.set()
        await asyncio.wait_for(listener.task, 5)


async def test_many_that_wait_leave_in_one_piece_and_in_order(app: App, service: FakeService) -> None:
    """Who is a little behind misses nothing."""
    async with listening(app) as listener:
        await listener.until(1)
        for n in range(200):
            tell(service, data=b'{"n":%d}' % n)
        heard = (await listener.until(201))[1:]
        assert [piece.split(b"data: ")[1] for piece in heard] == [b'{"n":%d}\n\n' % n for n in range(200)]


async def test_person_hears_only_their_own(app: App, service: FakeService) -> None:
    """A token's stream is its person's; asking for another is refused."""
    async with listening(app, authorization=f"Bearer {token('ana')}") as listener:
        await listener.until(1)
        tell(service, "user:bob", b'{"secret":1}')
        tell(service, "user:ana")
        assert len(await listener.until(2)) == 2
        assert b"secret" not in b"".join(listener.heard)
    async with listening(app, "person=bob", authorization=f"Bearer {token('ana')}") as listener:
        await asyncio.wait_for(listener.task, 60)
        assert listener.status == 403


async def test_a_stream_ends_with_its_token(app: App, service: FakeService) -> None:
    """A token's end is the end of what it opened; the secret key's stream goes on."""
    async with listening(app, authorization=f"Bearer {token('ana', life=600)}") as theirs, listening(app) as ours:
        await theirs.until(1)
        await ours.until(1)
        service.now += 601_000
        tell(service, "user:ana")
        await asyncio.wait_for(theirs.task, 60)
        assert len(await ours.until(2)) == 2
        assert not ours.task.done()


async def test_a_stream_ends_with_its_session(app: App, anyone: Client, service: FakeService) -> None:
    """Signing out ends the stream that the page had open, at once and it alone; so does the end of a session."""
    page = ("sec-fetch-site", "same-origin")
    cookies = []
    for _ in range(2):
        got = await anyone("POST", "/v1/session", {"key": SECRET_KEY}, headers=[page])
        cookies.append(got.headers["set-cookie"].partition(";")[0])
    first, second = ({"authorization": "", "cookie": cookie, "sec_fetch_site": "same-origin"} for cookie in cookies)
    async with listening(app, **first) as theirs, listening(app, **second) as others, listening(app) as ours:
        for one in (theirs, others, ours):
            await one.until(1)
        await anyone("DELETE", "/v1/session", headers=[("cookie", cookies[0]), page])
        await asyncio.wait_for(theirs.task, 60)
        tell(service)
        assert len(await others.until(2)) == len(await ours.until(2)) == 2
        service.now += LIFE * 1000
        tell(service)
        await asyncio.wait_for(others.task, 60)
        assert len(await ours.until(3)) == 3
        assert len(theirs.heard) == 1


@pytest.mark.parametrize(("credential", "status"), [(token("ana"), 200), (SECRET_KEY, 401), ("x", 401)])
async def test_token_in_the_query_for_browsers(app: App, credential: str, status: int) -> None:
    """EventSource sends no header: a person token may stand in the query, the secret key never."""
    listener = Listener(app, f"access_token={credential}", {})
    if status == 200:
        await listener.until(1)
    listener.leave.set()
    await asyncio.wait_for(listener.task, 60)
    assert listener.status == status


async def test_draining_ends_streams(app: App) -> None:
    """A server that stops doesn't wait for listeners, and takes no new ones."""
    async with listening(app) as listener:
        await listener.until(1)
        app.drain()
        await asyncio.wait_for(listener.task, 60)
    async with listening(app) as late:
        await asyncio.wait_for(late.task, 60)
        assert late.status == 503
