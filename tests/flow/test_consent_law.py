"""By which law several ids' words about consent become one person's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from micromoments.core.event import GPC
from micromoments.core.person import MAX_STATES, Person, Stamp, State, Trait, Words
from micromoments.core.record import EventRecord
from micromoments.flow import consent, people
from tests.flow.strategies import sayings
from tests.flow.world import World, arriving, event

KNOWN, FRESH = "laptop", "phone"
"""A device that is Ana's since long, and one that she was never asked on."""


def word(number: int, *, user: str | None = None, anon: str | None = None, proven: bool = False, **said: bool) -> Any:
    """A consent event."""
    return replace(event(number, user=user, anon=anon, name="Consent Updated", properties=said), confirmed=proven)


def state(number: int, *, anon: str, user: str | None = None, **said: bool) -> EventRecord:
    """An event to which a consent tool attached its state."""
    context = {"consent": {"categoryPreferences": said}}
    return event(number, anon=anon, user=user, name="Product Viewed", context=context)


def joined(number: int, anon: str) -> EventRecord:
    """The identify by which a device becomes Ana's."""
    return event(number, "identify", anon=anon, user="ana")


def holds(*records: EventRecord) -> dict[str, bool]:
    """What holds for Ana in the end, looked at in two orders of arrival."""
    found = []
    for order in (list(records), list(records)[::-1]):
        person = World().fold(arriving(order)).people["user:ana"]
        found.append({p: said.value for p, said in person.consent.items()})
    assert found[0] == found[1]
    return found[0]


@given(sayings(), sayings(), sayings())
def test_words_and_states_join_by_the_three_laws(a: consent.Said, b: consent.Said, c: consent.Said) -> None:
    """Joining is associative, commutative and idempotent, and so is what holds."""
    assert consent.join(a, a) == a
    assert consent.join(a, b) == consent.join(b, a)
    assert consent.join(consent.join(a, b), c) == consent.join(a, consent.join(b, c))


@given(sayings(), sayings())
def test_an_objection_outlives_whatever_another_id_brings(known: consent.Said, other: consent.Said) -> None:
    """A no under a proven id holds, whatever is joined to it, until a later word under a proven id."""
    no = Words(proven=Trait(Stamp(9_000, 1), value=False))
    mine = consent.join(known, consent.Said({"share": no}, {}))

    assert consent.held(consent.join(mine, other))["share"].value is False


said_of = st.dictionaries(st.sampled_from(["share", "contact"]), st.booleans(), min_size=1)
newer = st.builds(State, st.builds(Stamp, st.integers(6_000, 7_000), st.integers(0, 9)), st.booleans(), said_of)


@given(sayings(), st.dictionaries(st.integers(20, 30), newer))
def test_what_tools_attach_on_fresh_devices_changes_no_word(known: consent.Said, fresh: dict[int, State]) -> None:
    """Whatever the consent tools of devices say on which nobody ever agreed, what was said in words holds."""
    known = consent.Said(known.words, {k: replace(s, agreed={}) for k, s in known.states.items()})
    before, after = consent.held(known), consent.held(consent.join(known, consent.Said({}, fresh)))

    assert {p: after[p] for p in known.words} == {p: before[p] for p in known.words}


@pytest.mark.parametrize("answer", [True, False])
def test_a_fresh_device_neither_widens_nor_withdraws(answer: bool) -> None:
    """What Ana said holds after a device joins on which a consent tool showed its default, by identify and by alias."""
    said = word(1, user="ana", anon=KNOWN, personalise=True, share=answer)
    fresh = state(5, anon=FRESH, share=not answer, personalise=True)
    alias = event(6, "alias", user="ana", previousId=FRESH)

    assert holds(said, fresh, joined(6, FRESH))["share"] is answer
    assert holds(said, fresh, alias)["share"] is answer
    assert holds(said, fresh, joined(6, FRESH), state(7, anon=FRESH, user="ana", share=not answer))["share"] is answer


@pytest.mark.parametrize("answer", [True, False])
def test_what_a_tool_says_of_the_known_person_comes_before_a_strange_device(answer: bool) -> None:
    """Where nobody used words, the state sent with the user id holds against a newer one sent without."""
    known = state(1, anon=KNOWN, user="ana", share=answer)

    assert holds(known, state(5, anon=FRESH, share=not answer), joined(6, FRESH))["share"] is answer


