"""A ride service in a folder, with a clock that stands still until it is moved."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import micromoments as mm
from micromoments.demo.fulfil import Order, Sandbox, Store
from micromoments.demo.ride.dispatch import Dispatcher
from micromoments.demo.ride.fleet import Driver, Fleet
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Place, Roads
from micromoments.demo.ride.trip import End

SQUARE: Place = (-420.0, -120.0)
STATION: Place = (840.0, -60.0)


@cache
def roads() -> Roads:
    """The town's roads, built once."""
    return Roads(mm.World(1, 1).city.plan)


class Service:
    """A service with so many simulated drivers; opened again on the same folder it is the one after a crash."""

    def __init__(self, folder: Path, drivers: int = 3, now: int = 1_700_000_000_000) -> None:
        self.now = now
        self.store = Store(folder / "ride.sqlite")
        self.bank = Sandbox(folder / "bank.sqlite")
        self.rides = Rides(self.store, self.bank, Fleet(roads(), drivers, 8), "UTC", lambda: self.now)
        self.rides.open_up()
        self.dispatcher = Dispatcher(self.rides)

    def ask(self, owner: str = "ana", kind: str = "go", card: str = "pm_card_visa", key: str = "k") -> Order:
        """Ask for a ride from the square to the station."""
        quote = self.rides.quote(owner, End(SQUARE, "Square"), End(STATION, "Station"))
        return self.rides.request(owner, quote.id, kind, card, key)

    def taken(self, order: Order) -> tuple[Order, Driver]:
        """The ride once a driver has taken it."""
        self.dispatcher.tick(self.now)
        offer = next(o for o in self.dispatcher.offers.values() if o.ride == order.id)
        driver = self.rides.fleet.drivers[offer.driver]
        return self.dispatcher.accept(order.id, driver), driver

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += int(seconds * 1000)

    def done(self, order: Order) -> Order:
        """The whole ride, driven."""
        order, driver = self.taken(order)
        self.wait(1000)
        self.rides.arrive(order.id, driver)
        self.rides.start(order.id, driver)
        self.wait(1000)
        return self.rides.finish(order.id, driver)

    def close(self) -> None:
        """Close its files."""
        self.store.close()
        self.bank.close()
