"""The Segment doors: every event that is answered with 200 is durable. The hot path: every microsecond counts.

Errors are in Segment's words: ``{"success": false, "code", "message"}``, the status one that its SDKs act on (400 is
final, 429 and 5xx are sent again).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from micromoments.core.event import Arrival, EventType
from micromoments.engine.tracing import Tracing, traced
from micromoments.server.cors import Cors
from micromoments.server.http import JSON, Busy, Headers, Receive, Room, Scope, Send, TooLarge, Unreadable, read_body
from micromoments.server.keys import Access, Keys, as_sent
from micromoments.server.problem import Problem
from micromoments.server.service import LogDown, Overloaded, Taker
from micromoments.sources import segment
from micromoments.sources.called import called
from micromoments.sources.clean import Cleaner
from micromoments.sources.lenient import Rejected, respelled
from micromoments.sources.wire import UNREADABLE, decode_key

Door = EventType | Literal["batch"]

ACCEPTED = b'{"success":true,"rejected":[]}'
_ACCEPTED_BODY = {"type": "http.response.body", "body": ACCEPTED}
_WHOLE_REQUEST = frozenset({"malformed_json", "not_an_object", "too_large", "too_deep", "number_out_of_range"})
"""What is wrong with bytes rather than with an event: a request of one event is refused for it with 400."""

_encode = msgspec.json.Encoder().encode


class Refusal(Exception):
    """A request that isn't taken, in Segment's words. ``close``: the connection still has unread body on it."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int = 0, close: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.close = close


