"""The doors under ``/shop/``: finding, carts, checkout, orders, guides, the shop's own desk, live streams."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from micromoments.demo.fulfil import Order, Refused, web
from micromoments.demo.shell.app import Experience
from micromoments.demo.shell.face import Face
from micromoments.demo.shop import goods, offers, reviews, shapes
from micromoments.demo.shop.customers import on
from micromoments.demo.shop.engine import Advisor
from micromoments.demo.shop.trade import Trade, Wanted, show

FACE = Face(
    name="shop",
    title="Tidewater",
    short="Tidewater",
    about="Things for coffee, kitchen, repairs and bikes, and how to use them.",
    mark="M3 12c4-4 7-4 10 0s7 4 10 0c2-2 4-3 6-2M3 20c4-4 7-4 10 0s7 4 10 0c2-2 4-3 6-2",
    light="#12406b",
    dark="#10161c",
    ground="#f4f6f8",
    accent="#12406b",
    other="desk",
    pages=Path(__file__).parent / "pages",
)
PIN = "1357"
"""What the shop's desk asks for; it says so itself, as this is a demo."""
TICK = 1.0
"""Seconds between two looks at parcels, and at what has run out."""
HEARD = 40
"""Looks into the outbox, a twentieth of a second apart, before a page goes on without the engine."""
_log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Shop(Experience):
    """The shop's app."""

    advisor: Advisor

    def __init__(self, trade: Trade, engine: tuple[str, str]) -> None:
        super().__init__(FACE, trade.desk, engine)
        self._trade = trade
        self._people = trade.people
        self._goods = web.answer(goods.catalogue())

    def doors(self) -> dict[str, web.Handler]:
        """See ``Experience``."""
        return {
            "GET goods": self._all_goods,
            "GET shelf": self._shelf,
            "GET me": self._me,
            "POST me": self._about,
            "POST code": self._code,
            "POST join": self._join,
            "GET search": self._search,
            "POST answer": self._answer,
            "GET home": self._home,
            "GET product/{id}": self._product,
            "GET with-cart": self._with_cart,
            "GET offers": self._offers,
            "POST cart": self._cart,
            "POST materials": self._materials,
            "POST wish": self._wish,
            "POST at": self._at,
            "POST play": self._play,
            "POST review": self._review,
            "POST quote": self._quote,
            "POST orders": self._order,
            "GET orders/{id}": self._one,
            "POST orders/{id}/cancel": self._cancel,
            "POST orders/{id}/collect": self._collect,
            "POST orders/{id}/retry": self._retry,
            "POST orders/{id}/return": self._return,
            "GET moments": self._moments,
            "POST desk": self._desk_change,
        }

    def show(self, order: Order) -> dict[str, Any]:
        """See ``Experience``."""
        return show(order, self._trade.returns(order.id))

    def open(self) -> Sequence[Coroutine[Any, Any, None]]:
        """See ``Experience``."""
        self.advisor = Advisor(self._trade, self.teller)
        self._trade.desk.changed = self.changed
        return [self._tick(), self._stock_shelves()]

    def open_up(self) -> None:
        """See ``Experience``."""
        self._trade.open_up()

    def owner(self, request: Request) -> str:
        """See ``Experience``: several devices may have joined one customer."""
        return self._people.account(self.visitors.owner(request))

    def context(self, request: Request) -> dict[str, Any]:
        """See ``Experience``."""
        return on(device(request))

    async def _stock_shelves(self) -> None:
        """The engine knows the goods and the offers, and what has run out, so that it isn't served."""
        out = await asyncio.to_thread(self._trade.out)
        await self.teller.put_items([*goods.items(self._trade.prices(), out), *offers.items()])
        while True:
            await asyncio.sleep(TICK)
            now = await asyncio.to_thread(self._trade.out)
            if now != out:
                every = goods.items(self._trade.prices(), now)
                await self.teller.put_items([item for item in every if item.id in now ^ out])
                out = now

    async def _tick(self) -> None:
        """The carrier goes on."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await asyncio.to_thread(self._trade.tick)
            except Refused as refused:  # somebody was quicker, such as a customer who cancels
                _log.warning("the carrier: %s", refused)

    # --- who asks -------------------------------------------------------------------------------

    async def _do(self, request: Request, what: Callable[[str], Result]) -> Result:
        """Something for whoever asks, in a thread; the engine hears of it soon."""

        def work() -> Result:
            return what(self.owner(request))

        done = await asyncio.to_thread(work)
        self.teller.ring()
        return done

    async def _all_goods(self, _: Request) -> Response:
        return self._goods

    async def _shelf(self, _: Request) -> Response:
        return web.answer(await asyncio.to_thread(self._trade.shelf))

    async def _me(self, request: Request) -> Response:
        visitor = self.visitors.owner(request)

        def look(owner: str) -> dict[str, Any]:
            self._people.greet(visitor)
            left = self._people.left_off(owner)
            return {
                "customer": self._people.customer(owner),
                "cart": self._people.cart(owner),
                "wishes": self._people.wishes(owner),
                "dropped": self._people.dropped(owner),
                "views": self._people.views(owner),
                "playing": self._people.playing(owner),
                "orders": [self.show(order) for order in self._trade.store.orders(owner, 30)],
                "left": left if left and left["visitor"] != visitor else None,
                "joined": owner != visitor,
                "after": self._trade.store.last(),
            }

        return web.answer(await self._do(request, look))

    async def _about(self, request: Request) -> Response:
        said = await web.read(request, shapes.About)
        fields = {k: v for k, v in msgspec.structs.asdict(said).items() if v is not None}
        kept = await self._do(request, lambda owner: self._people.keep(owner, **fields))
        await self._heard()
        return web.answer(kept)

    async def _heard(self) -> None:
        """Wait until the engine was told what is to be told, such as a consent that the next page hangs on."""
        for _ in range(HEARD):
            if not await asyncio.to_thread(self._trade.store.unsent, 1):
                return
            await asyncio.sleep(0.05)

    async def _code(self, request: Request) -> Response:
        return web.answer({"code": await self._do(request, self._people.code)})

    async def _join(self, request: Request) -> Response:
        visitor = self.visitors.owner(request)
        said = await web.read(request, shapes.Code)
        await self._do(request, lambda _: self._people.join(visitor, said.code.replace(" ", "")))
        await self._heard()
        return web.answer({"joined": True})

    # --- finding --------------------------------------------------------------------------------

    async def _search(self, request: Request) -> Response:
        return web.answer(await self.advisor.search(list(request.query_params.multi_items())))

    async def _answer(self, request: Request) -> Response:
        said = await web.read(request, shapes.Words)
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self.advisor.answer(owner, said.query[:200], device(request)))

    async def _home(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self.advisor.home(owner, device(request)))

    async def _product(self, request: Request) -> Response:
        sku = goods.product(request.path_params["id"]).id
        found = await self._do(request, lambda owner: (owner, self._trade.reviews(sku)))
        beside = await self.advisor.beside(found[0], sku, device(request))
        return web.answer({"reviews": found[1], "summary": reviews.summary(found[1]), "beside": beside})

    async def _with_cart(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self.advisor.with_cart(owner, device(request)))

    async def _offers(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self.advisor.offers(owner, device(request)))

    # --- carts, wishes, guides ------------------------------------------------------------------

    async def _cart(self, request: Request) -> Response:
        said = await web.read(request, shapes.Put)

        def put(owner: str) -> Any:
            of = device(request)
            kept = self._people.put(
                owner, said.sku, add=said.add, quantity=said.quantity, decision=said.decision_id, device=of
            )
            self.live.tell(("owner", owner), "cart", kept)
            return kept

        return web.answer(await self._do(request, put))

    async def _materials(self, request: Request) -> Response:
        id = (await web.read(request, shapes.Guide)).guide

        def put(owner: str) -> Any:
            kept = self._people.put_all(owner, goods.guide(id).materials, device(request))
            self.live.tell(("owner", owner), "cart", kept)
            return kept

        return web.answer(await self._do(request, put))

    async def _wish(self, request: Request) -> Response:
        said = await web.read(request, shapes.Wish)
        return web.answer(
            await self._do(request, lambda owner: self._people.wish(owner, said.sku, said.on, device(request)))
        )

    async def _at(self, request: Request) -> Response:
        visitor, page = self.visitors.owner(request), (await web.read(request, shapes.Page)).page[:120]
        await self._do(request, lambda owner: self._people.is_at(owner, page, visitor, device(request)))
        return web.answer({"success": True})

    async def _play(self, request: Request) -> Response:
        said = await web.read(request, shapes.Step)

        def play(owner: str) -> Any:
            kept = self._people.play(owner, said.guide, said.step, said.until, device(request))
            self.live.tell(("owner", owner), "playing", kept)
            return kept

        return web.answer(await self._do(request, play))

    async def _review(self, request: Request) -> Response:
        said = await web.read(request, shapes.Opinion)
        sku = goods.product(said.sku).id
        made = await self._do(request, lambda owner: self._trade.review(owner, sku, said.stars, said.text, said.lang))
        return web.answer(made, 201)

    # --- orders ---------------------------------------------------------------------------------

    async def _quote(self, request: Request) -> Response:
        said = await web.read(request, Wanted)
        return web.answer(show(await self._do(request, lambda owner: self._trade.priced(owner, said))))

    async def _order(self, request: Request) -> Response:
        wanted, key = await web.read(request, Wanted), web.key_of(request)

        def place(owner: str) -> Order:
            placed = self._trade.order(owner, wanted, key)
            saved = {"address": wanted.address} if wanted.delivery != "pickup" else {}
            if placed.state != "cart":
                self._people.keep(owner, card=wanted.card, delivery=wanted.delivery, **saved)
                self.live.tell(("owner", owner), "cart", self._people.cart(owner))
            return placed

        placed = await self._do(request, place)
        return web.answer(show(placed), 402 if placed.state == "cart" else 201)

    async def _one(self, request: Request) -> Response:
        id = request.path_params["id"]
        return web.answer(self.show(await self._do(request, lambda owner: self._trade.desk.order(id, owner))))

    async def _cancel(self, request: Request) -> Response:
        id = request.path_params["id"]
        cancel = self._trade.desk.cancel
        return web.answer(show(await self._do(request, lambda owner: cancel(id, "customer", "customer", owner))))

    async def _collect(self, request: Request) -> Response:
        id = request.path_params["id"]
        return web.answer(show(await self._do(request, lambda owner: self._trade.collect(owner, id))))

    async def _retry(self, request: Request) -> Response:
        id, key = request.path_params["id"], web.key_of(request)
        card = (await web.read(request, shapes.Card)).card
        placed = await self._do(request, lambda owner: self._trade.desk.retry(id, owner, card, key))
        return web.answer(show(placed), 402 if placed.state == "cart" else 200)

    async def _return(self, request: Request) -> Response:
        id = request.path_params["id"]
        said = await web.read(request, shapes.Back)
        key = web.key_of(request)
        if not key:
            raise Refused("no_key", "no Idempotency-Key", "one, so that a return isn't announced twice", status=400)
        await self._do(request, lambda owner: self._trade.give_back(owner, id, said.pieces, said.why, key))
        return await self._one(request)

    # --- the engine, the desk -------------------------------------------------------------------

    async def _moments(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer({"moments": await self.advisor.moments(owner)})

    async def _desk_change(self, request: Request) -> Response:
        """A price, or more pieces, by somebody of the shop."""
        said = await web.read(request, shapes.Desk)
        if not hmac.compare_digest(said.pin.encode(), PIN.encode()):
            await asyncio.sleep(0.5)  # nobody tries ten thousand of them
            raise Refused("bad_pin", "that PIN", "the shop's PIN", status=401)
        good = goods.product(said.sku)

        def change() -> None:
            if said.price is not None:
                self._trade.reprice(good.id, said.price)
            if said.pieces is not None:
                if not 1 <= said.pieces <= 10_000:
                    raise Refused("bad_quantity", str(said.pieces), "1 to 10000 pieces")
                with self._trade.store.change() as tx:
                    tx.receive(good.id, said.pieces)

        await asyncio.to_thread(change)
        out = await asyncio.to_thread(self._trade.out)
        new = [item for item in goods.items(self._trade.prices(), out) if item.id == good.id]
        with suppress(TimeoutError):  # the engine is away: it gets all of them when the shop starts again
            await asyncio.wait_for(self.teller.put_items(new), 5.0)
        return web.answer((await asyncio.to_thread(self._trade.shelf))[good.id])


def device(request: Request) -> str:
    """The kind of device that asks."""
    return "mobile" if "Mobi" in request.headers.get("user-agent", "") else "desktop"
