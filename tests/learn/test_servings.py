"""A person's servings are bounded, and what a cap has to count isn't pushed out by what none counts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from micromoments.core.person import MAX_PENDING, MAX_SERVED, Pending, Person, Served
from micromoments.core.settings import Cap, Settings, Slot
from micromoments.learn.servings import remember, still_counted
from micromoments.stores.embedded.codec import decode, encode
from micromoments.testing.generators import decision

NOW, HOUR = 1_760_000_000_000, 3_600_000
PUSH = Slot(channel="push", caps=(Cap(times=2, hours=24, by="channel"),))


def serving(hours_ago: int, slot: str, n: int = 0, **more: str) -> Served:
    """One item in a slot, so many hours ago."""
    return Served(NOW - hours_ago * HOUR + n, f"p{n}", slot, more.get("campaign", ""), f"d{n}", more.get("channel", ""))


def test_what_a_cap_counts_outlasts_what_none_counts() -> None:
    """Two pushes ten hours ago, then hundreds of items at home, which has no cap: the pushes are still known."""
    pushes = [serving(10, "alerts", n, channel="push") for n in range(2)]
    home = [serving(1, "home", 10 + n) for n in range(200)]
    found = still_counted([*pushes, *home], Settings(slots={"news": PUSH}), NOW)
    assert len(found) == MAX_SERVED
    assert list(found[:2]) == pushes
    assert found[-1] == home[-1]
    assert list(found) == sorted(found, key=lambda one: one.at)


def test_an_offers_own_cap_outlasts_what_none_counts() -> None:
    """An offer that may be served twice a day is known after hundreds of items, until its day is over."""
    rationed = [replace(serving(hours, "home", hours), until=NOW + (24 - hours) * HOUR) for hours in (25, 10, 9)]
    home = [serving(1, "home", 100 + n) for n in range(200)]
    found = still_counted([*rationed, *home], Settings(), NOW)
    assert list(found[:2]) == rationed[1:]
    assert len(found) == MAX_SERVED


@pytest.mark.parametrize("hours", [1e305, 1e20, 10**15, float("inf")])
def test_an_offer_once_in_all_time_is_remembered_as_such(hours: float) -> None:
    """Hours without end are a thousand years: the person who got the offer can be kept and read again."""
    told = {"offer": {"gives": "price_off", "percent": 10, "most": 1, "hours": hours}}
    made = decision(1, "user:ana", "user:ana", NOW)
    made = replace(made, items=[replace(made.items[0], id="o1", kind="offer", attributes=told)])
    kept = decode(Person, encode(remember(Person("user:ana", 1), made, Slot(), Settings())))
    assert [one.until > NOW for one in kept.served] == [True]


def test_without_caps_and_past_their_window_the_newest_stay() -> None:
    """What is older than every cap's window is let go like anything else."""
    old = [serving(30, "alerts", n, channel="push") for n in range(2)]
    home = [serving(1, "home", 10 + n) for n in range(40)]
    for settings in (Settings(), Settings(slots={"news": PUSH})):
        assert list(still_counted([*old, *home], settings, NOW)) == home[-MAX_SERVED:]


def test_campaigns_that_exclude_each_other_are_remembered() -> None:
    """The group's campaigns are counted without any cap."""
    spring = serving(200, "home", 1, campaign="spring")
    home = [serving(1, "home", 10 + n) for n in range(40)]
    assert still_counted([spring, *home], Settings(exclusive=(("spring", "fall"),)), NOW)[0] == spring


def test_caps_by_slot_and_by_item_count_what_they_say() -> None:
    """By slot only its own servings are kept; by item those of every slot."""
    mine, other = serving(3, "news", 1), serving(2, "alerts", 2)
    home = [serving(1, "home", 10 + n) for n in range(40)]
    by_slot = Settings(slots={"news": Slot(caps=(Cap(times=1, by="slot"),))})
    assert still_counted([mine, other, *home], by_slot, NOW)[0] == mine
    assert other not in still_counted([mine, other, *home], by_slot, NOW)
    by_item = Settings(slots={"news": Slot(caps=(Cap(times=1, by="item"),))})
    assert list(still_counted([mine, other, *home], by_item, NOW)) == home[-MAX_SERVED:]


def test_a_campaigns_cap_outlasts_items_of_none_and_caps_by_item() -> None:
    """Three of a campaign ten hours ago, then hundreds of items without one, which a cap by item counts or none does:
    the campaign is still counted, and beyond its day it isn't.
    """
    spring = [serving(10, "home", n, campaign="spring") for n in range(3)]
    home = [serving(1, "home", 10 + n) for n in range(200)]
    by_campaign = Cap(times=3, hours=24, by="campaign")
    for caps in ((by_campaign,), (Cap(times=2, hours=24), by_campaign)):
        settings = Settings(slots={"home": Slot(caps=caps)})
        found = still_counted([*spring, *home], settings, NOW)
        assert list(found[:3]) == spring
        assert list(found[3:]) == home[-(MAX_SERVED - 3) :]
        assert list(still_counted([*spring, *home], settings, NOW + 15 * HOUR)) == home[-MAX_SERVED:]


def test_a_decision_of_just_now_outlasts_older_ones_that_were_seen() -> None:
    """Somebody who saw very many within the half hour is still awaited for what they were answered now; what nobody saw
    of those before goes first.
    """
    new = decision(1)
    seen = tuple(
        Pending(f"d{n:02}", "home", new.at - 1_000 * (90 - n), new.at + HOUR, ("p1",), seen=1)
        for n in range(MAX_PENDING)
    )
    unseen = replace(seen[0], id="unseen", seen=0)
    person = Person(id=new.person, surrogate=1, pending=(unseen, *seen[1:]))

    assert {p.id for p in remember(person, new, Slot(), Settings()).pending} == {*(p.id for p in seen[1:]), new.id}

    person = replace(person, pending=seen)
    assert {p.id for p in remember(person, new, Slot(), Settings()).pending} == {*(p.id for p in seen[1:]), new.id}
