"""A seeded day in a shop: searches, decisions, clicks, orders, identities, items that change, timers that fire late."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from micromoments.engine.service import Service
from tests.engine.shop import ITEMS, MINUTE, Clock, asked, clicked, search, sent


async def live(service: Service, clock: Clock, seed: int, steps: int, start: int = 0) -> None:
    """So many things happen, one after another; a step's number names its messages, so a day can be lived twice."""
    random = Random(seed)
    for n in range(start, start + steps):
        clock.at += random.randrange(20_000, 5 * MINUTE)
        device, user = f"device{random.randrange(5)}", f"user{random.randrange(3)}"
        match random.randrange(10):
            case 0:
                traits = {"plan": n}
                await service.collect(
                    [sent("identify", at=clock.at, id=f"i{n}", anonymousId=device, userId=user, traits=traits)]
                )
            case 1 if n % 7 == 0:
                await service.collect([sent("alias", at=clock.at, id=f"a{n}", userId=user, previousId="user0")])
            case 1 | 2:
                item = random.choice(ITEMS)
                await service.put_items([replace(item, price=None, value=n)])
            case 3:
                late = clock.at - 40 * MINUTE
                event = sent(
                    at=late, id=f"l{n}", anonymousId=device, event="Product Viewed", properties={"product_id": "p1"}
                )
                await service.collect([event], at=clock.at)
            case 4 | 5 | 6:
                key = random.choice([f"anon:{device}", f"user:{user}"])
                decision = await service.decide(asked(f"d{n}", key, clock.at, random.choice(["home", "search"])))
                if decision.items and random.random() < 0.6:
                    clock.at += 10_000
                    await clicked(service, clock, decision, f"c{n}")
                if decision.items and random.random() < 0.4:
                    bought = {"product_id": decision.items[0].id, "revenue": 20, "decision_id": decision.id}
                    await service.collect(
                        [sent(at=clock.at, id=f"o{n}", anonymousId=device, event="Order Completed", properties=bought)]
                    )
            case 7:
                clock.at += 90 * MINUTE
                await service.tick()
            case _:
                await search(service, clock, f"s{n}", person=device)
