"""Guides: found by what somebody has, ranked by the time at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.item import Item
from micromoments.retrieve.ask import Ask
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.guides import Guide, Step, guide_of

DO = (0.0, 0.0, 0.9, 0.0, 0.1)


def guide(id: str, **attributes: object) -> Item:
    """A guide with what it needs."""
    return Item(id=id, kind="guide", title=f"Guide {id}", attributes=attributes)


QUICK = guide("quick", minutes=15, materials=["rice", "egg"], tools=["pan"])
SLOW = guide("slow", steps=[{"text": "Cook", "minutes": 90}, "Serve"], materials=["rice"], skill="easy")


def catalog() -> Catalog:
    """Two guides and something else."""
    made = Catalog()
    made.apply({item.id: item for item in (QUICK, SLOW, guide("plain"))})
    return made


def test_what_a_guide_needs() -> None:
    """Steps, tools, materials and skill; where the whole's minutes aren't said they are the steps'."""
    assert guide_of(SLOW) == Guide((Step("Cook", 90), Step("Serve")), 90, (), ("rice",), "easy")
    assert guide_of(Item(id="p", kind="product", title="p", attributes={"steps": ["x"]})) is None


@pytest.mark.parametrize("wrong", ["rice", {"a": 1}, [1, None, ""], True, -5, float("nan")])
def test_what_cannot_be_read_is_left_out(wrong: object) -> None:
    """Attributes of any shape do no harm."""
    found = guide_of(guide("g", steps=wrong, materials=wrong, tools=wrong, minutes=wrong, skill=[]))
    assert found is not None
    assert (found.materials, found.tools, found.minutes, found.skill) == ((), (), 0.0, "")


def test_what_somebody_has_finds_guides() -> None:
    """The one that all is there for goes first, and says so; what was bought counts too, as history."""
    found = catalog().candidates(Ask(at=0, kinds=("guide",), probabilities=DO, have=("rice",)))
    assert found[0].item.id == "slow"
    assert "you have all that it needs" in found[0].reasons
    named = {one.item.id: one for one in found}
    assert "you have 1 of 3 things that it needs" in named["quick"].reasons
    bought = catalog().candidates(Ask(at=0, kinds=("guide",), probabilities=DO, bought=frozenset({"rice"})))
    assert "together" in bought[0].via


def test_having_things_counts_whatever_the_moment_seems_to_be() -> None:
    """Who says what they have gets the guide for it, though their words sound like shopping."""
    buys = (0.0, 0.0, 0.1, 0.9, 0.0)
    asks = [Ask(at=0, kinds=("guide", "product"), probabilities=buys, have=have) for have in ((), ("rice",))]
    without, with_rice = ({one.item.id: one.score for one in catalog().candidates(ask)}["slow"] for ask in asks)
    assert with_rice > 3 * without


def test_a_guide_that_takes_too_long_goes_last() -> None:
    """With half an hour at hand the quick one goes before the one that all is there for."""
    ask = Ask(at=0, kinds=("guide",), probabilities=DO, have=("rice",), minutes=30)
    order = [one.item.id for one in catalog().candidates(ask)]
    assert order.index("quick") < order.index("slow")


def test_a_change_shows_at_once() -> None:
    """A guide that needs something else, or is gone, is no longer found by what it needed."""
    shop = catalog()
    shop.apply({"slow": guide("slow", materials=["oats"]), "quick": None})
    found = shop.candidates(Ask(at=0, kinds=("guide",), probabilities=DO, have=("rice", "oats")))
    assert [one.item.id for one in found if "you have all that it needs" in one.reasons] == ["slow"]


def test_doing_it_ends_the_moment(tmp_path: Path) -> None:
    """Starting a guide opens a do moment, its steps keep it, completing it fulfils it."""
    with mm.open(tmp_path / "shop") as engine:
        engine.catalog.put([QUICK])
        engine.track("ana", "Guide Started", {"guide_id": "quick"})
        engine.track("ana", "Guide Step Completed", {"guide_id": "quick", "step": 1})
        moment = engine.moment("ana")
        assert moment is not None
        assert moment.type == "do"
        choice = engine.decide("ana", slot="home", context={"minutes": 20, "have": ["rice", "egg", "pan"]}, limit=1)
        assert "no_answer" not in choice.degraded
        engine.track("ana", "Guide Completed", {"guide_id": "quick"})
        assert engine.moment("ana") is None


def test_a_guides_skill_is_found_by_its_word() -> None:
    """Who asks for something easy gets the easy guide before the hard one."""
    shop = Catalog()
    made = [guide("hard", skill="hard", minutes=9), guide("soft", skill="easy", minutes=9)]
    shop.apply({item.id: item for item in made})
    found = shop.candidates(Ask(at=0, kinds=("guide",), probabilities=DO, words="easy guide", moment_type="do"))
    assert found[0].item.id == "soft"
