"""The simulated town: seeded, readable, and honest about what it is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.hours import open_at
from micromoments.core.item import KINDS
from micromoments.core.settings import DAY
from micromoments.simulate import World
from micromoments.simulate.catalog import phrases
from micromoments.simulate.visits import stamp

START = 1_767_571_200_000
"""Monday, 5 January 2026, 00:00 UTC."""


@pytest.fixture(scope="module")
def world() -> World:
    """A small town."""
    return World(seed=5, people=40)


def test_same_seed_same_days(world: World) -> None:
    """Two worlds of one seed send the same events, byte for byte."""
    again = World(seed=5, people=40)
    assert [v.events for v in again.visits(START, 2)] == [v.events for v in world.visits(START, 2)]


def test_another_seed_another_town(world: World) -> None:
    """Another seed gives other people."""
    assert World(seed=6, people=40).consumers[0].home != world.consumers[0].home


def test_first_people_are_the_same_in_a_larger_town(world: World) -> None:
    """A larger town has the smaller one's people first."""
    larger = World(seed=5, people=50).consumers[:40]
    assert [(c.id, c.home, c.activity) for c in larger] == [(c.id, c.home, c.activity) for c in world.consumers]


def test_nobody_lives_in_an_empty_town() -> None:
    """A town without people is refused in words that say what to do."""
    with pytest.raises(ValueError, match="got 0 people; wanted at least 1"):
        World(people=0)


def test_catalogue_is_whole(world: World) -> None:
    """Every kind is there in every category, ids are unique, and a guide's materials are items."""
    counts = Counter(item.kind for item in world.items)
    assert counts == {"product": 150, "article": 60, "guide": 40, "place": 40, "offer": 10}
    ids = {item.id for item in world.items}
    assert len(ids) == len(world.items)
    for category in world.categories:
        assert {item.kind for item in world.items if item.category == category} == set(KINDS)
    for guide in (item for item in world.items if item.kind == "guide"):
        assert set(guide.attributes["materials"]) <= ids
        assert len(guide.attributes["steps"]) >= 3


def test_places_open_and_close(world: World) -> None:
    """Each place's hours can be read, and it is open at some hour of the week."""
    for place in (item for item in world.items if item.kind == "place"):
        assert any(open_at(place, "UTC", START + hour * DAY // 24) for hour in range(24 * 7)), place.id


def test_people_say_what_they_want_in_words_for_it(world: World) -> None:
    """There are words for each type of intent in every category."""
    for category in world.categories:
        for type_ in ("know", "go", "do", "buy"):
            assert len(phrases()[category, type_]) >= 4


def test_visits_come_in_order_by_day_more_than_by_night(world: World) -> None:
    """Visits of a fortnight are in order, within it, and mostly in the town's daytime."""
    at = [visit.at for visit in world.visits(START, 14)]
    assert at == sorted(at)
    assert all(START <= a < START + 14 * DAY for a in at)
    night = sum(a % DAY < DAY // 4 for a in at)
    assert night < len(at) / 8


@given(hour=st.integers(-12, 12))
def test_daytime_follows_the_zone(hour: int) -> None:
    """Whatever the town's zone, its people come by its own day."""
    zone = f"Etc/GMT{-hour:+d}" if hour else "UTC"
    visits = list(World(seed=1, people=30, timezone=zone).visits(START, 4))
    local = Counter((visit.at // (DAY // 24) + hour) % 24 for visit in visits)
    assert sum(local[h] for h in range(6)) < sum(local[h] for h in range(12, 18))


def test_everything_is_marked_as_made_up(world: World) -> None:
    """Every call of every visit and reaction carries the mark, and its own message id."""
    seen: set[str] = set()
    for visit in world.visits(START, 3):
        calls = [*visit.events, *world.react(visit, [world.items[0].id], f"d{visit.number}", visit.asks_at).events]
        assert all(call["context"]["simulated"] is True for call in calls)
        ids = [call["messageId"] for call in calls]
        assert len(set(ids)) == len(ids)
        assert seen.isdisjoint(ids)
        seen.update(ids)


def test_events_never_tell_the_intent(world: World) -> None:
    """What a person wants is never sent: only what they type and look at."""
    for visit in world.visits(START, 2):
        for call in visit.events:
            assert "intent" not in call["properties"] if "properties" in call else True
            assert set(call["context"]) <= {"simulated", "channel", "device", "timezone", "location", "library"}


def test_people_go_on_elsewhere(world: World) -> None:
    """Some look again on their other device, with the same call; who was sent to a place is told of by its till."""
    hops = 0
    for visit in world.visits(START, 4):
        channels = [call["context"]["channel"] for call in visit.events]
        assert visit.context == visit.events[-1]["context"]
        if len(set(channels)) > 1:
            hops += 1
            *_, before, last = visit.events
            assert {channels[-2], channels[-1]} == {"app", "web"}
            assert before["context"]["device"] != last["context"]["device"]
            assert before.get("properties") == last.get("properties")
        places = sorted(world.positions, key=lambda id: -world.worth(visit, [id]))[:3]
        for call in world.react(visit, places, f"d{visit.number}", visit.asks_at).events:
            in_store = call["context"]["channel"] == "store"
            assert in_store or call["event"] != "Store Visited"
            assert not (in_store and "device" in call["context"])
    assert 0 < hops < 20


def test_people_take_their_time(world: World) -> None:
    """Between two things that somebody does there are seconds, and the app asks after the last of them."""
    for visit in world.visits(START, 3):
        stamps = [call["timestamp"] for call in visit.events]
        assert stamps == sorted(set(stamps))
        assert stamps[-1] < stamp(visit.asks_at)
