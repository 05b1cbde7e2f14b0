"""Answers through the whole engine: served with their source, and missed ones told as unmet."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import micromoments as mm
from micromoments.core.item import Past
from micromoments.sources.items import read

FREEZE = "Cooked pea soup can be frozen for three months."
ITEMS = [
    mm.Item(id="soup", kind="article", title="Pea soup", text=f"A Dutch classic. {FREEZE}"),
    mm.Item(
        id="pot",
        kind="product",
        title="Soup pot",
        attributes={"reviews": [{"comment": "Great value for money!", "rating": 5}]},
    ),
]


def test_decide_serves_the_answer_with_its_source(tmp_path: Path) -> None:
    """A know moment's item carries the passage and where it stands; a product's reviews are summed up beside it."""
    with mm.open(tmp_path / "shop") as engine:
        engine.catalog.put(ITEMS)
        choice = engine.decide("ana", slot="home", context={"query": "how long can pea soup be frozen"}, limit=2)
        served = {item.id: item.attributes for item in choice.items}
        answer = served["soup"]["answer"]
        assert answer["text"] == FREEZE
        assert ITEMS[0].text[answer["source"]["start"] : answer["source"]["end"]] == FREEZE
        assert served["pot"]["review_summary"]["praised"][0]["quote"] == "Great value for money!"
        assert "no_answer" not in choice.degraded
        found = engine.catalog.answer("how long can pea soup be frozen")
        assert found is not None
        assert found.text == FREEZE
        told = engine.catalog.reviews("pot")
        assert told is not None
        assert told.count == 1


def test_what_nothing_answers_is_an_unmet_need(tmp_path: Path) -> None:
    """The decision says ``no_answer``, and the report shows the question once ten people asked it."""
    with mm.open(tmp_path / "shop") as engine:
        engine.catalog.put(ITEMS)
        question = "who invented the sewing machine"
        for n in range(10):
            engine.track(f"p{n}", "Products Searched", {"query": question})
            assert "no_answer" in engine.decide(f"p{n}", slot="home").degraded
        rows = [row for row in engine.report("unmet")["rows"] if row["of"] == "answer"]
        assert [(row["need"], row["people"], row["count"]) for row in rows] == [(question, 10, 10)]


@pytest.mark.parametrize("query", ["buy trail running shoes cheap", ""])
def test_who_asks_nothing_misses_nothing(tmp_path: Path, query: str) -> None:
    """Without a wish to know, no answer is missed."""
    with mm.open(tmp_path / "shop") as engine:
        engine.catalog.put(ITEMS)
        assert "no_answer" not in engine.decide("ana", slot="home", context={"query": query}).degraded


def test_an_item_can_be_put_as_it_was_given() -> None:
    """An encoded item, earlier prices and all, is taken whole; the prices stay the engine's to keep."""
    item = mm.Item(
        id="p", kind="product", title="Shoe", price=mm.Money(8900, "USD"), past=(Past(1, 9900, "USD"),), stock=3
    )
    again = read(msgspec.json.decode(msgspec.json.encode(item)))
    assert again == msgspec.structs.replace(item, past=())
