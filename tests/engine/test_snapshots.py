"""What the catalogue learned is kept in bites, beside what goes on being folded."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from shutil import copytree

import pytest

from micromoments.engine import bites, keeper
from micromoments.engine.brain import CATALOG, restore_catalog
from micromoments.engine.service import Service
from micromoments.retrieve import learned
from micromoments.retrieve.catalog import Catalog
from tests.engine.shop import ITEMS, SETTINGS, Clock, opened, sent
from tests.engine.test_under_way import agreed, unkept


async def viewed(service: Service, clock: Clock, n: int) -> None:
    """Somebody new looks at an item."""
    said = {"product_id": f"p{n % 6}"}
    event = sent(at=clock.at, id=f"v{n}", anonymousId=f"a{n}", event="Product Viewed", properties=said)
    await service.collect([event])
    await service.settled()


async def test_what_is_folded_while_a_snapshot_is_encoded_is_learned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events come between two bites of a snapshot, and then the process ends: the next start knows what was known."""
    for module, name, value in ((keeper, "SNAPSHOT_EVERY", -1.0), (bites, "BITE", -1.0), (learned, "PAIRS", 1)):
        monkeypatch.setattr(module, name, value)
    clock, begun, more, encoding = Clock(), asyncio.Event(), asyncio.Event(), Catalog.encoding

    def slowly(catalog: Catalog) -> Generator[None, None, list[bytes]]:
        """A snapshot that is half encoded when more is to be folded, and then goes on."""
        steps = encoding(catalog)

        def going() -> Generator[None, None, list[bytes]]:
            """Its steps, and a wait among them."""
            for _ in range(3):
                next(steps)
            begun.set()
            while not more.is_set():
                yield
            return (yield from steps)

        return going()

    async with opened(tmp_path / "shop", clock) as service:
        await unkept(service)
        await service.put_items(ITEMS)
        for n in range(20):
            await viewed(service, clock, n)
        monkeypatch.setattr(Catalog, "encoding", slowly)
        committing = asyncio.create_task(service._keeper.commit(service._barrier))
        await begun.wait()
        behind = service._applier.position
        for n in range(20, 40):
            await viewed(service, clock, n)
        more.set()
        assert await committing
        monkeypatch.setattr(Catalog, "encoding", encoding)
        kept = service._stores.policies.load()
        assert restore_catalog(Catalog(), {CATALOG: kept[CATALOG]}) == behind < service._stores.position()
        for n in range(40, 45):
            await viewed(service, clock, n)
        copytree(
            tmp_path / "shop", tmp_path / "crashed", ignore=lambda _folder, names: [n for n in names if n == "lock"]
        )
        known = service.catalog.encode()
    agreed(tmp_path / "shop")
    async with opened(tmp_path / "crashed", clock, SETTINGS) as service:
        assert service.catalog.encode() == known
