"""The model of sessions in a project: learned from its facts, put in force by the log, there again after a restart."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

import micromoments as mm
from micromoments.core.record import ActivationRecord, Record
from micromoments.core.settings import Recommend, Settings, Slot
from micromoments.engine import nexts
from micromoments.engine.nexts import TooFew
from micromoments.engine.wiring import open_stores
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.nextitem.distil import Exam, Examined
from tests.cli.commands import micromoments

ALLOWED = Settings(slots={"home": Slot(kinds=("product",), limit=20)}, consent=("measure", "personalise"))
T0 = 1_790_000_000_000


def look(engine: mm.Engine, who: str, item: str, at: int) -> None:
    """Somebody looks at an item."""
    when = datetime.fromtimestamp(at / 1000, UTC).isoformat()
    engine.track(who, "Product Viewed", {"product_id": item}, timestamp=when)


def because(engine: mm.Engine, who: str, item: str) -> Sequence[str]:
    """What is proposed to somebody who looks at an item, for that reason."""
    engine.track(who, "Product Viewed", {"product_id": item})
    choice = engine.decide(who, slot="home")
    return sorted(one.id for one in choice.items if f"because you looked at {item.title()}" in one.reasons)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which everybody looks at one item and then at its pair, in 200 sessions."""
    folder = tmp_path_factory.mktemp("nexts") / "shop"
    with mm.open(folder, ALLOWED) as engine:
        pairs = [(f"left{n}", f"right{n}") for n in range(8)]
        engine.catalog.put(
            [
                mm.Item(id=id, kind="product", title=id.title(), category=f"c{n}")
                for n, p in enumerate(pairs)
                for id in p
            ]
        )
        for number in range(200):
            left, right = pairs[number % 8]
            look(engine, f"p{number}", left, T0 + number * 60_000)
            look(engine, f"p{number}", right, T0 + number * 60_000 + 20_000)
    return folder


@pytest.fixture
def shop(lived: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test."""
    shutil.copytree(lived, tmp_path / "shop", ignore=shutil.ignore_patterns("lock", "*-shm"))
    return tmp_path / "shop"


def test_too_few_sessions_teach_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many there are and how many are wanted is said, from behind everything else."""
    patience: list[int] = []
    monkeypatch.setattr(nexts, "stand_back", patience.append)  # else this process would, and all tests after this one
    with pytest.raises(TooFew, match="got 200 sessions of two items or more, wanted 1,000"):
        nexts.learn_of(shop, 1_000, T0)
    assert patience == [15]


def test_learned_sessions_recommend_through_the_command_and_restarts(shop: Path) -> None:
    """``micromoments train --sessions`` puts a table in force; decisions use it, after restarts too, beside events."""
    told = json.loads(micromoments("train", shop, "--sessions", "--format", "json").out)
    assert told["sessions"] == 200
    assert told["better"] is told["activated"] is True
    for start in ("first", "second"):
        with mm.open(shop, ALLOWED) as engine:
            found = because(engine, f"new-{start}", "left3")
            assert "right3" in found
            assert len(found) > 1, "counts know of right3 alone; the vectors of a model know what is like it too"
    with mm.open(shop, ALLOWED) as engine:
        for n in range(3):
            engine.track(f"z{n}", "Product Viewed", {"product_id": "left3"})
            engine.track(f"z{n}", "Product Viewed", {"product_id": "right5"})
        assert "right5" in because(engine, "last", "left3")


def test_a_lost_table_is_no_reason_not_to_start(shop: Path) -> None:
    """Where the artifact is gone, counts recommend, and the folder opens."""
    stores = open_stores(shop, ALLOWED)
    stores.close()
    for path in (shop / "artifacts").iterdir():
        path.unlink()
    with mm.open(shop, ALLOWED) as engine:
        assert engine.decide("somebody", slot="home").items


async def test_a_server_learns_by_itself_and_uses_what_is_better(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is time, what was learned is kept and put in force through the log; what isn't better is left."""
    from micromoments.engine import nexts

    stores = open_stores(shop, replace(ALLOWED, recommend=Recommend(least_sessions=10)), apart=True)
    logged: list[Record] = []
    asked: list[int] = []
    done = asyncio.Event()

    async def change(records: Sequence[Record]) -> None:
        """The log."""
        logged.extend(records)
        done.set()

    async def learned(folder: Path, least: int, at: int) -> nexts.Learnt:
        """The process of its own: better the second time."""
        assert folder == shop
        asked.append(least)
        exam, worse = Exam(0.5, 0.4), Exam(0.4, 0.3)
        one = Examined(10, worse, exam) if len(asked) == 1 else Examined(10, exam, worse)
        return nexts.Learnt(b"table", 10, 20, one)

    clock = iter(range(T0, T0 + 10**12, 10**8))
    monkeypatch.setattr(nexts, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(nexts, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(nexts, "apart", learned)
    task = asyncio.create_task(nexts.Nexts(stores, {}, Catalog(), change, lambda: next(clock)).run())
    await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (record, *_) = logged
    assert isinstance(record, ActivationRecord)
    assert stores.artifacts.get(record.name) == b"table"
    assert asked[:2] == [10, 10]
    stores.close()
