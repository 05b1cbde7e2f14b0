"""Requests and replies: just enough between ASGI and a door. Bodies are bounded before and after gunzip."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec

from micromoments.server.problem import PROBLEM_JSON, Problem
from micromoments.sources.wire import UNREADABLE

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Shape = TypeVar("Shape")

JSON = b"application/json"
GZIP = b"\x1f\x8b"
"""How gzip begins (RFC 1952)."""
BUFFERED = 64 * 1024
"""Bytes of a body that count against no budget: the server buffers as much of every connection anyway."""
MAX_BUFFERED = 64 * 1024 * 1024
"""Bytes of all larger bodies that are being read at one time; past it clients are asked to slow down."""

MAX_DISCARDED = 8 * 1024 * 1024
"""Bytes of a body that is too large which are read so that its sender hears why; past it the connection is closed."""

MAX_FIELDS = 200
"""Pairs in a query: a pixel has a hundred names at the most."""

_encode = msgspec.json.Encoder().encode


class TooLarge(Exception):
    """A body above its limit, as sent or after gunzip. ``read`` says whether all of it was read off the connection."""

    def __init__(self, limit: int, *, read: bool) -> None:
        super().__init__(f"a body of more than {limit} bytes")
        self.limit = limit
        self.read = read


class Unreadable(Exception):
    """A body whose content encoding can't be undone, or whose sender went away."""


class Busy(Exception):
    """So much is being read from other clients that this body must wait."""


class Room:
    """Memory for large bodies, shared by all connections."""

    def __init__(self, limit: int = MAX_BUFFERED) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        """Reserve memory. Raises ``Busy`` where there is none."""
        if size > self._left:
            raise Busy
        self._left -= size

    def give(self, size: int) -> None:
        """Give it back."""
        self._left += size


async def read_body(headers: dict[bytes, bytes], receive: Receive, limit: int, room: Room) -> bytes:
    """The request's body, decoded from gzip where it is: by its first bytes, as SDKs forget the header, and proxies
    that unpack leave it.

    Raises:
        TooLarge: more than ``limit`` bytes, sent or decoded; found out before it is all in memory.
        Unreadable: broken gzip, an encoding that we don't speak, a client that went away.
        Busy: no memory for it now.
    """
    length = headers.get(b"content-length")
    if length is not None and (not length.isdigit() or int(length[:20]) > limit):
        raise TooLarge(limit, read=await _discard(receive, 0, length))
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        body = await _rest(body, receive, limit, room)
    elif message["type"] != "http.request":
        raise Unreadable("the client went away")
    if len(body) > limit:
        raise TooLarge(limit, read=True)
    coding = headers.get(b"content-encoding", b"").strip().lower()
    if body[:2] == GZIP:
        return gunzip(body, limit)
    if coding not in (b"", b"identity", b"gzip", b"x-gzip"):
        raise Unreadable(f"content-encoding {coding[:20].decode('latin-1')!r}; send gzip or none")
    return body


async def _rest(first: bytes, receive: Receive, limit: int, room: Room) -> bytes:
    parts, size, taken = [first], len(first), 0
    try:
        while True:
            if size > limit:
                parts.clear()
                raise TooLarge(limit, read=await _discard(receive, size))
            if size - taken > BUFFERED:
                room.take(size - taken)
                taken = size
            message = await receive()
            if message["type"] != "http.request":
                raise Unreadable("the client went away")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if not message.get("more_body", False):
                return b"".join(parts)
    finally:
        room.give(taken)


async def _discard(receive: Receive, size: int, length: bytes = b"") -> bool:
    """Read a body that is too large off the connection without keeping it; whether it ended within ``MAX_DISCARDED``.

    A client that is still sending when its connection is closed sees a reset and not our answer, and would try again.
    """
    if length and (not length.isdigit() or int(length[:20]) > MAX_DISCARDED):
        return False
    while size <= MAX_DISCARDED:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return True
    return False


