"""After an erasure nothing of the person is left anywhere, and nobody else is touched."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from micromoments.core.settings import DAY
from micromoments.engine.service import Service
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from micromoments.ports import StoreError
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, Clock, asked, clicked, opened, search, sent

ANA = "ana-4711"
HER_PHONE = "phone-of-ana-88"
HER_TABLET = "tablet-of-ana-99"
SHARED = "family-laptop-77"
HER_WORDS = ["zebrafinch", "quetzalcoat", "message-of-ana", "anastown", ANA, HER_PHONE, HER_TABLET]


async def lived(service: Service, clock: Clock) -> None:
    """Ana on her phone, her tablet and the family's laptop; bob on the laptop and his phone."""
    await service.put_items(ITEMS)
    await search(service, clock, "message-of-ana-1", person=HER_PHONE, query="zebrafinch trail shoes")
    await service.decide(asked("d-stranger", f"anon:{HER_PHONE}", clock.at))
    for n, device in enumerate([HER_PHONE, SHARED, HER_TABLET]):
        clock.at += MINUTE
        event = sent("identify", at=clock.at, id=f"message-of-ana-i{n}", anonymousId=device, userId=ANA)
        await service.collect([event])
    clock.at += MINUTE
    traits = {"city": "anastown"}
    await service.collect([sent("identify", at=clock.at, id="message-of-ana-t", userId=ANA, traits=traits)])
    await search(service, clock, "message-of-ana-2", person=SHARED, query="quetzalcoat for rain")
    decision = await service.decide(asked("d-ana", f"user:{ANA}", clock.at))
    await clicked(service, clock, decision, "message-of-ana-3")
    bought = {"product_id": "p2", "revenue": 5, "decision_id": decision.id}
    await service.collect(
        [sent(at=clock.at, id="message-of-ana-4", userId=ANA, event="Order Completed", properties=bought)]
    )
    clock.at += MINUTE
    await service.collect([sent("identify", at=clock.at, id="bob-1", anonymousId=SHARED, userId="bob")])
    clock.at += MINUTE
    await search(service, clock, "bob-2", person=SHARED, query="buy a tent")
    await search(service, clock, "bob-3", person="phone-of-bob", query="buy a stove")
    await service.settled()


def left_in(folder: Path, words: list[str]) -> list[str]:
    """Each word that stands in a file of the folder, also inside of compressed columns, with the file's name."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        body = path.read_bytes()
        if path.suffix == ".parquet":
            body += msgspec.json.encode(pq.read_table(path, partitioning=None).to_pylist())
        found += [f"{word} in {path.relative_to(folder)}" for word in words if word.encode() in body]
    return found


@pytest.mark.parametrize("sealed", [False, True])
async def test_no_byte_of_an_erased_person_is_left(tmp_path: Path, sealed: bool) -> None:
    """Ids, devices, queries, traits and message ids are gone from every file, from sealed facts too."""
    clock = Clock()
    folder = tmp_path / "shop"
    async with opened(folder, clock) as service:
        await lived(service, clock)
        await service._keeper.commit(service._barrier, everything=True)
        if sealed:
            assert await service._stores.seal(clock.at + DAY) > 0
        assert {w.partition(" ")[0] for w in left_in(folder, HER_WORDS)} == set(HER_WORDS)

        gone = await service.erase(f"user:{ANA}")

        assert (gone["people"], gone["records"] > 0, gone["facts"] > 0) == (1, True, True)
        assert left_in(folder, HER_WORDS) == []
    assert left_in(folder, HER_WORDS) == []


async def test_reads_of_an_erased_person_give_nothing(tmp_path: Path) -> None:
    """Moments, export, decisions and the stream know nothing; asking again is harmless."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await lived(service, clock)
        first = service.stream._next

        await service.erase(f"user:{ANA}")

        for key in (f"user:{ANA}", f"anon:{HER_PHONE}", f"anon:{HER_TABLET}"):
            assert await service.moments(key, history=True) == []
            assert await service.export(key) is None
        assert service.decision("d-ana") is None
        assert service.decision("d-stranger") is None
        resumed = service.stream.subscribe(last_id=str(first - 1000))
        while (message := await resumed.next(0.01)) is not None:
            assert ANA not in message.person
        assert await service.erase(f"user:{ANA}") == {"people": 0, "records": 0, "facts": 0, "ids": 1}


async def test_an_export_holds_nothing_of_who_shares_a_device(tmp_path: Path) -> None:
    """What bob did and was answered on the laptop is in his export, and not in that of ana, who had it before."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await lived(service, clock)
        await service.decide(asked("d-bob", f"anon:{SHARED}", clock.at))
        told = {}
        for user in (ANA, "bob"):
            held: Any = await service.export(f"user:{user}")
            told[user] = {e["event"]["messageId"] for e in held["events"]} | {d["id"] for d in held["decisions"]}

        assert told["bob"] == {"bob-1", "bob-2", "d-bob"}
        assert {"message-of-ana-1", "message-of-ana-2", "message-of-ana-4", "d-stranger", "d-ana"} <= told[ANA]
        assert told[ANA].isdisjoint(told["bob"])


async def test_erasing_one_user_of_a_shared_device_leaves_the_other(tmp_path: Path) -> None:
    """Bob keeps his person, his moments and the laptop; ana's facts alone are gone."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await lived(service, clock)
        before = msgspec.msgpack.encode(service.person("user:bob"))

        await service.erase(f"user:{ANA}")

        assert msgspec.msgpack.encode(service.person("user:bob")) == before
        assert service.home(f"anon:{SHARED}") == "user:bob"
        assert service.person("anon:phone-of-bob") is not None
        moments = await service.moments("user:bob")
        assert [m.need["query"] for m in moments]


