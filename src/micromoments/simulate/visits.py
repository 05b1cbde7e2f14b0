"""Visits: someone opens the app with an intent, says so by what they do, and asks to be served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from micromoments.core.event import Millis
from micromoments.core.moment import TYPES, MomentType
from micromoments.simulate.catalog import phrases
from micromoments.simulate.city import City, Place
from micromoments.simulate.consumers import Consumer

SECOND: Millis = 1000
HOURS = np.array([2, 1, 1, 1, 1, 3, 8, 14, 15, 13, 14, 16, 20, 17, 14, 14, 16, 20, 22, 20, 16, 12, 8, 4], dtype=float)
"""Visits by the hour of day, relative."""
INTENTS: dict[str, tuple[float, float, float, float, float]] = {
    "night": (0.20, 0.05, 0.05, 0.15, 0.55),
    "morning": (0.18, 0.32, 0.12, 0.20, 0.18),
    "midday": (0.15, 0.33, 0.12, 0.24, 0.16),
    "evening": (0.17, 0.20, 0.22, 0.26, 0.15),
}
"""Chances of know, go, do, buy and none by the part of the day."""
GOES_ON = 0.2
"""How many of those who want something, and are at home or at work, look again on their other device."""


class Visit(msgspec.Struct, frozen=True):
    """One visit. ``type`` and ``category`` are what the person wants: the truth, never sent.

    ``events`` are Segment calls with their ``timestamp``, oldest first; after the last one, at ``asks_at``, the app
    asks what to serve, with ``context``: that of the device in use by then.
    """

    number: int
    consumer: Consumer
    at: Millis
    asks_at: Millis
    type: MomentType
    category: str
    query: str
    place: Place
    events: tuple[dict[str, Any], ...]
    context: dict[str, Any]


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def stamp(at: Millis) -> str:
    """An instant as RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(call: Mapping[str, Any]) -> Millis:
    """When a call happened."""
    return round(datetime.fromisoformat(call["timestamp"]).timestamp() * 1000)


def part_of_day(at: Millis, timezone: str) -> str:
    """Night, morning, midday or evening in the town."""
    hour = datetime.fromtimestamp(at / 1000, _zone(timezone)).hour
    return "night" if hour < 6 else "morning" if hour < 11 else "midday" if hour < 17 else "evening"


def call(
    visit_id: str, n: int, consumer: Consumer, at: Millis, context: Mapping[str, Any], **fields: Any
) -> dict[str, Any]:
    """One Segment call; the message id is derived, so that sending it twice is sending it once."""
    return {
        "messageId": f"{visit_id}-{n}",
        "anonymousId": consumer.id,
        "timestamp": stamp(at),
        "context": dict(context),
        **fields,
    }


def draw(
    seed: int,
    number: int,
    at: Millis,
    consumer: Consumer,
    *,
    city: City,
    timezone: str,
    categories: Sequence[str],
    browsable: Mapping[tuple[str, str], Sequence[str]],
) -> Visit:
    """The visit ``number`` of a world, at an instant, by someone.

    ``browsable`` gives the item ids of a (category, kind), for those who look around instead of searching.
    """
    rng = np.random.default_rng([seed, 2, number])
    type_ = TYPES[int(rng.choice(5, p=INTENTS[part_of_day(at, timezone)]))]
    category = categories[int(rng.choice(len(categories), p=consumer.affinity))]
    near = consumer.home if rng.random() < 0.5 else consumer.work
    out = rng.random() < (0.85 if type_ == "go" else 0.12)
    place = city.corner(float(rng.random())) if out and rng.random() < 0.7 else near
    context = context_of(consumer, city, place if out else None, timezone)
    said = phrases().get((category, type_), ())
    query = said[int(rng.integers(len(said)))] if said and rng.random() < 0.8 else ""
    calls = _shown(type_, category, query, rng, browsable)
    times = at + np.cumsum(np.concatenate([[0], rng.integers(3, 25, len(calls))])) * SECOND
    id = f"v{seed}-{number}"
    opening = call(id, 0, consumer, at, context, type="screen", name="Home")
    events = [opening] + [
        call(id, n, consumer, int(t), context, **fields)
        for n, (t, fields) in enumerate(zip(times[1:], calls, strict=True), 1)
    ]
    asks_at = int(times[-1]) + SECOND
    if type_ != "none" and not out and rng.random() < GOES_ON:
        context = _on(context, other(consumer.device))
        asks_at += int(rng.integers(5, 20)) * SECOND
        events.append(call(id, len(events), consumer, asks_at - SECOND, context, **calls[-1]))
    return Visit(
        number=number,
        consumer=consumer,
        at=at,
        asks_at=asks_at,
        type=type_,
        category=category,
        query=query,
        place=place,
        events=tuple(events),
        context=context,
    )


def context_of(consumer: Consumer, city: City, place: Place | None, timezone: str) -> dict[str, Any]:
    """What the app says of itself and its surroundings with each call. ``simulated`` marks it as made up.

    ``place`` is where a phone that is out and about says that it is, to about ten metres; at home it doesn't say.
    """
    context: dict[str, Any] = {
        "simulated": True,
        "timezone": timezone,
        "library": {"name": "micromoments-simulate", "version": "1"},
    }
    if place is not None:
        point = city.point(place)
        context["location"] = {"latitude": round(point.lat, 4), "longitude": round(point.lon, 4)}
    return _on(context, consumer.device if place is None else "mobile")


def _on(context: Mapping[str, Any], device: str) -> dict[str, Any]:
    return {**context, "channel": "app" if device == "mobile" else "web", "device": {"type": device}}


def other(device: str) -> str:
    """The other device that people have: a computer beside the phone, a phone beside the computer."""
    return "desktop" if device == "mobile" else "mobile"


def in_store(context: Mapping[str, Any]) -> dict[str, Any]:
    """What a store's till says, which reads the code in a visitor's app: there is no device."""
    return {key: told for key, told in context.items() if key not in {"device", "location"}} | {"channel": "store"}


def _shown(
    type_: MomentType,
    category: str,
    query: str,
    rng: np.random.Generator,
    browsable: Mapping[tuple[str, str], Sequence[str]],
) -> list[dict[str, Any]]:
    """The calls by which an intent shows: a search, or looking around."""
    if type_ == "none":
        return [{"type": "screen", "name": "Account"}] if rng.random() < 0.4 else []
    if query:
        calls: list[dict[str, Any]] = [_track("Products Searched", query=query)]
        if type_ == "buy" and rng.random() < 0.5:
            calls.append(_viewed(category, "product", rng, browsable))
        return calls
    if type_ == "buy":
        return [_viewed(category, "product", rng, browsable) for _ in range(2)]
    if type_ == "go":
        return [{"type": "screen", "name": "Store Finder"}, _viewed(category, "place", rng, browsable)]
    return [_viewed(category, "guide" if type_ == "do" else "article", rng, browsable) for _ in range(2)]


def _track(event: str, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": properties}


def _viewed(
    category: str, kind: str, rng: np.random.Generator, browsable: Mapping[tuple[str, str], Sequence[str]]
) -> dict[str, Any]:
    ids = browsable[category, kind]
    id = ids[int(rng.integers(len(ids)))]
    if kind == "product":
        return _track("Product Viewed", product_id=id, category=category)
    return _track(f"{kind.title()} Viewed", item_id=id, category=category)
