"""Usual places in the fold: with consent only, forgotten with it, one source's own, moved or dropped when a device is
shared.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from micromoments.core.item import Nearby
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.flow.view import View
from micromoments.recognise.recogniser import Recogniser
from micromoments.retrieve.catalog import Catalog
from tests.flow.world import T0, World, event, view

DAY = 86_400_000
MONDAY = T0 + 3 * DAY
STORE = Nearby("s1", "Main St Store", 30, True)


def here(day: int, *, number: int = 0, nearby: Nearby | None = STORE, anon: str = "phone", **more: Any) -> EventRecord:
    """A position report of one morning."""
    context = {"location": {"latitude": 60.17, "longitude": 24.94}, **more.pop("context", {})}
    told = event(
        1000 * day + number, anon=anon, name="Position Reported", occurred=MONDAY + day * DAY, context=context, **more
    )
    return replace(told, nearby=nearby)


def why(world: World, person: str) -> list[str]:
    """The reasons of a person's traces, oldest first."""
    return [t.signal.why for p in world.people[person].parts.values() for t in p.traces]


def test_a_store_on_four_mornings_is_a_usual_one() -> None:
    """The first mornings it is a place at hand, from the fourth on one of habit, and the moment says so."""
    world = World().fold(here(day) for day in range(5))
    assert why(world, "anon:phone") == ["near_open"] * 3 + ["usual"] * 2


def test_without_consent_to_location_nothing_is_kept_or_used() -> None:
    """Where location was not said yes to, no visit is kept and no habit is used."""
    settings = Settings(consent=("personalise",))
    careful = View(settings, "", Recogniser(settings), Catalog(), view().policies)
    world = World(careful).fold(here(day) for day in range(5))
    assert all(not p.visits for person in world.people.values() for p in person.parts.values())
    assert not any(person.parts for person in world.people.values())


def test_consent_taken_back_drops_the_visits_at_once() -> None:
    """A no to location forgets where somebody was, and a later yes begins anew."""
    world = World().fold(here(day) for day in range(4))
    no = event(9001, anon="phone", name="Consent Updated", properties={"location": False}, occurred=MONDAY + 4 * DAY)
    yes = event(9002, anon="phone", name="Consent Updated", properties={"location": True}, occurred=MONDAY + 5 * DAY)
    world.fold([no])
    assert all(not p.visits for p in world.people["anon:phone"].parts.values())
    world.fold([yes, here(6)])
    assert why(world, "anon:phone")[-1] == "near_open"


def test_a_position_that_says_nothing_is_a_visit_all_the_same() -> None:
    """Far from any place a position is no signal, yet it teaches where somebody usually is."""
    world = World().fold(here(day, nearby=None) for day in range(3))
    (part,) = world.people["anon:phone"].parts.values()
    assert (part.traces, len(part.visits)) == ((), 3)


def test_a_sensitive_place_is_no_visit() -> None:
    """Who stands at a place whose name tells a sensitive need leaves only the area."""
    clinic = Nearby("c1", "Abortion clinic", 10, True)
    world = World().fold(here(day, nearby=clinic) for day in range(4))
    (part,) = world.people["anon:phone"].parts.values()
    assert len(part.visits) == 4


def test_habit_is_a_source_ids_own() -> None:
    """What one device learned isn't said to another, as an id that proves nothing reads its own history only."""
    ana = [event(1, "identify", anon="phone", user="ana"), event(2, "identify", anon="tablet", user="ana")]
    world = World().fold([*ana, *(here(day) for day in range(1, 5)), here(6, anon="tablet")])
    parts = world.people["user:ana"].parts
    assert parts["anon:phone>ana"].traces[-1].signal.why == "usual"
    assert parts["anon:tablet>ana"].traces[-1].signal.why == "near_open"


def test_visits_go_with_the_person_who_adopts_the_history() -> None:
    """The first identify takes what came before along."""
    world = World().fold([*(here(day) for day in range(4)), event(9001, "identify", anon="phone", user="ana")])
    assert len(world.people["user:ana"].parts["anon:phone>ana"].visits) == 8


def test_visits_of_a_device_dealt_out_among_two_are_forgotten() -> None:
    """Visits don't say whose they were: where traces go to two people, neither gets them."""
    late = event(1500, "identify", anon="phone", user="bo", occurred=MONDAY + 2 * DAY + 1)
    first = event(9001, "identify", anon="phone", user="ana", occurred=MONDAY - DAY)
    world = World().fold([*(here(day) for day in range(4)), late, first])
    assert all(not p.visits for person in world.people.values() for p in person.parts.values())
