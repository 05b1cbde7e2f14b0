"""What is bought again, about when it is due."""

from __future__ import annotations

from collections.abc import Mapping

from micromoments.core.item import Item
from micromoments.core.settings import DAY
from micromoments.retrieve.again import MOST, habit_of, habits_of, named_days
from micromoments.retrieve.again import due as told_due
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.habits import Habit

NOW = 1_772_000_000_000
BEANS = Item(
    id="beans",
    kind="product",
    title="Coffee beans",
    category="coffee",
    attributes={"rebuyable": True, "rebuy_days": 14},
)
LAMP = Item(id="lamp", kind="product", title="Desk lamp", category="home")


def due(
    items: Mapping[str, Item],
    bought: Mapping[str, int],
    at: int,
    days: Mapping[str, tuple[int, ...]] | None = None,
    learned: Habit | None = None,
) -> list[tuple[str, float, str]]:
    """What is due, by one person's purchases and what others' say of every item."""
    return told_due(habits_of(items, bought, days or {}, lambda _: learned), bought, at)


def strength(days: float) -> float:
    """How strongly beans speak for themselves so many days after they were bought; 0 for not at all."""
    return next((s for _, s, _ in due({"beans": BEANS}, {"beans": NOW - round(days * DAY)}, NOW)), 0.0)


def test_strongest_when_due() -> None:
    """Nothing the day after, most at the usual time, less but still something when it is long overdue."""
    assert strength(1) == 0.0
    assert strength(14) > strength(10) > strength(7)
    assert strength(14) > strength(28) > strength(60) > 0


def test_only_what_is_bought_again() -> None:
    """What isn't rebuyable, what doesn't exist and what is bought in the future never come back."""
    items = {"beans": BEANS, "lamp": LAMP}
    assert due(items, {"lamp": NOW - 14 * DAY, "gone": NOW - 14 * DAY, "beans": NOW + DAY}, NOW) == []


def test_a_strange_interval_is_the_usual_one() -> None:
    """An interval that is no positive number is taken as 30 days."""
    for strange in (0, -3, True, "soon", float("nan")):
        one = Item(id="x", kind="product", title="x", attributes={"rebuyable": True, "rebuy_days": strange})
        when = habit_of(one, (), None)
        assert when is not None
        assert when.days == 30
    assert named_days(BEANS) == 14
    assert habit_of(LAMP, (), None) is None


TODAY = NOW // DAY
SOAP = Item(id="soap", kind="product", title="Soap", category="home")


def test_a_persons_own_pace() -> None:
    """What somebody bought three times comes back at their own interval, said so, without anybody else's word for it;
    what they bought twice may be chance.
    """
    thrice = {"soap": (TODAY - 61, TODAY - 41, TODAY - 21)}
    ((_, at_its_time, reason),) = due({"soap": SOAP}, {"soap": NOW - 21 * DAY}, NOW, thrice)
    assert reason == "you buy this about every 20 days"
    ((_, early, _),) = due({"soap": SOAP}, {"soap": NOW - 21 * DAY}, NOW - 17 * DAY, thrice)
    assert early < at_its_time / 3
    assert due({"soap": SOAP}, {"soap": NOW - 21 * DAY}, NOW, {"soap": (TODAY - 41, TODAY - 21)}) == []


def test_what_others_say() -> None:
    """What others buy again comes back for somebody who bought it once, the stronger the more of them do, and the
    reason says whose habit it is; the shop's "never" is believed before all.
    """
    bought = {"soap": NOW - 29 * DAY}
    often, seldom = (due({"soap": SOAP}, bought, NOW, learned=Habit(30.0, share))[0] for share in (0.8, 0.3))
    assert often[2] == "you bought it 29 days ago; most buy it again after about 30 days"
    assert seldom[2] == "you bought it 29 days ago; it is often bought again after about 30 days"
    assert often[1] > seldom[1] > 0
    never = Item(id="soap", kind="product", title="Soap", attributes={"rebuyable": False})
    every = {"soap": (TODAY - 60, TODAY - 40, TODAY - 20)}
    assert due({"soap": never}, bought, NOW, every, Habit(30.0, 0.8)) == []


def test_own_and_others_together() -> None:
    """A person's own interval moves the usual one, the more the more often they bought it."""
    usual = Habit(30.0, 0.5)
    days = [habit_of(SOAP, tuple(range(TODAY - 10 * n, TODAY + 1, 10)), usual) for n in range(5)]
    told = [one.days for one in days if one is not None]
    assert told[0] == 30.0
    assert told == sorted(told, reverse=True)
    assert told[-1] == 14.0


def test_rebuyable_without_days_is_learned() -> None:
    """An item that only says that it is rebuyable takes the interval that purchases tell, and 30 days before."""
    coffee = Item(id="x", kind="product", title="x", attributes={"rebuyable": True})
    for learned, wanted in ((None, 30.0), (Habit(9.0, 0.4), 9.0)):
        when = habit_of(coffee, (), learned)
        assert when is not None
        assert (when.days, when.chance) == (wanted, 1.0)


def test_at_most_so_many() -> None:
    """However much was bought, the few most due are told, in order."""
    items = {f"i{n:02}": Item(id=f"i{n:02}", kind="product", title="x", attributes=BEANS.attributes) for n in range(20)}
    told = due(items, {id: NOW - (10 + n) * DAY for n, id in enumerate(items)}, NOW)
    assert len(told) == MOST
    assert [s for _, s, _ in told] == sorted((s for _, s, _ in told), reverse=True)


def test_a_candidate_with_its_reason() -> None:
    """What is due leads the candidates of somebody who wants to buy, says why, and isn't there for anybody else."""
    catalog = Catalog()
    catalog.apply({"beans": BEANS, "lamp": LAMP})
    wants = (0.0, 0.0, 0.0, 1.0, 0.0)
    mine = catalog.candidates(Ask(at=NOW, probabilities=wants, bought_at={"beans": NOW - 14 * DAY}))[0]
    assert mine.item.id == "beans"
    assert mine.via[0] == "again"
    assert mine.reasons[0] == "you bought it 14 days ago"
    assert all("again" not in one.via for one in catalog.candidates(Ask(at=NOW, probabilities=wants)))
