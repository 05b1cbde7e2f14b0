"""The driver's doors: sign in, be on duty, say where one is, take rides and drive them."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from micromoments.demo.fulfil import Live, Order, Refused, web
from micromoments.demo.ride.dispatch import Dispatcher, Offer
from micromoments.demo.ride.fleet import Driver, driver_of
from micromoments.demo.ride.follow import Follower
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Place
from micromoments.demo.ride.trip import trip

PIN = "2468"
"""What the driver's page asks for; it says so itself, as this is a demo."""


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who drives what, and where they stand."""

    pin: str
    at: Place
    name: str = ""
    kinds: tuple[str, ...] = ("go", "comfort")


class Duty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On duty or not."""

    online: bool


class Here(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a driver's phone is, metres."""

    x: float
    y: float


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to an offer."""

    ride: str
    accept: bool


class Cabin:
    """The driver's side. ``live`` is set once the loop runs."""

    def __init__(self, rides: Rides, dispatcher: Dispatcher, follower: Follower, visitors: web.Visitors) -> None:
        self._rides, self._dispatcher, self._follower, self._visitors = rides, dispatcher, follower, visitors
        self.live: Live

    def doors(self) -> dict[str, web.Handler]:
        """Its doors."""
        return {
            "POST driver/sign-in": self._sign_in,
            "GET driver": self._state,
            "POST driver/duty": self._duty,
            "POST driver/position": self._position,
            "POST driver/offer": self._answer,
            "POST driver/rides/{id}/{step}": self._step,
            "GET driver/live": self._watch,
        }

    def offered(self, offer: Offer, is_new: bool) -> None:
        """A driver is offered a ride, or it is taken back."""
        driver = self._rides.fleet.drivers.get(offer.driver)
        if driver is not None and not driver.simulated:
            data = self._offer(offer) if is_new else {"id": offer.ride}
            self.live.tell(("place", offer.driver), "offer" if is_new else "gone", data)

    def changed(self, order: Order) -> None:
        """A ride changed; whoever drives it hears it."""
        self.live.changed(order)

    def _driver(self, request: Request) -> Driver:
        return self._rides.fleet.of(f"driver-{self._visitors.owner(request)}")

    async def _sign_in(self, request: Request) -> Response:
        owner = self._visitors.owner(request)
        said = await web.read(request, SignIn)
        if not hmac.compare_digest(said.pin.encode(), PIN.encode()):
            raise Refused("bad_pin", "another PIN", "the drivers' PIN", "look at the page", status=403)
        self._check(said.at)

        def sign_in() -> Driver:
            with self._rides.lock:
                known = self._rides.fleet.drivers.get(f"driver-{owner}")
                made = known if known is not None and known.ride else driver_of(owner, said.name, said.kinds, said.at)
                made.heard = self._rides.clock()
                if known is None or not known.ride:
                    made.at = self._rides.roads.spot(said.at).at
                self._rides.fleet.drivers[made.id] = made
            self._rides.keep(made)
            return made

        await asyncio.to_thread(sign_in)
        return await self._state(request)

    async def _state(self, request: Request) -> Response:
        driver = self._driver(request)

        def look() -> dict[str, Any]:
            after = self._rides.store.last()
            offer = self._dispatcher.offer_of(driver.id)
            order = self._rides.active.get(driver.ride)
            sql = "SELECT body FROM orders WHERE place = ? AND state = 'done' ORDER BY at DESC LIMIT 30"
            done = [msgspec.json.decode(body, type=Order) for (body,) in self._rides.store.rows(sql, driver.id)]
            return {
                "driver": {n: getattr(driver, n) for n in ("id", "name", "car", "plate", "online", "rating", "at")},
                "offer": self._offer(offer) if offer is not None else None,
                "ride": self._follower.job(order) if order is not None else None,
                "earned": sum(order.total for order in done) + sum(trip(order).tip for order in done),
                "rides": len(done),
                "after": after,
            }

        return web.answer(await asyncio.to_thread(look))

    async def _duty(self, request: Request) -> Response:
        driver = self._driver(request)
        said = await web.read(request, Duty)

        def set_out() -> None:
            with self._rides.lock:
                driver.online = said.online
                driver.heard = self._rides.clock()
            self._rides.keep(driver)

        await asyncio.to_thread(set_out)
        return await self._state(request)

    async def _position(self, request: Request) -> Response:
        driver = self._driver(request)
        said = await web.read(request, Here)
        self._check((said.x, said.y))
        self._rides.fleet.claim(driver, (said.x, said.y), self._rides.clock())
        return web.answer({"success": True})

    async def _answer(self, request: Request) -> Response:
        driver = self._driver(request)
        said = await web.read(request, Answer)
        if said.accept:
            order = await asyncio.to_thread(self._dispatcher.accept, said.ride, driver)
            return web.answer(self._follower.job(order))
        await asyncio.to_thread(self._dispatcher.decline, said.ride, driver)
        return web.answer({"success": True})

    async def _step(self, request: Request) -> Response:
        driver = self._driver(request)
        id, step = request.path_params["id"], request.path_params["step"]
        steps: dict[str, Callable[[str, Driver], Order]] = {
            "arrived": self._rides.arrive,
            "start": self._rides.start,
            "finish": self._rides.finish,
            "drop": self._dispatcher.drop,
            "no-show": self._rides.no_show,
        }
        if step not in steps:
            raise Refused("bad_step", step[:20], " or ".join(steps), status=404)
        order = await asyncio.to_thread(steps[step], id, driver)
        return web.answer(self._follower.job(order))

    async def _watch(self, request: Request) -> Response:
        return web.stream(self.live.stream(("place", self._driver(request).id), web.after(request)))

    def _offer(self, offer: Offer) -> dict[str, Any]:
        order = self._rides.active[offer.ride]
        return {**self._follower.job(order), "until": offer.until, "seconds": round(offer.seconds)}

    def _check(self, at: Place) -> None:
        if not all(map(isfinite, at)) or not self._rides.roads.inside(at):
            raise Refused("bad_position", "a position that isn't in the town", "one that is", status=400)
