"""The log folded on Spark is the log folded here: the same people, links, policies and moments, whoever joins whom."""

from __future__ import annotations

import gzip
import random
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from micromoments.core.event import Event
from micromoments.core.record import ActivationRecord, EventRecord, Logged
from micromoments.engine import spark
from micromoments.engine.verify import Rebuilt, against, rebuild
from micromoments.engine.wiring import asking, open_stores, pack, unpack
from micromoments.ports import Corrupt, StoreError, replay
from micromoments.recognise.weights import SHIPPED, Weights
from tests.cli.commands import micromoments
from tests.engine.day import live
from tests.engine.shop import ITEMS, SETTINGS, Clock, opened


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    """One Spark for all tests, on one core of this machine."""
    if find_spec("pyspark") is None:
        pytest.skip("PySpark isn't installed (pip install pyspark); what runs on Spark is tested where it is")
    if shutil.which("java") is None:
        pytest.skip("there is no java on the PATH; what runs on Spark is tested where there is one")
    with spark.running("local[1]") as running:
        yield running


def bytes_of(built: Rebuilt) -> bytes:
    """A rebuilt world as bytes."""
    return msgspec.msgpack.encode(
        [sorted(built.people.items()), sorted(built.links.items()), sorted(built.policies.items()), built.records]
    )


def same_on_spark(session: Any, folder: Path, log: Path, settings: Any = SETTINGS) -> tuple[Any, Rebuilt]:
    """What Spark makes of a folder's log, once it was found to be what this process makes of it, and what was kept."""
    stores = open_stores(folder, settings)
    try:
        assert spark.stage(stores, log) == stores.position()
        folded, there = spark.refold(session, log)
        one = rebuild(stores, stores.settings, stores.recogniser, stores.position())
        assert against(stores, there).differences == []
    finally:
        stores.close()
    assert bytes_of(one) == bytes_of(there)
    return folded, there


async def lived(folder: Path, seed: int) -> None:
    """A day with everything in it: shared devices, aliases, decisions, late events, timers, weights that change."""
    clock = Clock()
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        await live(service, clock, seed, 120)
        know, go, do, buy, none = SHIPPED.prior
        await service.control.taught.put(Weights(prior=(know + 40, go, do, buy, none)))
        await live(service, clock, seed + 1, 120, start=120)


def grouped(rows: list[Logged]) -> list[tuple[str, int, bytes]]:
    """The rows of people as Spark's first pass leaves them, by a union of sets."""
    least: dict[str, str] = {}

    def root(id: str) -> str:
        """The least id that this one is tied to."""
        while least.setdefault(id, id) != id:
            id = least[id]
        return id

    for logged in rows:
        whose, linked = spark.concerns(logged.record)
        for other in linked:
            low, high = sorted((root(whose), root(other)))
            least[high] = low
    placed = [(spark.concerns(r.record)[0], r.position, pack(r.record)) for r in rows]
    return sorted((root(whose), position, body) for whose, position, body in placed if whose)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_components_folded_apart_are_the_log_folded_whole(tmp_path: Path, seed: int) -> None:
    """What is done to each component, without Spark: people and links equal those of one fold over everybody."""
    await lived(tmp_path / "shop", seed)
    stores = open_stores(tmp_path / "shop", SETTINGS)
    whole, rows = rebuild(stores, SETTINGS, stores.recogniser), list(replay(stores.log))
    stores.close()
    changes = tuple(
        (r.position, r.record.body)
        for r in rows
        if isinstance(r.record, ActivationRecord) and r.record.what == "weights"
    )
    assert len(changes) == 1

    folding = spark.Folding(msgspec.json.encode(SETTINGS, order="sorted"), b"", changes)
    found = {(what, id): body for what, id, _, body in folding(grouped(rows)) if what != "moment"}

    people = {("person", id): msgspec.msgpack.encode(person) for id, person in whole.people.items()}
    links = {("link", key): msgspec.msgpack.encode(link) for key, link in whole.links.items()}
    assert found == people | links
    assert any(link.joined for link in whole.links.values())
    assert any(len(link.claims) > 1 for link in whole.links.values())


