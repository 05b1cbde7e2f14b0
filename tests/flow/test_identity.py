"""The same events give the same people in whatever order they arrive."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from micromoments.core.effect import Joined, Told
from micromoments.core.record import EventRecord
from micromoments.flow.apply import MAX_JOINED
from tests.flow.world import MINUTE, T0, World, arriving, event, traces

DEVICES = ("phone", "laptop")
USERS = ("ana", "bob", "cyd")
WORDS = ("trail shoes", "coffee near me", "how to lace boots", "buy rain jacket")


@st.composite
def said_anonymously(draw: st.DrawFn, number: int) -> EventRecord:
    """Something that a device sends without a user id: searches, views, carts."""
    device = draw(st.sampled_from(DEVICES))
    name = draw(st.sampled_from(["Products Searched", "Product Viewed", "Product Added"]))
    properties = {"query": draw(st.sampled_from(WORDS))} if name == "Products Searched" else {"product_id": "p1"}
    return event(number, anon=device, name=name, properties=properties)


@st.composite
def said_by_name(draw: st.DrawFn, number: int) -> EventRecord:
    """Something sent with a user id, from a device or from a server: orders, dismissals and consent too."""
    user, device = draw(st.sampled_from(USERS)), draw(st.sampled_from([*DEVICES, None]))
    name = draw(st.sampled_from(["Products Searched", "Product Added", "Order Completed", "Consent Updated"]))
    what: dict[str, dict[str, Any]] = {
        "Products Searched": {"query": draw(st.sampled_from(WORDS))},
        "Product Added": {"product_id": draw(st.sampled_from(["p1", "p2"]))},
        "Order Completed": {"product_id": "p2", "revenue": 5},
        "Consent Updated": {"measure": draw(st.booleans()), "personalise": True},
    }
    return event(number, anon=device, user=user, name=name, properties=what[name])


@st.composite
def told_who(draw: st.DrawFn, number: int) -> EventRecord:
    """An identify or an alias."""
    user, device = draw(st.sampled_from(USERS)), draw(st.sampled_from(DEVICES))
    if draw(st.integers(0, 3)) == 0:
        return event(number, "alias", user=user, previousId=draw(st.sampled_from([*USERS, *DEVICES])))
    traits = {draw(st.sampled_from(["plan", "city"])): draw(st.integers(0, 3))}
    return event(number, "identify", anon=device, user=user, traits=traits)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[EventRecord], list[EventRecord]]:
    """A small history in the order in which it happened, and the same in another order."""
    kinds = draw(st.lists(st.sampled_from([said_anonymously, said_by_name, told_who]), min_size=2, max_size=12))
    happened = [draw(kind(number)) for number, kind in enumerate(kinds)]
    return happened, draw(st.permutations(happened))


PHONE_FIRST = [
    event(0, anon="phone", name="Products Searched", properties={"query": "trail shoes"}),
    event(1, "identify", anon="phone", user="ana"),
    event(2, anon="phone", name="Product Added", properties={"product_id": "p1"}),
    event(3, "identify", anon="phone", user="bob"),
    event(4, anon="phone", name="Products Searched", properties={"query": "coffee near me"}),
]
ALIASED = [
    event(0, anon="phone", name="Products Searched", properties={"query": "trail shoes"}),
    event(1, "alias", user="ana", previousId="phone"),
]


ORDERED_BETWEEN = [
    event(0, anon="phone", name="Product Viewed", properties={"product_id": "p1"}),
    event(1, "identify", anon="phone", user="ana"),
    event(2, anon="phone", name="Products Searched", properties={"query": "trail shoes"}),
    event(3, "identify", anon="phone", user="bob"),
    event(4, anon="phone", user="bob", name="Order Completed", properties={"product_id": "p2"}),
]


@example((ORDERED_BETWEEN, [*ORDERED_BETWEEN[:1], *ORDERED_BETWEEN[2:], ORDERED_BETWEEN[1]]))
@example((PHONE_FIRST, PHONE_FIRST[::-1]))
@example((ALIASED, ALIASED[::-1]))
@settings(max_examples=60)
@given(histories())
def test_any_order_of_arrival_gives_the_same_people(both: tuple[list[EventRecord], list[EventRecord]]) -> None:
    """Moments, traces, traits, consent, purchases and links don't depend on the order in which events arrive."""
    happened, other = both
    end = T0 + 24 * 60 * MINUTE

    one = World().fold(arriving(happened)).rest(end)
    two = World().fold(arriving(other)).rest(end)

    assert two.content() == one.content()


@settings(max_examples=60)
@given(histories())
def test_events_that_arrive_as_they_happen_give_the_same_people_as_late_ones(
    both: tuple[list[EventRecord], list[EventRecord]],
) -> None:
    """A phone that was offline and sends its day at night leaves the person as if it had been online."""
    happened, other = both
    end = T0 + 24 * 60 * MINUTE

    assert World().fold(arriving(other)).rest(end).content() == World().fold(happened).rest(end).content()


