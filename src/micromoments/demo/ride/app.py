"""The rider's doors under ``/ride/``, live streams, and what runs beside them: matching, positions, the simulator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from micromoments.demo.fulfil import Live, Order, Refused, web
from micromoments.demo.ride import fares, places, worth
from micromoments.demo.ride.cabin import Cabin
from micromoments.demo.ride.dispatch import OFFERED, Dispatcher
from micromoments.demo.ride.engine import Advisor, Customer, Named
from micromoments.demo.ride.follow import Follower, line, report
from micromoments.demo.ride.places import SPOTS
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Place
from micromoments.demo.ride.simulator import Simulator
from micromoments.demo.ride.trip import End, trip
from micromoments.demo.shell.app import Experience
from micromoments.demo.shell.face import Face

FACE = Face(
    name="ride",
    title="Alder Ride",
    short="Ride",
    about="A ride through Alderhaven at a price that you know before.",
    mark="M4 20h24M7 20l3-9h12l4 9M6 20v5h3v-3h14v3h3v-5",
    light="#f3f4f7",
    dark="#14161c",
    ground="#f3f4f7",
    accent="#2a3fbf",
    other="driver",
    pages=Path(__file__).parent / "pages",
)
BEAT = 1.0
"""Seconds between two positions of a car, and between two rounds of matching."""
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


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of themselves; what is left out stays."""

    name: str | None = None
    home: Named | None = None
    work: Named | None = None
    consent: dict[Literal["personalise", "location", "contact", "measure"], bool] | None = None


