"""The doors under ``/coffee/``: the customer's phone, the bar's screen, live streams."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Coroutine, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from micromoments.demo.coffee import menu, promotions
from micromoments.demo.coffee.engine import Advisor
from micromoments.demo.coffee.shop import Customer, Shop, Wanted, show
from micromoments.demo.coffee.town import SQUARE, Place
from micromoments.demo.fulfil import Order, Refused, Store, web
from micromoments.demo.shell.app import Experience
from micromoments.demo.shell.face import Face

FACE = Face(
    name="coffee",
    title="Alder Coffee",
    short="Alder",
    about="Coffee near you, ready when you get there.",
    mark="M7 11h16v6a8 8 0 0 1-16 0zM23 12h2a3 3 0 0 1 0 7h-2.5M11 7c-1-2 1-2 0-4M16 7c-1-2 1-2 0-4",
    light="#1f4d3d",
    dark="#121a16",
    ground="#f7f2ea",
    accent="#1f4d3d",
    other="barista",
    pages=Path(__file__).parent / "pages",
)
PIN = "2468"
"""What the bar's screen asks for; it says so itself, as this is a demo."""


class Paying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card, and how much for a top-up."""

    card: str
    amount: int = 0


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


class Coffee(Experience):
    """The chain's app."""

    advisor: Advisor

    def __init__(self, shop: Shop, engine: tuple[str, str]) -> None:
        super().__init__(FACE, shop.desk, engine)
        self._shop = shop
        self._staff = _staff_secret(shop.store)

    def doors(self) -> dict[str, web.Handler]:
        """See ``Experience``."""
        return {
            "GET town": self._town,
            "GET me": self._me,
            "POST me": self._about,
            "GET stores": self._stores,
            "GET stores/{id}/menu": self._menu,
            "GET offers": self._offers,
            "POST quote": self._quote,
            "POST orders": self._order,
            "GET orders/{id}": self._one,
            "POST orders/{id}/cancel": self._cancel,
            "POST orders/{id}/retry": self._retry,
            "POST top-ups": self._top_up,
            "POST walk": self._walk,
            "POST bar/sign-in": self._sign_in,
            "GET bar/{store}": self._bar,
            "GET bar/{store}/live": self._bar_watch,
            "POST bar/orders/{id}/refund": self._refund,
            "POST bar/orders/{id}/{step}": self._step,
        }

    def show(self, order: Order) -> dict[str, Any]:
        """See ``Experience``."""
        return show(order)

    def open(self) -> Sequence[Coroutine[Any, Any, None]]:
        """See ``Experience``."""
        self.advisor = Advisor(self._shop, self.teller)
        self._shop.desk.changed = self.changed
        # The engine knows the menu, the stores and the promotions.
        items = menu.items(self._shop.town.zone, self._shop.town.points())
        return [self.teller.put_items([*items, *promotions.items()])]

    def open_up(self) -> None:
        """See ``Experience``."""
        self._shop.open_up()

    # --- the customer ---------------------------------------------------------------------------

    async def _town(self, _: Request) -> Response:
        return web.answer({"plan": self._shop.town.plan, "timezone": self._shop.town.zone, "square": SQUARE})

    async def _me(self, request: Request) -> Response:
        owner = self.visitors.owner(request)

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
        owner = self.visitors.owner(request)
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
        self.teller.ring()
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
        return web.answer(await self.advisor.promotions(self.visitors.owner(request)))

    async def _quote(self, request: Request) -> Response:
        owner = self.visitors.owner(request)
        return web.answer(show(await asyncio.to_thread(self._shop.priced, owner, await web.read(request, Wanted))))

    async def _order(self, request: Request) -> Response:
        owner = self.visitors.owner(request)
        wanted = await web.read(request, Wanted)
        placed = await asyncio.to_thread(self._shop.order, owner, wanted, web.key_of(request))
        return web.answer(show(placed), 402 if placed.state == "cart" else 201)

    async def _one(self, request: Request) -> Response:
        owner = self.visitors.owner(request)
        return web.answer(show(await asyncio.to_thread(self._shop.desk.order, request.path_params["id"], owner)))

    async def _cancel(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        return web.answer(show(await asyncio.to_thread(self._shop.desk.cancel, id, "customer", "customer", owner)))

    async def _retry(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        card = (await web.read(request, Paying)).card
        placed = await asyncio.to_thread(self._shop.desk.retry, id, owner, card, web.key_of(request))
        return web.answer(show(placed), 402 if placed.state == "cart" else 200)

    async def _top_up(self, request: Request) -> Response:
        owner = self.visitors.owner(request)
        said = await web.read(request, Paying)
        placed = await asyncio.to_thread(self._shop.top_up, owner, said.amount, said.card, web.key_of(request))
        return web.answer(show(placed), 402 if placed.state == "cart" else 201)

    async def _walk(self, request: Request) -> Response:
        owner = self.visitors.owner(request)
        here = await web.read(request, Here)
        if not (abs(here.x) < 1e5 and abs(here.y) < 1e5 and 0 <= here.speed < 100):
            raise Refused(
                "bad_position", f"{here.x}, {here.y} at {here.speed}", "a place in the town, on foot", status=400
            )
        return web.answer(await self.advisor.passing(owner, (here.x, here.y), here.speed))

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
        return web.stream(self.live.stream(("place", bar.id), web.after(request)))

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
