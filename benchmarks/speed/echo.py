"""The bare limit: a plain ASGI callable on uvicorn that decodes a track event with msgspec and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from micromoments.core.event import Event

decoder = msgspec.json.Decoder(Event)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"16")],
}
BODY = {"type": "http.response.body", "body": b'{"success":true}'}


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Read, decode, answer."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if body:
        decoder.decode(body)
    await send(START)
    await send(BODY)
