"""Deliveries as the doors and the service see them: sent in the background, listed, replayed, looked at beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec.structs import replace

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery, Status
from micromoments.core.event import TRUSTED, Arrival, Event, Millis
from micromoments.engine.choosing import Chooser
from micromoments.engine.courier import Courier, shown
from micromoments.engine.forwarder import Forwarder, Inside
from micromoments.engine.stream import Stream
from micromoments.engine.wiring import Stores
from micromoments.ports import Outbox

MOST = 500
"""Deliveries that are listed or replayed in one go."""


Said = Literal["opened", "clicked", "unsubscribed", "bounced", "complained"]


class Came(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What became of one delivery, for instance by the mail service's own report. ``item_id`` is what was clicked where
    it isn't the first item; ``at`` is in milliseconds since 1970, by default now.
    """

    delivery_id: str
    what: Said
    item_id: str = ""
    at: int = 0


class Passing(Protocol):
    """What passes events on."""

    @property
    def sent(self) -> int:
        """Events passed on."""

    @property
    def failed(self) -> int:
        """Tries that failed."""

    @property
    def dead(self) -> int:
        """Events refused for good."""

    async def run(self) -> None:
        """Pass on, for ever."""

    def waiting(self) -> int:
        """Records that the slowest has still to look at."""


class Deliveries:
    """All deliveries of a project. ``run`` sends them until it is cancelled; what isn't sent then is on the disk."""

    def __init__(
        self,
        stores: Stores,
        stream: Stream,
        inside: Inside,
        clock: Callable[[], Millis],
        forwarder: Passing | None = None,
    ) -> None:
        self._outbox, self._inside, self._clock = stores.outbox, inside, clock
        self._chooser = Chooser(stores.outbox, inside.person, inside.decide, inside.view, clock)
        settings = lambda: inside.view().settings  # noqa: E731 - what is in force when it is asked
        self._courier = Courier(stores.outbox, stream, stores.channel, settings, clock, self._lost, self._chooser.still)
        self._forwarder: Passing = forwarder or Forwarder(stores, inside, clock)
        self.wake = self._courier.wake

    async def run(self) -> None:
        """Send what is due and pass events on, for ever."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._courier.run(self._chooser))
            both.create_task(self._forwarder.run())

    def stats(self) -> dict[str, float]:
        """Counters by name, for the metrics."""
        c, f = self._courier, self._forwarder
        return {
            "events_forwarded_total": f.sent,
            "forward_failures_total": f.failed,
            "forward_dead_total": f.dead,
            "forward_waiting": f.waiting(),
            "deliveries_sent_total": c.sent,
            "deliveries_dead_total": c.dead,
            "deliveries_held_total": c.held,
            "delivery_failures_total": c.failed,
        }

    async def listed(
        self, status: Status | None = None, destination: str = "", after: str = "", limit: int = 100
    ) -> list[dict[str, object]]:
        """Deliveries in the order of their ids, after one; without what they say."""
        found = await asyncio.to_thread(self._outbox.listed, status, destination, after, min(limit, MOST))
        return [shown(d) for d in found]

    async def replay(self, ids: Sequence[str] = (), destination: str = "") -> list[str]:
        """Send dead letters again: those named, or all of a destination (of every one where none is named); at most
        ``MOST`` at a time. Gives their ids; what is not a dead letter is left as it is.
        """
        again = await asyncio.to_thread(replayed, self._outbox, frozenset(ids), destination, self._clock())
        await self._courier.settle(again)
        self.wake()
        return [d.id for d in again]

    async def came(self, told: Sequence[Came]) -> list[str]:
        """Write down what became of deliveries, as events of the persons that they went to, which name their decisions;
        gives the ids that no delivery has. The same of the same delivery counts once.
        """
        found = await asyncio.to_thread(lambda: [known(self._outbox, one.delivery_id) for one in told])
        now, arrivals = self._clock(), list[Arrival]()
        for delivery, one in zip(found, told, strict=True):
            if delivery is not None:
                # A mail service's clock may be ahead of ours, and nothing happens after it was heard of.
                at = one.at if 0 < one.at <= now else now
                arrivals.append(outcome_of(delivery, one.what, one.item_id, at))
        if arrivals:
            await self._inside.collect(arrivals)
        return [one.delivery_id for one, delivery in zip(told, found, strict=True) if delivery is None]

    async def _lost(self, dead: Delivery) -> None:
        """A message that will never arrive: nobody saw it, so the policy must not take it for ignored. Who was erased
        while it was on its way doesn't come back by it.
        """
        if self._inside.person(dead.person) is None:
            return
        await self._inside.collect([outcome_of(dead, "bounced", "", self._clock(), soft=not gone(dead))])

    def preview(self, trigger: str, key: str, decision: Decision | None = None) -> dict[str, Any]:
        """What a trigger would do for a person now; nothing is kept or sent.

        Raises:
            ValueError: there is no such trigger, or nobody of that id.
        """
        person = self._inside.person(key)
        if person is None:
            raise ValueError("got an id that nothing is held of; wanted one that events were sent with")
        return self._chooser.preview(trigger, person, decision)

    def slot(self, trigger: str) -> str:
        """The slot that a trigger decides for; empty where it decides nothing.

        Raises:
            ValueError: there is no such trigger.
        """
        return self._chooser.trigger(trigger).slot


def known(outbox: Outbox, id: str) -> Delivery | None:
    """The delivery of an id; ``None`` where there is none, or not any longer."""
    found = outbox.listed(None, "", id[:-1], 16) if id else ()  # of those that begin so, the first
    return next((d for d in found if d.id == id), None)


def gone(dead: Delivery) -> bool:
    """Whether a push service said that a browser's subscription is no more."""
    return dead.channel == "push" and dead.detail[:3] in ("404", "410")


def outcome_of(delivery: Delivery, what: Said, item: str, at: Millis, *, soft: bool = False) -> Arrival:
    """What became of a delivery as an event; its id follows from both, so that twice is once."""
    properties = {"delivery_id": delivery.id, "decision_id": delivery.decision, "channel": delivery.channel}
    properties |= {"item_id": item or delivery.item, "bounce_type": "soft" if soft else ""}
    properties = {name: value for name, value in properties.items() if value}
    kind, _, id = delivery.person.partition(":")
    who = {"userId" if kind == "user" else "anonymousId": id}
    name = f"Delivery {what.title()}"
    body = msgspec.json.encode({"type": "track", "event": name, **who, "properties": properties})
    event = msgspec.json.decode(body, type=Event)
    id = f"{delivery.id}:{what}:{item}"
    return Arrival(event=event, body=body, message_id=id, occurred=at, marks=delivery.marks | TRUSTED, confirmed=True)


def replayed(outbox: Outbox, ids: frozenset[str], destination: str, now: Millis) -> list[Delivery]:
    """The dead letters of these ids (all where there are none), of a destination or of all, ready to be sent again."""
    found: list[Delivery] = []
    after = ""
    while len(found) < MOST and (page := outbox.listed("dead", destination, after, MOST)):
        found += [d for d in page if not ids or d.id in ids]
        after = page[-1].id
    return [replace(d, status="waiting", due=now, since=now, tries=0, detail="replayed") for d in found[:MOST]]