def test_a_record_on_its_way_is_the_same_record() -> None:
    """Packed and unpacked, a record is itself; other bytes are refused."""
    event = Event(type="track", anonymous_id="a", event="Product Viewed")
    record = EventRecord(
        key="anon:a", at=2, occurred=1, message_id="m", mid=7, nonce=9, body=msgspec.json.encode(event), event=event
    )
    assert unpack(pack(record)) == record
    with pytest.raises(Corrupt, match="checksum"):
        unpack(pack(record)[:-1] + b"!")


def test_without_pyspark_or_a_log_the_words_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named with what mends it."""
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(StoreError, match=r"pip install 'micromoments\[spark\]'"), spark.running():
        pass
    with pytest.raises(StoreError, match="wanted a log that replay"):
        spark.read_about(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("default")
async def test_a_day_comes_out_the_same_on_spark(tmp_path: Path, session: Any) -> None:
    """Equal people, links, policies and moments, byte for byte, whoever turned out to be whom."""
    folder = tmp_path / "shop"
    await lived(folder, 1)

    folded, there = same_on_spark(session, folder, tmp_path / "log")
    spark.write_moments(session, folded, tmp_path / "moments")

    assert there.policies
    assert any(link.joined for link in there.links.values())
    kept = asking(folder)("SELECT DISTINCT id, version FROM stored_moments", [])
    found = pq.read_table(tmp_path / "moments").select(["id", "version"]).to_pylist()
    assert {(row["id"], row["version"]) for row in found} == {(row["id"], row["version"]) for row in kept}
    assert kept


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("default")
def test_ids_tied_in_chains_and_rings_are_found(session: Any) -> None:
    """The first pass finds what a union of sets finds: chains of fifty, rings, stars, in any order of their names."""
    draw = random.Random(4)
    names = [f"user:{n}" for n in range(160)]
    draw.shuffle(names)
    chain, ring, rest = names[:50], names[50:70], names[70:]
    pairs = [*pairwise(chain), *zip(ring, [*ring[1:], ring[0]], strict=True)]
    pairs += [(draw.choice(rest), draw.choice(rest)) for _ in range(50)]
    pairs = [(a, b) for a, b in pairs if a != b]
    groups: dict[str, set[str]] = {}
    for a, b in pairs:
        both = groups.get(a, {a}) | groups.get(b, {b})
        groups.update(dict.fromkeys(both, both))

    found = spark.components(session.createDataFrame(pairs, "a string, b string")).collect()

    assert {row.id: row.component for row in found} == {id: min(group) for id, group in groups.items()}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("default")
def test_a_real_shop_comes_out_the_same_on_spark(tmp_path: Path, shared: Path, session: Any) -> None:
    """Six thousand events of RetailRocket, some of whose visitors turn out to be one: as this process folds them."""
    with gzip.open(shared / "data" / "sessions" / "retailrocket_events.tsv.gz", "rt") as whole:
        lines = [line for _, line in zip(range(6001), whole, strict=False)]
    (tmp_path / "clicks.tsv").write_text("".join(lines))
    visitors = sorted({line.split("\t")[1] for line in lines[1:]}, key=int)
    at = {"timestamp": "2015-09-30T00:00:00Z"}
    joins: list[dict[str, str]] = [
        {"type": "identify", "messageId": f"i{n}", "userId": f"u{n // 2}", "anonymousId": f"rr-{one}", **at}
        for n, one in enumerate(visitors[:60])
    ]
    joins += [
        {"type": "alias", "messageId": f"a{n}", "userId": f"u{n}", "previousId": f"u{n + 1}", **at} for n in range(5)
    ]
    (tmp_path / "joins.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, joins)))
    shop = tmp_path / "shop"
    for words in (("clicks.tsv", "--preset", "retailrocket"), ("joins.jsonl",)):
        done = micromoments("import", shop, tmp_path / words[0], *words[1:])
        assert done.status == 0, done.words

    _, there = same_on_spark(session, shop, tmp_path / "log", None)

    assert there.records > 6000
    assert sum(len(link.joined) > 1 for link in there.links.values()) == 6
    assert sum(bool(link.claims) for link in there.links.values()) >= 60
    assert len(there.people) > 500