class Ride(Experience):
    """The service's app."""

    advisor: Advisor

    def __init__(
        self,
        rides: Rides,
        plan: dict[str, Any],
        engine: tuple[str, str],
        wanted: int = 0,
        seed: int = 1,
        offered: int = OFFERED,
    ) -> None:
        super().__init__(FACE, rides.desk, engine)
        self._rides, self._plan = rides, plan
        self._dispatcher = Dispatcher(rides, offered=offered)
        self._simulator = Simulator(rides, self._dispatcher, wanted, seed)
        self._follower = Follower(rides)
        self._cabin = Cabin(rides, self._dispatcher, self._follower, self.visitors)

    def doors(self) -> dict[str, web.Handler]:
        """See ``Experience``."""
        return {
            "GET town": self._town,
            "GET me": self._me,
            "POST me": self._about,
            "GET places": self._places,
            "GET shelf": self._shelf,
            "GET cars": self._cars,
            "POST quotes": self._quote,
            "POST rides": self._request,
            "GET rides/{id}": self._one,
            "POST rides/{id}/cancel": self._cancel,
            "POST rides/{id}/retry": self._retry,
            "POST rides/{id}/rate": self._rate,
            "POST rides/{id}/tip": self._tip,
            "GET report": self._report,
            "GET worth": self._worth,
            **self._cabin.doors(),
        }

    def show(self, order: Order) -> dict[str, Any]:
        """See ``Experience``."""
        return self._follower.show(order)

    def open(self) -> Sequence[Coroutine[Any, Any, None]]:
        """See ``Experience``."""
        self._cabin.live = Live(self._rides.store, self._follower.job)
        self._dispatcher.tell = self._cabin.offered
        self.advisor = Advisor(self._rides, self.teller)
        self._rides.heard = self.changed
        return [self.teller.put_items(places.items()), self._match(), self._drive(), self._pace()]

    def open_up(self) -> None:
        """See ``Experience``."""
        self._rides.open_up()

    def changed(self, order: Order) -> None:
        """See ``Experience``."""
        super().changed(order)
        self._cabin.changed(order)

    # --- what runs beside -------------------------------------------------------------------------

    async def _pace(self) -> None:
        """Remember the usual pace."""
        while True:
            await asyncio.sleep(2 * BEAT)
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
                    self.live.tell(("owner", order.owner), "position", position)
                await asyncio.sleep(0)  # other work has its turn between two cars
            due = max(due + BEAT, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    # --- the rider --------------------------------------------------------------------------------

    async def _town(self, _: Request) -> Response:
        kinds = [{"id": kind.id, "seats": kind.seats} for kind in fares.KINDS]
        return web.answer(
            {"plan": self._plan, "timezone": self._rides.zone, "spots": SPOTS, "kinds": kinds, "tips": fares.TIPS}
        )

    async def _me(self, request: Request) -> Response:
        owner = self.visitors.owner(request)

        def look() -> dict[str, Any]:
            after = self._rides.store.last()
            mine = [order for order in self._rides.store.orders(owner, 40) if not order.flow]
            return {
                "customer": self.advisor.customer(owner),
                "rides": [self._follower.show(order) for order in mine[:20]],
                "recent": recent(mine),
                "after": after,
            }

        return web.answer(await asyncio.to_thread(look))

    async def _about(self, request: Request) -> Response:
        owner = self.visitors.owner(request)
        said = await web.read(request, About)
        if said.name is not None and len(said.name) > 30:
            raise Refused("bad_name", f"{len(said.name)} characters", "30 at most", status=400)
        for named in (said.home, said.work):
            if named is not None and not (self._is_place(named.at) and len(named.title) <= 60):
                raise Refused("bad_position", "a place outside of the town", "one in it", status=400)

        def keep() -> Customer:
            fields = {k: v for k, v in msgspec.structs.asdict(said).items() if v is not None}
            customer = msgspec.structs.replace(self.advisor.customer(owner), **fields)
            self.advisor.keep(owner, customer)
            return customer

        kept = await asyncio.to_thread(keep)
        self.teller.ring()
        return web.answer(kept)

    async def _places(self, request: Request) -> Response:
        words = request.query_params.get("q", "")[:100]
        if request.query_params.get("done") and len(words.strip()) > 2:
            await self.advisor.searched(self.visitors.owner(request), words.strip())
        return web.answer(places.search(words))

    async def _shelf(self, request: Request) -> Response:
        return web.answer(await self.advisor.shelf(self.visitors.owner(request), self._here(request)))

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
        owner = self.visitors.owner(request)
        said = await web.read(request, Asked)
        if max(len(said.begin.title), len(said.end.title)) > 60:
            raise Refused("too_long", "a long name of a place", "60 characters at most", status=400)
        found = await asyncio.to_thread(self.advisor.checked, owner, said.decision, said.item)
        quote = await asyncio.to_thread(self._rides.quote, owner, said.begin, said.end, *found)
        advice = await self.advisor.kinds(owner, quote.way.metres, quote.waits)
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
        owner = self.visitors.owner(request)
        said = await web.read(request, Wanted)
        name = (await asyncio.to_thread(self.advisor.customer, owner)).name
        key = web.key_of(request)
        placed = await asyncio.to_thread(self._rides.request, owner, said.quote, said.kind, said.card, key, name)
        return web.answer(self._follower.show(placed), 402 if placed.state == "cart" else 201)

    async def _one(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        return web.answer(self._follower.show(await asyncio.to_thread(self._ride, id, owner)))

    def _ride(self, id: str, owner: str) -> Order:
        order = self._rides.desk.order(id, owner)
        if order.flow:
            raise Refused("no_such_order", f"order {id}", "a ride of your own", status=404)
        return order

    async def _cancel(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        return web.answer(self._follower.show(await asyncio.to_thread(self._rides.cancel, id, owner)))

    async def _retry(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        card = (await web.read(request, Paying)).card
        placed = await asyncio.to_thread(self._rides.desk.retry, id, owner, card, web.key_of(request))
        return web.answer(self._follower.show(placed), 402 if placed.state == "cart" else 200)

    async def _rate(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        stars = (await web.read(request, Stars)).stars
        return web.answer(self._follower.show(await asyncio.to_thread(self._rides.rate, id, owner, stars)))

    async def _tip(self, request: Request) -> Response:
        owner, id = self.visitors.owner(request), request.path_params["id"]
        said = await web.read(request, Paying)
        paid = await asyncio.to_thread(self._rides.tip, id, owner, said.amount, said.card, web.key_of(request))
        return web.answer({"state": paid.state, "why": paid.why}, 402 if paid.state == "cart" else 201)

    async def _report(self, _: Request) -> Response:
        return web.answer(await asyncio.to_thread(report, self._rides))

    async def _worth(self, _: Request) -> Response:
        """What suggestions are worth, by the engine's own report, and by this world's rules where they left word."""
        report = await self.teller.get("/v1/reports/lift?goal=ride_order", patience=60.0)
        return web.answer(worth.of(report, await asyncio.to_thread(self._rides.store.kept, "world", "truth") or {}))

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
