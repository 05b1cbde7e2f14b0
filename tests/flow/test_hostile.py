"""Whatever JSON a client sends, the fold goes through and what it keeps can be stored."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from micromoments.core.fact import EventFact
from micromoments.core.person import MAX_TRAITS, Person
from micromoments.core.record import EventRecord
from micromoments.flow.facts import event_fact
from micromoments.flow.learn import observe
from micromoments.retrieve.catalog import Catalog
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.columns import to_arrow
from tests.flow.world import World, event, view

NAMES = [
    "product_id",
    "item_id",
    "query",
    "products",
    "decision_id",
    "results",
    "revenue",
    "total",
    "value",
    "currency",
    "price",
    "category",
    "brand",
    "location",
    "latitude",
    "longitude",
    "consent",
    "categoryPreferences",
    "device",
    "type",
    "channel",
    "page",
    "moment_id",
    "correct_type",
    "quantity",
    "lat",
    "lon",
    "url",
    "title",
    "path",
    "referrer",
    "timezone",
]
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 1e308, -1e308, 1e19]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["trail shoes near me", "EUR", "p1", "d1", "*", "\x00", "\ud7ff", "12.5", "1e999", "CLF"]),
    st.sampled_from([999_999_999_999_999, "http://[object Object]/?q=shoes", "//\u2100.com?q=tent", "app://["]),
)
json = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=12,
)
things = st.dictionaries(st.sampled_from(NAMES), json, max_size=6)
LABELS = [
    "Products Searched",
    "Product Viewed",
    "Product Added",
    "Order Completed",
    "Order Refunded",
    "Decision Seen",
    "Decision Clicked",
    "Decision Dismissed",
    "Consent Updated",
    "Moment Corrected",
    "Moment Dismissed",
    "Article Read",
    "Deep Link Opened",
    "anything",
]


@st.composite
def anything(draw: st.DrawFn) -> EventRecord:
    """An event with whatever JSON in its properties, context and traits."""
    type = draw(st.sampled_from(["track", "track", "page", "screen", "identify", "group", "alias"]))
    return event(
        draw(st.integers(0, 30)),
        type,
        anon=draw(st.sampled_from(["phone", "laptop"])),
        user=draw(st.sampled_from([None, "ana", "bob"])),
        name=draw(st.sampled_from(LABELS)),
        properties=draw(things),
        context=draw(things),
        traits=draw(things),
        previousId=draw(st.sampled_from(["ana", "phone", ""])),
    )


def through(records: list[EventRecord]) -> tuple[World, list[EventFact]]:
    """The records folded, learned from and made facts of."""
    world, catalog, facts = World(), Catalog(), []
    for n, record in enumerate(records):
        world.fold([record])
        facts.append(event_fact(record, 1, n, view().settings))
        observe(catalog, None, record)
    return world, facts


@example([event(0, "identify", anon="phone", user="ana", traits={"value": 2**70})])
@example([event(0, anon="phone", name="Order Completed", properties={"revenue": 10**25, "results": 2**70})])
@example([event(0, anon="phone", name="Order Completed", properties={"revenue": 10**15 - 1, "currency": "CLF"})])
@example([event(0, anon="phone", name="Deep Link Opened", properties={"url": "http://[object Object]/cart"})])
@example([event(0, "page", anon="phone", properties={"url": "http://[object Object]/?q=shoes"})])
@settings(max_examples=80)
@given(st.lists(anything(), min_size=1, max_size=4))
def test_any_json_is_folded_and_can_be_stored(records: list[EventRecord]) -> None:
    """No event breaks the fold or the learning; people come back from their bytes, facts fit their columns."""
    world, facts = through(records)

    for person in world.people.values():
        assert codec.decode(Person, codec.encode(person)) == person
        assert len(person.traits) <= MAX_TRAITS
    to_arrow("events", codec.fact_rows(codec.encode_facts(facts)))


@given(things)
def test_a_record_of_any_json_comes_back_from_the_log(properties: dict[str, Any]) -> None:
    """The log gives back the body byte for byte, and the same event."""
    record = event(1, anon="phone", name="x", properties=properties)

    (again,) = codec.decode_group(codec.encode_group([record]), "a group")

    assert again == replace(record, event=msgspec.json.decode(record.body, type=type(record.event)))


def test_ids_that_are_none_do_not_make_a_person_large() -> None:
    """Whoever orders and waves away things with ids as long as events may be is kept in as little as anybody."""
    long = "x" * 30_000
    orders = [
        event(n, anon="phone", name="Order Completed", properties={"product_id": f"{n}{long}"}) for n in range(20)
    ]
    waved = [event(30, anon="phone", name="Decision Dismissed", properties={"item_id": long})]

    world, _ = through([*orders, *waved])

    assert len(codec.encode(world.people["anon:phone"])) < 4096
