"""Talking to the engine: nothing that it could not take at once is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import msgspec
import pytest

from micromoments.demo.fulfil import track
from micromoments.demo.fulfil.teller import Teller
from tests.demo.fulfil.made import Shop


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
async def test_events_wait_for_an_engine_that_can_take_them(shop: Shop, status: int) -> None:
    """While the engine, or what stands before it, fails, events stay in the outbox; then they are sent, each once."""
    answers, taken, done = [status, status, 200], list[str](), asyncio.Event()

    def engine(request: httpx.Request) -> httpx.Response:
        """What stands at the other end."""
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == 200:
            taken.extend(call["messageId"] for call in msgspec.json.decode(request.content)["batch"])
            done.set()
        return httpx.Response(answer, json={"success": answer == 200, "rejected": []})

    with shop.store.change() as tx:
        for n in range(3):
            tx.tell(track(f"m{n}", "ana", "Cart Viewed", {}, 1_700_000_000_000))
    teller = Teller("http://engine", shop.store)
    teller._http = httpx.AsyncClient(base_url="http://engine", transport=httpx.MockTransport(engine))
    running = asyncio.create_task(teller.run())
    try:
        async with asyncio.timeout(60):
            await done.wait()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await teller.close()
    assert taken == ["m0", "m1", "m2"]
