"""A merchandiser's pin holds, whatever retrieval would have found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.settings import Rule, Settings, Slot

ENDS = 2_000_000_000_000
RULES = {
    "launch": Rule(action="pin", where={"id": "z0"}, position=1, ends="2033-05-18T03:33:20Z"),
    "bags": Rule(action="pin", where={"category": "bags"}, position=2, condition={"country": "FI"}),
}
SETTINGS = Settings(slots={"home": Slot(limit=3)}, rules=RULES, consent=("measure", "personalise"))


@pytest.fixture
def clock() -> list[int]:
    """Before the launch's end."""
    return [ENDS - 1_000_000]


@pytest.fixture
def shop(tmp_path: Path, clock: list[int]) -> Iterator[mm.Engine]:
    """Two hundred things that people look at, and a few that nobody has met."""
    with mm.open(tmp_path / "shop", SETTINGS, clock=lambda: clock[0]) as engine:
        items = [mm.Item(id=f"p{n:03}", kind="product", title=f"Thing {n}", category="things") for n in range(200)]
        hidden = [mm.Item(id=id, kind="product", title="Bag", category="bags") for id in ("z1", "z2")]
        engine.catalog.put([*items, *hidden, mm.Item(id="z0", kind="product", title="Launch", category="zoo")])
        for n in range(60):
            engine.track(f"u{n}", "Product Viewed", {"product_id": f"p{n:03}"})
        yield engine


def ids(shop: mm.Engine, who: str, **more: object) -> list[str]:
    """What somebody gets."""
    return [item.id for item in shop.decide(who, slot="home", **more).items]  # type: ignore[arg-type]


def test_what_nobody_has_met_is_pinned_all_the_same(shop: mm.Engine, clock: list[int]) -> None:
    """It is first for everybody until its rule ends; where a caller names the items it stays out."""
    assert [ids(shop, f"v{n}")[0] for n in range(5)] == ["z0"] * 5
    assert "z0" not in ids(shop, "w", items=["p001", "p002"])
    clock[0] = ENDS + 1_000
    assert "z0" not in ids(shop, "x")


def test_a_pin_by_category_holds_for_whom_it_is_for(shop: mm.Engine) -> None:
    """Its items follow each other from its position on, as long as they are there and may be served."""
    assert ids(shop, "a", context={"country": "FI"}) == ["z0", "z1", "z2"]
    assert not set(ids(shop, "b", context={"country": "SE"})) & {"z1", "z2"}
    shop.catalog.put([mm.Item(id="z1", kind="product", title="Bag", category="bags", stock=0)])
    assert ids(shop, "c", context={"country": "FI"})[:2] == ["z0", "z2"]
    shop.catalog.delete(["z2"])
    assert ids(shop, "d", context={"country": "FI"})[0] == "z0"
