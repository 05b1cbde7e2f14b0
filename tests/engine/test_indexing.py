"""Many items put at once where others are served: found when the call returns, indexed beside, all or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from micromoments.core.item import Item
from micromoments.engine import indexing
from micromoments.engine.service import Service, open_service
from micromoments.retrieve.shelf import Shelf
from tests.engine.shop import SETTINGS, Clock


def items(count: int, word: str = "thing") -> list[Item]:
    """So many products."""
    return [Item(id=f"i{n}", kind="product", title=f"{word} number{n}") for n in range(count)]


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """An engine as it is served, over an empty folder, in which no call commits the index."""
    service = open_service(tmp_path / "shop", SETTINGS, Clock(), apart=True)
    await service.start(outward=False)
    monkeypatch.setattr(Shelf, "settle", lambda _: pytest.fail("a call committed the index"))
    yield service
    monkeypatch.undo()
    await service.stop()


def found(service: Service, words: str) -> list[str]:
    """The ids of a search's hits."""
    return [hit.id for hit in service.catalog.search(words)]


async def test_many_items_are_found_at_once_and_indexed_beside(service: Service) -> None:
    """Items put by the thousand are found when that returns; then they are indexed, with no call's help."""
    await service.put_items(items(1_000))
    assert found(service, "number777")[:1] == ["i777"]
    while service.catalog.unsettled():  # noqa: ASYNC110 - nobody says so
        await asyncio.sleep(0.01)
    assert service.catalog.waiting() < 1_000
    assert found(service, "number777")[:1] == ["i777"]
    await service.put_items([Item(id="i777", kind="product", title="other")])
    await service.delete_items([f"i{n}" for n in range(700)])
    assert (found(service, "other"), found(service, "number777"), found(service, "number7")) == (["i777"], [], [])
    while service.catalog.unsettled():  # noqa: ASYNC110 - nobody says so
        await asyncio.sleep(0.01)
    assert (found(service, "other"), len(service.catalog.search("thing", limit=1000))) == (["i777"], 299)


async def test_more_items_wait_for_room(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more come than the index takes, putting waits for it, and ends."""
    monkeypatch.setattr(indexing, "ROOM", 0)
    monkeypatch.setattr(indexing, "AT_ONCE", 300)
    await service.put_items(items(1_000))
    assert found(service, "number999")[:1] == ["i999"]


async def test_of_items_one_of_which_is_refused_none_is_put(service: Service) -> None:
    """However many were looked at before it."""
    bad = Item(id="bad", kind="place", title="Bad", hours="whenever")
    with pytest.raises(ValueError, match="'bad'"):
        await service.put_items([*items(600), bad])
    assert service.catalog.size() == 0
