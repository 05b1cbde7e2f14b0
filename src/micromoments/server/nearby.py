"""``GET /v1/nearby``: what is near a position, how long it takes to get there, and whether it is open on arrival."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Kind
from micromoments.decide.fair import passed_on, public
from micromoments.retrieve.ask import Candidate, Mode
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access
from micromoments.server.problem import Problem, shown
from micromoments.server.service import Service
from micromoments.server.shapes import PlaceShape, Shape

MAX_FOUND = 100
MAX_METRES = 50_000
PARAMETERS = {
    "lat": "Latitude in degrees (WGS 84).",
    "lon": "Longitude in degrees.",
    "kind": "place unless given; article, guide, product or offer, where they have a position.",
    "category": "Exactly this category.",
    "mode": "foot (unless given), bike or car.",
    "open": "1 leaves out what is closed on arrival.",
    "max_metres": "The farthest by the straight line; 50,000 unless given.",
}


class NearShape(Shape, frozen=True):
    """An item near by. ``closesAt`` is when it closes after arrival, in milliseconds UTC; left out where it doesn't."""

    id: str
    kind: Kind
    title: str
    metres: int
    seconds: int
    open: bool
    way: str
    location: PlaceShape
    category: str = ""
    url: str = ""
    image: str = ""
    hours: str = ""
    timezone: str = ""
    closes_at: int = 0
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)


class NearbyShape(msgspec.Struct, frozen=True, rename="camel"):
    """What is near, the nearest first."""

    items: list[NearShape]


class NearbyDoor:
    """The door; any key opens it, as that of the search."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def nearby(self, call: Call, _access: Access) -> Reply:
        """The nearest."""
        query = call.query
        if unknown := sorted(set(query) - {*PARAMETERS, "limit"}):
            raise Problem(400, "unknown_parameter", f"parameter {shown(unknown[0])}", ", ".join((*PARAMETERS, "limit")))
        kind, mode = query.get("kind", "place"), query.get("mode", "foot")
        if kind not in KINDS:
            raise Problem(400, "bad_kind", f"kind {shown(kind)}", f"one of {', '.join(KINDS)}")
        if mode not in get_args(Mode):
            raise Problem(400, "bad_mode", f"mode {shown(mode)}", f"one of {', '.join(get_args(Mode))}")
        if query.get("open", "0") not in ("0", "1"):
            raise Problem(400, "bad_open", f"open={shown(query['open'])}", "1 or 0")
        limit, now = call.number("limit", 20, MAX_FOUND), self._service.clock()
        found = self._service.catalog.nearby(
            _point(query),
            now,
            # Some may not be for everyone to see.
            limit=2 * limit,
            kinds=(kind,),
            category=query.get("category", ""),
            mode=mode,
            open_only=query.get("open") == "1",
            max_metres=call.number("max_metres", MAX_METRES, MAX_METRES),
        )
        return reply(NearbyShape([_near(one) for one in found if public(one.item, now)][:limit]))


def _point(query: dict[str, str]) -> Point:
    try:
        return Point(float(query["lat"]), float(query["lon"]))
    except (KeyError, ValueError):
        got = f"lat={shown(query.get('lat', ''))}, lon={shown(query.get('lon', ''))}"
        raise Problem(400, "bad_position", got, "lat from -90 to 90 and lon from -180 to 180, in degrees") from None


def _near(found: Candidate) -> NearShape:
    one = found.item
    at = one.location or Point(0, 0)
    return NearShape(
        id=one.id,
        kind=one.kind,
        title=one.title,
        metres=found.metres,
        seconds=found.seconds,
        open=found.open,
        way=found.reasons[0],
        location=PlaceShape(lat=at.lat, lon=at.lon),
        category=one.category,
        url=one.url,
        image=one.image,
        hours=one.hours,
        timezone=one.timezone,
        closes_at=found.closes_at,
        attributes=passed_on(one),
    )
