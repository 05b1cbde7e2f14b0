"""Policies' versions: kept as they learn, compared, put back; a crash and a replay agree."""

from __future__ import annotations

from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.settings import Settings, Slot
from micromoments.engine.learned import due
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores

NAME = "home:thompson"


def settings() -> Settings:
    """One slot whose decisions count as seen."""
    return Settings(slots={"home": Slot(policy="thompson", assume_seen=True)}, consent=("measure", "personalise"))


def teach(engine: mm.Engine, clicks: int, item: str, start: int) -> None:
    """So many people click the item."""
    for n in range(start, start + clicks):
        choice = engine.decide(f"p{n}", slot="home", items=[item])
        engine.track(f"p{n}", "Decision Clicked", {"decision_id": choice.id, "item_id": item})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder whose policy learned clicks on one item, was kept, and learned clicks on another."""
    with mm.open(tmp_path / "shop", settings()) as engine:
        engine.catalog.put([mm.Item(id=id, kind="product", title=f"Shoe {id}", category=id) for id in ("a", "b")])
        teach(engine, 12, "a", 0)
        assert engine.policies.keep(NAME) == 12
        teach(engine, 12, "b", 20)
    return tmp_path / "shop"


def test_versions_are_listed_and_compared(shop: Path) -> None:
    """What was learned since a version is told by feature, the largest change first."""
    with mm.open(shop, settings()) as engine:
        (one,) = engine.policies.list()
        assert (one["policy"], one["slot"], one["version"]) == (NAME, "home", 24)
        assert 12 in one["kept"]
        told = engine.policies.compare(NAME, 12)
        assert (told["before"], told["after"]) == (12, 24)
        changes = [abs(change["by"]) for change in told["changed"]]
        assert changes == sorted(changes, reverse=True)
        assert changes[0] > 0.0
        with pytest.raises(ValueError, match="wanted one that is kept"):
            engine.policies.compare(NAME, 999)
        with pytest.raises(ValueError, match="wanted one of home:thompson"):
            engine.policies.compare("nowhere:thompson", 1)


def test_a_rollback_holds_after_a_restart_and_a_replay(shop: Path) -> None:
    """The earlier version decides at once, after a restart too; the newer one is kept; the log folds to the same."""
    with mm.open(shop, settings()) as engine:
        assert engine.policies.rollback(NAME, 12) == {"policy": NAME, "was": 24, "version": 12}
        assert engine.policies.list()[0]["version"] == 12
    with mm.open(shop, settings()) as engine:
        (one,) = engine.policies.list()
        assert one["version"] == 12
        assert {12, 24} <= set(one["kept"])
        teach(engine, 1, "a", 50)
        assert engine.policies.list()[0]["version"] == 13
        assert engine.policies.rollback(NAME, 24)["version"] == 24
    stores = open_stores(shop, settings())
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()


def test_slots_that_no_setting_names_are_kept_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of slots that only requests name, those that learned least are let go of, with what was kept of them; one that
    the settings name stays. A restart and a replay of the log find the same.
    """
    monkeypatch.setattr("micromoments.engine.brain.MAX_UNNAMED", 3)
    folder, named = tmp_path / "shop", Settings(slots={"home": Slot()}, consent=("measure", "personalise"))

    def click(engine: mm.Engine, slot: str, who: str) -> None:
        """Somebody clicks on what they are served there."""
        choice = engine.decide(who, slot=slot)
        engine.track(who, "Decision Clicked", {"decision_id": choice.id, "item_id": "a"})

    with mm.open(folder, named) as engine:
        engine.catalog.put([mm.Item(id="a", kind="product", title="Shoe")])
        for slot, times in (("home", 1), ("often", 3), ("twice", 2), ("x0", 1)):
            for n in range(times):
                click(engine, slot, f"{slot}-{n}")
        engine.policies.list()
        engine.policies.keep("x0:adaptive")
        for n in range(1, 6):
            click(engine, f"x{n}", f"x{n}")
        assert [one["slot"] for one in engine.policies.list()] == ["home", "often", "twice", "x5"]
    with mm.open(folder, named) as engine:
        click(engine, "x6", "x6")
        click(engine, "x6", "y6")
        assert [one["slot"] for one in engine.policies.list()] == ["home", "often", "twice", "x6"]
        click(engine, "x0", "x0")
        new = {"policy": "x0:adaptive", "slot": "x0", "version": 1, "kept": []}
        assert new in engine.policies.list(), "what was kept of it went with it"
    stores = open_stores(folder, named)
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()


def test_versions_are_kept_by_growth() -> None:
    """The first at ten outcomes, then at a quarter more each: a hundred thousand outcomes keep fewer than 45."""
    assert (due(9, 0), due(10, 0), due(12, 10), due(13, 10)) == (False, True, False, True)
    kept, last = 0, 0
    for version in range(100_000):
        if due(version, last):
            kept, last = kept + 1, version
    assert kept < 45
