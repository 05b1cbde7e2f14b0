"""Offers that a person may have: found by what they are on, with the reason, as often as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import micromoments as mm
from micromoments.core.item import Item
from micromoments.core.offer import offer_of
from micromoments.core.settings import Budget, Slot
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.offers import said

NOW = 1_750_000_000_000
BUY = (0.0, 0.0, 0.0, 1.0, 0.0)


def offer(id: str, **gives: Any) -> Item:
    """An offer that gives this."""
    return Item(id=id, kind="offer", title=f"Offer {id}", attributes={"offer": gives})


SHOES = Item(id="shoes", kind="product", title="Trail shoes", category="footwear", brand="Alder")
SOCKS = Item(id="socks", kind="product", title="Wool socks", category="hosiery")


def found(catalog: Catalog, **asked: Any) -> dict[str, tuple[tuple[str, ...], str]]:
    """Offers by id with how each was found and its first reason, asked in a buy moment."""
    got = catalog.candidates(Ask(**{"at": NOW, "moment_type": "buy", "probabilities": BUY, **asked}))
    return {c.item.id: (c.via, c.reasons[0]) for c in got if c.item.kind == "offer"}


def shop(*offers: Item) -> Catalog:
    """A shop with two products and these offers."""
    catalog = Catalog()
    catalog.apply({item.id: item for item in (SHOES, SOCKS, *offers)})
    return catalog


@pytest.mark.parametrize(
    ("gives", "words"),
    [
        ({"gives": "price_off", "percent": 15, "items": ["shoes"]}, "15 % off Trail shoes"),
        ({"gives": "price_off", "amount": 500, "currency": "EUR", "items": ["shoes"]}, "5.00 EUR off Trail shoes"),
        ({"gives": "price_off", "amount": 500, "currency": "JPY", "items": ["shoes"]}, "500 JPY off Trail shoes"),
        ({"gives": "points", "times": 2, "categories": ["footwear"]}, "2 times the points on footwear"),
        ({"gives": "points", "times": 3, "brands": ["Alder"]}, "3 times the points on Alder"),
        (
            {"gives": "bundle", "items": ["shoes", "socks"], "amount": 8000, "currency": "EUR"},
            "Trail shoes and Wool socks together for 80.00 EUR",
        ),
        (
            {"gives": "bundle", "items": ["shoes", "socks"], "percent": 20},
            "Trail shoes and Wool socks together, 20 % less",
        ),
        ({"gives": "free_delivery", "from": 5000, "currency": "EUR"}, "free delivery from 50.00 EUR"),
    ],
)
def test_each_kind_of_offer_comes_up_with_what_it_gives(gives: dict[str, Any], words: str) -> None:
    """Who wants trail shoes gets the offers on them, their category, their brand, and on everything."""
    via, reason = found(shop(offer("o", **gives)), words="trail shoes")["o"]
    assert "offer" in via
    assert reason == words


def test_an_offer_on_what_was_looked_at_says_so() -> None:
    """By the session it is history, which needs consent, and the reason names the item."""
    via, reason = found(shop(offer("o", gives="price_off", percent=15, items=["shoes"])), recent=("shoes",))["o"]
    assert "similar" in via
    assert reason == "15 % off Trail shoes; because you looked at Trail shoes"


def test_an_offer_on_something_else_or_sold_out_is_not_found_by_it() -> None:
    """Nothing is offered on what isn't wanted, nor on what can't be had."""
    other = offer("o", gives="price_off", percent=15, items=["shoes"])
    assert "offer" not in found(shop(other), words="wool socks").get("o", ((), ""))[0]
    sold_out = shop(other)
    sold_out.apply({"shoes": Item(id="shoes", kind="product", title="Trail shoes", stock=0)})
    assert "offer" not in found(sold_out, words="trail shoes").get("o", ((), ""))[0]


def test_offers_change_with_their_items() -> None:
    """One that is changed is on what it says now; one that is deleted is gone."""
    catalog = shop(offer("o", gives="price_off", percent=15, items=["shoes"]))
    catalog.apply({"o": offer("o", gives="price_off", percent=10, items=["socks"])})
    assert found(catalog, words="wool socks")["o"][1] == "10 % off Wool socks"
    catalog.apply({"o": None})
    assert found(catalog, words="wool socks") == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"gives": "a pony"}, {"gives": "price_off"}, {"gives": "price_off", "percent": 120},
        {"gives": "price_off", "amount": 5}, {"gives": "points", "times": 1}, {"gives": "bundle", "items": ["a"]},
        {"gives": "free_delivery", "unknown": 1}, "free", {"gives": "price_off", "percent": 5, "most": -1},
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_refused(wrong: object) -> None:
    """An offer that can't be read is an error when it is put, and nothing is changed."""
    catalog = Catalog()
    with pytest.raises(ValueError, match="got offer"):
        catalog.apply({"o": Item(id="o", kind="offer", title="O", attributes={"offer": wrong})})
    assert catalog.size() == 0


def test_only_offers_are_read() -> None:
    """Another kind may use the word for its own."""
    assert offer_of(Item(id="p", kind="product", title="P", attributes={"offer": "yes"})) is None
    told = offer_of(offer("o", gives="points", times=1.5))
    assert told is not None
    assert said(told, "") == "1.5 times the points"


def test_a_person_gets_an_offer_only_so_often_and_within_its_budget(tmp_path: Path) -> None:
    """``most`` bounds how often one person is served it, the budget how often it is served at all."""
    settings = mm.Settings(
        consent=("measure", "personalise"),
        budgets={"spring": Budget(units=3)},
        slots={"home": Slot(kinds=("offer",), limit=5)},
    )
    rare = offer("rare", gives="price_off", percent=15, items=["shoes"], most=2, hours=24)
    with mm.open(tmp_path / "shop", settings) as engine:
        engine.catalog.put([SHOES, replace(rare, budget="spring")])

        def served(who: str) -> list[str]:
            return [one.id for one in engine.decide(who, "home", context={"query": "buy trail shoes"}).items]

        assert [served("ana") for _ in range(3)] == [["rare"], ["rare"], []]
        refused = engine.decide("ana", "home", context={"query": "buy trail shoes"}).refused
        assert [(one.id, one.code) for one in refused] == [("rare", "cap")]
        assert served("bo") == ["rare"]
        assert served("cy") == [], "the budget had three"
