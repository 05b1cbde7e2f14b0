"""The log folded on Spark is the log folded here: the same people, links, policies and moments, whoever joins whom."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from micromoments.core.event import Event
from micromoments.core.record import EventRecord, Logged
from micromoments.core.settings import Goal
from micromoments.engine.spark import folding
from micromoments.engine.spark.place import Place
from micromoments.engine.spark.session import running
from micromoments.engine.verify import rebuild
from micromoments.engine.wiring import open_stores, pack, unpack
from micromoments.ports import Corrupt, StoreError, replay
from micromoments.recognise.weights import SHIPPED, Weights
from tests.conftest import ROOT
from tests.engine.day import live
from tests.engine.shop import ITEMS, SETTINGS, Clock, opened


def sparked(tests: Path, **more: str) -> None:
    """A file of tests on a real Spark, in a process of its own, with more of an environment; skipped, with a word why,
    where there is none.
    """
    if find_spec("pyspark") is None:
        pytest.skip("PySpark isn't installed (pip install pyspark); what runs on Spark is tested where it is")
    if shutil.which("java") is None:
        pytest.skip("there is no java on the PATH; what runs on Spark is tested where there is one")
    words = ["-q", "-W", "default", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-o", "timeout=1400", str(tests)],
        cwd=ROOT,
        # Small questions, many.
        env={**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", **more},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()[-8000:]


async def lived(folder: Path, seed: int) -> None:
    """A day with everything in it: shared devices, aliases, decisions, late events, timers, weights and settings that
    change.
    """
    clock = Clock()
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        await live(service, clock, seed, 120)
        know, go, do, buy, none = SHIPPED.prior
        await service.control.taught.put(Weights(prior=(know + 40, go, do, buy, none)))
        await live(service, clock, seed + 1, 60, start=120)
        await service.control._activate(replace(SETTINGS, goals={"looked": Goal(event="Product Viewed")}), "")
        await live(service, clock, seed + 2, 60, start=180)


def grouped(rows: list[Logged]) -> list[tuple[str, int, bytes]]:
    """The rows of people as Spark's first pass leaves them, by a union of sets."""
    least: dict[str, str] = {}

    def root(id: str) -> str:
        """The least id that this one is tied to."""
        while least.setdefault(id, id) != id:
            id = least[id]
        return id

    for logged in rows:
        whose, linked = folding.concerns(logged.record)
        for other in linked:
            low, high = sorted((root(whose), root(other)))
            least[high] = low
    placed = [(folding.concerns(r.record)[0], r.position, pack(r.record)) for r in rows]
    return sorted((root(whose), position, body) for whose, position, body in placed if whose)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_components_folded_apart_are_the_log_folded_whole(tmp_path: Path, seed: int) -> None:
    """What is done to each component, without Spark: people and links equal those of one fold over everybody."""
    await lived(tmp_path / "shop", seed)
    stores = open_stores(tmp_path / "shop", SETTINGS)
    whole, rows = rebuild(stores, SETTINGS, stores.recogniser), list(replay(stores.log))
    stores.close()
    settings = msgspec.json.encode(SETTINGS, order="sorted")
    changes = tuple(folding._changes(rows, settings, b""))
    assert len(changes) == 3

    fold = folding.Folding(settings, b"", changes)
    found = {(what, id): body for what, id, _, body in fold(grouped(rows)) if what != "moment"}

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
    with pytest.raises(StoreError, match=r"pip install 'micromoments\[spark\]'"), running():
        pass
    with pytest.raises(StoreError, match="wanted a log that replay"):
        folding.read_about(Place(tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_what_runs_on_spark_is_what_runs_here() -> None:
    """``on_spark.py``, in a process of its own: a seeded day, chains of ids, and a real shop come out the same."""
    sparked(Path(__file__).with_name("on_spark.py"))


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_what_runs_on_a_spark_of_several_processes_is_what_runs_here() -> None:
    """``on_spark_apart.py``, in a process of its own: two executors, between which nothing is shared, say the same."""
    sparked(Path(__file__).with_name("on_spark_apart.py"))
