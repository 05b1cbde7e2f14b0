"""Live tracking: what a page hears, in order, once, also after it was away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from micromoments.demo.fulfil import Live
from tests.demo.fulfil.made import Shop, order


async def heard(messages: AsyncIterator[bytes], wanted: int) -> list[tuple[str, str]]:
    """The next so many messages, as (event, what it says)."""
    out: list[tuple[str, str]] = []
    while len(out) < wanted:
        message = (await asyncio.wait_for(anext(messages), 60)).decode()
        fields = dict(line.partition(": ")[::2] for line in message.strip().splitlines())
        if "event" in fields:
            out.append((fields["event"], fields["data"]))
    return out


async def test_changes_arrive_in_order_and_once(shop: Shop) -> None:
    """A watcher hears each change of the order as it happens, and positions in between; others' orders not at all."""
    live = Live(shop.store, lambda o: {"id": o.id, "state": o.state, "step": o.step})
    shop.desk.changed = live.changed
    messages = live.stream(("owner", "ana"), 0)
    await anext(messages)
    await asyncio.to_thread(shop.desk.place, order(), "k1")
    await asyncio.to_thread(shop.desk.place, order(id="o9", owner="bo"), "k1")
    assert [json.loads(said)["state"] for _, said in await heard(messages, 2)] == ["ordered", "paid"]
    live.tell(("owner", "ana"), "position", {"x": 1})
    assert await heard(messages, 1) == [("position", '{"x":1}')]
    await asyncio.to_thread(shop.desk.advance, "o1", "accepted")
    assert json.loads((await heard(messages, 1))[0][1])["step"] == "accepted"
    await messages.aclose()  # type: ignore[attr-defined]
    assert live.watchers() == 0


async def test_a_page_that_was_away_misses_nothing(shop: Shop) -> None:
    """With the number of the last message that it heard, a page is told what came after, from the store."""
    live = Live(shop.store, lambda o: o.step)
    shop.desk.place(order(), "k1")
    seq = shop.store.last()
    shop.desk.advance("o1", "accepted")
    shop.desk.advance("o1", "making")
    messages = live.stream(("order", "o1"), seq)
    assert [json.loads(said) for _, said in await heard(messages, 2)] == ["accepted", "making"]
    await messages.aclose()  # type: ignore[attr-defined]
