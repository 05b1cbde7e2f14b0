"""The drivers: who they are, where they are, and what a phone may claim about it.

A simulated driver's place is a function of time (a way, when it began, the traffic on it), so nothing is written down
each second and a restart finds everybody where they would have been. A person's place is what their phone says, as
far as it can be true.
"""

from __future__ import annotations

import random
from math import hypot

import msgspec

from micromoments.demo.fulfil import Refused
from micromoments.demo.ride.fares import KINDS
from micromoments.demo.ride.roads import Place, Roads, Way

FASTEST = 50.0
"""Metres a second that a position may move at most; more is made up."""
SLACK = 40.0
"""Metres that a phone may be wrong."""
ASIDE = 120.0
"""Metres beside the road at which a car is no longer on it."""
SILENT = 60_000
"""A person's phone that said nothing for so long (ms) isn't offered rides."""
NAMES = (
    "Ada",
    "Ben",
    "Cleo",
    "Dara",
    "Eli",
    "Finn",
    "Gita",
    "Hana",
    "Ivo",
    "Jun",
    "Kaja",
    "Leo",
    "Mara",
    "Nils",
    "Oda",
)
CARS = (
    ("Pearl hatchback", ("go",)),
    ("Blue saloon", ("go",)),
    ("Grey estate", ("go", "comfort")),
    ("Black saloon", ("go", "comfort")),
    ("Silver van", ("go", "six")),
)


class Motion(msgspec.Struct, frozen=True):
    """A car on a way: since when (ms), and real seconds for each unhindered one."""

    way: Way
    began: int
    pace: float

    def done(self, now: int) -> float:
        """Unhindered seconds of the way that are behind it."""
        return min(self.way.seconds, max(0.0, (now - self.began) / 1000 / self.pace))

    def over(self, now: int) -> bool:
        """Whether it is there."""
        return (now - self.began) / 1000 >= self.way.seconds * self.pace

    def ends(self) -> int:
        """When it is there."""
        return self.began + int(self.way.seconds * self.pace * 1000)

    def at(self, now: int) -> Place:
        """Where it is."""
        return self.way.at(self.done(now))


class Driver(msgspec.Struct):
    """A driver. ``ride`` is the one under way; ``at`` holds where there is no ``motion``; ``heard`` is when (ms)."""

    id: str
    name: str
    car: str
    plate: str
    kinds: tuple[str, ...]
    simulated: bool
    at: Place
    online: bool = True
    rating: float = 4.8
    ride: str = ""
    motion: Motion | None = None
    heard: int = 0


class Fleet:
    """All drivers. ``count`` of them are simulated, made from the seed."""

    def __init__(self, roads: Roads, count: int, seed: int) -> None:
        self.roads = roads
        self._dice = random.Random(seed)
        self.drivers: dict[str, Driver] = {}
        for n in range(count):
            car, kinds = CARS[n % len(CARS)]
            id = f"sim-driver-{n}"
            at = roads.corner(self._dice.random())
            name = NAMES[self._dice.randrange(len(NAMES))]
            rating = round(4.5 + self._dice.random() / 2, 2)
            self.drivers[id] = Driver(id, name, car, plate(n), kinds, True, at, rating=rating)

    def of(self, id: str) -> Driver:
        """A driver; ``Refused`` (403) where there is none of this name."""
        if id not in self.drivers:
            raise Refused("no_driver", "no driver", "one who is signed in", "sign in as a driver first", status=403)
        return self.drivers[id]

    def where(self, driver: Driver, now: int) -> Place:
        """Where a driver is. A simulated one without a ride cruises: from corner to corner, with rests."""
        if driver.simulated and not driver.ride and (driver.motion is None or driver.motion.ends() < now - 20_000):
            start = driver.motion.way.points[-1] if driver.motion is not None else driver.at
            way = self.roads.way(start, self.roads.corner(self._dice.random()))
            late = self._dice.random() * way.seconds if driver.motion is None else 0.0
            driver.motion = Motion(way, now - int(late * 1000), 1.6)
        return driver.motion.at(now) if driver.motion is not None else driver.at

    def free(self, now: int) -> list[Driver]:
        """Who could take a ride."""
        return [
            d for d in self.drivers.values() if d.online and not d.ride and (d.simulated or now - d.heard <= SILENT)
        ]

    def send(self, driver: Driver, way: Way, now: int, pace: float) -> None:
        """A simulated driver sets out."""
        driver.motion = Motion(way, now, pace)

    def stand(self, driver: Driver, at: Place) -> None:
        """A driver stands somewhere."""
        driver.at, driver.motion = at, None

    def claim(self, driver: Driver, at: Place, now: int) -> None:
        """A phone says where its driver is.

        Raises:
            Refused: ``bad_position`` where that can't be: off the map, off the road, or faster than any car.
        """
        if not self.roads.inside(at):
            raise Refused("bad_position", f"{at[0]:.0f}, {at[1]:.0f}", "a place in the town", status=400)
        if self.roads.spot(at).apart > ASIDE:
            raise Refused("bad_position", "a place away from every road", "one on a road", status=400)
        far = hypot(at[0] - driver.at[0], at[1] - driver.at[1])
        most = SLACK + FASTEST * max(0, now - driver.heard) / 1000
        if driver.heard and now - driver.heard < SILENT and far > most:
            raise Refused("bad_position", f"{far:.0f} m since the last one", f"at most {most:.0f} m", status=400)
        driver.at, driver.heard = at, now


def plate(n: int) -> str:
    """A made-up number plate.

    >>> plate(7)
    'ALD 107'
    """
    return f"ALD {100 + n}"


def driver_of(owner: str, name: str, kinds: tuple[str, ...], at: Place) -> Driver:
    """A person who drives."""
    known = {one.id for one in KINDS}
    if not kinds or not known.issuperset(kinds):
        raise Refused("no_such_kind", ", ".join(kinds)[:40] or "nothing", "kinds of ride that there are", status=400)
    n = int(owner[-6:], 16) % 900 if all(c in "0123456789abcdef" for c in owner[-6:]) else 0
    return Driver(f"driver-{owner}", name[:30] or "Sam", "Green hatchback", plate(n), kinds, False, at, rating=5.0)
