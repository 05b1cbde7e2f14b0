"""How often things are bought again, learned from purchases."""

from __future__ import annotations

import pytest

from micromoments.core.item import Item
from micromoments.core.settings import DAY
from micromoments.retrieve import habits
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.habits import EACH, ENOUGH, Habit, Habits
from micromoments.retrieve.learned import decode

START = 20_000 * DAY
BUY = (0.0, 0.0, 0.0, 1.0, 0.0)


def item(id: str, category: str = "") -> Item:
    """A product."""
    return Item(id=id, kind="product", title=id, category=category)


def bought(into: Habits, one: Item, people: int, every: int, times: int = 2, first: int = 0) -> None:
    """So many people buy an item so many times at an interval of days."""
    for n in range(times):
        for who in range(first, first + people):
            into.learn(f"anon:{who}", one, START + n * every * DAY)


def test_enough_people_make_an_interval() -> None:
    """The interval is the middle one of people who came back, once there are enough, and the share is theirs."""
    learned, soap = Habits(), item("soap")
    bought(learned, soap, ENOUGH - 1, every=30, times=3)
    assert learned.of(soap) is None
    bought(learned, soap, 1, every=30, times=3, first=100)
    assert learned.of(soap) == Habit(30.0, ENOUGH / (ENOUGH + habits.PRIOR))


def test_one_persons_habit_is_not_everybodys() -> None:
    """However often one person buys an item, it stays their own habit."""
    learned, soap = Habits(), item("soap")
    bought(learned, soap, 1, every=2, times=200)
    assert learned.of(soap) is None
    bought(learned, soap, 20, every=30, times=3, first=10)
    found = learned.of(soap)
    assert found is not None
    assert found.days == 30
    assert learned.kept.known["soap"].gaps.count(2) <= EACH


def test_the_category_speaks_for_what_few_bought() -> None:
    """An item that nobody bought yet takes what is known of its category; one of another category doesn't."""
    learned = Habits()
    for n in range(3):
        bought(learned, item(f"coffee{n}", "coffee"), 4, every=14, times=3, first=10 * n)
    assert learned.of(item("coffee0", "coffee")) is not None
    found = learned.of(item("new", "coffee"))
    assert found is not None
    assert found.days == 14
    assert learned.of(item("new", "lamps")) is None


def test_what_few_come_back_for_is_not_used_up() -> None:
    """Of what a hundred bought and five again nothing is told, be its category full of what is used up."""
    learned, lamp = Habits(), item("lamp", "home")
    bought(learned, item("soap", "home"), 50, every=30, times=3)
    bought(learned, lamp, 200, every=1, times=1, first=100)
    bought(learned, lamp, 5, every=40, times=3, first=900)
    assert learned.of(item("soap", "home")) is not None
    assert learned.of(lamp) is None


def test_the_same_day_and_the_past_say_nothing() -> None:
    """Orders of one day are one purchase, and an older one that comes late makes no interval."""
    learned, soap = Habits(), item("soap")
    bought(learned, soap, 20, every=0, times=3)
    bought(learned, soap, 20, every=-30, times=3)
    assert learned.of(soap) is None
    assert learned.kept.known["soap"].gaps == []


def test_a_young_shop_waits() -> None:
    """An interval is believed once there was time for two of them: before, only the hasty could have come back."""
    learned, soap = Habits(), item("soap")
    bought(learned, soap, 20, every=20, times=2)
    assert learned.of(soap) is None
    learned.learn("anon:later", soap, START + 40 * DAY)
    assert learned.of(soap) is not None


def test_memory_is_bounded_and_people_are_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound some people are let go with all that they bought; intervals and shares stay what they were."""
    monkeypatch.setattr(habits, "MAX_PAIRS", 200)
    learned = Habits()
    things = [item(f"i{n}") for n in range(5)]
    for n in range(3):
        for who in range(400):
            for one in things:
                learned.learn(f"anon:{who}", one, START + n * 30 * DAY)
            assert len(learned.kept.last) <= 200
    assert learned.kept.shift >= 3
    held = [pair >> 32 for pair in learned.kept.last]
    assert all(held.count(person) == len(things) for person in held)
    for one in things:
        found = learned.of(one)
        assert found is not None
        assert found.days == 30


def test_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The items bought longest ago are forgotten first."""
    monkeypatch.setattr(habits, "MAX_KNOWN", 10)
    learned = Habits()
    for n in range(30):
        learned.learn("anon:a", item(f"i{n}"), START + n * DAY)
    assert list(learned.kept.known) == [f"i{n}" for n in range(20, 30)]


def test_the_catalogue_keeps_it() -> None:
    """What the catalogue learned of habits survives a snapshot, and asking changes no byte of it."""
    catalog = Catalog()
    soap = item("soap", "home")
    catalog.apply({"soap": soap, "lamp": item("lamp", "light")})
    for n in range(3):
        for who in range(30):
            catalog.learn(f"anon:{who}", "soap", "buy", START + n * 30 * DAY, [])
            if not n:
                catalog.learn(f"anon:{who}", "lamp", "buy", START, [])
    now = START + 89 * DAY
    ask = Ask(at=now, probabilities=BUY, bought=frozenset({"soap", "lamp"}), bought_at={"soap": START, "lamp": START})
    before = catalog.encode()
    found = {one.item.id: one for one in catalog.candidates(ask)}
    assert found["soap"].used_up
    assert not found["lamp"].used_up
    assert any(reason.startswith("you bought it 89 days ago; most buy it again") for reason in found["soap"].reasons)
    assert "again" in found["soap"].via
    assert "again" not in found["lamp"].via
    kept = decode(before).habits
    assert decode(catalog.encode()).habits == kept
    other = Catalog()
    other.apply({"soap": soap, "lamp": item("lamp", "light")})
    other.restore(before)
    assert other.candidates(ask) == catalog.candidates(ask)
    assert decode(other.encode()).habits == kept
