"""What the engine decides for the shop and what it is told: search, answers, recommendations, offers, why, moments."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from micromoments.demo.fulfil import Offer, Refused, Teller, track
from micromoments.demo.shop import goods, rules
from micromoments.demo.shop.customers import on
from micromoments.demo.shop.trade import Trade

FRESH = 20 * 60_000
"""How long (ms) a decision on offers stands before the engine is asked again."""
OUTCOMES = {"seen": "Decision Seen", "clicked": "Decision Clicked", "dismissed": "Decision Dismissed"}
EVENTS = frozenset(
    {
        "Product List Viewed",
        "Product Clicked",
        "Products Searched",
        "Article Viewed",
        "Article Read",
        "Cart Viewed",
        "Checkout Started",
        "Products Compared",
        "Coupon Applied",
    }
)
"""What pages may tell of by name; the cart, wishes, guides and orders are the server's to tell."""
AS_SHOWN = ("decisionId", "holdout", "degraded", "moment")
SEARCH = frozenset({"q", "category", "brand", "kind", "min_price", "max_price", "in_stock", "sort", "cursor", "prefix"})
_KINDS = ("product", "guide", "article")


class Advisor:
    """The engine, for this shop's customers."""

    def __init__(self, trade: Trade, teller: Teller) -> None:
        self._trade, self._teller = trade, teller

    # --- finding --------------------------------------------------------------------------------

    async def search(self, asked: list[tuple[str, str]]) -> dict[str, Any]:
        """The engine's search, over what the shop has; ``away`` where the engine doesn't answer."""
        asked = [(name, value) for name, value in asked if name in SEARCH and len(value) <= 200][:40]
        names = {name for name, _ in asked}
        chosen = [value for name, value in asked if name == "category" and value in goods.CATEGORIES]
        asked = [pair for pair in asked if pair[0] != "category"]
        asked += [("category", one) for one in chosen or goods.CATEGORIES]
        if "kind" not in names:
            asked += [("kind", kind) for kind in _KINDS]
        found = await self._teller.get(f"/v1/search?{urlencode([*asked, ('limit', '24')])}")
        if found is None:
            return {"away": True, "items": [], "total": 0, "facets": {}, "didYouMean": None, "cursor": None}
        facets: dict[str, list[dict[str, Any]]] = found["facets"]
        for name, ours in (("category", goods.CATEGORIES), ("kind", _KINDS)):
            facets[name] = [one for one in facets.get(name, []) if one["value"] in ours]
        hits = [
            {"id": item["id"], "highlights": item["highlights"]}
            for item in found["items"]
            if item["id"] in goods.everything()
        ]
        return {**found, "items": hits}

    async def answer(self, owner: str, words: str, device: str) -> dict[str, Any]:
        """A search, told; and what the moment that it opens asks for beside the list: a passage or a guide."""
        await self._now(owner, "Products Searched", {"query": words}, device)
        said = await self._decide(owner, "shop_answer", {"query": words}, device)
        return self._shown(said)

    # --- recommending ---------------------------------------------------------------------------

    async def home(self, owner: str, device: str) -> dict[str, Any]:
        """What the home page shows somebody."""
        return self._shown(await self._decide(owner, "shop_home", {}, device))

    async def beside(self, owner: str, sku: str, device: str) -> dict[str, Any]:
        """A look at a product, told; and what goes with it."""
        good = goods.product(sku)
        await asyncio.to_thread(self._trade.people.viewed, owner, sku)
        price = self._trade.price(sku) / 100
        facts = {"product_id": sku, "name": good.title["en"], "category": good.category, "price": price}
        await self._now(owner, "Product Viewed", {**facts, "currency": goods.CURRENCY}, device)
        return self._shown(await self._decide(owner, "shop_product", {}, device, without=(sku,)))

    async def with_cart(self, owner: str, device: str) -> dict[str, Any]:
        """What goes with what is in the cart."""
        there = tuple(entry.sku for entry in await asyncio.to_thread(self._trade.people.cart, owner))
        return self._shown(await self._decide(owner, "shop_cart", {}, device, without=there))

    async def offers(self, owner: str, device: str) -> dict[str, Any]:
        """The offers that somebody has now, as the engine chose; each holds for a day."""
        now = self._trade.clock()
        kept = await asyncio.to_thread(self._trade.store.kept, "deciding", owner)
        consent = (await asyncio.to_thread(self._trade.people.customer, owner)).consent
        if kept is None or now - kept["at"] > FRESH or kept["consent"] != consent:
            said = await self._decide(owner, "shop_offers", {}, device)
            if said is None or not said["items"]:
                return {"offers": [], **{name: (said or {}).get(name) for name in AS_SHOWN}}
            kept = {"at": now, "consent": consent, "said": said}
            await asyncio.to_thread(self._keep_offers, owner, kept)
        return await asyncio.to_thread(self._offered, owner, kept["said"], now)

    def _keep_offers(self, owner: str, kept: dict[str, Any]) -> None:
        said = kept["said"]
        with self._trade.store.change() as tx:
            tx.keep("deciding", owner, kept)
            for item in said["items"]:
                data = {"gives": item["attributes"]["gives"], "decision": said["decisionId"]}
                tx.offer(Offer(f"{said['decisionId']}.{item['id']}", owner, kept["at"] + rules.OFFER_HOLDS, data=data))

    def _offered(self, owner: str, said: dict[str, Any], now: int) -> dict[str, Any]:
        usable = {offer.id: offer for offer in self._trade.store.offers(owner, now)}
        shown = []
        for item in said["items"]:
            offer = usable.get(f"{said['decisionId']}.{item['id']}")
            if offer is not None:
                facts = {"id": offer.id, "item": item["id"], "gives": offer.data["gives"], "until": offer.until}
                personal = bool(item["attributes"].get("personalised"))
                shown.append({**facts, "reasons": item["reasons"], "personal": personal})
        return {"offers": shown, **{name: said.get(name) for name in AS_SHOWN}}

    # --- explaining, telling --------------------------------------------------------------------

    async def why(self, owner: str, decision: str) -> dict[str, Any]:
        """One's own decision, explained."""
        said = await self._own(owner, decision)
        return {"said": said, "explained": await self._teller.get(f"/v1/decisions/{decision}")}

    async def moments(self, owner: str) -> list[dict[str, Any]]:
        """The moments that the engine sees, and saw, of somebody."""
        found = await self._teller.get(f"/v1/people/user:{owner}/moments?history=1")
        return list((found or {}).get("moments", []))

    async def outcome(self, owner: str, decision: str, what: str, item: str, device: str) -> None:
        """What became of a decision."""
        await self._own(owner, decision)
        told = {"decision_id": decision, **({"item_id": item} if item else {})}
        call = track(f"{decision}-{what}-{item}", owner, OUTCOMES[what], told, self._trade.clock(), **on(device))
        await asyncio.to_thread(self._tell, call)
        self._teller.ring()

    async def event(self, owner: str, name: str, properties: Mapping[str, Any], device: str) -> None:
        """Something that somebody did on a page."""
        if name not in EVENTS:
            raise Refused("no_such_event", f"event {name[:60]!r}", ", ".join(sorted(EVENTS)))
        short = {
            k[:40]: v for k, v in properties.items() if isinstance(v, str | int | float | bool) and len(str(v)) <= 200
        }
        await self._now(owner, name, short, device)

    async def _own(self, owner: str, decision: str) -> dict[str, Any]:
        kept = await asyncio.to_thread(self._trade.store.kept, "decided", decision)
        if kept is None or kept["owner"] != owner:
            raise Refused("no_such_decision", "that decision", "one of your own", status=404)
        found: dict[str, Any] = kept["said"]
        return found

    def _tell(self, call: dict[str, Any]) -> None:
        with self._trade.store.change() as tx:
            tx.tell(call)

    async def _now(self, owner: str, name: str, properties: dict[str, Any], device: str) -> None:
        call = track(secrets.token_hex(8), owner, name, properties, self._trade.clock(), **on(device))
        await self._teller.now(call)

    async def _decide(
        self, owner: str, slot: str, context: dict[str, Any], device: str, without: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        whole = {"channel": "web", "device": {"type": device or "mobile"}, **context}
        body: dict[str, Any] = {"userId": owner, "slot": slot, "context": whole}
        if without:
            body["items"] = [
                good.id for good in goods.everything().values() if good.kind == "product" and good.id not in without
            ]
        said = await self._teller.decide(body)
        if said is not None:
            await asyncio.to_thread(self._remember, owner, said)
        return said

    def _remember(self, owner: str, said: dict[str, Any]) -> None:
        with self._trade.store.change() as tx:
            tx.keep("decided", said["decisionId"], {"owner": owner, "said": said})

    @staticmethod
    def _shown(said: dict[str, Any] | None) -> dict[str, Any]:
        if said is None:
            return {"items": [], "away": True}
        items = [
            {"id": item["id"], "reasons": item["reasons"]} for item in said["items"] if item["id"] in goods.everything()
        ]
        return {"items": items, **{name: said.get(name) for name in AS_SHOWN}}
