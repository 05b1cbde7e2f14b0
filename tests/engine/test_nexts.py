"""The model of sessions in a project: learned from its facts, put in force by the log, there again after a restart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.settings import Settings, Slot
from micromoments.engine.nexts import TooFew, learn_of
from micromoments.engine.wiring import open_stores
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


def test_too_few_sessions_teach_nothing(lived: Path) -> None:
    """How many there are and how many are wanted is said."""
    with pytest.raises(TooFew, match="got 200 sessions of two items or more, wanted 1,000"):
        learn_of(lived, 1_000, T0)


def test_learned_sessions_recommend_through_the_command_and_restarts(lived: Path) -> None:
    """``micromoments train --sessions`` puts a table in force; decisions use it, after restarts too, beside events."""
    told = json.loads(micromoments("train", lived, "--sessions", "--format", "json").out)
    assert told["sessions"] == 200
    assert told["better"] is told["activated"] is True
    for start in ("first", "second"):
        with mm.open(lived, ALLOWED) as engine:
            found = because(engine, f"new-{start}", "left3")
            assert "right3" in found
            assert len(found) > 1, "counts know of right3 alone; the vectors of a model know what is like it too"
    with mm.open(lived, ALLOWED) as engine:
        for n in range(3):
            engine.track(f"z{n}", "Product Viewed", {"product_id": "left3"})
            engine.track(f"z{n}", "Product Viewed", {"product_id": "right5"})
        assert "right5" in because(engine, "last", "left3")


def test_a_lost_table_is_no_reason_not_to_start(lived: Path) -> None:
    """Where the artifact is gone, counts recommend, and the folder opens."""
    stores = open_stores(lived, ALLOWED)
    stores.close()
    for path in (lived / "artifacts").iterdir():
        path.unlink()
    with mm.open(lived, ALLOWED) as engine:
        assert engine.decide("somebody", slot="home").items
