"""The shop's rules: tax, delivery, offers, returns, prices, reviews."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.config import parse
from micromoments.demo import project, shop
from micromoments.demo.fulfil import Line, Order, Refused
from micromoments.demo.shop import goods, offers, reviews, rules

KNIFE, BEANS = "p-chef-s-knife-20-cm", "p-house-espresso-beans-1-kg"
LINES = st.lists(
    st.builds(
        lambda n, quantity, unit: Line(f"x{n}", "X", quantity, unit),
        st.integers(0, 9),
        st.integers(1, 20),
        st.integers(0, 99_999),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda line: line.sku,
)


@given(LINES, st.data())
def test_tax_is_within_what_is_paid(lines: list[Line], data: st.DataObject) -> None:
    """The tax in prices is what its rate says to the cent, never more than what is paid, whatever is discounted."""
    off = [data.draw(st.integers(0, line.quantity * line.unit)) for line in lines]
    food = frozenset(line.sku for line in lines if data.draw(st.booleans()))
    paid = sum(line.quantity * line.unit for line in lines) - sum(off)
    tax = rules.tax(lines, off, food)
    low, high = paid * 14 / 114, paid * 24 / 124
    assert low - 2 <= tax <= high + 1e-6


def order(off: dict[str, int], **fields: object) -> Order:
    """Three knives and a kilo of beans that have arrived."""
    lines = (Line(KNIFE, "Knife", 3, 1_001), Line(BEANS, "Beans", 1, 1_850), rules.delivery_line("standard", 4_853))
    made = Order(id="o", owner="a", currency="EUR", lines=lines, state="done", data={"off": off})
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


@given(st.integers(0, 3_003), st.permutations([1, 2]))
def test_returns_bring_what_was_paid(off: int, parts: list[int]) -> None:
    """However pieces come back, together they bring exactly what was paid for them."""
    came: dict[str, int] = {}
    total = 0
    for count in parts:
        total += rules.worth_back(order({KNIFE: off}), {KNIFE: count}, came, goods.FOOD, 1)
        came[KNIFE] = came.get(KNIFE, 0) + count
    assert total == 3_003 - off


@pytest.mark.parametrize(
    ("pieces", "before", "days", "code"),
    [
        ({KNIFE: 4}, {}, 1, "not_yours_to_return"),
        ({KNIFE: 1}, {KNIFE: 3}, 1, "not_yours_to_return"),
        ({KNIFE: 0}, {}, 1, "not_yours_to_return"),
        ({KNIFE: -1}, {}, 1, "not_yours_to_return"),
        ({"delivery:standard": 1}, {}, 1, "not_yours_to_return"),
        ({BEANS: 1}, {}, 1, "food"),
        ({KNIFE: 1}, {}, 30.5, "too_late"),
        ({}, {}, 1, "empty"),
    ],
)
def test_returns_that_lie(pieces: dict[str, int], before: dict[str, int], days: float, code: str) -> None:
    """More than was bought, twice, none, the delivery, food, too late: each is refused for its own reason."""
    with pytest.raises(Refused) as refused:
        rules.worth_back(order({}), pieces, before, goods.FOOD, days)
    assert refused.value.code == code


@given(st.sampled_from(sorted(rules.OFFERS)), st.integers(1, 20))
def test_offers_take_no_more_than_there_is(gives: str, quantity: int) -> None:
    """An offer takes something off the lines that it names, never more than a line's price."""
    lines = [Line(KNIFE, "Knife", quantity, 6_900), Line(BEANS, "Beans", 1, 1_850), rules.delivery_line("express", 0)]
    department = {KNIFE: "kitchen", BEANS: "coffee"}
    if gives in ("repair", "bikes"):
        with pytest.raises(Refused, match="something from"):
            rules.discounts(gives, lines, department)
        return
    off = rules.discounts(gives, lines, department)
    assert sum(off) > 0
    assert all(0 <= less <= line.quantity * line.unit for less, line in zip(off, lines, strict=True))


def test_reductions_show_the_lowest_price() -> None:
    """A reduction shows the lowest price of the 30 days before it; what was lower lately isn't called reduced."""
    past = [rules.Past(rules.DAY, 500), rules.Past(40 * rules.DAY, 1_000), rules.Past(45 * rules.DAY, 1_200)]
    assert rules.lowest(900, past, 50 * rules.DAY) == 1_000
    assert rules.lowest(1_100, past, 50 * rules.DAY) is None


def test_summaries_quote_word_for_word() -> None:
    """Every quote of a summary is a sentence of a review of that product, and the counts are of sentences."""
    for id in {review.item for review in reviews.shipped()}:
        written = [review for review in reviews.shipped() if review.item == id]
        every = [sentence for review in written for sentence in reviews.sentences(review.text)]
        for said in reviews.summary(written):
            assert said.good + said.bad <= len(every)
            assert {quote for _, quote, _ in said.quotes} <= set(every)
            assert bool(said.good) == any(sign == "good" for sign, _, _ in said.quotes)


def test_the_catalogue_is_whole() -> None:
    """Every good is in both languages with as many steps, materials are products, timers are of steps there are."""
    for good in goods.everything().values():
        assert all((*good.title.values(), *good.text.values()))
        assert set(good.title) == set(good.text) == {"en", "de"}
        if good.kind == "guide":
            assert len(good.steps["en"]) == len(good.steps["de"])
            assert all(goods.product(id) for id in good.materials)
            assert all(0 <= step < len(good.steps["en"]) for step in good.timers)
        if good.kind == "product":
            assert good.price > 0
    assert {goods.product(id).food for id in goods.FOOD} == {True}
    assert {review.item for review in reviews.shipped()} <= set(goods.everything())
    assert [item.id for item in offers.items()] == [f"shop-offer-{name}" for name in rules.OFFERS]


def test_the_tables_are_a_configuration() -> None:
    """What the shop adds to the demo's project is a configuration as the engine reads it."""
    read = parse(project.settings("UTC", more=shop.TABLES))
    assert {"shop_home", "shop_product", "shop_cart", "shop_answer", "shop_offers"} <= set(read.slots)
    assert "shop_order" in read.goals
