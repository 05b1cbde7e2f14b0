"""The operator's hand: off at once and through a crash, previews without a trace, the settings before."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

import micromoments as mm
from micromoments.core.item import Item, Money
from micromoments.core.settings import Budget, Cap, Rule, Settings, Slot
from micromoments.engine.wiring import open_stores
from micromoments.ports import replay
from tests.engine.shop import ITEMS, SETTINGS, T0, Clock, asked, opened

CONFIG = 'consent = ["measure", "personalise"]\n[slots.home]\nlimit = 2\n'


async def test_off_is_in_force_with_the_next_decision_and_on_brings_it_back(tmp_path: Path) -> None:
    """One slot, or all of them, those that no configuration names included."""
    async with opened(tmp_path / "shop", Clock()) as service:
        await service.put_items(ITEMS)
        assert (await service.decide(asked("d1", "anon:a", T0))).items
        assert await service.control.switch("home", off=True) == ["home"]
        got = await service.decide(asked("d2", "anon:a", T0))
        assert (got.items, got.mode, got.policy.name) == ((), "off", "off")
        assert (await service.decide(asked("d3", "anon:a", T0, slot="elsewhere"))).items
        assert await service.control.switch("", off=True) == ["*", "home"]
        assert not (await service.decide(asked("d4", "anon:a", T0, slot="elsewhere"))).items
        with pytest.raises(ValueError, match="without a slot first"):
            await service.control.switch("home", off=False)
        assert await service.control.switch("", off=False) == []
        assert (await service.decide(asked("d5", "anon:a", T0))).items


async def test_off_outlives_a_crash_and_a_restart(tmp_path: Path) -> None:
    """What was switched is in the log before it is answered: a copy taken then is off, and so is the next start."""
    import shutil

    async with opened(tmp_path / "shop", Clock()) as service:
        await service.put_items(ITEMS)
        await service.control.switch("home", off=True)
        shutil.copytree(tmp_path / "shop", tmp_path / "crashed")
    for folder in ("crashed", "shop"):
        async with opened(tmp_path / folder, Clock()) as service:
            assert service.control.switched_off() == ["home"]
            assert not (await service.decide(asked(f"d-{folder}", "anon:a", T0))).items


async def test_a_switch_during_a_commit_is_kept(tmp_path: Path) -> None:
    """A commit under way doesn't take the next one's values with it."""
    async with opened(tmp_path / "shop", Clock()) as service:
        await service.put_items(ITEMS)
        commit = asyncio.create_task(service._keeper.commit(service._barrier))
        await asyncio.sleep(0)
        await service.control.switch("home", off=True)
        await commit
    async with opened(tmp_path / "shop", Clock()) as service:
        assert service.control.switched_off() == ["home"]


async def test_a_preview_is_explained_and_leaves_no_trace(tmp_path: Path) -> None:
    """As a made-up person at another time; no record, no reservation; it looks past the mode unless told not to."""
    settings = replace(SETTINGS, slots={"home": Slot(mode="off")}, budgets={"b": Budget(units=1)})
    gold = Item(id="gold", kind="offer", title="Gold offer", condition={"plan": "gold"}, budget="b")
    async with opened(tmp_path / "shop", Clock(), settings) as service:
        await service.put_items([gold, *ITEMS])
        end = service._stores.log.end()
        look = service.preview("", "home", traits={"plan": "gold"}, context={"query": "gold offer"}, limit=10)
        assert "gold" in [item.id for item in look.items]
        other = service.preview("", "home", traits={"plan": "tin"}, context={"query": "gold offer"}, limit=10)
        assert ("gold", "targeting") in [(r.id, r.code) for r in other.refused]
        assert not service.preview("", "home", live=False).items
        assert (service._stores.log.end(), service._stores.budgets.used("b")) == (end, (0, 0))
        assert service.decision(look.id) is None


def test_rollback_returns_to_the_settings_before_with_the_file(tmp_path: Path) -> None:
    """Two versions, back to the first at once; a restart stays there; back again goes to the second."""
    file = tmp_path / "shop" / "micromoments.toml"
    file.parent.mkdir()
    file.write_text(CONFIG)
    with mm.open(file.parent) as engine:
        engine.catalog.put(ITEMS)
        assert len(engine.decide("ana", "home").items) == 2
        with pytest.raises(ValueError, match="wanted one of the versions kept"):
            engine.rollback("nonsense")
    file.write_text(CONFIG.replace("limit = 2", "limit = 1"))
    with mm.open(file.parent) as engine:
        assert len(engine.decide("ana", "home").items) == 1
        second = engine.service.config_version
        first = engine.rollback()
        assert first["configVersion"] != second
        assert len(engine.decide("ana", "home").items) == 2
    assert file.read_text() == CONFIG
    with mm.open(file.parent) as engine:
        assert engine.service.config_version == first["configVersion"]
        assert engine.rollback()["configVersion"] == second


def test_reload_puts_the_file_in_force_or_refuses_it_whole(tmp_path: Path) -> None:
    """A sound file holds from the next decision on; one with a mistake changes nothing; what waits is named."""
    file = tmp_path / "shop" / "micromoments.toml"
    file.parent.mkdir()
    file.write_text(CONFIG)
    with mm.open(file.parent) as engine:
        engine.catalog.put(ITEMS)
        file.write_text('timezone = "Europe/Berlin"\n' + CONFIG.replace("limit = 2", "limit = 3"))
        assert engine.run(engine.service.control.reload())["afterRestart"] == ["timezone"]
        assert len(engine.decide("ana", "home").items) == 3
        file.write_text(CONFIG.replace("limit = 2", "limit = 0"))
        with pytest.raises(ValueError, match=r"slots\.home\.limit"):
            engine.run(engine.service.control.reload())
        assert len(engine.decide("ana", "home").items) == 3


async def test_shadow_serves_theirs_and_logs_what_the_policy_would(tmp_path: Path) -> None:
    """Their ids in their order, ours beside them, nothing reserved and nobody exposed; a restart still knows."""
    settings = replace(SETTINGS, slots={"home": Slot(mode="shadow", limit=2, holdout=0.5)})
    async with opened(tmp_path / "shop", Clock(), settings) as service:
        await service.put_items(ITEMS)
        got = await service.decide(asked("d1", "anon:a", T0, context={"theirs": ["p4", "nowhere", "p1"]}))
        assert [item.id for item in got.items] == ["p4", "p1"]
        assert (got.policy.name, got.propensity, got.experiments, got.holdout) == ("theirs", 1.0, (), False)
        assert len(got.would) == 2


async def test_a_ramp_serves_its_share_and_keeps_them_when_it_grows(tmp_path: Path) -> None:
    """About the share asked for is live; the others are in shadow; raising it moves nobody out."""
    live: dict[float, set[str]] = {}
    for share in (0.2, 0.5):
        settings = replace(SETTINGS, slots={"home": Slot(mode="ramp", ramp=share)})
        async with opened(tmp_path / f"shop{share}", Clock(), settings) as service:
            await service.put_items(ITEMS)
            modes = {f"anon:{n}": (await service.decide(asked(f"d{n}", f"anon:{n}", T0))).mode for n in range(200)}
        assert set(modes.values()) == {"live", "shadow"}
        live[share] = {id for id, mode in modes.items() if mode == "live"}
    assert live[0.2] < live[0.5]
    assert 25 < len(live[0.2]) < 60


async def test_a_cap_is_exact_for_one_person_who_asks_many_times_at_once(tmp_path: Path) -> None:
    """Thirty-two requests at one time under one id, and under an anonymous id of the same person: never over."""
    settings = Settings(
        consent=("measure", "personalise"), slots={"home": Slot(caps=(Cap(times=3, by="person"),), limit=1)}
    )
    async with opened(tmp_path / "shop", Clock(), settings) as service:
        await service.put_items(ITEMS)
        got = await asyncio.gather(*(service.decide(asked(f"d{n}", "anon:a", T0)) for n in range(32)))
        assert sum(bool(one.items) for one in got) == 3
        assert {r.code for one in got if not one.items for r in one.refused} == {"cap"}


async def test_an_even_budget_is_never_ahead_of_its_time(tmp_path: Path) -> None:
    """Half of the time gone by: at most half of the units, whatever is asked; none before it starts, none after."""
    paced = Budget(units=10, pacing="even", starts="2027-01-15T08:00:00Z", ends="2027-01-15T18:00:00Z")
    clock, hour = Clock(T0), 3_600_000
    settings = replace(SETTINGS, slots={"home": Slot(limit=1)}, budgets={"b": paced})
    async with opened(tmp_path / "shop", clock, settings) as service:
        await service.put_items([Item(id="o", kind="offer", title="Offer", budget="b", price=Money(1, "EUR"))])
        taken = []
        for hours in (-1, 0, 5, 9, 11):
            clock.at = T0 + hours * hour
            for n in range(20):
                await service.decide(asked(f"d{hours}-{n}", f"anon:{n}", clock.at))
            taken.append(sum(service._stores.budgets.used("b")))
            service._stores.budgets.expire(clock.at)
    assert taken[:3] == [0, 1, 5]
    assert taken[3] == 9


async def test_prices_of_the_last_days_are_kept_with_the_item(tmp_path: Path) -> None:
    """Put at a lower price, an item is answered with the lowest price before; a restart still knows it."""
    item = Item(id="p", kind="product", title="Shoe", price=Money(100, "EUR"))
    async with opened(tmp_path / "shop", Clock()) as service:
        await service.put_items([item])
        await service.put_items([replace(item, price=Money(80, "EUR"))])
    async with opened(tmp_path / "shop", Clock()) as service:
        got = (await service.decide(asked("d", "anon:a", T0))).items[0]
        assert got.attributes["lowest_price_30_days"] == {"amount": 100, "currency": "EUR"}


def test_switches_and_versions_stand_in_the_log(tmp_path: Path) -> None:
    """Every switch and every version is a record, for an audit."""
    with mm.open(tmp_path / "shop") as engine:
        engine.off("home")
        engine.on("home")
    stores = open_stores(tmp_path / "shop")
    what = [getattr(logged.record, "what", "") for logged in replay(stores.log)]
    stores.close()
    assert what.count("off") == 2
    assert "config" in what


def test_an_addition_is_checked_against_the_settings_in_force(tmp_path: Path) -> None:
    """What would be in order is; a mistake is told with what was wanted; the file and what is in force stay."""
    file = tmp_path / "shop" / "micromoments.toml"
    file.parent.mkdir()
    file.write_text(CONFIG)
    with mm.open(file.parent) as engine:
        control, before = engine.service.control, engine.service.config_version
        assert control.check('[rules.more]\naction = "boost"\nwhere = { kind = "guide" }') == []
        (mistake,) = control.check('[rules.more]\naction = "bost"\nwhere = { kind = "guide" }')
        assert "rules.more.action" in mistake
        assert "boost" in mistake
        assert control.check("[slots.home]")
        assert (engine.service.config_version, file.read_text()) == (before, CONFIG)


async def test_settings_are_what_they_were_given_as_after_a_restart(tmp_path: Path) -> None:
    """A date in a rule is one with each start and after a change, though the log has its text."""
    rule = Rule(action="boost", where={"since": date(2026, 1, 1)})
    first, second = (replace(SETTINGS, rules={"new": rule}, currency=currency) for currency in ("EUR", "CHF"))
    for settings in (first, first, second, first):
        async with opened(tmp_path / "shop", Clock(), settings) as service:
            assert service.settings == service.control._view().settings == settings
            await service.control._activate(replace(settings, currency="USD"), "")
            assert service.settings.rules["new"].where == {"since": date(2026, 1, 1)}


async def test_another_recogniser_is_noted(tmp_path: Path) -> None:
    """The one that the engine started with, once; another after settings of recognition changed; the newest first."""
    clock = Clock()
    for half_life, count in ((30.0, 1), (30.0, 1), (10.0, 2)):
        recognition = replace(SETTINGS.recognition, threshold=half_life / 100)
        async with opened(tmp_path / "shop", clock, replace(SETTINGS, recognition=recognition)) as service:
            models = service.control.models()
            assert len(models) == count
            assert models[0]["version"] == service._stores.recogniser.digest
