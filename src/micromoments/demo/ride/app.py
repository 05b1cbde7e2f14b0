"""The rider's doors under ``/ride/``, live streams, and what runs beside them: matching, positions, the simulator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from micromoments.demo.fulfil import Live, Order, Refused, Teller, web
from micromoments.demo.ride import fares, places
from micromoments.demo.ride.cabin import Cabin
from micromoments.demo.ride.dispatch import OFFERED, Dispatcher
from micromoments.demo.ride.engine import Advisor, Customer, Named
from micromoments.demo.ride.follow import Follower, line, report
from micromoments.demo.ride.places import SPOTS
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Place
from micromoments.demo.ride.simulator import Simulator
from micromoments.demo.ride.trip import End, trip

PAGES = Path(__file__).parent / "pages"
BEAT = 1.0
"""Seconds between two positions of a car, and between two rounds of matching."""
AGAIN = 2.0
"""Seconds between two looks for payments that are still open."""
CARS_SHOWN = 24


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """From where to where; ``decision`` and ``item`` where the engine suggested it."""

    begin: End
    end: End
    decision: str = ""
    item: str = ""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ride by a quote. A page can't say a price: it is the quote's."""

    quote: str
    kind: str
    card: str


class Paying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card, and how much for a tip."""

    card: str
    amount: int = 0


class Stars(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rating."""

    stars: int


