"""State never depends on how punctual the clock's process is."""

from __future__ import annotations

from functools import cache

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from micromoments.core.effect import Happened
from micromoments.core.event import Millis
from micromoments.core.outcome import Outcome
from micromoments.core.record import DecidedRecord, EventRecord, Record, TickRecord
from micromoments.core.settings import Settings, Slot
from micromoments.flow.view import View
from micromoments.testing.generators import decision
from tests.flow.world import MINUTE, T0, World, event, view

PERSON = "anon:phone"


@cache
def shop() -> View:
    """Settings in which a decision counts as seen and its window is half an hour."""
    from dataclasses import replace as changed

    slots = {"home": Slot(assume_seen=True, window_minutes=30)}
    return changed(view(), settings=Settings(consent=("personalise",), slots=slots))


@st.composite
def days(draw: st.DrawFn) -> list[Record]:
    """Searches, orders, decisions and clicks of one person over some hours, some of them late."""
    at = T0
    found: list[Record] = []
    made: list[str] = []
    for n in range(draw(st.integers(1, 9))):
        at += draw(st.integers(0, 70)) * MINUTE
        occurred = at - draw(st.sampled_from([0, 0, 0, 20, 200])) * MINUTE
        match draw(st.sampled_from(["search", "search", "decide", "click", "order"])):
            case "decide":
                made.append(f"d{n}")
                answer = replace(decision(n, PERSON, PERSON, at), id=f"d{n}", marks=0)
                found.append(DecidedRecord(key=PERSON, at=at, decision=answer))
            case "click" if made:
                said = {"decision_id": draw(st.sampled_from(made)), "item_id": "i1"}
                found.append(event(n, anon="phone", name="Decision Clicked", properties=said, at=at, occurred=occurred))
            case "order":
                said = {"revenue": "3", "product_id": "i1"}
                found.append(event(n, anon="phone", name="Order Completed", properties=said, at=at, occurred=occurred))
            case _:
                said = {"query": draw(st.sampled_from(["buy trail shoes", "coffee near me", "how to lace boots"]))}
                found.append(
                    event(n, anon="phone", name="Products Searched", properties=said, at=at, occurred=occurred)
                )
    return found


def outcomes(world: World) -> list[Outcome]:
    """What came of the decisions, in an order of its own."""
    return sorted((e.outcome for e in world.effects if isinstance(e, Happened)), key=lambda o: o.id)


def ticking(records: list[Record], ticks: list[Millis]) -> list[Record]:
    """The records with ticks among them, in the order of arrival; a tick at a record's instant comes before it."""
    every: list[Record] = [*(TickRecord(key=PERSON, at=at) for at in sorted(ticks)), *records]
    return sorted(every, key=lambda r: r.at)


@settings(max_examples=150)
@given(days(), st.lists(st.integers(0, 700), max_size=30))
def test_ticks_early_late_or_missing_give_the_same_person(records: list[Record], minutes: list[int]) -> None:
    """People and outcomes are those of a clock that never ticked between the records."""
    end = T0 + 40 * 24 * 60 * MINUTE

    silent = World(shop()).fold(records).rest(end)
    nervous = World(shop()).fold(ticking(records, [T0 + m * MINUTE for m in minutes])).rest(end)

    assert msgspec.msgpack.encode(nervous.people) == msgspec.msgpack.encode(silent.people)
    assert outcomes(nervous) == outcomes(silent)


def test_a_window_that_nobody_answered_is_ignored_once_at_its_end() -> None:
    """However late the tick, the outcome carries the window's end, and a second tick brings nothing."""
    shown = replace(decision(1, PERSON, PERSON, T0), id="d1", marks=0)
    for late in (0, 1, 999):
        world = World(shop()).fold([DecidedRecord(key=PERSON, at=T0, decision=shown)])
        for n in range(2):
            world.fold([TickRecord(key=PERSON, at=T0 + (30 + late + n) * MINUTE)])

        (ignored,) = outcomes(world)
        assert (ignored.what, ignored.at, ignored.reward) == ("ignored", T0 + 30 * MINUTE, 0.0)


def test_an_early_tick_changes_nothing() -> None:
    """Before its time a tick leaves the very same person."""
    world = World().fold([event(0, anon="phone", name="Products Searched", properties={"query": "buy trail shoes"})])
    before = world.people[PERSON]

    world.fold([TickRecord(key=PERSON, at=before.wake_at() - 1)])

    assert world.people[PERSON] is before


def test_an_event_of_long_ago_or_far_ahead_finds_its_place() -> None:
    """An old event opens no moment that is still open; one from a clock that runs ahead is not open for ever."""
    old: EventRecord = event(
        0, anon="phone", name="Products Searched", properties={"query": "buy tent"}, occurred=1, at=T0
    )
    world = World().fold([old])
    assert world.people[PERSON].reading.open == ()

    ahead = event(
        1, anon="phone", name="Products Searched", properties={"query": "buy tent"}, occurred=T0 + MINUTE, at=T0
    )
    world.fold([ahead])
    (moment,) = world.people[PERSON].reading.open
    assert moment.expires_at <= T0 + 3 * 60 * MINUTE
