"""A small shop over a temporary folder, with a clock that the test owns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from micromoments.core.decision import Decision, Request
from micromoments.core.event import TRUSTED, Arrival, Millis
from micromoments.core.item import Item
from micromoments.core.settings import Budget, Settings, Slot
from micromoments.engine.service import Service, open_service
from micromoments.sources.segment import arrival

T0: Millis = 1_800_000_000_000
MINUTE: Millis = 60_000
ITEMS = [
    Item(id=f"p{n}", kind="product", title=f"{what} {n}", category=what.lower(), value=100 * n)
    for n, what in enumerate(["Trail shoe", "Rain jacket", "Tent", "Stove", "Map", "Lamp"])
]
SETTINGS = Settings(
    consent=("measure", "personalise", "location"),
    slots={"home": Slot(assume_seen=True, limit=2, window_minutes=30)},
    budgets={"launch": Budget(units=5), "spring": Budget(units=2)},
)


class Clock:
    """Time as the test says."""

    def __init__(self, at: Millis = T0) -> None:
        self.at = at

    def __call__(self) -> Millis:
        """The instant now."""
        return self.at


def sent(type: str = "track", *, at: Millis, id: str, confirmed: bool = True, **more: Any) -> Arrival:
    """An event as a door hands it in; camelCase names, ``person`` is a source key."""
    event = {"type": type, "messageId": id, **{k: v for k, v in more.items() if v is not None}}
    return arrival(event, received_at=at, marks=TRUSTED, confirmed=confirmed)


def asked(id: str, key: str, at: Millis, slot: str = "home", digest: str = "", **more: Any) -> Request:
    """A request for a decision."""
    return Request(id=id, slot=slot, key=key, at=at, digest=digest, **more)


@asynccontextmanager
async def opened(folder: Path, clock: Clock, settings: Settings = SETTINGS) -> AsyncIterator[Service]:
    """The engine over a folder, stopped at the end."""
    service = open_service(folder, settings, clock)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def search(service: Service, clock: Clock, id: str, *, person: str, query: str = "buy trail shoes") -> list[int]:
    """A person searches; gives the indexes of duplicates."""
    event = sent(at=clock.at, id=id, anonymousId=person, event="Products Searched", properties={"query": query})
    return await service.collect([event])


async def clicked(service: Service, clock: Clock, decision: Decision, id: str) -> None:
    """The person clicks on a decision's first item."""
    said = {"decision_id": decision.id, "item_id": decision.items[0].id}
    kind, _, name = decision.key.partition(":")
    who: dict[str, Any] = {"anonymousId" if kind == "anon" else "userId": name}
    await service.collect([sent(at=clock.at, id=id, event="Decision Clicked", properties=said, **who)])
