"""The doors under ``/coffee/``: the customer's phone, the bar's screen, live streams."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from micromoments.demo.coffee import menu, promotions
from micromoments.demo.coffee.engine import Advisor
from micromoments.demo.coffee.shop import Customer, Shop, Wanted, show
from micromoments.demo.coffee.town import SQUARE, Place
from micromoments.demo.fulfil import Live, Order, Refused, Store, Teller, web

PAGES = Path(__file__).parent / "pages"
PIN = "2468"
"""What the bar's screen asks for; it says so itself, as this is a demo."""
AGAIN = 2.0
"""Seconds between two looks for payments that are still open."""


class Paying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card, and how much for a top-up."""

    card: str
    amount: int = 0


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened on a page."""

    event: str
    properties: dict[str, Any] = {}


class Became(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What became of a decision."""

    decision_id: str
    what: Literal["seen", "clicked", "dismissed"]
    item_id: str = ""


class Here(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A position in the town, metres, and the speed, metres a second."""

    x: float
    y: float
    speed: float = 1.3


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of themselves; what is left out stays."""

    name: str | None = None
    birthday: str | None = None
    consent: dict[Literal["personalise", "location", "contact", "measure"], bool] | None = None


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bar's PIN."""

    pin: str


class Back(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much goes back, and why."""

    amount: int
    why: str = ""


class Coffee:
    """The app: made once its loop runs, as live streams belong to a loop."""

    def __init__(self, shop: Shop, engine: str, key: str = "") -> None:
        self._shop = shop
        self._engine = engine, key
        self._visitors = web.Visitors("coffee", "/coffee")
        self._staff = _staff_secret(shop.store)
        self._pages = web.Pages(PAGES, web.SHARED)
        self._live: Live
        self._teller: Teller
        self._advisor: Advisor
        self._ready = False

    def app(self) -> web.Guard:
        """The ASGI application."""
        return web.Guard(Starlette(routes=web.routes(self._doors()), lifespan=self._lifespan))

    def _doors(self) -> dict[str, web.Handler]:
        return {
            "GET /coffee": self._slash,
            "GET /coffee/readyz": self._readyz,
            "GET /coffee/api/town": self._town,
            "GET /coffee/api/me": self._me,
            "POST /coffee/api/me": self._about,
            "GET /coffee/api/stores": self._stores,
            "GET /coffee/api/stores/{id}/menu": self._menu,
            "GET /coffee/api/offers": self._offers,
            "POST /coffee/api/quote": self._quote,
            "POST /coffee/api/orders": self._order,
            "GET /coffee/api/orders/{id}": self._one,
            "POST /coffee/api/orders/{id}/cancel": self._cancel,
            "POST /coffee/api/orders/{id}/retry": self._retry,
            "POST /coffee/api/top-ups": self._top_up,
            "GET /coffee/api/live": self._watch,
            "POST /coffee/api/events": self._event,
            "POST /coffee/api/outcomes": self._outcome,
            "GET /coffee/api/why/{id}": self._why,
            "POST /coffee/api/walk": self._walk,
            "POST /coffee/api/bar/sign-in": self._sign_in,
            "GET /coffee/api/bar/{store}": self._bar,
            "GET /coffee/api/bar/{store}/live": self._bar_watch,
            "POST /coffee/api/bar/orders/{id}/refund": self._refund,
            "POST /coffee/api/bar/orders/{id}/{step}": self._step,
            "GET /coffee/": self._page,
            "GET /coffee/{name:path}": self._page,
        }

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._live = Live(self._shop.store, show)
        self._teller = Teller(self._engine[0], self._shop.store, self._engine[1])
        self._advisor = Advisor(self._shop, self._teller)
        self._shop.desk.changed = self._changed
        await asyncio.to_thread(self._shop.open_up)
        tasks = [asyncio.create_task(work) for work in (self._teller.run(), self._again(), self._stock_shelves())]
        self._ready = True
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._teller.close()

    async def _again(self) -> None:
        """Ask again for payments whose answer got lost."""
        while True:
            await asyncio.sleep(AGAIN)
            await asyncio.to_thread(self._shop.desk.recover)

    async def _stock_shelves(self) -> None:
        """The engine knows the menu, the stores and the promotions."""
        items = menu.items(self._shop.town.zone, self._shop.town.points())
        await self._teller.put_items([*items, *promotions.items()])

    def _changed(self, order: Order) -> None:
        self._live.changed(order)
        self._teller.ring()

    # --- the customer ---------------------------------------------------------------------------

    async def _slash(self, _: Request) -> Response:
        return RedirectResponse("/coffee/", 308)

    async def _readyz(self, _: Request) -> Response:
        return web.answer({"ready": self._ready})

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "") or "index.html"
        page = self._pages.get(request, {"barista": "barista.html"}.get(name, name))
        return self._visitors.welcome(request, page) if name in ("index.html", "barista") else page

    async def _town(self, _: Request) -> Response:
        return web.answer({"plan": self._shop.town.plan, "timezone": self._shop.town.zone, "square": SQUARE})

    async def _me(self, request: Request) -> Response:
        owner = self._visitors.owner(request)

        def look() -> dict[str, Any]:
            given = self._shop.birthday(owner)
            orders = [show(order) for order in self._shop.store.orders(owner, 20)]
            return {
                "customer": self._shop.customer(owner),
                "purse": self._shop.purse(owner),
                "usual": self._shop.usual(owner),
                "orders": orders,
                "birthdayStars": given,
                "after": self._shop.store.last(),
            }

        return web.answer(await asyncio.to_thread(look))

    async def _about(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, About)
        if said.birthday:
            month, _, day = said.birthday.partition("-")
            longest = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
            if not (
                len(month) == len(day) == 2
                and month.isdecimal()
                and 1 <= int(month) <= 12
                and day.isdecimal()
                and 1 <= int(day) <= longest[int(month) - 1]
            ):
                raise Refused("bad_birthday", said.birthday[:20], "a month and a day, such as 03-14", status=400)
        if said.name is not None and len(said.name) > 40:
            raise Refused("bad_name", f"{len(said.name)} characters", "40 at most", status=400)

        def keep() -> Customer:
            fields = {k: v for k, v in msgspec.structs.asdict(said).items() if v is not None}
            customer = msgspec.structs.replace(self._shop.customer(owner), **fields)
            self._shop.keep(owner, customer)
            return customer

        kept = await asyncio.to_thread(keep)
        self._teller.ring()
        return web.answer(kept)

    async def _stores(self, request: Request) -> Response:
        try:
            here: Place = (
                float(request.query_params.get("x", SQUARE[0])),
                float(request.query_params.get("y", SQUARE[1])),
            )
        except ValueError:
            here = SQUARE
        return web.answer(await asyncio.to_thread(self._shop.stores, here if all(map(isfinite, here)) else SQUARE))

    async def _menu(self, request: Request) -> Response:
        bar = menu.bar(request.path_params["id"])
        return web.answer(
            {"things": await asyncio.to_thread(self._shop.offered, bar), "options": menu.OPTIONS, "groups": menu.GROUPS}
        )

    async def _offers(self, request: Request) -> Response:
        return web.answer(await self._advisor.promotions(self._visitors.owner(request)))

    async def _quote(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        return web.answer(show(await asyncio.to_thread(self._shop.priced, owner, await web.read(request, Wanted))))

    async def _order(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        wanted = await web.read(request, Wanted)
        placed = await asyncio.to_thread(self._shop.order, owner, wanted, web.key_of(request))
        return web.answer(show(placed), 402 if placed.state == "cart" else 201)

    async def _one(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        return web.answer(show(await asyncio.to_thread(self._shop.desk.order, request.path_params["id"], owner)))

    async def _cancel(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        return web.answer(show(await asyncio.to_thread(self._shop.desk.cancel, id, "customer", "customer", owner)))

    async def _retry(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        card = (await web.read(request, Paying)).card
        placed = await asyncio.to_thread(self._shop.desk.retry, id, owner, card, web.key_of(request))
        return web.answer(show(placed), 402 if placed.state == "cart" else 200)

    async def _top_up(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, Paying)
        placed = await asyncio.to_thread(self._shop.top_up, owner, said.amount, said.card, web.key_of(request))
        return web.answer(show(placed), 402 if placed.state == "cart" else 201)

    async def _watch(self, request: Request) -> Response:
        return web.stream(self._live.stream(("owner", self._visitors.owner(request)), web.after(request)))

    # --- the engine -----------------------------------------------------------------------------

    async def _event(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, Told)
        await self._advisor.event(owner, said.event, said.properties)
        return web.answer({"success": True})

    async def _outcome(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, Became)
        await self._advisor.outcome(owner, said.decision_id, said.what, said.item_id)
        return web.answer({"success": True})

    async def _why(self, request: Request) -> Response:
        return web.answer(await self._advisor.why(self._visitors.owner(request), request.path_params["id"]))

    async def _walk(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        here = await web.read(request, Here)
        if not (abs(here.x) < 1e5 and abs(here.y) < 1e5 and 0 <= here.speed < 100):
            raise Refused(
                "bad_position", f"{here.x}, {here.y} at {here.speed}", "a place in the town, on foot", status=400
            )
        return web.answer(await self._advisor.passing(owner, (here.x, here.y), here.speed))

    # --- the bar --------------------------------------------------------------------------------

    async def _sign_in(self, request: Request) -> Response:
        if not hmac.compare_digest((await web.read(request, Pin)).pin.encode(), PIN.encode()):
            raise Refused("wrong_pin", "another PIN", "the bar's", status=403)
        reply = web.answer({"success": True})
        reply.set_cookie("coffee-bar", self._staff, path="/coffee", httponly=True, samesite="strict")
        return reply

    def _at_bar(self, request: Request) -> None:
        if not hmac.compare_digest(request.cookies.get("coffee-bar", "").encode(), self._staff.encode()):
            raise Refused("not_at_the_bar", "nobody of the bar", "the bar's PIN", "sign in", status=401)

    async def _bar(self, request: Request) -> Response:
        self._at_bar(request)
        bar = menu.bar(request.path_params["store"])

        def look() -> dict[str, Any]:
            done = self._shop.store.rows(
                "SELECT body FROM orders WHERE place = ? AND state IN ('done', 'cancelled') ORDER BY at DESC LIMIT 8",
                bar.id,
            )
            return {
                "title": bar.title,
                "orders": [show(order) for order in self._shop.store.open_orders(bar.id)],
                "done": [show(msgspec.json.decode(body, type=Order)) for (body,) in done],
                "left": {thing["sku"]: thing["left"] for thing in self._shop.offered(bar) if thing["left"] is not None},
                "after": self._shop.store.last(),
            }

        return web.answer(await asyncio.to_thread(look))

    async def _bar_watch(self, request: Request) -> Response:
        self._at_bar(request)
        bar = menu.bar(request.path_params["store"])
        return web.stream(self._live.stream(("place", bar.id), web.after(request)))

    async def _step(self, request: Request) -> Response:
        self._at_bar(request)
        id, step = request.path_params["id"], request.path_params["step"]
        desk = self._shop.desk
        if step == "done":
            order = await asyncio.to_thread(desk.finish, id)
        elif step == "cancel":
            order = await asyncio.to_thread(desk.cancel, id, "business", "bar")
        else:
            order = await asyncio.to_thread(desk.advance, id, step)
        return web.answer(show(order))

    async def _refund(self, request: Request) -> Response:
        self._at_bar(request)
        said = await web.read(request, Back)
        id = request.path_params["id"]
        return web.answer(show(await asyncio.to_thread(self._shop.desk.refund, id, said.amount, said.why[:80])))


def _staff_secret(store: Store) -> str:
    """What the bar's cookie holds; kept, so that a restart signs nobody out."""
    with store.change() as tx:
        kept = store.kept("bar", "secret")
        secret = kept if isinstance(kept, str) else secrets.token_urlsafe(32)
        tx.keep("bar", "secret", secret)
    return secret
