"""The doors under ``/shop/``: finding, carts, checkout, orders, guides, the shop's own desk, live streams."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from micromoments.demo.fulfil import Live, Order, Refused, Teller, web
from micromoments.demo.shop import goods, offers, reviews, shapes
from micromoments.demo.shop.engine import Advisor
from micromoments.demo.shop.trade import Trade, Wanted, show

PAGES = Path(__file__).parent / "pages"
PIN = "1357"
"""What the shop's desk asks for; it says so itself, as this is a demo."""
TICK = 1.0
"""Seconds between two looks at parcels and at payments that are still open."""
HEARD = 40
"""Looks into the outbox, a twentieth of a second apart, before a page goes on without the engine."""
_log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Shop:
    """The app: made once its loop runs, as live streams belong to a loop."""

    def __init__(self, trade: Trade, engine: str, key: str = "") -> None:
        self._trade = trade
        self._people = trade.people
        self._engine = engine, key
        self._visitors = web.Visitors("shop", "/shop")
        self._pages = web.Pages(PAGES, web.SHARED)
        self._goods = web.answer(goods.catalogue())
        self._live: Live
        self._teller: Teller
        self._advisor: Advisor
        self._ready = False

    def app(self) -> web.Guard:
        """The ASGI application."""
        return web.Guard(Starlette(routes=web.routes(self._doors()), lifespan=self._lifespan))

    def _doors(self) -> dict[str, web.Handler]:
        return {
            "GET /shop": self._slash,
            "GET /shop/readyz": self._readyz,
            "GET /shop/api/goods": self._all_goods,
            "GET /shop/api/shelf": self._shelf,
            "GET /shop/api/me": self._me,
            "POST /shop/api/me": self._about,
            "POST /shop/api/code": self._code,
            "POST /shop/api/join": self._join,
            "GET /shop/api/search": self._search,
            "POST /shop/api/answer": self._answer,
            "GET /shop/api/home": self._home,
            "GET /shop/api/product/{id}": self._product,
            "GET /shop/api/with-cart": self._with_cart,
            "GET /shop/api/offers": self._offers,
            "POST /shop/api/cart": self._cart,
            "POST /shop/api/materials": self._materials,
            "POST /shop/api/wish": self._wish,
            "POST /shop/api/at": self._at,
            "POST /shop/api/play": self._play,
            "POST /shop/api/review": self._review,
            "POST /shop/api/quote": self._quote,
            "POST /shop/api/orders": self._order,
            "GET /shop/api/orders/{id}": self._one,
            "POST /shop/api/orders/{id}/cancel": self._cancel,
            "POST /shop/api/orders/{id}/collect": self._collect,
            "POST /shop/api/orders/{id}/retry": self._retry,
            "POST /shop/api/orders/{id}/return": self._return,
            "GET /shop/api/live": self._watch,
            "POST /shop/api/events": self._event,
            "POST /shop/api/outcomes": self._outcome,
            "GET /shop/api/why/{id}": self._why,
            "GET /shop/api/moments": self._moments,
            "POST /shop/api/desk": self._desk,
            "GET /shop/": self._page,
            "GET /shop/{name:path}": self._page,
        }

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._live = Live(self._trade.store, self._show)
        self._teller = Teller(self._engine[0], self._trade.store, self._engine[1])
        self._advisor = Advisor(self._trade, self._teller)
        self._trade.desk.changed = self._changed
        await asyncio.to_thread(self._trade.open_up)
        tasks = [asyncio.create_task(work) for work in (self._teller.run(), self._tick(), self._stock_shelves())]
        self._ready = True
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._teller.close()

    async def _stock_shelves(self) -> None:
        """The engine knows the goods and the offers, and what has run out, so that it isn't served."""
        out = await asyncio.to_thread(self._trade.out)
        await self._teller.put_items([*goods.items(self._trade.prices(), out), *offers.items()])
        while True:
            await asyncio.sleep(TICK)
            now = await asyncio.to_thread(self._trade.out)
            if now != out:
                every = goods.items(self._trade.prices(), now)
                await self._teller.put_items([item for item in every if item.id in now ^ out])
                out = now

    async def _tick(self) -> None:
        """The carrier goes on, and payments whose answer got lost are asked again."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await asyncio.to_thread(self._trade.desk.recover)
                await asyncio.to_thread(self._trade.tick)
            except Refused as refused:  # somebody was quicker, such as a customer who cancels
                _log.warning("the carrier: %s", refused)

    def _changed(self, order: Order) -> None:
        self._live.changed(order)
        self._teller.ring()

    def _show(self, order: Order) -> dict[str, Any]:
        return show(order, self._trade.returns(order.id))

    # --- who asks -------------------------------------------------------------------------------

    def _owner(self, request: Request) -> str:
        return self._people.account(self._visitors.owner(request))

    async def _do(self, request: Request, what: Callable[[str], Result]) -> Result:
        """Something for whoever asks, in a thread; the engine hears of it soon."""

        def work() -> Result:
            return what(self._owner(request))

        done = await asyncio.to_thread(work)
        self._teller.ring()
        return done

    async def _slash(self, _: Request) -> Response:
        return RedirectResponse("/shop/", 308)

    async def _readyz(self, _: Request) -> Response:
        return web.answer({"ready": self._ready})

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "") or "index.html"
        page = self._pages.get(request, {"desk": "desk.html"}.get(name, name))
        return self._visitors.welcome(request, page) if name == "index.html" else page

    async def _all_goods(self, _: Request) -> Response:
        return self._goods

    async def _shelf(self, _: Request) -> Response:
        return web.answer(await asyncio.to_thread(self._trade.shelf))

    async def _me(self, request: Request) -> Response:
        visitor = self._visitors.owner(request)

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
                "orders": [self._show(order) for order in self._trade.store.orders(owner, 30)],
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
        visitor = self._visitors.owner(request)
        said = await web.read(request, shapes.Code)
        await self._do(request, lambda _: self._people.join(visitor, said.code.replace(" ", "")))
        await self._heard()
        return web.answer({"joined": True})

    # --- finding --------------------------------------------------------------------------------

    async def _search(self, request: Request) -> Response:
        return web.answer(await self._advisor.search(list(request.query_params.multi_items())))

    async def _answer(self, request: Request) -> Response:
        said = await web.read(request, shapes.Words)
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self._advisor.answer(owner, said.query[:200], device(request)))

    async def _home(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self._advisor.home(owner, device(request)))

    async def _product(self, request: Request) -> Response:
        sku = goods.product(request.path_params["id"]).id
        found = await self._do(request, lambda owner: (owner, self._trade.reviews(sku)))
        beside = await self._advisor.beside(found[0], sku, device(request))
        return web.answer({"reviews": found[1], "summary": reviews.summary(found[1]), "beside": beside})

    async def _with_cart(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self._advisor.with_cart(owner, device(request)))

    async def _offers(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self._advisor.offers(owner, device(request)))

    # --- carts, wishes, guides ------------------------------------------------------------------

    async def _cart(self, request: Request) -> Response:
        said = await web.read(request, shapes.Put)

        def put(owner: str) -> Any:
            of = device(request)
            kept = self._people.put(
                owner, said.sku, add=said.add, quantity=said.quantity, decision=said.decision_id, device=of
            )
            self._live.tell(("owner", owner), "cart", kept)
            return kept

        return web.answer(await self._do(request, put))

    async def _materials(self, request: Request) -> Response:
        id = (await web.read(request, shapes.Guide)).guide

        def put(owner: str) -> Any:
            kept = self._people.put_all(owner, goods.guide(id).materials, device(request))
            self._live.tell(("owner", owner), "cart", kept)
            return kept

        return web.answer(await self._do(request, put))

    async def _wish(self, request: Request) -> Response:
        said = await web.read(request, shapes.Wish)
        return web.answer(
            await self._do(request, lambda owner: self._people.wish(owner, said.sku, said.on, device(request)))
        )

    async def _at(self, request: Request) -> Response:
        visitor, page = self._visitors.owner(request), (await web.read(request, shapes.Page)).page[:120]
        await self._do(request, lambda owner: self._people.is_at(owner, page, visitor, device(request)))
        return web.answer({"success": True})

    async def _play(self, request: Request) -> Response:
        said = await web.read(request, shapes.Step)

        def play(owner: str) -> Any:
            kept = self._people.play(owner, said.guide, said.step, said.until, device(request))
            self._live.tell(("owner", owner), "playing", kept)
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
                self._live.tell(("owner", owner), "cart", self._people.cart(owner))
            return placed

        placed = await self._do(request, place)
        return web.answer(show(placed), 402 if placed.state == "cart" else 201)

    async def _one(self, request: Request) -> Response:
        id = request.path_params["id"]
        return web.answer(self._show(await self._do(request, lambda owner: self._trade.desk.order(id, owner))))

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

    async def _watch(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.stream(self._live.stream(("owner", owner), web.after(request)))

    # --- the engine, the desk -------------------------------------------------------------------

    async def _event(self, request: Request) -> Response:
        said = await web.read(request, shapes.Told)
        owner = await self._do(request, lambda owner: owner)
        await self._advisor.event(owner, said.event, said.properties, device(request))
        return web.answer({"success": True})

    async def _outcome(self, request: Request) -> Response:
        said = await web.read(request, shapes.Became)
        owner = await self._do(request, lambda owner: owner)
        await self._advisor.outcome(owner, said.decision_id, said.what, said.item_id, device(request))
        return web.answer({"success": True})

    async def _why(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer(await self._advisor.why(owner, request.path_params["id"]))

    async def _moments(self, request: Request) -> Response:
        owner = await self._do(request, lambda owner: owner)
        return web.answer({"moments": await self._advisor.moments(owner)})

    async def _desk(self, request: Request) -> Response:
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
            await asyncio.wait_for(self._teller.put_items(new), 5.0)
        return web.answer((await asyncio.to_thread(self._trade.shelf))[good.id])


def device(request: Request) -> str:
    """The kind of device that asks."""
    return "mobile" if "Mobi" in request.headers.get("user-agent", "") else "desktop"
