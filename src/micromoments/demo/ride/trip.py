"""A ride's nouns, frozen: the rules of its way, its own record within its order, and what it would cost."""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.demo.fulfil import Fee, Flow, Order
from micromoments.demo.ride import fares
from micromoments.demo.ride.roads import Place, Way

FLOW = Flow(
    steps={
        "": ("coming",),
        "looking": ("coming",),
        "coming": ("arrived", "looking"),
        "arrived": ("riding", "looking"),
        "riding": (),
    },
    last=frozenset({"riding"}),
    cancel={
        "": Fee(),
        "looking": Fee(),
        "coming": Fee(fixed=fares.ON_THE_WAY),
        "arrived": Fee(fixed=fares.AT_THE_DOOR),
    },
    capture="at_end",
)
"""``""`` and ``looking`` wait for a driver (``looking`` after one gave it back)."""
HOLDS = 3 * 60_000
"""How long a quote holds, milliseconds."""
SHORTEST, OFF_ROAD = 120.0, 150.0
"""Metres: the shortest ride, and how far from a road it may begin and end."""
THERE = 90.0
"""Metres within which a driver is there."""
AFFILIATION = "Alder Ride"


class End(msgspec.Struct, frozen=True):
    """Where a ride begins or ends."""

    at: Place
    title: str = ""


class Leg(msgspec.Struct, frozen=True):
    """A driver's way within a ride: from where, to where, since when (ms). ``pace`` is a simulated one's traffic."""

    start: Place
    end: Place
    began: int
    pace: float = 1.0


class Who(msgspec.Struct, frozen=True):
    """The driver as a rider sees them."""

    id: str
    name: str
    car: str
    plate: str
    rating: float
    simulated: bool


class Trip(msgspec.Struct, frozen=True):
    """A ride's own record. Instants in milliseconds: ``taken`` by a driver who ``promised`` to be there then,
    ``arrived``, ``started``, ``ended``; ``first`` is when the rider was first told they would arrive at the end.
    """

    kind: str
    begin: End
    end: End
    seconds: float
    metres: float
    rider: str = ""
    driver: Who | None = None
    leg: Leg | None = None
    asked: int = 0
    taken: int = 0
    promised: int = 0
    arrived: int = 0
    started: int = 0
    first: int = 0
    ended: int = 0
    stars: int = 0
    tip: int = 0
    decision: str = ""
    item: str = ""
    simulated: bool = False


class Quote(msgspec.Struct, frozen=True):
    """What a ride would cost, kept by the server: prices by kind, never the page's own."""

    id: str
    owner: str
    until: int
    begin: End
    end: End
    way: Way
    prices: dict[str, int]
    waits: dict[str, int | None]
    decision: str = ""
    item: str = ""


def trip(order: Order) -> Trip:
    """A ride's own record."""
    return msgspec.convert(order.data, Trip)


def put(order: Order, **fields: Any) -> Order:
    """An order with its record changed."""
    data: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(trip(order), **fields))
    return msgspec.structs.replace(order, data=data)
