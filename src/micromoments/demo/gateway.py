"""What the browser talks to: the server behind it, passed on byte by byte, and ``/demo/`` which is the demo's own.

The product's server knows nothing of a demo. This process stands before it on the demo's port, so that the page stays
there while the server is killed, and so that everything comes from one origin.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

MAX_HEAD = 64 * 1024
QUEUE = 256
"""Messages that a slow page may be behind before it is let go."""
_BODY = b"<body>"
_DEMO_BODY = b'<body data-demo="1">'


class Live:
    """The demo's own stream of server-sent events: where people are, the truth, the plug."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[bytes]] = set()
        self._kept: dict[str, bytes] = {}

    def tell(self, kind: str, data: object, keep: bool = False) -> None:
        """Tell every page; ``keep`` tells those too that come later."""
        message = b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(data))
        if keep:
            self._kept[kind] = message
        for queue in list(self._listeners):
            try:
                queue.put_nowait(message)
            except asyncio.QueueFull:
                self._listeners.discard(queue)

    async def serve(self, writer: asyncio.StreamWriter) -> None:
        """One page, until it leaves."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE)
        self._listeners.add(queue)
        try:
            writer.write(_head(200, "text/event-stream", None) + b"".join(self._kept.values()))
            while queue in self._listeners:
                await writer.drain()
                writer.write(await queue.get())
        finally:
            self._listeners.discard(queue)


class Gateway:
    """Listens on the demo's port. ``doors`` are the demo's own, by method and path; ``rooms`` are the ports of the
    experiences, by the first part of their paths (``coffee`` for ``/coffee/``).
    """

    def __init__(
        self,
        backend: int,
        live: Live,
        doors: dict[str, Callable[[], Awaitable[Any]]],
        rooms: Mapping[str, int] | None = None,
    ) -> None:
        self._backend = backend
        self._rooms = dict(rooms or {})
        self._live = live
        self._doors = doors
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> int:
        """Listen on this machine only; 0 takes a free port. Gives the port.

        Raises:
            OSError: the port is taken.
        """
        try:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=MAX_HEAD)
        except OSError as error:
            raise OSError(
                f"can't show the demo at port {port} ({error.strerror}); is another demo there? "
                "choose another: micromoments demo --port 8090"
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            await _close(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection: whoever wants more connects again, on this machine that costs nothing."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head[:-4].split(b"\r\n")
        method, _, rest = line.partition(b" ")
        target = rest.rpartition(b" ")[0]
        path = target.partition(b"?")[0].decode("latin-1")
        if path.startswith("/demo/"):
            await self._own(f"{method.decode('latin-1')} {path}", _origin_ok(fields), writer)
            return
        port = self._rooms.get(path.split("/")[1] if path.startswith("/") else "", self._backend)
        await self._pass_on(line, fields, path == "/" and method == b"GET", port, (reader, writer))

    async def _own(self, asked: str, own_page: bool, writer: asyncio.StreamWriter) -> None:
        if not own_page:
            # Only our own page may pull the plug: a page of elsewhere has an Origin that isn't ours.
            writer.write(_json(403, {"code": "foreign_origin", "detail": "asked from a page of elsewhere"}))
        elif asked == "GET /demo/live":
            await self._live.serve(writer)
        elif door := self._doors.get(asked):
            writer.write(_json(200, await door()))
        else:
            writer.write(_json(404, {"code": "no_such_door", "detail": f"the demo has no {asked}"}))
        await writer.drain()

    async def _pass_on(
        self,
        line: bytes,
        fields: list[bytes],
        front_page: bool,
        port: int,
        page: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        reader, writer = page
        dropped = (b"connection:", *((b"accept-encoding:", b"if-none-match:") if front_page else ()))
        kept = [f for f in fields if not f.lower().startswith(dropped)]
        try:
            back, out = await asyncio.open_connection("127.0.0.1", port, limit=MAX_HEAD)
        except OSError:
            with contextlib.suppress(TimeoutError):  # a body that nobody read would break the answer off
                await asyncio.wait_for(reader.read(MAX_HEAD), 0.05)
            detail = "the server is away; it comes back in a moment"
            writer.write(_json(503, {"code": "server_away", "title": "The server is away", "detail": detail}))
            await writer.drain()
            return
        try:
            out.write(b"\r\n".join([line, *kept, b"Connection: close", b"", b""]))
            upload = asyncio.create_task(_copy(reader, out))
            try:
                if front_page:
                    writer.write(_marked(await back.read()))
                    await writer.drain()
                else:
                    await _copy(back, writer)
            finally:
                upload.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await upload
        finally:
            await _close(out)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(64 * 1024):
        target.write(chunk)
        await target.drain()


def _marked(reply: bytes) -> bytes:
    """The dashboard, told that it stands in a demo."""
    head, gap, body = reply.partition(b"\r\n\r\n")
    marked = body.replace(_BODY, _DEMO_BODY, 1)
    fields = [f for f in head.split(b"\r\n") if not f.lower().startswith((b"content-length:", b"etag:"))]
    return b"\r\n".join([*fields, b"content-length: %d" % len(marked)]) + gap + marked


def _origin_ok(fields: list[bytes]) -> bool:
    """Whether the request comes from our own page, or from no page at all; and names this machine (DNS rebinding)."""
    named = {k.strip().lower(): v.strip() for k, _, v in (f.partition(b":") for f in fields)}
    host, origin = named.get(b"host", b""), named.get(b"origin")
    local = host.rpartition(b":")[0] in (b"127.0.0.1", b"localhost")
    return local and (origin is None or origin == b"http://" + host)


def _json(status: int, value: object) -> bytes:
    body = msgspec.json.encode(value)
    return _head(status, "application/json", len(body)) + body


def _head(status: int, kind: str, length: int | None) -> bytes:
    words = {200: "OK", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}[status]
    size = "" if length is None else f"content-length: {length}\r\n"
    fixed = "cache-control: no-store\r\nconnection: close\r\n\r\n"
    return f"HTTP/1.1 {status} {words}\r\ncontent-type: {kind}\r\n{size}{fixed}".encode()
