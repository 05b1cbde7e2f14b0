"""The HTTP around an experience: who asks, what they send, pages, live streams, and refusals in words.

A visitor is an unguessable cookie that only the server can read; ``owner`` is a name made of it, which can be logged
and sent to the engine without giving the cookie away.
"""

from __future__ import annotations

import asyncio
import mimetypes
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from micromoments.demo.fulfil.refused import Refused

LONGEST = 64 * 1024
"""Bytes of a request's body."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, and nobody may frame us."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
HANDS = 32
"""Threads for what blocks: the disk, the payment service."""
_YEAR = 365 * 24 * 3600

Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]


def answer(value: object, status: int = 200) -> Response:
    """JSON."""
    return Response(msgspec.json.encode(value), status, {"cache-control": "no-store"}, "application/json")


def refusal(refused: Refused) -> Response:
    """``application/problem+json`` (RFC 9457), as the engine's own doors fail."""
    body = {
        "type": f"urn:micromoments:problem:{refused.code}",
        "status": refused.status,
        "code": refused.code,
        "detail": str(refused),
        "got": refused.got,
        "wanted": refused.wanted,
        "next": refused.then,
    }
    return Response(msgspec.json.encode(body), refused.status, media_type="application/problem+json")


async def read(request: Request, shape: type[Body]) -> Body:
    """A request's JSON, in a shape that forgives nothing.

    Raises:
        Refused: ``too_long`` or ``bad_request``, with where it is wrong.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise Refused("too_long", f"more than {LONGEST} bytes", "a shorter body", status=413)
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.DecodeError as wrong:
        raise Refused("bad_request", str(wrong), shape.__name__, status=400) from wrong
    except RecursionError as wrong:
        raise Refused("bad_request", "lists or objects too deep in each other", shape.__name__, status=400) from wrong


def key_of(request: Request) -> str:
    """The ``Idempotency-Key``; ``""`` where there is none, which the desk refuses."""
    return request.headers.get("idempotency-key", "")


class Visitors:
    """Who asks, by a cookie of this name under this path."""

    def __init__(self, name: str, path: str) -> None:
        self._name, self._path = name, path

    def owner(self, request: Request) -> str:
        """The visitor's name.

        Raises:
            Refused: ``no_visitor``, the page has to ask for a cookie first (``welcome``).
        """
        secret = request.cookies.get(self._name, "")
        if len(secret) != 43:
            raise Refused("no_visitor", "no cookie", "one of ours", "open the app's first page", status=401)
        return "c-" + blake2b(secret.encode(), digest_size=12, person=b"visitor").hexdigest()

    def welcome(self, request: Request, response: Response) -> Response:
        """Give a visitor who has none a cookie: for a year, for this server only."""
        if len(request.cookies.get(self._name, "")) != 43:
            self.give(secrets.token_urlsafe(32), response)
        return response

    def give(self, secret: str, response: Response) -> Response:
        """Set the cookie to a secret (43 characters), such as that of a visitor's other device."""
        response.set_cookie(
            self._name, secret, max_age=_YEAR, path=self._path, httponly=True, samesite="strict"
        )  # over plain HTTP on this machine, so not ``secure``; before a real server, TLS ends in front of it
        return response


def routes(doors: Mapping[str, Handler]) -> list[Route]:
    """Doors by ``"METHOD /path"``."""
    split = ((*door.partition(" "), handler) for door, handler in doors.items())
    return [Route(path, _refusing(handler), methods=[method]) for method, _, path, handler in split]


def _refusing(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return refusal(refused)

    return handle


def stream(messages: AsyncIterator[bytes]) -> StreamingResponse:
    """Server-sent events."""
    return StreamingResponse(messages, headers={"cache-control": "no-store"}, media_type="text/event-stream")


def after(request: Request) -> int | None:
    """Where a page that comes back left off, by ``Last-Event-ID`` or ``?after=``; ``None`` for a new one."""
    said = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(said) if said.isdecimal() and len(said) < 19 else None


class Pages:
    """Files by name, as they are. Only what is there is ever served."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {name: (body, _kind(name), _etag(body)) for name, body in files.items()}

    def get(self, request: Request, name: str) -> Response:
        """One file.

        Raises:
            Refused: ``no_such_page``.
        """
        found = self._files.get(name)
        if found is None:
            raise Refused("no_such_page", f"page {name!r}", "one of this app's", status=404)
        body, kind, etag = found
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": POLICY,
            "etag": etag,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=kind)


def _kind(name: str) -> str:
    return TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _etag(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


class Guard:
    """Before everything: only this machine by name (DNS rebinding), and no page of elsewhere may change a thing.

    ``hosts`` are the names under which it may be asked.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost"})) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and (wrong := self._wrong(Request(scope))):
            await refusal(Refused("foreign_origin", wrong, "this app's own page", status=403))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _wrong(self, request: Request) -> str:
        host = request.headers.get("host", "")
        if host.rpartition(":")[0] not in self._hosts and host not in self._hosts:
            return f"host {host[:80]!r}"
        origin = request.headers.get("origin")
        if request.method != "GET" and origin is not None and origin.partition("://")[2] != host:
            return f"origin {origin[:80]!r}"
        return ""


def serve(app: ASGIApp, port: int, host: str = "127.0.0.1") -> None:
    """Serve until SIGTERM or Ctrl-C; open streams are given two seconds."""
    import uvicorn

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,  # a phone that asks again after a few seconds mustn't find its connection just closed
        lifespan="on",
    )

    async def run() -> None:
        # As many at work at once as may share one write to the disk.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(HANDS))
        await uvicorn.Server(config).serve()

    asyncio.run(run())
