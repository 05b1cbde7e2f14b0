"""The fast lane: one event, or a decision, goes from the parser to the engine without ASGI's task, scope and events.

It serves exactly what ``Collector`` and ``Decider`` serve, from the same pieces, for the requests that nearly all are:
``POST`` to the door of one event or of decisions, a credential that is known, a plain body of a known length, nothing
else under way on the connection. All events that arrive in one turn of the loop go to the engine together. Everything
else takes ASGI's way. Measured beside it in ``benchmarks/speed``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Literal, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from micromoments.core.event import Arrival
from micromoments.engine.tracing import names
from micromoments.server.collect import ACCEPTED, SPELLINGS, Collector, Door, Refusal, too_large, unable
from micromoments.server.cors import Cors
from micromoments.server.http import GZIP, JSON, Headers, Reply, TooLarge, Unreadable, gunzip
from micromoments.server.keys import Access, Keys
from micromoments.server.problem import Problem
from micromoments.server.protocol import BoundedProtocol
from micromoments.server.service import LogDown, Overloaded, Taker
from micromoments.sources.segment import MAX_EVENT

log = logging.getLogger("micromoments.server")

DECIDE = "/v1/decide"
_DOORS: dict[bytes, Door | Literal["decide"]] = {
    DECIDE.encode(): "decide",
    **{path.encode(): door for path, door in SPELLINGS.items() if door != "batch"},
}
_UNCOMMON = names() | {b"content-encoding", b"expect", b"upgrade", b"transfer-encoding", b"sec-gpc"}
"""Headers with which a request takes the other way, which knows what to make of them."""
Decide = Callable[[bytes, Access, str, str], Awaitable[Reply]]
"""Answers a decision's body, for somebody, sent by an agent from an address."""
_NONE: Headers = []


def quick(sent: Mapping[bytes, bytes], keys: Keys, *, known: bool) -> Access | None:
    """Who sent a request with these headers, if it may take the lane; ``known`` asks for a key that was seen before."""
    length = sent.get(b"content-length")
    if length is None or len(length) > 5 or not length.isdigit() or int(length) > MAX_EVENT:
        return None
    if not _UNCOMMON.isdisjoint(sent):
        return None
    authorization = sent.get(b"authorization")
    access = keys.known.get(authorization) if known else keys.of(authorization)
    if access is not None and keys.open:
        try:
            keys.check_loopback(dict(sent))
        except Problem:
            return None
    return access


def _unpacked(body: bytes) -> bytes:
    try:
        return gunzip(body, MAX_EVENT)
    except TooLarge:
        raise too_large(MAX_EVENT) from None
    except Unreadable as error:
        raise Refusal(400, "malformed_body", f"got {error}") from None


class Under:
    """The request under way on a connection, as far as uvicorn's protocol looks at one."""

    __slots__ = ("connection", "disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.response_complete = True
        self.disconnected = False
        self.keep_alive = True
        self.connection = b""
        self.message_event = asyncio.Event()


class Lane:
    """What all connections share: the events of this turn of the loop, and the answers that are the same for all."""

    def __init__(self, service: Taker, collector: Collector, keys: Keys, cors: Cors, decide: Decide) -> None:
        self._service = service
        self._decide = decide
        self.collector = collector
        self.keys = keys
        self._cors = cors
        self._waiting: list[tuple[LaneProtocol, Arrival]] = []
        self._accepted: dict[tuple[bytes | None, bytes], bytes] = {}
        self._common: Headers = []

    def take(self, connection: LaneProtocol, arrival: Arrival) -> None:
        """Hand an event to the engine with the others of this turn."""
        if not self._waiting:
            connection.loop.call_soon(self._flush, connection)
        self._waiting.append((connection, arrival))

    def _flush(self, connection: LaneProtocol) -> None:
        waiting, self._waiting = self._waiting, []
        _begin(connection, self._collect(waiting))

    def decide(self, connection: LaneProtocol, body: bytes, access: Access, agent: str, ip: str) -> None:
        """Have a decision's request answered."""
        _begin(connection, self._decided(connection, body, access, agent, ip))

    async def _decided(self, connection: LaneProtocol, body: bytes, access: Access, agent: str, ip: str) -> None:
        connection.reply(await self._decide(body, access, agent, ip))

    async def _collect(self, waiting: list[tuple[LaneProtocol, Arrival]]) -> None:
        try:
            await self._service.collect([arrival for _, arrival in waiting])
        except (Overloaded, LogDown) as error:
            refusal = unable(error)
        except Exception:
            log.exception("an error of ours in collect")
            refusal = Refusal(500, "internal_error", "got an error of ours; send it again later")
        else:
            for connection, _ in waiting:
                connection.accepted()
            return
        for connection, _ in waiting:
            connection.refuse(refusal)

    def accepted(self, common: Headers, origin: bytes | None, connection: bytes) -> bytes:
        """The whole answer to an accepted event; made once a second, when the date changes."""
        if common is not self._common or len(self._accepted) > 256:
            self._common = common
            self._accepted.clear()
        answer = self._accepted.get((origin, connection))
        if answer is None:
            answer = self.render(200, ACCEPTED, common, origin, connection)
            self._accepted[origin, connection] = answer
        return answer

    def render(
        self,
        status: int,
        body: bytes,
        common: Headers,
        origin: bytes | None,
        connection: bytes,
        more: Headers = _NONE,
        kind: bytes = JSON,
    ) -> bytes:
        """An answer's bytes; ``connection`` is what is said of it, mostly nothing."""
        told = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        headers = [*common, *told, *more, *self._cors.headers(origin)]
        if connection:
            headers.append((b"connection", connection))
        lines = [b"%b: %b\r\n" % header for header in headers]
        return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])


