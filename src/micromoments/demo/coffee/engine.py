"""What the engine decides for this app, and what it is told: promotions, and the usual in passing."""

from __future__ import annotations

import asyncio
from typing import Any

from micromoments.demo.coffee import promotions
from micromoments.demo.coffee.shop import Shop
from micromoments.demo.coffee.town import Place
from micromoments.demo.fulfil import Refused, Teller
from micromoments.demo.shell import advisor
from micromoments.demo.shell.offers import Offers

EVENTS = frozenset({"Products Searched", "Product Viewed", "Product Added", "Product Removed", "Store Viewed"})
"""What pages may tell of by name; orders are the server's to tell."""


class Advisor(advisor.Advisor):
    """The engine, for this chain's customers."""

    def __init__(self, shop: Shop, teller: Teller) -> None:
        super().__init__(shop.desk, teller, EVENTS, channel="app", timezone=shop.town.zone)
        self._shop = shop
        self._offers = Offers(self, "coffee_offers", lambda gives: promotions.HOLDS.get(gives, 0))

    async def promotions(self, owner: str) -> dict[str, Any]:
        """What is offered to somebody now, as the engine chose, each with an offer that holds for a while."""
        consent = (await asyncio.to_thread(self._shop.customer, owner)).consent
        orders = await asyncio.to_thread(self._ordered, owner)
        return await self._offers.of(owner, {"orders": orders}, {"consent": consent, "orders": orders})

    def _ordered(self, owner: str) -> int:
        return sum(o.flow == "" and o.state in ("paid", "tracking", "done") for o in self.store.orders(owner, 20))

    async def passing(self, owner: str, here: Place, speed: float) -> dict[str, Any]:
        """A phone says where it is: tell the engine, and offer the usual if the engine wants to.

        ``moment`` is the moment that the engine sees now, ``offer`` the usual where it was decided to offer it.
        """
        customer = await asyncio.to_thread(self._shop.customer, owner)
        if not (customer.consent or {}).get("location"):
            raise Refused("no_consent", "a position", "your consent to use it", "switch it on under You", status=403)
        here = self._shop.town.coarse(here)
        point = self._shop.town.city.point(here)
        location = {"latitude": point.lat, "longitude": point.lon, "speed": speed}
        zone = self._shop.town.zone
        # Marked: this phone is one that the page makes up.
        context = {"location": location, "timezone": zone, "simulated": True}
        await self.now(owner, "Location Updated", {}, **context)
        usual = await asyncio.to_thread(self._shop.usual, owner)
        stores = await asyncio.to_thread(self._shop.stores, here)
        near = next((s for s in stores if usual is not None and s["id"] == usual["store"]), stores[0])
        context |= {
            "lat": point.lat,
            "lon": point.lon,
            "usual": usual is not None,
            "open": bool(near["open"]),
            "usual_hour": usual is not None and self._shop.usual_hour(usual["minutes"]),
        }
        close = near["metres"] <= 250
        # Nobody waits for it, and an answer that isn't heard would still count as the day's one offer.
        said = await self.decide(owner, "coffee_usual", context, patience=10.0) if close else None
        offer = None
        if said is not None and said["items"] and usual is not None:
            offer = {
                "store": near,
                "usual": usual,
                "decisionId": said["decisionId"],
                "reasons": said["items"][0]["reasons"],
            }
        moments = await self.teller.get(f"/v1/people/user:{owner}/moments")
        return {"x": here[0], "y": here[1], "near": near, "offer": offer, "moments": (moments or {}).get("moments", [])}
