"""An older and a newer release side by side on one log and state: the older never spoils what it doesn't know."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from xxhash import xxh3_64_intdigest

import micromoments
from micromoments.core.person import Person
from micromoments.engine.cluster.wiring import Shared
from micromoments.stores.embedded import codec
from tests.cluster.counting import CONFIG, check, finished, load
from tests.cluster.project import Process, Project, gather, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.timeout(1000)]

CODEC = "stores/embedded/codec.py"
NEWER = (
    ("LEVEL = 0\n", "LEVEL = 1\n"),
    ("class _Mid(", 'class _Later(_Tick, tag=7):\n    """A kind that is new."""\n\n\nclass _Mid('),
    ("_Activation | _Erased]", "_Activation | _Erased | _Later]"),
    ("    _Tick: lambda w:", "    _Later: lambda w: TickRecord(key=w.key, at=w.at),\n    _Tick: lambda w:"),
    ("    payload = _payload(value)\n", "    payload = _payload(_renewed(value))\n"),
)
"""What the next release changes: people have one more field, which it fills, and there is one more kind of record."""
RENEWED = """

def _renewed(value: Any) -> Any:
    return msgspec.structs.replace(value, later="new") if isinstance(value, Person) else value
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The next release, made from this one: a folder for ``PYTHONPATH``."""
    (package,) = micromoments.__path__
    build = tmp_path / "newer" / "micromoments"
    shutil.copytree(package, build, ignore=shutil.ignore_patterns("__pycache__"))
    coding = (build / CODEC).read_text()
    for old, new in NEWER:
        assert coding.count(old) == 1, f"{CODEC} has {coding.count(old)} times {old!r}"
        coding = coding.replace(old, new)
    (build / CODEC).write_text(coding + RENEWED)
    person = build / "core" / "person.py"
    text = person.read_text()
    end = text.index("\n\n    def ", text.index("class Person("))
    person.write_text(f'{text[:end]}\n    later: str = ""{text[end:]}')
    return build.parent


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project on one broker and one Redis."""
    (folder := tmp_path / "shop").mkdir()
    one = Project(folder, kafka, single, CONFIG)
    yield one
    one.end()


class Known(Person, frozen=True, array_like=True):
    """A person as the newer release has them."""

    later: str = ""


@pytest.mark.crash
def test_two_releases_work_on_one_log_and_state(project: Project, newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of both take events and decide; the older worker stands aside as soon as it meets what it doesn't know,
    and the newer folds everything that was acknowledged, once.
    """
    old_server = project.serve()
    old = project.start("work")
    until(lambda: "works" in old.said(), "the older worker to begin")
    monkeypatch.setenv("PYTHONPATH", str(newer))
    new_server = project.serve()
    new = project.start("work")
    until(lambda: "works" in new.said(), "the newer worker to begin")
    monkeypatch.delenv("PYTHONPATH")
    clients = load([old_server, new_server], 4)
    gather(clients, 40)
    shared = project.open()
    until(lambda: _stands_aside(shared, old), "the older worker to meet a kind of record that it doesn't know")
    gather(clients, 60)
    finished(clients)
    check(project, clients)
    db, names = shared.database, sorted({f"user:u-{e['anonymousId']}" for c in clients for e in c.events})
    found = db.many([(s := db.shard(name), ("GET", db.name(s, "p", name))) for name in names])
    written = [body[8:] for body in found if body is not None and body[8] > codec.PACKED]
    assert written
    for body in written:
        assert msgspec.msgpack.decode(codec.unseal(body, later=True), type=Known).later == "new"
    shared.close()
    assert (old.stop(), new.stop()) == (0, 0)


def _stands_aside(shared: Shared, old: Process) -> bool:
    """Write one record of a new kind to each partition, and see whether the older worker has met one."""
    said = "stands aside" in old.said()
    if not said:
        for partition in range(shared.events.count):
            shared.events.broker.produce([(shared.events.topic, partition, None, of_a_new_kind(), 1)])
    return said


def of_a_new_kind() -> bytes:
    """A record that only the newer release knows, for nobody."""
    payload = msgspec.msgpack.encode([[7, "anon:nobody", 1]])
    framed = bytearray(codec.encode_group([]))
    framed[8:12] = (1).to_bytes(4, "little")
    seed = codec.LOG[0] << 48 | codec.VERSION << 40 | 1
    framed[12:20] = xxh3_64_intdigest(payload, seed).to_bytes(8, "little")
    return bytes(framed[:20]) + payload
