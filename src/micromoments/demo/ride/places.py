"""Where people go in Alderhaven: the places that the app knows by name, as items of the engine too."""

from __future__ import annotations

import msgspec

import micromoments as mm
from micromoments.demo.fulfil import Refused
from micromoments.demo.ride.fares import KINDS
from micromoments.demo.ride.roads import Place


class Spot(msgspec.Struct, frozen=True):
    """A place with a name."""

    id: str
    title: str
    sort: str
    at: Place


SPOTS = (
    Spot("station", "Central Station", "transport", (840.0, -60.0)),
    Spot("ferry", "Ferry Terminal", "transport", (-330.0, -640.0)),
    Spot("square", "Old Square", "town", (-420.0, -120.0)),
    Spot("market", "Market Hall", "shops", (-250.0, -60.0)),
    Spot("castle", "Castle", "sights", (-1060.0, 400.0)),
    Spot("hospital", "Westfields Hospital", "health", (-1120.0, -150.0)),
    Spot("clinic", "Newside Clinic", "health", (760.0, 620.0)),
    Spot("theatre", "Quay Theatre", "evening", (-140.0, -420.0)),
    Spot("arena", "Meridian Arena", "evening", (900.0, 480.0)),
    Spot("college", "Alder College", "learning", (420.0, 330.0)),
    Spot("offices", "Harbour Offices", "work", (-60.0, -560.0)),
    Spot("mall", "Newside Mall", "shops", (620.0, 700.0)),
    Spot("park", "Castle Park", "sights", (-820.0, 300.0)),
    Spot("gym", "Mill Gym", "sport", (330.0, -250.0)),
)
_BY_ID = {spot.id: spot for spot in SPOTS}
COMMON = ("station", "market", "mall", "square")
"""What an app without an engine would show everybody."""
HOME = "ride-home"


def spot(id: str) -> Spot:
    """A place by its id; ``Refused`` where there is none."""
    if id not in _BY_ID:
        raise Refused("no_such_place", f"place {id[:40]!r}", "one of the town's", status=404)
    return _BY_ID[id]


def search(words: str, limit: int = 8) -> list[Spot]:
    """Places whose name or sort has a word that begins so, the best first; all of them for nothing."""
    wanted = words.casefold().split()
    found = []
    for one in SPOTS:
        names = f"{one.title} {one.sort}".casefold().split()
        if all(any(name.startswith(word) for name in names) for word in wanted):
            found.append((not one.title.casefold().startswith(words.casefold()), one.title, one))
    return [one for *_, one in sorted(found, key=lambda f: f[:2])[:limit]]


def items() -> list[mm.Item]:
    """What the engine may choose from: destinations, kinds of ride, and the way home."""
    city = mm.World(1, 1).city
    destinations = [
        mm.Item(
            id=f"ride-to-{one.id}",
            kind="place",
            title=one.title,
            category="ride places",
            brand="Alder Ride",
            tags=(one.sort,),
            location=city.point(one.at),
            attributes={"rebuyable": True, "place": one.id},
            priority=len(COMMON) - COMMON.index(one.id) if one.id in COMMON else 0,
        )
        for one in SPOTS
    ]
    kinds = [
        mm.Item(
            id=f"ride-kind-{one.id}",
            kind="offer",
            title=one.title,
            category="ride kinds",
            brand="Alder Ride",
            attributes={"rebuyable": True, "kind": one.id},
            priority=len(KINDS) - n,
        )
        for n, one in enumerate(KINDS)
    ]
    home = mm.Item(
        id=HOME,
        kind="offer",
        title="Home from here?",
        category="ride home",
        brand="Alder Ride",
        condition={"home_known": True, "away": True},
        attributes={"rebuyable": True, "personalised": True, "purposes": ["location"]},
    )
    return [*destinations, *kinds, home]
