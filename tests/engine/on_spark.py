"""What runs on a real Spark. ``test_spark.py`` runs this file in a process of its own, so that nothing that Spark
leaves open (sockets, threads, a JVM) meets other tests.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from micromoments.config import load
from micromoments.core.fact import SCHEMAS, TABLES, Table
from micromoments.engine.spark import folding
from micromoments.engine.spark.facts import asking
from micromoments.engine.spark.place import Place
from micromoments.engine.spark.session import running
from micromoments.engine.spark.stored import StoredFacts, stored_facts
from micromoments.engine.spark.training import OnSpark
from micromoments.engine.training import train
from micromoments.engine.verify import Rebuilt, against, rebuild
from micromoments.engine.wiring import asking as asking_here
from micromoments.engine.wiring import open_stores
from micromoments.report.reports import REPORTS, run
from micromoments.stores.embedded.columns import to_arrow
from tests.cli.commands import micromoments
from tests.engine.shop import SETTINGS
from tests.engine.test_spark import lived
from tests.report.test_two_engines import history, same
from tests.report.world import SETTINGS as REPORTED
from tests.report.world import Facts

LIGHT = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}
"""Small questions spend their time on being planned and compiled."""
SPARKED: list[tuple[str, dict[str, str]]] = [
    *((name, {"decision": "d3"} if name == "receipt" else {}) for name in REPORTS),
    ("behind", {"item": "a"}),
    ("scorecards", {"by": "device", "tz": "America/New_York"}),
    ("moments", {"by": "day", "tz": "Asia/Kathmandu", "segment": "type:buy"}),
]


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    """One Spark for all tests, on one core of this machine."""
    with running("local[1]") as one:
        for name, value in LIGHT.items():
            one.conf.set(name, value)
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
        assert folding.stage(stores, Place(log)) == stores.position()
        folded, there = folding.refold(session, Place(log))
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
    folding.write_moments(session, folded, Place(tmp_path / "moments"))

    assert there.policies
    assert any(link.joined for link in there.links.values())
    kept = asking_here(folder)("SELECT DISTINCT id, version FROM stored_moments", [])
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


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """A folder with three thousand events of RetailRocket, some of whose visitors turn out to be one."""
    tmp_path = tmp_path_factory.mktemp("real")
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
    return shop


def test_a_real_shop_comes_out_the_same_on_spark(shop: Path, tmp_path: Path, session: Any) -> None:
    """Three thousand events of RetailRocket, some of whose visitors turn out to be one: as this process folds them."""
    _, there = same_on_spark(session, shop, tmp_path / "log", None)

    assert there.records > 3000
    assert sum(len(link.joined) > 1 for link in there.links.values()) == 6
    assert sum(bool(link.claims) for link in there.links.values()) >= 60
    assert len(there.people) > 300


def test_every_report_says_the_same_on_spark(session: Any) -> None:
    """Figures, rows and sentences of every report over the same facts, half of them in Parquet, are those of DuckDB."""
    facts = history()
    sealed, live = facts[::2], facts[1::2]
    with TemporaryDirectory(prefix="micromoments-") as folder:
        files: dict[Table, list[str]] = {table: [] for table in TABLES}
        for table in TABLES:
            if rows := [msgspec.structs.astuple(one) for one in sealed if isinstance(one, SCHEMAS[table])]:
                files[table].append(f"{folder}/{table}.parquet")
                pq.write_table(to_arrow(table, rows), files[table][0])
        rest = {t: [msgspec.structs.astuple(one) for one in live if isinstance(one, SCHEMAS[t])] for t in TABLES}
        stored = StoredFacts({t: to_arrow(t, rows) for t, rows in rest.items()}, files, twice=False)
        with asking(session, stored) as ask:
            for name, params in SPARKED:
                here, there = run(Facts(*facts).query, name, params, REPORTED), run(ask, name, params, REPORTED)
                assert same(here, there), (name, here, there)


def test_a_real_shop_is_reported_and_trained_on_the_same_on_spark(shop: Path, tmp_path: Path, session: Any) -> None:
    """Reports over a real shop's folder, and weights trained of its log, are those that this process makes."""
    stored = stored_facts(shop)
    settings = load(shop)
    with asking(session, stored) as ask:
        for name in ("scorecards", "journeys", "quality"):
            assert same(run(asking_here(shop), name, {}, settings), run(ask, name, {}, settings)), name

    stores = open_stores(shop)
    try:
        folding.stage(stores, Place(tmp_path / "log"))
        plan: dict[str, Any] = {"step": 2, "within": 1_800_000, "holdout": 0.3}
        here = train(stores, **plan)
        there = train(stores, **plan, reading=OnSpark(session, Place(tmp_path / "log")))
    finally:
        stores.close()
    assert msgspec.json.encode(here) == msgspec.json.encode(there)
    assert here.verdict.examples > 0
