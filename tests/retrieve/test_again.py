"""What is bought again, about when it is due."""

from __future__ import annotations

from micromoments.core.item import Item
from micromoments.core.settings import DAY
from micromoments.retrieve.again import MOST, due, usual_days
from micromoments.retrieve.catalog import Ask, Catalog

NOW = 1_772_000_000_000
BEANS = Item(
    id="beans",
    kind="product",
    title="Coffee beans",
    category="coffee",
    attributes={"rebuyable": True, "rebuy_days": 14},
)
LAMP = Item(id="lamp", kind="product", title="Desk lamp", category="home")


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
        assert (
            usual_days(Item(id="x", kind="product", title="x", attributes={"rebuyable": True, "rebuy_days": strange}))
            == 30
        )
    assert usual_days(BEANS) == 14
    assert usual_days(LAMP) == 0


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
