"""What the engine decides for this app, and what it is told: promotions, the usual, why, and whether they helped."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from micromoments.demo.coffee import promotions
from micromoments.demo.coffee.shop import Shop
from micromoments.demo.coffee.town import Place
from micromoments.demo.fulfil import Offer, Refused, Teller, track

FRESH = 20 * 60_000
"""How long (ms) a decision on promotions stands before the engine is asked again."""
OUTCOMES = {"seen": "Decision Seen", "clicked": "Decision Clicked", "dismissed": "Decision Dismissed"}
EVENTS = frozenset({"Products Searched", "Product Viewed", "Product Added", "Product Removed", "Store Viewed"})
"""What pages may tell of by name; orders are the server's to tell."""
AS_SHOWN = ("decisionId", "holdout", "degraded", "moment")


class Advisor:
    """The engine, for this chain's customers."""

    def __init__(self, shop: Shop, teller: Teller) -> None:
        self._shop, self._teller = shop, teller

    async def promotions(self, owner: str) -> dict[str, Any]:
        """What is offered to somebody now, as the engine chose, each with an offer that holds for a while."""
        now = self._shop.clock()
        kept = await asyncio.to_thread(self._shop.store.kept, "deciding", owner)
        consent = (await asyncio.to_thread(self._shop.customer, owner)).consent
        orders = await asyncio.to_thread(self._ordered, owner)
        if kept is None or now - kept["at"] > FRESH or kept["consent"] != consent or kept["orders"] != orders:
            said = await self._decide(owner, "coffee_offers", {"orders": orders})
            if said is None:
                return {"offers": [], "away": True}
            kept = {"at": now, "consent": consent, "orders": orders, "said": said}
            if not said["items"]:  # the catalogue is still on its way, or nothing may be offered: ask again next time
                return {"offers": [], **{name: said.get(name) for name in AS_SHOWN}}
            await asyncio.to_thread(self._keep, owner, kept)
        return await asyncio.to_thread(self._offered, owner, kept["said"], now)

    def _ordered(self, owner: str) -> int:
        return sum(o.flow == "" and o.state in ("paid", "tracking", "done") for o in self._shop.store.orders(owner, 20))

    def _keep(self, owner: str, kept: dict[str, Any]) -> None:
        said = kept["said"]
        with self._shop.store.change() as tx:
            tx.keep("deciding", owner, kept)
            tx.keep("decided", said["decisionId"], {"owner": owner, "said": said})
            for item in said["items"]:
                gives = item["attributes"].get("gives", "")
                data = {"gives": gives, "decision": said["decisionId"], "item": item["id"]}
                until = kept["at"] + promotions.HOLDS.get(gives, 0)
                tx.offer(Offer(f"{said['decisionId']}.{item['id']}", owner, until, data=data))

    def _offered(self, owner: str, said: dict[str, Any], now: int) -> dict[str, Any]:
        usable = {offer.id: offer for offer in self._shop.store.offers(owner, now)}
        shown = []
        for item in said["items"]:
            offer = usable.get(f"{said['decisionId']}.{item['id']}")
            if offer is not None:
                shown.append(
                    {
                        "id": offer.id,
                        "item": item["id"],
                        "gives": offer.data["gives"],
                        "until": offer.until,
                        "reasons": item["reasons"],
                    }
                )
        return {"offers": shown, **{name: said.get(name) for name in AS_SHOWN}}

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
        id = secrets.token_hex(8)
        await self._teller.now(track(id, owner, "Location Updated", {}, self._shop.clock(), **context))
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
        said = await self._decide(owner, "coffee_usual", context, patience=10.0) if close else None
        offer = None
        if said is not None and said["items"] and usual is not None:
            await asyncio.to_thread(self._remember, owner, said)
            offer = {
                "store": near,
                "usual": usual,
                "decisionId": said["decisionId"],
                "reasons": said["items"][0]["reasons"],
            }
        moments = await self._teller.get(f"/v1/people/user:{owner}/moments")
        return {"x": here[0], "y": here[1], "near": near, "offer": offer, "moments": (moments or {}).get("moments", [])}

    def _remember(self, owner: str, said: dict[str, Any]) -> None:
        with self._shop.store.change() as tx:
            tx.keep("decided", said["decisionId"], {"owner": owner, "said": said})

    async def why(self, owner: str, decision: str) -> dict[str, Any]:
        """One's own decision, explained."""
        kept = await asyncio.to_thread(self._shop.store.kept, "decided", decision)
        if kept is None or kept["owner"] != owner:
            raise Refused("no_such_decision", "that decision", "one of your own", status=404)
        found = await self._teller.get(f"/v1/decisions/{decision}")
        return {"said": kept["said"], "explained": found}

    async def outcome(self, owner: str, decision: str, what: str, item: str) -> None:
        """What became of a decision."""
        kept = await asyncio.to_thread(self._shop.store.kept, "decided", decision)
        if kept is None or kept["owner"] != owner or what not in OUTCOMES:
            raise Refused(
                "no_such_decision",
                f"{what[:20]!r} of that decision",
                "seen, clicked or dismissed of your own",
                status=404,
            )
        told = {"decision_id": decision, **({"item_id": item} if item else {})}
        call = track(f"{decision}-{what}-{item}", owner, OUTCOMES[what], told, self._shop.clock())
        await asyncio.to_thread(self._tell, call)
        self._teller.ring()

    async def event(self, owner: str, name: str, properties: dict[str, Any]) -> None:
        """Something that somebody did on a page."""
        if name not in EVENTS:
            raise Refused("no_such_event", f"event {name[:60]!r}", ", ".join(sorted(EVENTS)))
        short = {
            k[:40]: v for k, v in properties.items() if isinstance(v, str | int | float | bool) and len(str(v)) <= 200
        }
        # Searches are told at once: the next decision should know of them.
        await self._teller.now(track(secrets.token_hex(8), owner, name, short, self._shop.clock()))

    def _tell(self, call: dict[str, Any]) -> None:
        with self._shop.store.change() as tx:
            tx.tell(call)

    async def _decide(
        self, owner: str, slot: str, context: dict[str, Any], patience: float = 1.5
    ) -> dict[str, Any] | None:
        whole = {"channel": "app", "timezone": self._shop.town.zone, **context}
        return await self._teller.decide({"userId": owner, "slot": slot, "context": whole}, patience)
