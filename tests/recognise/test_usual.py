"""Home, work and places of habit, learned from coarse visits."""

from __future__ import annotations

import pytest

from micromoments.core.geo import Point, bearing
from micromoments.core.item import Nearby
from micromoments.core.moment import GO
from micromoments.recognise import usual
from micromoments.recognise.place import heading_of, near
from micromoments.recognise.usual import BLOCKS, MAX_VISITS, Sighting

HOME, WORK, BETWEEN = Point(60.21, 24.90), Point(60.17, 24.94), Point(60.19, 24.92)
STORE = Nearby("s1", "Main St Store", 20, True, 0)
MONDAY = 20_717
"""Days from 1970 to a Monday."""


def seen(
    day: int,
    hour: int,
    point: Point,
    *,
    nearby: Nearby | None = None,
    speed: float | None = None,
    heading: float | None = None,
) -> Sighting:
    """A sighting on a day after that Monday."""
    return Sighting((MONDAY + day) * BLOCKS + hour // 3, point, nearby, speed, heading)


def weeks(count: int = 2) -> tuple[int, ...]:
    """The visits of somebody who sleeps at home, works on weekdays, and drinks coffee at the store on the way."""
    visits: tuple[int, ...] = ()
    for day in range(7 * count):
        visits = usual.visited(visits, seen(day, 22, HOME))
        if day % 7 < 5:
            visits = usual.visited(visits, seen(day, 8, BETWEEN, nearby=STORE))
            visits = usual.visited(visits, seen(day, 10, WORK))
    return visits


def test_home_and_work_are_where_the_nights_and_the_working_hours_are() -> None:
    """Two weeks tell home and work; the day itself and a single long stay tell nothing."""
    known = usual.habits(weeks(), MONDAY + 14)
    assert (known.home, known.work) == (usual.cell(HOME), usual.cell(WORK))
    assert usual.habits(weeks(), MONDAY + 1).home == -1


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (seen(14, 8, BETWEEN, nearby=STORE), "usual"),
        (seen(14, 8, BETWEEN, speed=1.5, heading=bearing(BETWEEN, WORK)), "to_work"),
        (seen(14, 8, BETWEEN, speed=1.5), "to_work"),
        (seen(14, 8, BETWEEN, speed=1.5, heading=bearing(WORK, BETWEEN)), ""),
        (seen(14, 8, BETWEEN, speed=0.0), ""),
        (seen(14, 22, BETWEEN, speed=6.0, heading=bearing(BETWEEN, HOME)), "to_home"),
        (seen(19, 14, BETWEEN, speed=6.0, heading=bearing(BETWEEN, WORK)), ""),
    ],
)
def test_habit_speaks_at_its_hour_and_on_its_way(now: Sighting, why: str) -> None:
    """The store at its usual hour, the way to work on a morning and home at night lean towards go; else nothing."""
    lean, told = usual.leaned(weeks(), now)
    assert told == why
    assert (lean[GO] > 0) == bool(why)


def test_a_store_of_habit_says_less_at_another_hour() -> None:
    """At an hour or on a day at which somebody never is there, a usual store says less and gives no reason."""
    lean, told = usual.leaned(weeks(), seen(19, 17, BETWEEN, nearby=STORE))
    assert (told, 0 < lean[GO] < usual.leaned(weeks(), seen(14, 8, BETWEEN, nearby=STORE))[0][GO]) == ("", True)


def test_what_is_closed_or_far_is_no_usual_store() -> None:
    """A usual store that is closed or half a kilometre away says nothing by habit."""
    assert usual.leaned(weeks(), seen(14, 8, BETWEEN, nearby=Nearby("s1", "S", 20, False, 0)))[1] == ""
    assert usual.leaned(weeks(), seen(14, 8, BETWEEN, nearby=Nearby("s1", "S", 900, True, 0)))[1] == ""


def test_who_drives_by_visits_nothing() -> None:
    """A position in a moving car is no visit; one on foot is, once per three hours."""
    assert usual.visited((), seen(0, 8, BETWEEN, nearby=STORE, speed=14.0)) == ()
    once = usual.visited((), seen(0, 7, BETWEEN, nearby=STORE, speed=1.0))
    assert len(once) == 2
    assert usual.visited(once, seen(0, 8, BETWEEN, nearby=STORE)) is once


def test_visits_are_few_and_join_in_any_order() -> None:
    """The newest are kept, and joining is associative, commutative and idempotent."""
    parts = [tuple(usual.visited((), seen(d, h, HOME))[0] for d in range(s, 60, 3) for h in (1, 10)) for s in range(3)]
    a, b, c = (usual.joined((), part) for part in parts)
    whole = usual.joined(usual.joined(a, b), c)
    assert whole == usual.joined(a, usual.joined(c, b)) == usual.joined(whole, a)
    assert len(whole) == MAX_VISITS
    assert whole[-1] == max(*a, *b, *c)


def test_a_visit_holds_no_exact_position() -> None:
    """Points a street apart are one cell, and its middle is all that can be told of them."""
    a, b = Point(60.2101, 24.9001), Point(60.2099, 24.9003)
    assert usual.cell(a) == usual.cell(b)
    row = usual.told(weeks())[0]
    assert row["seenAs"] == "home"
    assert row["around"] == [
        round(x, 3) for x in (usual.centre(usual.cell(HOME)).lat, usual.centre(usual.cell(HOME)).lon)
    ]


def test_heading_tells_coming_from_passing_by() -> None:
    """Who walks towards an open place is pulled more than who stands there, who walks away from it much less."""
    place = Nearby("s1", "Store", 200, True, 90)
    towards, still, away = near(place, 1.4, 80.0), near(place, 1.4), near(place, 1.4, 270.0)
    assert towards[0][GO] > still[0][GO] > 2 * away[0][GO] > 0
    assert [found[1] for found in (towards, still, away)] == ["heading", "near_open", "passing"]


def test_who_stands_has_no_heading() -> None:
    """A compass without movement says nothing; a course with speed does."""
    assert heading_of({}, {"location": {"heading": 90, "speed": 0.1}}) is None
    assert heading_of({}, {"location": {"course": 90, "speed": 1.4}}) == 90.0
    assert heading_of({"heading": True}, {"location": "x"}) is None