def gunzip(body: bytes, limit: int) -> bytes:
    """Undo gzip, never holding more than ``limit`` bytes and a little: a bomb costs no more than an honest body.

    Raises:
        TooLarge: it holds more.
        Unreadable: it isn't gzip, or is cut off.
    """
    out = bytearray()
    while body:
        member = zlib.decompressobj(wbits=31)
        try:
            out += member.decompress(body, limit + 1 - len(out))
        except zlib.error as error:
            raise Unreadable(f"gzip that can't be undone ({error})") from None
        if len(out) > limit:
            raise TooLarge(limit, read=True)
        if not member.eof:
            raise Unreadable("gzip that is cut off")
        body = member.unused_data
    return bytes(out)


class Reply:
    """An answer: status, body, headers beside content type and length."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self, status: int = 200, body: bytes = b"", content_type: bytes = JSON, headers: Headers | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers or []

    async def send(self, send: Send, extra: Headers) -> None:
        """Send it, with headers that every answer to this caller has."""
        headers = [*self.headers, *extra]
        if self.status not in (204, 304):
            headers += [(b"content-type", self.content_type), (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def reply(value: Any, status: int = 200, headers: Headers | None = None) -> Reply:
    """A JSON answer; personal data is never kept by a cache."""
    return Reply(status, _encode(value), headers=[*(headers or ()), (b"cache-control", b"no-store")])


class Call:
    """One request to a door of ours: method, path, query, headers, the body when asked for."""

    __slots__ = ("_receive", "headers", "method", "path", "query", "room", "scope", "send")

    def __init__(self, scope: Scope, receive: Receive, send: Send, room: Room) -> None:
        self.scope = scope
        self.method: str = "GET" if scope["method"] == "HEAD" else scope["method"]
        self.path = [unquote(part) for part in raw_path(scope).split("/") if part]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        query = scope.get("query_string", b"")
        try:
            pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Problem(
                400, "bad_query", "a query that can't be read", f"at most {MAX_FIELDS} percent-encoded name=value pairs"
            ) from None
        self.query = dict(pairs)
        self._receive = receive
        self.send = send
        self.room = room

    @property
    def receive(self) -> Receive:
        """ASGI's receive, for a door that watches for its client's leaving."""
        return self._receive

    async def body(self, limit: int) -> bytes:
        """The body, at most ``limit`` bytes. Raises ``Problem`` in our words."""
        try:
            return await read_body(self.headers, self._receive, limit, self.room)
        except (TooLarge, Unreadable) as error:
            raise unread(error) from None
        except Busy:
            raise Problem(
                429, "busy", "more large bodies than fit memory", "fewer at one time", "try again", retry_after=1
            ) from None

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number of the query, from 1 to ``most``."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            raise Problem(400, f"bad_{name}", f"{name}={text[:20]!r}", f"a whole number from 1 to {most}")
        return int(text)


def unread(error: TooLarge | Unreadable) -> Problem:
    """What the sender of a body that can't be read is told."""
    if isinstance(error, Unreadable):
        return Problem(400, "bad_body", str(error), "a body, plain or in gzip")
    got, wanted = f"more than {error.limit} bytes", f"at most {error.limit} bytes"
    return Problem(413, "body_too_large", got, wanted, "send it in parts", close=not error.read)


def refused(problem: Problem) -> Reply:
    """A problem as an answer."""
    headers = [*problem.headers(), (b"cache-control", b"no-store")]
    return Reply(problem.status, problem.body(), PROBLEM_JSON, headers)


def raw_path(scope: Scope) -> str:
    """The path as sent, so that an encoded slash within an id stays within it."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if raw else str(scope["path"])


def unchanged(headers: Mapping[bytes, bytes], etag: bytes) -> bool:
    """Whether a request's ``If-None-Match`` has a tag, weak or strong, or the star (RFC 9110, section 13.1.2)."""
    tags = [tag.strip() for tag in headers.get(b"if-none-match", b"").split(b",")]
    return any(tag == b"*" or tag.removeprefix(b"W/").strip(b'"') == etag.strip(b'"') for tag in tags)


def read_json(body: bytes, shape: type[Shape]) -> Shape:
    """A body of our own doors in its shape.

    Raises:
        Problem: it isn't JSON, or of another shape, such as with a field that the shape hasn't.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise Problem(400, "bad_request", str(error)[:200], "the body that /openapi.json describes") from None
    except UNREADABLE:
        raise Problem(400, "malformed_json", "bytes that are not JSON", "a JSON object") from None
