"""Talking to the engine, over its HTTP doors: decisions asked, items put, and events sent until they are taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

import micromoments as mm
from micromoments.demo.fulfil.order import Millis
from micromoments.demo.fulfil.store import Store

PATIENCE = 1.5
"""Seconds that a customer waits for a decision at most; the app works without one."""
PAUSE = 0.25
"""Seconds between two looks into the outbox, and between tries."""
_JSON = {"Content-Type": "application/json"}
_log = logging.getLogger(__name__)


def stamp(at: Millis) -> str:
    """An instant as RFC 3339 with milliseconds.

    >>> stamp(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def track(id: str, user: str, event: str, properties: dict[str, Any], at: Millis, **context: Any) -> dict[str, Any]:
    """A Segment ``track`` call; ``id`` is derived from what happened, so that telling twice is telling once."""
    return {
        "type": "track",
        "messageId": id,
        "userId": user,
        "event": event,
        "properties": properties,
        "timestamp": stamp(at),
        "context": {"channel": "app", "device": {"type": "mobile"}, **context},
    }


class Teller:
    """The engine, as an experience sees it. ``key`` is its secret key, where it has one."""

    def __init__(self, url: str, store: Store, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=5.0)
        self._store = store
        self._bell = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def ring(self) -> None:
        """There is something in the outbox; from any thread."""
        self._loop.call_soon_threadsafe(self._bell.set)

    async def run(self) -> None:
        """Send what the outbox holds, in its order, until cancelled. What the engine can't take is set aside."""
        while True:
            self._bell.clear()
            try:
                while await self._send():
                    pass
            except (httpx.HTTPError, OSError):
                await asyncio.sleep(PAUSE)
                continue
            try:
                await asyncio.wait_for(self._bell.wait(), PAUSE * 4)
            except TimeoutError:
                continue

    async def _send(self) -> bool:
        unsent = await asyncio.to_thread(self._store.unsent)
        if not unsent:
            return False
        reply = await self._http.post("/v1/batch", json={"batch": [call for _, call in unsent]})
        if reply.status_code >= 500 or reply.status_code in (408, 429):
            raise httpx.HTTPError(f"the engine answered {reply.status_code}")
        if rejected := (reply.json().get("rejected") if reply.status_code == 200 else reply.text[:300]):
            _log.warning("the engine refused events: %s", rejected)
        await asyncio.to_thread(self._store.sent, unsent[-1][0])
        return True

    async def now(self, call: dict[str, Any]) -> None:
        """Send one event at once, ahead of a decision that hangs on it; kept for later where that fails."""
        try:
            reply = await self._http.post(f"/v1/{call['type']}", json=call)
            if reply.status_code == 200:
                return
        except (httpx.HTTPError, OSError):
            pass
        await asyncio.to_thread(self._later, call)

    def _later(self, call: dict[str, Any]) -> None:
        with self._store.change() as tx:
            tx.tell(call)

    async def decide(self, body: dict[str, Any], patience: float = PATIENCE) -> dict[str, Any] | None:
        """``POST /v1/decide``; ``None`` where no answer came in time (``patience``, seconds), and the app goes on
        without.
        """
        try:
            reply = await self._http.post("/v1/decide", json=body, timeout=patience)
        except (httpx.HTTPError, OSError):
            return None
        if reply.status_code != 200:
            _log.warning("decide answered %d: %s", reply.status_code, reply.text[:300])
            return None
        answer: dict[str, Any] = reply.json()
        return answer

    async def get(self, path: str, patience: float = 5.0) -> Any:
        """One of the engine's other doors; ``None`` where it doesn't answer in time (``patience``, seconds)."""
        try:
            reply = await self._http.get(path, timeout=patience)
        except (httpx.HTTPError, OSError):
            return None
        return reply.json() if reply.status_code == 200 else None

    async def put_items(self, items: Sequence[mm.Item]) -> None:
        """Put items into the engine's catalogue, until it has them."""
        # What is at its default is left out: an engine of another version may not know the field.
        plain = [{k: v for k, v in msgspec.to_builtins(item).items() if v} for item in items]
        body = msgspec.json.encode(plain)
        told = False
        while True:
            try:
                reply = await self._http.put("/v1/items", content=body, headers=_JSON, timeout=30.0)
                reply.raise_for_status()
                if rejected := reply.json().get("rejected"):
                    _log.warning("the engine refused items: %s", rejected[:3])
                return
            except (httpx.HTTPError, OSError) as failed:
                if not told:
                    _log.warning("putting items, again and again: %r", failed)
                told = True
                await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
