"""What an event says outright, worked out once: where it happened, what of consent, which products, which goals.

Folding, facts and the catalogue ask the same of every record, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from micromoments.core.event import Event
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.flow.consent import consent_in
from micromoments.learn.goals import Reached, reached


class Said(msgspec.Struct, frozen=True, gc=False):
    """One record's words: its channel, consent by purpose (``consent_in``), its products, and the goals it reaches."""

    channel: str
    consent: Mapping[str, bool]
    products: list[str]
    reached: Reached


_last: tuple[EventRecord | None, Settings | None, Said | None] = (None, None, None)


def said(record: EventRecord, settings: Settings) -> Said:
    """What a record says under these settings; the last answer is kept."""
    global _last  # noqa: PLW0603 a memo of one: it never changes a result
    whose, under, known = _last
    if whose is record and under is settings and known is not None:
        return known
    event = record.event
    found = Said(
        channel(event),
        consent_in(event, settings),
        products(event.properties) if event.properties else [],
        reached(record, settings),
    )
    _last = (record, settings, found)
    return found


def channel(event: Event) -> str:
    """Where it happened, in one word: the app or site's channel, the device's type, or the library's platform."""
    context = event.context
    said = context.get("channel")
    if said and isinstance(said, str):
        return said[:16]
    device = context.get("device")
    kind = device.get("type") if isinstance(device, dict) else None
    if kind and isinstance(kind, str):
        return kind[:16].lower()
    if "page" in context:
        return "web"
    return "app" if event.type == "screen" else "server"


def named(properties: Mapping[str, Any]) -> Any:
    """The id of the product, guide or article that an event names at the top, as sent; falsy where it names none."""
    get = properties.get
    return get("product_id") or get("guide_id") or get("article_id")


def products(properties: Mapping[str, Any]) -> list[str]:
    """The ids of items that an event names: of a product, guide or article, at the top; of products in ``products``, or
    in ``items`` as GA4's events do.

    >>> products({"products": [{"product_id": "p1"}, {"product_id": "p2"}]})
    ['p1', 'p2']
    >>> products({"items": [{"item_id": "p1", "item_name": "Trail shoe"}]})
    ['p1']
    >>> products({"guide_id": "g1"})
    ['g1']
    """
    found = [str(id)] if (id := named(properties)) else []
    listed = properties.get("products") or properties.get("items")
    if isinstance(listed, list):
        found += [str(id) for p in listed if isinstance(p, dict) and (id := p.get("product_id") or p.get("item_id"))]
    return found