class Collector:
    """Takes events by the Segment protocol into the service. Counts what it did for the metrics."""

    def __init__(self, service: Taker, keys: Keys, cleaner: Cleaner, cors: Cors, room: Room) -> None:
        self._service = service
        self._keys = keys
        self._known = keys.known
        self._open = keys.open
        self._cleaner = cleaner
        self._cors = cors
        self._room = room
        self._clock = service.clock
        self.traced = traced()
        self._starts: dict[bytes | None, dict[str, Any]] = {}
        self.requests = 0
        self.rejected = 0
        self.refused: dict[str, int] = {}

    async def __call__(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: read, check, clean, make durable, answer."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        self.requests += 1
        try:
            body, access = await self._read(door, headers, receive)
            access = as_sent(access, headers)
            client = scope.get("client")
            agent = headers.get(b"user-agent", b"").decode("latin-1")
            arrivals, rejected = self.arrivals(door, body, access, agent, client[0] if client else "")
            if arrivals:
                await self._service.collect(self.called(arrivals, headers))
        except Refusal as refusal:
            await self._refuse(refusal, origin, send)
            return
        except (Overloaded, LogDown) as error:
            await self._refuse(unable(error), origin, send)
            return
        if rejected:
            await self._answer(200, self.partly(rejected), origin, send, [])
            return
        start = self._starts.get(origin)
        await send(start if start is not None else self._start(origin))
        await send(_ACCEPTED_BODY)

    def called(self, arrivals: list[Arrival], headers: dict[bytes, bytes]) -> list[Arrival]:
        """Events in the trace that a request's headers name, where traces are sent."""
        parent = self.traced.parent(headers) if isinstance(self.traced, Tracing) else ""
        return [called(one, parent) for one in arrivals] if parent else arrivals

    def partly(self, rejected: list[segment.Rejection]) -> bytes:
        """The answer where something was rejected, counted."""
        self.rejected += len(rejected)
        return _encode({"success": True, "rejected": rejected})

    async def _read(self, door: Door, headers: dict[bytes, bytes], receive: Receive) -> tuple[bytes, Access]:
        """The body, and who sent it; the credential is checked before the body is read, where it is in a header."""
        limit = segment.MAX_BATCH if door == "batch" else segment.MAX_EVENT
        if self._open:
            try:
                self._keys.check_loopback(headers)
            except Problem as problem:
                raise Refusal(problem.status, problem.code, str(problem), close=True) from None
        authorization = headers.get(b"authorization")
        access = self._known.get(authorization) or self._keys.of(authorization)
        if access is None and authorization is not None and not self._keys.elsewhere(authorization):
            raise _unknown_key(close=True)
        try:
            body = await read_body(headers, receive, limit, self._room)
        except TooLarge as error:
            raise too_large(error.limit, close=not error.read) from None
        except Unreadable as error:
            raise Refusal(400, "malformed_body", f"got {error}") from None
        except Busy:
            raise _slow_down(1, close=True) from None
        return body, access or self._of_body(body)

    def _of_body(self, body: bytes) -> Access:
        try:
            access = self._keys.of_key(_key(body))
        except UNREADABLE:
            raise Refusal(400, "malformed_json", "got bytes that are not JSON; wanted a JSON object") from None
        if access is None:
            raise _unknown_key()
        return access

    def arrivals(
        self, door: Door, body: bytes, access: Access, agent: str, ip: str
    ) -> tuple[list[Arrival], list[segment.Rejection]]:
        """What a body holds, cleaned, and what of it was rejected.

        Raises:
            Refusal: the request can't be taken as a whole.
        """
        now = self._clock()
        clean = self._cleaner.clean
        whole = access.whole
        if door != "batch":
            try:
                one = segment.call(door, body, now, marks=access.marks, confirmed=whole)
            except Rejected as rejected:
                if rejected.code in _WHOLE_REQUEST:
                    raise Refusal(400, rejected.code, rejected.detail) from None
                return [], [segment.Rejection(0, rejected.message_id, rejected.code, rejected.detail)]
            return [clean(one if access.who != "person" else _confirmed(one, access), agent=agent, ip=ip)], []
        try:
            parsed = segment.batch(body, now, marks=access.marks, confirmed=whole)
        except segment.Malformed as malformed:
            raise Refusal(400, malformed.code, malformed.detail) from None
        if access.who == "person":
            parsed.arrivals = [_confirmed(one, access) for one in parsed.arrivals]
        return [clean(one, agent=agent, ip=ip) for one in parsed.arrivals], parsed.rejected

    async def _refuse(self, refusal: Refusal, origin: bytes | None, send: Send) -> None:
        body, headers = self.refusal(refusal)
        await self._answer(refusal.status, body, origin, send, headers)

    def refusal(self, refusal: Refusal) -> tuple[bytes, Headers]:
        """A refusal's body and its own headers, counted."""
        self.refused[refusal.code] = self.refused.get(refusal.code, 0) + 1
        headers: Headers = []
        if refusal.retry_after:
            seconds = str(refusal.retry_after).encode()
            headers += [(b"retry-after", seconds), (b"x-ratelimit-reset", seconds)]
        if refusal.status == 401:
            headers.append((b"www-authenticate", b'Basic realm="micromoments"'))
        if refusal.close:
            headers.append((b"connection", b"close"))
        body = _encode({"success": False, "code": refusal.code, "message": refusal.message, "rejected": []})
        return body, headers

    async def _answer(self, status: int, body: bytes, origin: bytes | None, send: Send, headers: Headers) -> None:
        whole = [(b"content-type", JSON), (b"content-length", str(len(body)).encode()), *headers]
        whole += self._cors.headers(origin)
        await send({"type": "http.response.start", "status": status, "headers": whole})
        await send({"type": "http.response.body", "body": body})

    def _start(self, origin: bytes | None) -> dict[str, Any]:
        """The head of the answer that nearly every request gets, made once for each origin."""
        length = str(len(ACCEPTED)).encode()
        headers = [(b"content-type", JSON), (b"content-length", length), *self._cors.headers(origin)]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        if len(self._starts) >= 256:
            self._starts.clear()
        self._starts[origin] = start
        return start


def _key(body: bytes) -> Any:
    """The write key in a body."""
    try:
        return decode_key(body).write_key
    except UNREADABLE:
        again = respelled(body)
        if again is None:
            raise
        return decode_key(again).write_key


def too_large(limit: int, *, close: bool = False) -> Refusal:
    """What a client is told that sent more than a body may have."""
    message = f"got more than {limit} bytes; wanted at most that, after gunzip: send less at one time"
    return Refusal(400, "too_large", message, close=close)


def unable(error: Overloaded | LogDown) -> Refusal:
    """What a client is told when the engine can't take more."""
    if isinstance(error, Overloaded):
        return _slow_down(error.retry_after)
    message = "the log can't be written now and nothing was accepted; send it again later"
    return Refusal(503, "log_unavailable", message, retry_after=5)


def _confirmed(arrival: Arrival, access: Access) -> Arrival:
    """Under a person token an event is proven where it is of that person, and joins nobody else to them."""
    event = arrival.event
    proven = event.user_id == access.subject and event.type != "alias"
    return msgspec.structs.replace(arrival, confirmed=True) if proven else arrival


def _unknown_key(*, close: bool = False) -> Refusal:
    message = "got no known write key; send it as the user of Basic authorization, or as writeKey in the body"
    return Refusal(401, "invalid_write_key", message, close=close)


def _slow_down(seconds: int, *, close: bool = False) -> Refusal:
    message = f"got more than can be taken now; nothing was accepted, send it again in {seconds} s"
    return Refusal(429, "overloaded", message, retry_after=seconds, close=close)


DOORS: dict[str, Door] = {f"/v1/{name}": kind for name, kind in segment.KINDS.items()}
DOORS |= {"/v1/batch": "batch", "/v1/b": "batch", "/v1/import": "batch"}
"""The path of every Segment door. ``import`` is what some server SDKs call a batch."""
SPELLINGS: dict[str, Door] = DOORS | {f"{path}/": door for path, door in DOORS.items()}
"""The doors' paths as clients spell them, with a slash at the end too."""
