"""A client that calls the ASGI app without sockets."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import msgspec

from micromoments.server.app import App

WRITE_KEY, SECRET_KEY = "wk_public", "sk_very_secret"
TOKEN_KEY = "0123456789abcdef0123456789abcdef"


def basic(key: str, *, colon: bool = True) -> str:
    """A Basic header's value with the key as user."""
    return f"Basic {base64.b64encode((key + (':' if colon else '')).encode()).decode()}"


class Answer:
    """What came back."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        """Put the messages together."""
        self.messages = messages
        start = next(m for m in messages if m["type"] == "http.response.start")
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")

    @property
    def json(self) -> Any:
        """The body decoded."""
        return msgspec.json.decode(self.body)


class Client:
    """Asks one app; ``auth`` is the Authorization header of every request that says no other."""

    def __init__(self, app: App, auth: str | None = None) -> None:
        """Ask this app."""
        self.app = app
        self.auth = auth

    async def __call__(
        self,
        method: str,
        path: str,
        body: bytes | Any = b"",
        *,
        headers: Iterable[tuple[str, str]] = (),
        auth: str | None = None,
        chunks: int = 1,
        client: tuple[str, int] = ("127.0.0.1", 50000),
    ) -> Answer:
        """One request; a body that isn't bytes is sent as JSON, in so many chunks."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        target, _, query = path.partition("?")
        sent = [("host", "localhost:8000"), *headers]
        if authorization := auth or self.auth:
            sent.append(("authorization", authorization))
        if chunks == 1 and not any(name == "content-length" for name, _ in sent):
            sent.append(("content-length", str(len(raw))))
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(target),
            "raw_path": target.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent],
            "client": client,
        }
        size = max(1, -(-len(raw) // chunks))
        parts = [raw[i : i + size] for i in range(0, len(raw), size)] or [b""]
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if parts:
                part = parts.pop(0)
                return {"type": "http.request", "body": part, "more_body": bool(parts)}
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        return Answer(messages)
