"""Folding reads of an event's context what is decoded of it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from micromoments.core.event import Arrival, Context, Event
from micromoments.core.geo import Point
from micromoments.core.item import Item
from micromoments.core.person import Person
from micromoments.core.settings import Settings
from micromoments.engine.intake import Intake
from micromoments.flow.apply import apply
from micromoments.flow.facts import event_fact
from micromoments.flow.learn import observe
from micromoments.flow.view import View, config_digest
from micromoments.policy import make
from micromoments.recognise.recogniser import Recogniser
from micromoments.retrieve.catalog import Catalog
from micromoments.testing.memory import MemorySeen
from tests.flow.world import T0, World

RICH: dict[str, Any] = {
    "page": {"path": "/shoes", "url": "https://s.example/shoes?q=trail", "title": "Trail", "referrer": "https://google.com/"},
    "campaign": {"name": "summer sale"},
    "device": {"type": "mobile"},
    "location": {"latitude": 48.1, "longitude": 11.5, "speed": 2, "accuracy": 10, "city": "Munich", "country": "DE"},
    "lat": 48.1,
    "lon": 11.5,
    "consent": {"categoryPreferences": {"personalise": True, "location": True}},
    "timezone": "Europe/Berlin",
    "userAgent": "Mozilla/5.0",
    "locale": "de-DE",
    "ip": "10.0.0.1",
    "app": {"name": "shop"},
    "os": {"name": "iOS"},
    "network": {"wifi": True},
    "library": {"name": "analytics.js"},
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}  # fmt: skip
CALLS: list[dict[str, Any]] = [
    {"type": "page", "name": "Shoes"},
    {"type": "screen", "name": "Home"},
    {"type": "track", "event": "Products Searched", "properties": {"query": "trail shoes near me"}},
    {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p1"}},
    {"type": "track", "event": "Order Completed", "properties": {"products": [{"product_id": "p1"}], "revenue": 9}},
    {"type": "track", "event": "Consent Preferences Updated"},
    {"type": "track", "event": "Something Else"},
    {"type": "identify", "traits": {"plan": "gold"}, "userId": "ana"},
    {"type": "group", "groupId": "g"},
]


class Asked(dict[str, Any]):
    """A context that notes under which names it is asked."""

    names: set[str]

    def get(self, name: str, default: Any = None) -> Any:
        """Note the name, and answer."""
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the whole of a context is read; what folding reads of it is named in core.event.Context")


def folded(event: Event, body: bytes) -> tuple[object, object, object]:
    """What becomes of an event: its record, the world after it, its fact."""
    settings = Settings(consent=("personalise", "location"))
    catalog = Catalog()
    catalog.apply(
        {
            "s1": Item(id="s1", kind="place", title="Store", location=Point(48.1, 11.5), attributes={"geofence": 200}),
            "p1": Item(id="p1", kind="product", title="Trail shoe"),
        }
    )
    view = View(settings, config_digest(settings), Recogniser(settings), catalog, {"default": make("popular")})
    arrival = Arrival(event=event, body=body, message_id="m", occurred=T0)
    (record,), _ = Intake(MemorySeen(), catalog).take([arrival], T0)
    record = replace(record, nonce=7)
    world = World(view)
    person, effects = apply(world, record, view)
    assert isinstance(person, Person)
    observe(catalog, person, record, settings)
    return replace(record, event=Event(type="track")), (world.content(), effects), event_fact(record, 7, 1, settings)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call.get("event") or call["type"]))
def test_what_is_read_is_what_is_decoded(call: dict[str, Any]) -> None:
    """An event with all of its context folds as the one that the log gives back."""
    body = msgspec.json.encode({**call, "anonymousId": "a", "context": RICH})
    logged = msgspec.json.decode(body, type=Event)
    assert set(logged.context) == set(RICH) & set(Context.__annotations__)
    context = Asked(RICH)
    context.names = set()
    whole: Any = replace(logged, context=context)
    assert folded(whole, body) == folded(logged, body)
    assert context.names
    assert context.names <= set(Context.__annotations__)