def test_a_yes_on_another_device_lifts_no_objection() -> None:
    """Ana's no stands though somebody agreed on a device before it became hers; only she takes it back."""
    no, yes = word(1, user="ana", anon=KNOWN, share=False), word(5, anon=FRESH, share=True)

    assert holds(no, yes, joined(6, FRESH))["share"] is False
    assert holds(no, yes, joined(6, FRESH), word(7, user="ana", anon=FRESH, share=True))["share"] is True


def test_a_later_objection_on_a_device_stops_at_once() -> None:
    """A no that was said in words on a device counts against an older yes, not against a newer one."""
    no = word(5, anon=FRESH, share=False)

    assert holds(word(1, user="ana", share=True), no, joined(6, FRESH))["share"] is False
    assert holds(word(5, user="ana", share=True), replace(no, occurred=no.occurred - 60_000), joined(6, FRESH))["share"]


def test_a_claim_under_the_public_key_lifts_no_proven_objection() -> None:
    """Whoever holds the public key can object for an id, and can't agree for it once its holder objected."""
    no, yes = word(1, user="ana", proven=True, share=False), word(5, user="ana", share=True)

    assert holds(no, yes)["share"] is False
    assert holds(no, yes, word(7, user="ana", proven=True, share=True))["share"] is True
    assert holds(word(1, user="ana", proven=True, share=True), word(5, user="ana", share=False))["share"] is False


def test_a_yes_taken_back_in_a_consent_tool_is_an_objection() -> None:
    """A tool's state that turned from yes to no on one device is an act, and stops what was agreed to in words."""
    said = word(1, user="ana", share=True)
    turned = [state(2, anon=KNOWN, user="ana", share=True), state(5, anon=KNOWN, user="ana", share=False)]

    assert holds(said, *turned)["share"] is False
    assert holds(said, turned[1])["share"] is True
    assert holds(word(1, user="ana", anon=KNOWN, share=True), turned[1])["share"] is False


def test_what_was_said_before_signing_up_comes_along() -> None:
    """Where the known person never said anything, the words of the device hold."""
    assert holds(word(1, anon=FRESH, share=False, contact=True), joined(2, FRESH)) == {"contact": True, "share": False}


def test_privacy_control_is_a_word() -> None:
    """A browser that objects by Global Privacy Control objects for whom it belongs to, against an older yes."""
    objecting = replace(event(5, anon=FRESH, name="Product Viewed"), marks=GPC)

    assert holds(word(1, user="ana", share=True), objecting, joined(6, FRESH))["share"] is False


def test_an_objection_stops_what_the_joining_device_had_told() -> None:
    """Ana refused to be profiled; what her new phone did before it was hers is dropped when it becomes hers."""
    search = event(2, anon=FRESH, name="Products Searched", properties={"query": "buy trail shoes"})
    world = World().fold([word(1, user="ana", personalise=False), search, joined(3, FRESH)])

    ana = world.people["user:ana"]
    assert not ana.parts
    assert not ana.reading.open
    assert set(world.people) == {"user:ana"}


def test_states_are_bounded() -> None:
    """However many devices speak, the newest few are kept, and the words of all."""
    devices = [state(n, anon=f"d{n}", user="ana", share=True) for n in range(2, 30)]
    ana = World().fold([word(1, user="ana", contact=False), *devices]).people["user:ana"]

    assert len(ana.states) == MAX_STATES
    assert ana.consent["contact"].value is False


@pytest.mark.parametrize("id", ["user:ana", "anon:phone"])
def test_a_person_stored_before_words_were_told_apart_keeps_what_holds(id: str) -> None:
    """Consent without its words counts as said under the id's own kind, and later words are held against it."""
    old = Person(id=id, surrogate=1, consent={"share": Trait(Stamp(5, 5), value=False)})
    fresh = Person(id="anon:tv", surrogate=2, words={"share": Words(device=Trait(Stamp(9, 9), value=True))})

    assert people.join(old, old).consent == old.consent
    assert people.join(old, fresh).consent["share"].value is (id != "user:ana")
