"""What runs on a real Spark. ``test_spark.py`` runs this file in a process of its own, so that nothing that Spark
leaves open (sockets, threads, a JVM) meets other tests.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from micromoments.engine.spark import folding
from micromoments.engine.spark.session import running
from micromoments.engine.verify import Rebuilt, against, rebuild
from micromoments.engine.wiring import asking, open_stores
from tests.cli.commands import micromoments
from tests.engine.shop import SETTINGS
from tests.engine.test_spark import lived


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    """One Spark for all tests, on one core of this machine."""
    with running("local[1]") as one:
        yield one


def bytes_of(built: Rebuilt) -> bytes:
    """A rebuilt world as bytes."""
    return msgspec.msgpack.encode(
        [sorted(built.people.items()), sorted(built.links.items()), sorted(built.policies.items()), built.records]
    )


def same_on_spark(session: Any, folder: Path, log: Path, settings: Any = SETTINGS) -> tuple[Any, Rebuilt]:
    """What Spark makes of a folder's log, once it was found to be what this process makes of it, and what was kept."""
    stores = open_stores(folder, settings)
    try:
        assert folding.stage(stores, log) == stores.position()
        folded, there = folding.refold(session, log)
        one = rebuild(stores, stores.settings, stores.recogniser, stores.position())
        assert against(stores, there).differences == []
    finally:
        stores.close()
    assert bytes_of(one) == bytes_of(there)
    return folded, there


async def test_a_day_comes_out_the_same_on_spark(tmp_path: Path, session: Any) -> None:
    """Equal people, links, policies and moments, byte for byte, whoever turned out to be whom."""
    folder = tmp_path / "shop"
    await lived(folder, 1)

    folded, there = same_on_spark(session, folder, tmp_path / "log")
    folding.write_moments(session, folded, tmp_path / "moments")

    assert there.policies
    assert any(link.joined for link in there.links.values())
    kept = asking(folder)("SELECT DISTINCT id, version FROM stored_moments", [])
    found = pq.read_table(tmp_path / "moments").select(["id", "version"]).to_pylist()
    assert {(row["id"], row["version"]) for row in found} == {(row["id"], row["version"]) for row in kept}
    assert kept


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

    found = folding.components(session.createDataFrame(pairs, "a string, b string")).collect()

    assert {row.id: row.component for row in found} == {id: min(group) for id, group in groups.items()}


def test_a_real_shop_comes_out_the_same_on_spark(tmp_path: Path, shared: Path, session: Any) -> None:
    """Three thousand events of RetailRocket, some of whose visitors turn out to be one: as this process folds them."""
    with gzip.open(shared / "data" / "sessions" / "retailrocket_events.tsv.gz", "rt") as whole:
        lines = [line for _, line in zip(range(3001), whole, strict=False)]
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

    assert there.records > 3000
    assert sum(len(link.joined) > 1 for link in there.links.values()) == 6
    assert sum(bool(link.claims) for link in there.links.values()) >= 60
    assert len(there.people) > 300