def _begin(connection: LaneProtocol, work: Coroutine[Any, Any, None]) -> None:
    """Start a task that a stopping server waits for."""
    task = connection.loop.create_task(work)
    tasks = connection.tasks
    tasks.add(task)
    task.add_done_callback(tasks.discard)


class HasLane(Protocol):
    """An ASGI app that has a lane: ours."""

    lane: Lane


class LaneProtocol(BoundedProtocol):
    """One connection, with the fast lane before ASGI's way."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        app: HasLane = config.app
        self._lane = app.lane
        self._door: Door | Literal["decide"] | None = None
        self._access: Access
        self._sent: dict[bytes, bytes] = {}
        self._body = b""
        self._under = Under()

    def on_message_begin(self) -> None:
        """A request begins; ASGI's scope is made when it turns out to be needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: choose the way."""
        self.check_head()
        if self._is_quick():
            self._body = b""
            return
        self._door = None
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = any(n == b"expect" and v.lower() == b"100-continue" for n, v in headers)
        super().on_headers_complete()

    def _is_quick(self) -> bool:
        door = _DOORS.get(self.url)
        if door is None or self.parser.get_method() != b"POST":
            return False
        cycle = self.cycle
        if (cycle is not None and not cycle.response_complete) or self.pipeline or self.flow.write_paused:
            return False
        sent = self._sent = dict(self.headers)
        access = quick(sent, self._lane.keys, known=door != "decide")
        if access is None:
            return False
        self._door, self._access = door, access
        under = self._under
        under.response_complete = False
        under.keep_alive = self.parser.should_keep_alive()
        under.connection = self._connection() if b"connection" in sent or not under.keep_alive else b""
        self.cycle = under  # type: ignore[assignment] # as far as uvicorn looks at it
        return True

    def _connection(self) -> bytes:
        """What the answer says of the connection: HTTP/1.0 keeps it only where both sides say so."""
        if not self._under.keep_alive:
            return b"close"
        return b"keep-alive" if self.parser.get_http_version() == "1.0" else b""

    def on_body(self, body: bytes) -> None:
        """A piece of the body, mostly all of it."""
        if self._door is None:
            super().on_body(body)
        else:
            self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        """The request is whole."""
        door = self._door
        if door is None:
            super().on_message_complete()
            return
        self._door = None
        self.end()
        agent = self._sent.get(b"user-agent", b"").decode("latin-1")
        ip = self.client[0] if self.client else ""
        if door == "decide":
            self._lane.decide(self, self._body, self._access, agent, ip)
            return
        collector = self._lane.collector
        collector.requests += 1
        try:
            body = self._body if self._body[:2] != GZIP else _unpacked(self._body)
            arrivals, rejected = collector.arrivals(door, body, self._access, agent, ip)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        except Exception:
            log.exception("an error of ours at %s", door)
            self.refuse(Refusal(500, "internal_error", "got an error of ours; send it again later"))
            return
        if rejected:
            self._answer(200, collector.partly(rejected), [])
        else:
            self._lane.take(self, arrivals[0])

    def accepted(self) -> None:
        """The event is durable: say so."""
        common = self.server_state.default_headers
        self._finish(self._lane.accepted(common, self._sent.get(b"origin"), self._under.connection))

    def reply(self, answer: Reply) -> None:
        """A decision's answer."""
        self._answer(answer.status, answer.body, answer.headers, answer.content_type)

    def refuse(self, refusal: Refusal) -> None:
        """The event was not taken: say why."""
        body, more = self._lane.collector.refusal(refusal)
        self._answer(refusal.status, body, more)

    def _answer(self, status: int, body: bytes, more: Headers, kind: bytes = JSON) -> None:
        common, origin = self.server_state.default_headers, self._sent.get(b"origin")
        self._finish(self._lane.render(status, body, common, origin, self._under.connection, more, kind))

    def _finish(self, answer: bytes) -> None:
        under = self._under
        under.response_complete = True
        if under.disconnected or self.transport.is_closing():
            return
        self.transport.write(answer)
        if not under.keep_alive:
            self.transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.idle = self.loop.time()
