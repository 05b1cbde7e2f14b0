"""What the engine decides for this app, and what it is told: where to, which kind, the way home, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from math import hypot
from typing import Any

import msgspec

import micromoments as mm
from micromoments.demo.fulfil import Teller, track
from micromoments.demo.fulfil.teller import PATIENCE
from micromoments.demo.ride import places, trial
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Place
from micromoments.demo.shell import advisor
from micromoments.demo.shell.advisor import AS_SHOWN

AWAY = 300.0
"""Metres from home from which the way home makes sense."""
COARSE = 100.0
"""Metres to which a position is rounded before the engine hears of it."""


class Named(msgspec.Struct, frozen=True):
    """A place that somebody gave a name."""

    at: Place
    title: str = ""


class Customer(msgspec.Struct, frozen=True):
    """What the app keeps of somebody. Consent is by purpose; ``None`` means never asked."""

    name: str = ""
    home: Named | None = None
    work: Named | None = None
    consent: dict[str, bool] | None = None


class Advisor(advisor.Advisor):
    """The engine, for this app's riders."""

    def __init__(self, rides: Rides, teller: Teller) -> None:
        super().__init__(rides.desk, teller, frozenset(), channel="app", timezone=rides.zone)
        self._rides = rides
        self._quiet: set[str] = set()
        self._city = mm.World(1, 1, rides.zone).city

    def customer(self, owner: str) -> Customer:
        """What is kept of somebody."""
        return msgspec.convert(self._rides.store.kept("customer", owner) or {}, Customer)

    def keep(self, owner: str, customer: Customer) -> None:
        """Keep it, and tell the engine of consent."""
        before, at = self.customer(owner), self._rides.clock()
        with self._rides.store.change() as tx:
            tx.keep("customer", owner, customer)
            if customer.consent is not None and customer.consent != before.consent:
                said = dict(customer.consent)
                tx.tell(track(f"{owner}-consent-{at}", owner, "Consent Updated", said, at))

    async def shelf(self, owner: str, here: Place) -> dict[str, Any]:
        """Where somebody might want to go, and the way home where that makes sense now."""
        customer = await asyncio.to_thread(self.customer, owner)
        may_place = bool((customer.consent or {}).get("location"))
        context: dict[str, Any] = {}
        if may_place:
            coarse = (round(here[0] / COARSE) * COARSE, round(here[1] / COARSE) * COARSE)
            point = self._city.point(coarse)
            context = {"location": {"latitude": point.lat, "longitude": point.lon}}
        destinations = await self.decide(owner, "ride_destinations", context)
        found = {name: (destinations or {}).get(name) for name in AS_SHOWN}
        shown = [
            {"item": item["id"], "place": places.spot(item["attributes"]["place"]), "reasons": item["reasons"]}
            for item in (destinations or {}).get("items", ())
        ]
        home = None
        if may_place and customer.home is not None:
            away = hypot(here[0] - customer.home.at[0], here[1] - customer.home.at[1]) > AWAY
            said = (
                await self.decide(owner, "ride_home", {**context, "home_known": True, "away": away}) if away else None
            )
            if said is not None and said["items"] and not trial.is_same(said):
                home = {"to": customer.home, "item": places.HOME, "reasons": said["items"][0]["reasons"]}
                home |= {name: said.get(name) for name in AS_SHOWN}
        return {"destinations": shown, "away": destinations is None, **found, "home": home}

    async def kinds(self, owner: str, metres: float, waits: dict[str, int | None]) -> dict[str, Any]:
        """In which order the kinds of ride are shown; all of them always are."""
        quick = min((wait for wait in waits.values() if wait is not None), default=0)
        said = await self.decide(owner, "ride_kinds", {"metres": round(metres, -2), "quickest": quick})
        first = [item["attributes"]["kind"] for item in (said or {}).get("items", ())]
        reasons = {item["attributes"]["kind"]: item["reasons"] for item in (said or {}).get("items", ())}
        order = [*first, *(kind for kind in waits if kind not in first)]
        return {"order": order, "reasons": reasons, **{name: (said or {}).get(name) for name in AS_SHOWN}}

    async def searched(self, owner: str, words: str) -> None:
        """Somebody looked for a place."""
        await self.now(owner, "Products Searched", {"query": words[:100]})

    def checked(self, owner: str, decision: str, item: str) -> tuple[str, str]:
        """A decision that a ride is said to have come of, if it is one's own; else none."""
        kept = self._rides.store.kept("decided", decision) if decision else None
        if kept is None or kept["owner"] != owner or all(one["id"] != item for one in kept["said"]["items"]):
            return "", ""
        return decision, item

    async def decide(
        self,
        owner: str,
        slot: str,
        context: Mapping[str, Any],
        patience: float = PATIENCE,
        items: Sequence[str] = (),
    ) -> dict[str, Any] | None:
        """As every advisor's; who wasn't asked yet has agreed to nothing."""
        await self._ask_first(owner)
        return await super().decide(owner, slot, {**trial.context(self.clock()), **context}, patience, items)

    async def _ask_first(self, owner: str) -> None:
        """Who wasn't asked yet has agreed to nothing, whatever the project takes for granted."""
        if owner in self._quiet:
            return
        customer = await asyncio.to_thread(self.customer, owner)
        if customer.consent is None:
            said = dict.fromkeys(("personalise", "location", "contact", "measure"), False)
            await self.teller.now(track(f"{owner}-consent-0", owner, "Consent Updated", said, self._rides.clock()))
        self._quiet.add(owner)
