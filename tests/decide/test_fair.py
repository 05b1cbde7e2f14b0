"""Fair prices: what is refused, what is said, and what an answer never passes on."""

from __future__ import annotations

from typing import Any

import pytest

from micromoments.core.decision import Decision
from micromoments.core.item import Item, Money
from micromoments.core.settings import Settings, Slot
from micromoments.decide import fair
from micromoments.decide.decider import decide
from micromoments.policy import make
from tests.decide.build import DAY, NOW, candidate, person, request


def decided(item: dict[str, Any], **traits: Any) -> Decision:
    """A decision with one candidate, for a person who consents, with context as traits."""
    return decide(
        person(),
        (),
        request(context=traits),
        [candidate(**item)],
        slot=Slot(),
        settings=Settings(),
        policy=make("first"),
        default_policy=make("popular"),
        config_version="c",
        seed=1,
        budgets_left={},
    )[0]


def priced(amount: int, **more: Any) -> Item:
    """An item at a price in euros."""
    return Item(id="p1", kind="product", title="Shoe", price=Money(amount, "EUR"), **more)


def test_a_base_price_is_never_personal() -> None:
    """A product with a personal price is refused; an offer isn't."""
    personal = {"personalised": True}
    got = decided({"price": Money(100, "EUR"), "attributes": personal})
    assert [r.code for r in got.refused] == ["personal_price"]
    assert decided({"kind": "offer", "price": Money(100, "EUR"), "attributes": personal}).items


def test_a_personal_offer_says_so_with_its_reason_and_a_text() -> None:
    """An offer for some people carries the mark, the traits that it goes by, and the text to show."""
    (item,) = decided({"kind": "offer", "condition": {"plan": "gold"}}, plan="gold").items
    assert item.attributes["personalised"] is True
    assert item.attributes["personal_reason"] == "your plan"
    assert "automated decision-making" in item.attributes["personal_text"]
    (plain,) = decided({"kind": "offer", "condition": {"moment.type": "buy"}} | {"condition": None}).items
    assert "personalised" not in plain.attributes


@pytest.mark.parametrize(
    "condition", [{"gender": "f"}, {"$or": [{"profile.age": {"$gt": 60}}, {"plan": "x"}]}, {"Religion": "none"}]
)
def test_no_offer_goes_by_a_protected_trait(condition: dict[str, Any]) -> None:
    """Wherever in a condition the trait stands; a lawful basis, written down, allows it."""
    assert [r.code for r in decided({"kind": "offer", "condition": condition}).refused] == ["protected_trait"]
    lawful = Item(id="o", kind="offer", title="Seniors", condition=condition, attributes={"lawful_basis": "seniors"})
    assert fair.unfair(lawful) is None


def test_a_reduction_shows_the_lowest_price_of_the_thirty_days_before() -> None:
    """Raised for a while and then reduced: the lowest price before counts, not the last; an old one doesn't."""
    item = priced(100)
    for at, amount in ((10, 80), (40, 120), (45, 90)):
        item = fair.remember(priced(amount), item, NOW + at * DAY)
    assert fair.lowest(item) == 80
    later = fair.remember(priced(120), item, NOW + 80 * DAY)
    later = fair.remember(priced(110), later, NOW + 85 * DAY)
    assert fair.lowest(later) == 90
    assert fair.lowest(fair.remember(priced(200), later, NOW + 86 * DAY)) is None
    assert fair.lowest(priced(10)) is None


def test_past_prices_are_bounded_and_keep_the_lowest() -> None:
    """However often a price changes, few are kept, and the lowest is not lost."""
    item = priced(1000)
    for n in range(200):
        item = fair.remember(priced(500 + n if n else 5), item, NOW + n)
    item = fair.remember(priced(50), item, NOW + 500)
    assert len(item.past) <= fair.MAX_PAST
    assert fair.lowest(item) == 5


def test_scarcity_and_countdowns_come_from_stock_and_validity() -> None:
    """What an item claims of itself is dropped; few pieces and a real end are said."""
    claims = {"only_left": 1, "countdown": 60, "was_price": 900, "colour": "red"}
    (item,) = decided({"stock": 3, "valid_until": NOW + DAY, "attributes": claims}).items
    assert item.attributes == {"stock_left": 3, "ends_at": NOW + DAY, "colour": "red"}
    (many,) = decided({"stock": 300, "attributes": claims}).items
    assert many.attributes == {"colour": "red"}


def test_sponsored_items_carry_a_label() -> None:
    """The label says so, in the business's own words where it has them."""
    assert decided({"attributes": {"sponsored": True}}).items[0].attributes["label"] == "Sponsored"
    own = {"sponsored": True, "label": "Ad"}
    assert decided({"attributes": own}).items[0].attributes["label"] == "Ad"
