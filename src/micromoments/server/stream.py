"""``GET /v1/stream``: moments, decisions and deliveries as they become durable, by server-sent events.

Every message has an id; a browser that lost the connection sends ``Last-Event-ID`` and goes on from there, out of the
engine's bounded ring. A reader that is too slow gets one ``gap`` message instead of what it missed, and a connection
that takes no bytes for ``STALLED`` seconds is ended. Source: HTML Living Standard, "Server-sent events".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from micromoments.core.event import Millis
from micromoments.engine.stream import Message, Subscription
from micromoments.server.cors import Cors
from micromoments.server.http import Call, Headers, Receive, Reply, Send
from micromoments.server.keys import Access, require_person, require_whole
from micromoments.server.people import source_key_of
from micromoments.server.problem import Problem
from micromoments.server.service import Service

HEARTBEAT = 15.0
"""Seconds of silence after which a comment keeps proxies from closing the connection."""
STALLED = 30.0
AT_ONCE = 32
"""Messages that leave in one piece, where so many wait."""
RETRY_MS = 2000
MAX_LISTENERS = 2000
Frame = Callable[[Message], bytes]
_OPENING = b"retry: %d\n\n" % RETRY_MS


class Streams:
    """All live connections of the stream. Memory for each: its queue in the engine, bounded."""

    def __init__(self, service: Service, cors: Cors, *, heartbeat: float = HEARTBEAT) -> None:
        self._service = service
        self._cors = cors
        self._heartbeat = heartbeat
        self._live: dict[Subscription, Access | None] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._live)

    def close(self) -> None:
        """End every stream after the message it is sending; browsers come back by themselves."""
        self._closing = True
        live, self._live = self._live, {}
        for subscription in live:
            subscription.wake()

    def end(self, access: Access) -> None:
        """End the streams that were opened with it, each after the message it is sending."""
        for subscription in [live for live, opened in self._live.items() if opened is access]:
            del self._live[subscription]
            subscription.wake()

    async def listen(self, call: Call, access: Access) -> Reply | None:
        """One connection, until its client leaves, its token or session ends, or the server drains."""
        key = self._whose(call, access)
        await self.serve(call, self._service.home(key) if key else None, framed, access, key)
        return None

    async def serve(
        self, call: Call, person: str | None, frame: Frame, access: Access | None = None, key: str = ""
    ) -> None:
        """One connection's messages of a person, or of all, as ``frame`` puts them on the wire (empty: left out), up to
        the end of the access that it was opened with; with a ``key``, of whoever is behind that meanwhile.
        """
        if self._closing or len(self._live) >= MAX_LISTENERS:
            raise Problem(
                503, "too_many_listeners", f"{len(self._live)} listeners", f"at most {MAX_LISTENERS}", "", retry_after=5
            )
        last_id = call.headers.get(b"last-event-id", b"").decode("latin-1") or call.query.get("lastEventId")
        origin = call.headers.get(b"origin")
        subscription = self._service.stream.subscribe(person, last_id, key)
        self._live[subscription] = access
        try:
            await self._start(call.send, self._headers(origin))
            if call.scope["method"] != "HEAD":
                await self._run(subscription, call.receive, call.send, frame, access.until if access else 0)
            else:
                await call.send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass
        finally:
            self._live.pop(subscription, None)
            subscription.close()

    def _patience(self, until: Millis) -> float:
        """Seconds to be silent at most: up to the heartbeat, or to the end; 0 after it."""
        return min(self._heartbeat, (until - self._service.clock()) / 1000) if until else self._heartbeat

    def _whose(self, call: Call, access: Access) -> str:
        """The source key whose messages are asked for; none for everybody's."""
        wanted = call.query.get("person")
        if access.who == "person" and wanted is None:
            wanted = f"user:{access.subject}"
        if wanted is None:
            require_whole(access)
            return ""
        key = source_key_of(wanted)
        require_person(access, key)
        return key

    def _headers(self, origin: bytes | None) -> Headers:
        return [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            *self._cors.headers(origin),
        ]

    @staticmethod
    async def _start(send: Send, headers: Headers) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _OPENING, "more_body": True})

    async def _run(self, subscription: Subscription, receive: Receive, send: Send, frame: Frame, until: Millis) -> None:
        gone = asyncio.ensure_future(_left(receive))
        gone.add_done_callback(lambda _: subscription.wake())
        try:
            while subscription in self._live and not gone.done() and (seconds := self._patience(until)) > 0:
                messages = await subscription.some(seconds, AT_ONCE)
                if gone.done() or subscription not in self._live:
                    break
                body = b"".join(map(frame, messages)) if messages else b": alive\n\n"
                if body:
                    async with asyncio.timeout(STALLED):
                        await send({"type": "http.response.body", "body": body, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()


def framed(message: Message) -> bytes:
    """One message on the wire; JSON holds no line break, so one ``data`` line does."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (message.id, message.kind.encode(), message.data)


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