async def test_what_another_did_on_a_shared_device_stays_whole(tmp_path: Path) -> None:
    """Bob's searches and decisions on the laptop stay in the log and the state, before and after ana had it, so that
    what came of them is learned, a replay gives him as he is, and his export is what it was.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        await service.collect([sent("identify", at=clock.at, id="bob-0", anonymousId=SHARED, userId="bob")])
        await search(service, clock, "bob-00", person=SHARED, query="buy a map")
        await lived(service, clock)
        decision = await service.decide(asked("d-bob", f"anon:{SHARED}", clock.at))
        await clicked(service, clock, decision, "bob-4")
        before = await service.export("user:bob")

        await service.erase(f"user:{ANA}")

        assert await service.export("user:bob") == before
        assert service.decision("d-bob") == service._stores.state.decision("d-bob") == decision
    assert left_in(tmp_path / "shop", HER_WORDS) == []
    stores = open_stores(tmp_path / "shop", SETTINGS)
    assert verify(stores).differences == []
    stores.close()


async def test_an_erasure_that_is_cut_short_takes_nobody_elses_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends just after the state has erased ana: the laptop is still bob's, and she can be erased again."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await lived(service, clock)
        await service._keeper.commit(service._barrier)
        with monkeypatch.context() as ended:
            ended.setattr(service._residents, "forget", _end)
            with pytest.raises(RuntimeError, match="the process ends"):
                await service.erase(f"user:{ANA}")
            async with service._keeper._lock:  # no commit is under way while the files are copied
                shutil.copytree(tmp_path / "shop", tmp_path / "left", ignore=shutil.ignore_patterns("lock", "*-shm"))
    async with opened(tmp_path / "left", clock) as service:
        assert service.home(f"anon:{SHARED}") == "user:bob"
        await service.erase(f"user:{ANA}")
        assert service.home(f"anon:{SHARED}") == "user:bob"
    assert left_in(tmp_path / "left", HER_WORDS) == []


async def test_nobody_is_erased_by_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the state can't be written an erasure fails, as what waits to be written would come after it; the next one
    leaves nothing.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await lived(service, clock)
        with monkeypatch.context() as full:
            full.setattr(type(service._stores.state), "_write", _end)
            with pytest.raises(StoreError, match="nobody was erased"):
                await service.erase(f"user:{ANA}")
        assert service.person(f"user:{ANA}") is not None
        assert (await service.erase(f"user:{ANA}"))["facts"] > 0
    assert left_in(tmp_path / "shop", HER_WORDS) == []


def _end(*_asked: object) -> None:
    raise RuntimeError("the process ends")


async def test_who_comes_back_after_an_erasure_is_somebody_new(tmp_path: Path) -> None:
    """A later event of an erased id starts a new person, with another surrogate and no history, after a restart too."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await lived(service, clock)
        old = service.person(f"user:{ANA}")
        await service.erase(f"user:{ANA}")
        await search(service, clock, "later", person=HER_PHONE, query="a lamp")
        await service.settled()

        new = service.person(f"anon:{HER_PHONE}")

        assert old is not None
        assert new is not None
        assert new.surrogate != old.surrogate
        assert [t.signal.need.query for p in new.parts.values() for t in p.traces] == ["lamp"]
    async with opened(tmp_path / "shop", clock) as service:
        assert service.person(f"anon:{HER_PHONE}") == new
        assert service.person(f"user:{ANA}") is None


async def test_what_arrives_during_an_erasure_is_not_lost_and_not_the_old_persons(tmp_path: Path) -> None:
    """Events sent while the erasure runs wait for it: they are accepted, and are a new person's."""
    clock = Clock()
    folder = tmp_path / "shop"
    async with opened(folder, clock) as service:
        await lived(service, clock)
        old = service.person(f"user:{ANA}")
        erasing = asyncio.create_task(service.erase(f"user:{ANA}"))
        arriving = []
        for n in range(40):
            await asyncio.sleep(0.001)
            arriving.append(asyncio.create_task(search(service, clock, f"during-{n}", person=HER_PHONE)))
            arriving.append(asyncio.create_task(search(service, clock, f"other-{n}", person="phone-of-bob")))
        await erasing
        await asyncio.gather(*arriving)
        await service.settled()

        new = service.person(f"anon:{HER_PHONE}")
        assert new is not None
        assert old is not None
        assert new.surrogate != old.surrogate
    stores = open_stores(folder, SETTINGS)
    assert [f for f in stores.facts().live("events") if f.surrogate == old.surrogate] == []
    stores.close()


async def test_an_id_that_json_escapes_is_found_and_erased(tmp_path: Path) -> None:
    """A body in which a client wrote the user id with escapes is erased like any other."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        event = sent(
            at=clock.at, id="m1", anonymousId="a1", userId="jos\u00e9/1", event="Product Viewed", properties={}
        )
        escaped = msgspec.structs.replace(event, body=event.body.replace("\u00e9/".encode(), rb"\u00e9\/"))
        assert rb"jos\u00e9\/1" in escaped.body
        await service.collect([escaped])

        gone = await service.erase("user:jos\u00e9/1")

        assert gone["records"] == 1
