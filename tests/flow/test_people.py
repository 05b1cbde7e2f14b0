"""People join and part by laws, so that the order in which events arrive can't show."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.moment import Trace
from micromoments.core.person import MAX_TRACES, Claim, Link, Part, Person, Stamp
from micromoments.flow import people
from tests.flow.strategies import persons, stamps, traces


def content(person: Person) -> bytes:
    """All of a person as bytes: equal people are equal bytes."""
    return msgspec.msgpack.encode(person)


def test_who_is_new_has_nothing_of_their_own() -> None:
    """Of two strangers nothing is known but who they are: the rest is the same few empty values."""
    one, other = people.new("anon:one", 1), people.new("anon:other", 2)
    of_dictionaries = [name for name in Person.__struct_fields__ if isinstance(getattr(one, name), dict)]

    assert content(one) == content(Person(id="anon:one", surrogate=1))
    assert all(getattr(one, name) is getattr(other, name) for name in of_dictionaries)


@given(persons())
def test_joining_a_person_with_itself_changes_nothing(a: Person) -> None:
    """Join is idempotent."""
    assert content(people.join(a, a)) == content(a)


@given(persons(), persons())
def test_joining_either_way_round_gives_the_same_person(a: Person, b: Person) -> None:
    """Join is commutative."""
    assert content(people.join(a, b)) == content(people.join(b, a))


@given(persons(), persons(), persons())
def test_joining_in_any_grouping_gives_the_same_person(a: Person, b: Person, c: Person) -> None:
    """Join is associative."""
    left = people.join(people.join(a, b), c)
    right = people.join(a, people.join(b, c))

    assert content(left) == content(right)


@given(st.lists(traces(), max_size=MAX_TRACES, unique_by=lambda t: t.mid), st.randoms(use_true_random=False))
def test_traces_inserted_in_any_order_give_the_same_part(found: list[Trace], random: object) -> None:
    """A part is a function of the set of its traces."""
    shuffled = sorted(found, key=lambda t: (t.mid * 7919) % 101)
    one, other = Part(), Part()
    for trace in found:
        one = people.insert(one, trace)
    for trace in shuffled:
        other = people.insert(other, trace)

    assert one == other


@given(traces())
def test_the_same_trace_twice_is_once(trace: Trace) -> None:
    """A trace that is kept already changes nothing."""
    part = people.insert(Part(), trace)

    assert people.insert(part, trace) is part


@given(st.lists(st.tuples(stamps, st.sampled_from("uvw")), min_size=1, max_size=8), stamps)
def test_an_anonymous_id_belongs_to_its_last_claim_before_the_event(claims: list[tuple[Stamp, str]], at: Stamp) -> None:
    """From an identify until the next; what came before the first belongs to the first."""
    link = Link()
    for stamp, user in claims:
        link = people.claim(link, Claim(stamp, user))
    ordered = sorted({Claim(s, u) for s, u in claims})
    before = [c.user for c in ordered if c.stamp <= at]

    assert people.owner(link, at.at, at.mid) == (before[-1] if before else ordered[0].user)


def test_nobody_owns_an_unclaimed_id() -> None:
    """Without a claim there is no owner."""
    assert people.owner(None, 5, 5) is None
    assert people.owner(Link(), 5, 5) is None


@given(
    st.lists(traces(), max_size=12, unique_by=lambda t: t.mid),
    st.lists(st.tuples(stamps, st.sampled_from("uv")), min_size=1, max_size=4),
)
def test_dealing_a_shared_device_out_again_gives_each_owner_just_their_traces(
    found: list[Trace], claims: list[tuple[Stamp, str]]
) -> None:
    """After regrouping, every trace lies with the owner that the claims name, and none is lost or doubled."""
    link = Link()
    for stamp, user in claims:
        link = people.claim(link, Claim(stamp, user))
    part = Part()
    for trace in found:
        part = people.insert(part, trace)
    everyone = {f"user:{u}": Person(id=f"user:{u}", surrogate=1) for u in "uv"}
    first = link.claims[0].user
    everyone[f"user:{first}"] = Person(id=f"user:{first}", surrogate=1, parts={"anon:x": part} if found else {})

    changed = people.regroup("anon:x", link, everyone, {"u": "user:u", "v": "user:v"})
    after = {**everyone, **changed}

    dealt = {(t.at, t.mid, id) for id, p in after.items() for q in p.parts.values() for t in q.traces}
    assert dealt == {(t.at, t.mid, f"user:{people.owner(link, t.at, t.mid)}") for t in found}
