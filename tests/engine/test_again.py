"""Buying again, through the engine: learned from events, kept over a restart, the same by replay."""

from __future__ import annotations

from pathlib import Path

from micromoments.core.item import Item
from micromoments.core.settings import DAY, Settings, Slot
from micromoments.engine.service import Service
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from tests.engine.shop import T0, Clock, asked, opened, sent

SETTINGS = Settings(
    consent=("measure", "personalise"),
    slots={"home": Slot(kinds=("product",), assume_seen=True, limit=5, window_minutes=30, holdout=0.0)},
)
OIL = Item(id="oil", kind="product", title="Chain oil", category="care")
LAMP = Item(id="lamp", kind="product", title="Lamp", category="light")


async def told(service: Service, clock: Clock, who: str, n: int) -> dict[str, str]:
    """By item, why somebody is served it, or why not."""
    decision = await service.decide(asked(f"d{n}-{who}", f"user:{who}", clock.at))
    served = {one.id: "; ".join(one.reasons) for one in decision.items}
    return served | {one.id: one.code for one in decision.refused}


async def test_what_is_used_up_comes_back_over_a_restart_and_in_a_replay(tmp_path: Path) -> None:
    """Thirty people buy oil every thirty days, and a lamp once: who bought both sees oil again when it is due, before
    and after a restart, with whose habit it is; a replay of the log finds nobody different.
    """
    clock = Clock(T0 - 100 * DAY)
    async with opened(tmp_path, clock, SETTINGS) as service:
        await service.put_items([OIL, LAMP])
        for n in range(3):
            for who in range(30):
                bought = [{"product_id": "oil"}, *([] if n else [{"product_id": "lamp"}])]
                said = {"order_id": f"o{n}-{who}", "products": bought}
                one = sent(at=clock.at, id=f"o{n}-{who}", userId=f"u{who}", event="Order Completed", properties=said)
                await service.collect([one])
            clock.at += 30 * DAY
        new = {"order_id": "new", "products": [{"product_id": "oil"}]}
        await service.collect([sent(at=clock.at, id="new", userId="new", event="Order Completed", properties=new)])
        await service.settled()
        clock.at += 29 * DAY
        own, others = await told(service, clock, "u1", 1), await told(service, clock, "new", 1)
        assert "you buy this about every 30 days" in own["oil"]
        assert own["lamp"] == "already_bought"
        assert "you bought it 29 days ago; most buy it again after about 30 days" in others["oil"]
    async with opened(tmp_path, clock, SETTINGS) as service:
        again = await told(service, clock, "new", 2)
        assert "most buy it again after about 30 days" in again["oil"]
    stores = open_stores(tmp_path, SETTINGS)
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()