@settings(max_examples=60)
@given(histories())
def test_nothing_is_lost_or_doubled_when_people_join_and_part(
    both: tuple[list[EventRecord], list[EventRecord]],
) -> None:
    """Every event's trace lies with one person; nobody anonymous stays behind on a claimed device."""
    world = World().fold(arriving(both[1]))

    everywhere = [(t.at, t.mid) for p in world.people.values() for q in p.parts.values() for t in q.traces]
    assert len(everywhere) == len(set(everywhere))
    claimed = {key for key, link in world.links.items() if link.claims}
    assert claimed.isdisjoint(world.people)


def test_a_moment_goes_on_across_devices_once_they_are_one_persons() -> None:
    """What was searched on the phone and put into the cart on the laptop is one moment, seen on both."""
    shoes = {"query": "trail shoes", "product_id": "p1"}
    world = World().fold(
        [
            event(0, anon="phone", name="Products Searched", properties=shoes, context={"channel": "app"}),
            event(1, anon="laptop", name="Product Added", properties=shoes, context={"channel": "web"}),
            event(2, "identify", anon="phone", user="ana"),
            event(3, "identify", anon="laptop", user="ana"),
        ]
    )

    (moment,) = world.people["user:ana"].reading.open
    assert moment.channels == ("app", "web")
    assert set(world.people) == {"user:ana"}
    assert [e.into for e in world.effects if isinstance(e, Joined)] == [world.people["user:ana"].surrogate]


def test_a_shared_device_keeps_its_two_users_apart() -> None:
    """What came between ana's and bob's identify is ana's, what came after is bob's; neither sees the other's."""
    world = World().fold(PHONE_FIRST)

    ana, bob = world.people["user:ana"], world.people["user:bob"]
    assert [t.signal.need.query for t in ana.parts["anon:phone>ana"].traces] == ["trail shoes", ""]
    assert [t.signal.need.query for t in bob.parts["anon:phone>bob"].traces] == ["coffee"]


def test_only_alias_joins_two_user_ids() -> None:
    """Two users of one device are two people until an alias says that they are one."""
    world = World().fold(PHONE_FIRST)
    assert {"user:ana", "user:bob"} <= set(world.people)

    world.fold([event(9, "alias", user="bob", previousId="ana")])

    assert set(world.people) == {"user:ana"}
    assert traces(world.people["user:ana"]) == 3


def test_an_ended_moment_that_late_events_tell_otherwise_is_withdrawn() -> None:
    """A search that arrives late turns out to have opened the moment; the one that facts know by another id is gone."""
    shoes = {"query": "buy trail shoes", "product_id": "p1"}
    late = event(0, anon="phone", name="Products Searched", properties=shoes, at=T0 + 5 * MINUTE)
    world = World().fold(
        [
            event(1, anon="phone", name="Products Searched", properties=shoes),
            event(2, anon="phone", name="Order Completed", properties={"product_id": "p1"}),
        ]
    )
    (known,) = world.people["anon:phone"].reading.ended

    world.fold([late])

    withdrawn = [e.moment.id for e in world.effects if isinstance(e, Told) and e.change == "withdrawn"]
    assert withdrawn == [known.id]
    assert [m.id for m in world.people["anon:phone"].reading.ended] == [f"m{late.mid:016x}"]


def test_an_alias_that_names_only_an_anonymous_id_claims_it() -> None:
    """Without a ``previousId`` the anonymousId is what the user was known by before."""
    searched = event(0, anon="phone", name="Products Searched", properties={"query": "trail shoes"})

    world = World().fold([searched, event(1, "alias", anon="phone", user="ana")])

    assert set(world.people) == {"user:ana"}
    assert traces(world.people["user:ana"]) == 1


def test_alias_again_and_the_other_way_round_changes_nothing() -> None:
    """Alias is idempotent and has no direction."""
    joined = World().fold([*PHONE_FIRST, event(9, "alias", user="bob", previousId="ana")])
    before = joined.rest(T0 + 60 * MINUTE).content()["people"]

    joined.fold([event(10, "alias", user="ana", previousId="bob")]).rest(T0 + 60 * MINUTE)

    assert joined.content()["people"] == before


def test_a_crowd_that_is_aliased_into_one_is_refused_at_the_bound() -> None:
    """One person takes in at most ``MAX_JOINED`` user ids; a further alias changes nobody."""
    chain = [event(n, "alias", user=f"u{n + 1:03}", previousId=f"u{n:03}") for n in range(MAX_JOINED + 20)]
    world = World().fold(chain)

    assert max(len(link.joined) for link in world.links.values()) == MAX_JOINED