class Became(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What became of a decision."""

    decision_id: str
    what: Literal["seen", "clicked", "dismissed"]
    item_id: str = ""


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of themselves; what is left out stays."""

    name: str | None = None
    home: Named | None = None
    work: Named | None = None
    consent: dict[Literal["personalise", "location", "contact", "measure"], bool] | None = None


class Ride:
    """The app: made once its loop runs, as live streams belong to a loop."""

    def __init__(
        self,
        rides: Rides,
        plan: dict[str, Any],
        engine: str,
        key: str = "",
        wanted: int = 0,
        seed: int = 1,
        offered: int = OFFERED,
    ) -> None:
        self._rides, self._plan = rides, plan
        self._engine = engine, key
        self._visitors = web.Visitors("ride", "/ride")
        self._pages = web.Pages(PAGES, web.SHARED)
        self._dispatcher = Dispatcher(rides, offered=offered)
        self._simulator = Simulator(rides, self._dispatcher, wanted, seed)
        self._follower = Follower(rides)
        self._live: Live
        self._teller: Teller
        self._advisor: Advisor
        self._cabin = Cabin(rides, self._dispatcher, self._follower, self._visitors)
        self._ready = False

    def app(self) -> web.Guard:
        """The ASGI application."""
        return web.Guard(Starlette(routes=web.routes(self._doors()), lifespan=self._lifespan))

    def _doors(self) -> dict[str, web.Handler]:
        return {
            "GET /ride": self._slash,
            "GET /ride/readyz": self._readyz,
            "GET /ride/api/town": self._town,
            "GET /ride/api/me": self._me,
            "POST /ride/api/me": self._about,
            "GET /ride/api/places": self._places,
            "GET /ride/api/shelf": self._shelf,
            "GET /ride/api/cars": self._cars,
            "POST /ride/api/quotes": self._quote,
            "POST /ride/api/rides": self._request,
            "GET /ride/api/rides/{id}": self._one,
            "POST /ride/api/rides/{id}/cancel": self._cancel,
            "POST /ride/api/rides/{id}/retry": self._retry,
            "POST /ride/api/rides/{id}/rate": self._rate,
            "POST /ride/api/rides/{id}/tip": self._tip,
            "GET /ride/api/live": self._watch,
            "POST /ride/api/outcomes": self._outcome,
            "GET /ride/api/why/{id}": self._why,
            "GET /ride/api/report": self._report,
            **self._cabin.doors(),
            "GET /ride/": self._page,
            "GET /ride/{name:path}": self._page,
        }

    # --- what runs beside -------------------------------------------------------------------------

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._live = Live(self._rides.store, self._follower.show)
        self._cabin.live = Live(self._rides.store, self._follower.job)
        self._dispatcher.tell = self._cabin.offered
        self._teller = Teller(self._engine[0], self._rides.store, self._engine[1])
        self._advisor = Advisor(self._rides, self._teller)
        self._rides.heard = self._changed
        await asyncio.to_thread(self._rides.open_up)
        work = (self._teller.run(), self._again(), self._teller.put_items(places.items()), self._match(), self._drive())
        tasks = [asyncio.create_task(one) for one in work]
        self._ready = True
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._teller.close()

    async def _again(self) -> None:
        """Ask again for payments whose answer got lost; remember the usual pace."""
        while True:
            await asyncio.sleep(AGAIN)
            await asyncio.to_thread(self._rides.desk.recover)
            await asyncio.to_thread(self._remember)

    def _remember(self) -> None:
        kept = msgspec.to_builtins(self._rides.usual)
        if self._rides.store.kept("usual", "pace") != kept:
            with self._rides.store.change() as tx:
                tx.keep("usual", "pace", kept)

    async def _match(self) -> None:
        while True:
            now = self._rides.clock()
            await asyncio.to_thread(self._dispatcher.tick, now)
            await asyncio.to_thread(self._simulator.tick, now)
            await asyncio.sleep(BEAT)

    async def _drive(self) -> None:
        """Tell riders where their cars are, on the beat."""
        due = time.monotonic()
        while True:
            for order in list(self._rides.active.values()):
                position = self._follower.position(order, self._rides.clock())
                if position is not None:
                    self._live.tell(("owner", order.owner), "position", position)
                await asyncio.sleep(0)  # other work has its turn between two cars
            due = max(due + BEAT, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _changed(self, order: Order) -> None:
        self._live.changed(order)
        self._cabin.changed(order)
        self._teller.ring()

    # --- the rider --------------------------------------------------------------------------------

    async def _slash(self, _: Request) -> Response:
        return RedirectResponse("/ride/", 308)

    async def _readyz(self, _: Request) -> Response:
        return web.answer({"ready": self._ready})

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "") or "index.html"
        page = self._pages.get(request, {"driver": "driver.html"}.get(name, name))
        return self._visitors.welcome(request, page) if name in ("index.html", "driver") else page

    async def _town(self, _: Request) -> Response:
        kinds = [{"id": kind.id, "seats": kind.seats} for kind in fares.KINDS]
        return web.answer(
            {"plan": self._plan, "timezone": self._rides.zone, "spots": SPOTS, "kinds": kinds, "tips": fares.TIPS}
        )

    async def _me(self, request: Request) -> Response:
        owner = self._visitors.owner(request)

        def look() -> dict[str, Any]:
            after = self._rides.store.last()
            mine = [order for order in self._rides.store.orders(owner, 40) if not order.flow]
            return {
                "customer": self._advisor.customer(owner),
                "rides": [self._follower.show(order) for order in mine[:20]],
                "recent": recent(mine),
                "after": after,
            }

        return web.answer(await asyncio.to_thread(look))

    async def _about(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, About)
        if said.name is not None and len(said.name) > 30:
            raise Refused("bad_name", f"{len(said.name)} characters", "30 at most", status=400)
        for named in (said.home, said.work):
            if named is not None and not (self._is_place(named.at) and len(named.title) <= 60):
                raise Refused("bad_position", "a place outside of the town", "one in it", status=400)

        def keep() -> Customer:
            fields = {k: v for k, v in msgspec.structs.asdict(said).items() if v is not None}
            customer = msgspec.structs.replace(self._advisor.customer(owner), **fields)
            self._advisor.keep(owner, customer)
            return customer

        kept = await asyncio.to_thread(keep)
        self._teller.ring()
        return web.answer(kept)

    async def _places(self, request: Request) -> Response:
        words = request.query_params.get("q", "")[:100]
        if request.query_params.get("done") and len(words.strip()) > 2:
            await self._advisor.searched(self._visitors.owner(request), words.strip())
        return web.answer(places.search(words))

    async def _shelf(self, request: Request) -> Response:
        return web.answer(await self._advisor.shelf(self._visitors.owner(request), self._here(request)))

    async def _cars(self, request: Request) -> Response:
        here = self._here(request)

        def near() -> list[dict[str, Any]]:
            now = self._rides.clock()
            with self._rides.lock:
                free = [(self._rides.fleet.where(driver, now), driver) for driver in self._rides.fleet.free(now)]
            free.sort(key=lambda one: (one[0][0] - here[0]) ** 2 + (one[0][1] - here[1]) ** 2)
            return [
                {"id": driver.id, "x": round(at[0], 1), "y": round(at[1], 1), "simulated": driver.simulated}
                for at, driver in free[:CARS_SHOWN]
            ]

        cars = await asyncio.to_thread(near)
        return web.answer(
            {"cars": cars, "waits": await asyncio.to_thread(self._rides.waits, here, self._rides.clock())}
        )

    async def _quote(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, Asked)
        if max(len(said.begin.title), len(said.end.title)) > 60:
            raise Refused("too_long", "a long name of a place", "60 characters at most", status=400)
        found = await asyncio.to_thread(self._advisor.checked, owner, said.decision, said.item)
        quote = await asyncio.to_thread(self._rides.quote, owner, said.begin, said.end, *found)
        advice = await self._advisor.kinds(owner, quote.way.metres, quote.waits)
        seconds = round(quote.way.seconds * self._rides.usual.pace)
        return web.answer(
            {
                "id": quote.id,
                "until": quote.until,
                "begin": quote.begin,
                "end": quote.end,
                "prices": quote.prices,
                "waits": quote.waits,
                "seconds": seconds,
                "metres": round(quote.way.metres),
                "way": line(quote.way),
                "advice": advice,
            }
        )

    async def _request(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, Wanted)
        name = (await asyncio.to_thread(self._advisor.customer, owner)).name
        key = web.key_of(request)
        placed = await asyncio.to_thread(self._rides.request, owner, said.quote, said.kind, said.card, key, name)
        return web.answer(self._follower.show(placed), 402 if placed.state == "cart" else 201)

    async def _one(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        return web.answer(self._follower.show(await asyncio.to_thread(self._ride, id, owner)))

    def _ride(self, id: str, owner: str) -> Order:
        order = self._rides.desk.order(id, owner)
        if order.flow:
            raise Refused("no_such_order", f"order {id}", "a ride of your own", status=404)
        return order

    async def _cancel(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        return web.answer(self._follower.show(await asyncio.to_thread(self._rides.cancel, id, owner)))

    async def _retry(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        card = (await web.read(request, Paying)).card
        placed = await asyncio.to_thread(self._rides.desk.retry, id, owner, card, web.key_of(request))
        return web.answer(self._follower.show(placed), 402 if placed.state == "cart" else 200)

    async def _rate(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        stars = (await web.read(request, Stars)).stars
        return web.answer(self._follower.show(await asyncio.to_thread(self._rides.rate, id, owner, stars)))

    async def _tip(self, request: Request) -> Response:
        owner, id = self._visitors.owner(request), request.path_params["id"]
        said = await web.read(request, Paying)
        paid = await asyncio.to_thread(self._rides.tip, id, owner, said.amount, said.card, web.key_of(request))
        return web.answer({"state": paid.state, "why": paid.why}, 402 if paid.state == "cart" else 201)

    async def _watch(self, request: Request) -> Response:
        return web.stream(self._live.stream(("owner", self._visitors.owner(request)), web.after(request)))

    async def _outcome(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, Became)
        await self._advisor.outcome(owner, said.decision_id, said.what, said.item_id)
        return web.answer({"success": True})

    async def _why(self, request: Request) -> Response:
        return web.answer(await self._advisor.why(self._visitors.owner(request), request.path_params["id"]))

    async def _report(self, _: Request) -> Response:
        return web.answer(await asyncio.to_thread(report, self._rides))

    def _is_place(self, at: Place) -> bool:
        return all(map(isfinite, at)) and self._rides.roads.inside(at)

    def _here(self, request: Request) -> Place:
        """The position that a page names; the old square where it names none."""
        square = places.spot("square").at
        try:
            here = (float(request.query_params.get("x", square[0])), float(request.query_params.get("y", square[1])))
        except ValueError:
            return square
        return here if self._is_place(here) else square


def recent(orders: list[Order]) -> list[End]:
    """Where somebody went lately, each place once, the newest first."""
    found: dict[str, End] = {}
    for order in orders:
        end = trip(order).end
        if end.title and order.state != "cart":
            found.setdefault(end.title, end)
    return list(found.values())[:4]
