"""What the engine decides for the shop and what it is told: search, answers, recommendations, offers, why, moments."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from micromoments.demo.fulfil import Teller
from micromoments.demo.shell import advisor
from micromoments.demo.shell.advisor import AS_SHOWN
from micromoments.demo.shell.offers import Offers
from micromoments.demo.shop import goods, rules
from micromoments.demo.shop.customers import on
from micromoments.demo.shop.trade import Trade

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
SEARCH = frozenset({"q", "category", "brand", "kind", "min_price", "max_price", "in_stock", "sort", "cursor", "prefix"})
_KINDS = ("product", "guide", "article")


class Advisor(advisor.Advisor):
    """The engine, for this shop's customers."""

    def __init__(self, trade: Trade, teller: Teller) -> None:
        super().__init__(trade.desk, teller, EVENTS)
        self._trade = trade
        self._offers = Offers(self, "shop_offers", lambda _: rules.OFFER_HOLDS)

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
        found = await self.teller.get(f"/v1/search?{urlencode([*asked, ('limit', '24')])}")
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
        await self.now(owner, "Products Searched", {"query": words}, **on(device))
        return await self._chosen(owner, "shop_answer", {"query": words}, device)

    # --- recommending ---------------------------------------------------------------------------

    async def home(self, owner: str, device: str) -> dict[str, Any]:
        """What the home page shows somebody."""
        return await self._chosen(owner, "shop_home", {}, device)

    async def beside(self, owner: str, sku: str, device: str) -> dict[str, Any]:
        """A look at a product, told; and what goes with it."""
        good = goods.product(sku)
        await asyncio.to_thread(self._trade.people.viewed, owner, sku)
        price = self._trade.price(sku) / 100
        facts = {"product_id": sku, "name": good.title["en"], "category": good.category, "price": price}
        await self.now(owner, "Product Viewed", {**facts, "currency": goods.CURRENCY}, **on(device))
        return await self._chosen(owner, "shop_product", {}, device, without=(sku,))

    async def with_cart(self, owner: str, device: str) -> dict[str, Any]:
        """What goes with what is in the cart."""
        there = tuple(entry.sku for entry in await asyncio.to_thread(self._trade.people.cart, owner))
        return await self._chosen(owner, "shop_cart", {}, device, without=there)

    async def offers(self, owner: str, device: str) -> dict[str, Any]:
        """The offers that somebody has now, as the engine chose; each holds for a day."""
        consent = (await asyncio.to_thread(self._trade.people.customer, owner)).consent
        return await self._offers.of(owner, on(device), {"consent": consent})

    # --- telling --------------------------------------------------------------------------------

    async def moments(self, owner: str) -> list[dict[str, Any]]:
        """The moments that the engine sees, and saw, of somebody."""
        found = await self.teller.get(f"/v1/people/user:{owner}/moments?history=1")
        return list((found or {}).get("moments", []))

    async def _chosen(
        self, owner: str, slot: str, context: dict[str, Any], device: str, without: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """What a slot shows somebody, without some products."""
        everything = goods.everything().values()
        items = [good.id for good in everything if good.kind == "product" and good.id not in without] if without else []
        return self._shown(await self.decide(owner, slot, {**on(device), **context}, items=items))

    @staticmethod
    def _shown(said: dict[str, Any] | None) -> dict[str, Any]:
        if said is None:
            return {"items": [], "away": True}
        items = [
            {"id": item["id"], "reasons": item["reasons"]} for item in said["items"] if item["id"] in goods.everything()
        ]
        return {"items": items, **{name: said.get(name) for name in AS_SHOWN}}
