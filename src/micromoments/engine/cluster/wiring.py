"""The only place that names the stores of a cluster: opens them for one process, whatever its role."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from micromoments.config import FILE_NAME, Cluster, load, secret_settings
from micromoments.core.event import Millis
from micromoments.core.settings import Settings
from micromoments.engine.vectors import near
from micromoments.engine.wiring import ACTIVE_WEIGHTS, Stores, open_channel, roads
from micromoments.ports import Batch, Facts
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.weights import decode
from micromoments.report.ask import Query
from micromoments.stores.cluster.artifacts import RedisArtifacts
from micromoments.stores.cluster.audit import RedisAudit
from micromoments.stores.cluster.budgets import RedisBudgets
from micromoments.stores.cluster.carried import forgetting, mark_of
from micromoments.stores.cluster.catalogue import RedisCatalogue
from micromoments.stores.cluster.clock import SharedClock
from micromoments.stores.cluster.cursors import RedisCursors
from micromoments.stores.cluster.database import SHARDS, Command, Database
from micromoments.stores.cluster.events import Events
from micromoments.stores.cluster.fact_topics import FactTopics
from micromoments.stores.cluster.group import KafkaGroup
from micromoments.stores.cluster.lease import Lease, Turn
from micromoments.stores.cluster.log import Broker, KafkaLog
from micromoments.stores.cluster.outbox import RedisOutbox
from micromoments.stores.cluster.pending import Pending, names
from micromoments.stores.cluster.policies import RedisPolicies
from micromoments.stores.cluster.seen import RedisSeen
from micromoments.stores.cluster.state import Changed, Moved, RedisState
from micromoments.stores.cluster.vault import Vault
from micromoments.stores.cluster.wire import Told, Wire

if TYPE_CHECKING:
    from micromoments.engine.nexts import Learnt

__all__ = [
    "SHARDS",
    "Changed",
    "Command",
    "KafkaGroup",
    "Lease",
    "Moved",
    "RedisState",
    "Shared",
    "Told",
    "asking",
    "names",
    "open_shared",
    "write_settings",
]

LAYOUT = 1
"""How a project lies on Redis and Kafka: a release that lays it out so that an older one would spoil it adds one."""
Given = Callable[[int], int]
Taken = Callable[[Sequence[int]], None]


@dataclass(frozen=True, slots=True)
class Shared:
    """A project's shared stores, open in one process. ``events`` are everybody's, ``control`` what the business changed
    (items, settings), ``news`` the same for who only follows it, ``lessons`` what there is to learn from; ``stores``
    are the ports by their usual names. ``learnt`` learns sessions, and can go to a process of its own;
    ``publish`` sends facts to their topics; ``cursors`` say how far forwards are.
    """

    settings: Settings
    stores: Stores
    events: Events
    control: KafkaLog
    news: KafkaLog
    lessons: KafkaLog
    state: RedisState
    pending: Pending
    seen: RedisSeen
    policies: RedisPolicies
    artifacts: RedisArtifacts
    vault: Vault
    wire: Wire
    database: Database
    clock: SharedClock
    group: Callable[[Given, Taken], KafkaGroup]
    of_partition: Callable[[int], RedisState]
    learnt: Callable[[int, Millis], Learnt]
    publish: Callable[[], int]
    cursors: RedisCursors

    def lease(self, name: str, ttl: Millis, shard: int = 0) -> Lease:
        """A lease that this process may hold."""
        return Lease(self.database, name, ttl, shard)

    def turn(self, name: str, ttl: Millis) -> Turn:
        """One after the other over all processes."""
        return Turn(self.database, name, ttl)

    def forgetting(self, keys: Iterable[str]) -> None:
        """Note who is about to be erased, where a folder that this project moved from still knows them."""
        forgetting(self.database, self.vault, keys)

    def close(self) -> None:
        """Let go of everything."""
        self.stores.close()


def open_shared(
    folder: Path | str, cluster: Cluster, settings: Settings | None = None, *, moving: bool = False
) -> Shared:
    """Open a project's shared stores, and make its topics where they aren't there; ``moving`` is for who moves it.

    Raises:
        StoreError: Kafka or Redis can't be reached.
        ConfigError: the settings have a mistake.
        ValueError: the project is on its way here, or went back to its folder.
    """
    path, given = Path(folder), settings
    settings = given if given is not None else load(path)
    if not isinstance(cluster.redis, str):
        raise TypeError("got a cluster whose Redis address was not read; wanted one of load_cluster")
    database = Database(cluster.redis, cluster.project)
    _known_layout(database)
    if not moving:
        _served_from_here(database, cluster.project)
    broker = Broker(cluster.kafka, secret_settings(cluster))
    topics = {name: f"{cluster.project}.{name}" for name in ("events", "control", "lessons")}
    broker.make(
        {topics["events"]: cluster.partitions, topics["control"]: 1, topics["lessons"]: 1},
        cluster.copies,
        cluster.in_sync,
    )
    vault = Vault(database)
    control = KafkaLog(broker, topics["control"], 0, vault)
    news = KafkaLog(broker, topics["control"], 0, vault, later=True)
    lessons = KafkaLog(broker, topics["lessons"], 0, vault)
    policies, wire, clock = RedisPolicies(database), Wire(database), SharedClock(database)
    keep = settings.retention

    def of_partition(partition: str) -> RedisState:
        return RedisState(database, partition, keep.people_days, keep.log_days)

    def close() -> None:
        for one in (clock, wire, control, news, lessons, broker, database):
            one.close()

    state = of_partition("")
    topics_of_facts = _fact_topics(database, broker, cluster, keep.log_days)
    own = Own(path, cluster.facts, settings, given is None, close, topics_of_facts)
    return Shared(
        settings=settings,
        stores=_stores(own, database, control, state, policies),
        events=Events(broker, topics["events"], broker.partitions(topics["events"]), vault),
        control=control,
        news=news,
        lessons=lessons,
        state=state,
        pending=Pending(database),
        seen=RedisSeen(database),
        policies=policies,
        artifacts=RedisArtifacts(database),
        vault=vault,
        wire=wire,
        database=database,
        clock=clock,
        group=lambda given, taken: KafkaGroup(
            broker.connection, topics["events"], f"{cluster.project}.work", vault, given, taken
        ),
        of_partition=lambda partition: of_partition(str(partition)),
        learnt=partial(learnt_of, cluster.redis, cluster.project, cluster.facts),
        publish=partial(_publish, database, cluster.facts, topics_of_facts),
        cursors=RedisCursors(database),
    )


def _known_layout(database: Database) -> None:
    """Refuse a project that a newer release has laid out in another way."""
    name = database.name(0, "layout")
    layout = int(database.one(0, "SET", name, LAYOUT, "NX", "GET") or LAYOUT)
    if layout > LAYOUT:
        raise ValueError(f"got a project in layout {layout}; this release knows up to {LAYOUT}; install a newer one")


def _served_from_here(database: Database, project: str) -> None:
    """Refuse a project that is on its way from its folder, or went back there."""
    mark = mark_of(database)
    if mark is not None and mark.state != "moved":
        todo = {
            "copying": "finish it: micromoments migrate FOLDER --switch",
            "returning": "finish it: micromoments migrate FOLDER --back",
            "back": "serve the folder, without [cluster]; to move again, name another `project` in [cluster]",
        }[mark.state]
        raise ValueError(f"got project {project}, whose move is {mark.state!r}; wanted one that is done; {todo}")


class Own(NamedTuple):
    """What the stores need to know of this process: its folder, where facts are, its settings and whether they are the
    file's, how everything is closed, and the topics that facts go to.
    """

    folder: Path
    facts: str
    settings: Settings
    filed: bool
    close: Callable[[], None]
    topics: FactTopics | None


def _stores(own: Own, database: Database, control: KafkaLog, state: RedisState, policies: RedisPolicies) -> Stores:
    """The ports by their usual names; the log is that of what the business changed."""
    path, settings = own.folder, own.settings
    return Stores(
        settings=settings,
        recogniser=Recogniser(settings, weights=decode(policies.some([ACTIVE_WEIGHTS]).get(ACTIVE_WEIGHTS, b""))),
        log=control,
        state=state,
        facts=_facts(database, own.facts, own.topics),
        catalogue=RedisCatalogue(database),
        policies=policies,
        budgets=RedisBudgets(database),
        artifacts=RedisArtifacts(database),
        seen=RedisSeen(database),
        outbox=RedisOutbox(database),
        channel=lambda name, destination: open_channel(path, name, destination),
        audit=RedisAudit(database),
        committing=lambda batch: _unready(state, batch),
        position=control.end,
        people=int,
        decisions_of=state.decisions_of,
        links_naming=state.links_naming,
        forget_decisions=lambda _before: 0,  # each goes by itself
        reports=lambda name, params, now: asyncio.to_thread(_report, database, own.facts, name, params, now),
        seal=lambda until: asyncio.to_thread(_facts(database, own.facts, own.topics)().seal, until),
        serving=lambda _address: None,
        token="",
        config_text=(lambda: _text(path)) if own.filed else str,
        write_config=lambda text: write_settings(path / FILE_NAME, text),
        close=own.close,
        folder=path,
        apart=False,
        router=roads(path / settings.roads) if settings.roads else None,
        meaning=near(path / settings.meaning) if settings.meaning else None,
        index=lambda _made_by, **_anew: "",  # in memory: a server has no disk of its own
    )


def _unready(state: RedisState, batch: Batch) -> Generator[None, None, Callable[[], None]]:
    """A commit of which nothing is made ready: workers commit in threads of their own."""
    yield from ()
    return partial(state.commit, batch)


def _facts(database: Database, place: str, topics: FactTopics | None) -> Callable[[], Facts]:
    def opened() -> Facts:
        from micromoments.stores.cluster.facts import RedisFacts

        return RedisFacts(database, place, topics)

    return opened


def _fact_topics(database: Database, broker: Broker, cluster: Cluster, days: float) -> FactTopics | None:
    """The topics of facts, made where they aren't there; ``None`` where the project has none."""
    if not cluster.fact_topics:
        return None
    topics = FactTopics(database, broker, cluster.project, cluster.partitions, days)
    topics.make(cluster.copies, cluster.in_sync)
    return topics


def _publish(database: Database, place: str, topics: FactTopics | None) -> int:
    """Send facts to their topics, where the project has some."""
    if topics is None:
        return 0
    from micromoments.stores.cluster.facts import RedisFacts

    return RedisFacts(database, place, topics).publish()


@contextmanager
def asking(address: str, project: str, place: str) -> Iterator[Query]:
    """Ask a cluster's facts in SQL, as its workers have committed them.

    Raises:
        StoreError: Redis or the files can't be read.
    """
    from micromoments.stores.cluster.facts import RedisFacts

    database = Database(address, project)
    try:
        with RedisFacts(database, place).query() as ask:
            yield ask
    finally:
        database.close()


def learnt_of(address: str, project: str, place: str, least: int, at: Millis) -> Learnt:
    """In a process of its own: learn from the facts what people look at after each item.

    Raises:
        TooFew: fewer than ``least`` sessions.
    """
    from micromoments.engine.nexts import learnt

    os.nice(15)
    with asking(address, project, place) as ask:
        return learnt(ask, least, at)


def _report(
    database: Database, place: str, name: str, params: Mapping[str, str], settings: Settings
) -> dict[str, object]:
    """One report over the facts as the workers have committed them."""
    from micromoments.report.reports import run
    from micromoments.stores.cluster.facts import RedisFacts

    with RedisFacts(database, place).query() as ask:
        return run(ask, name, dict(params), settings)


def _text(folder: Path) -> str:
    file = folder / FILE_NAME
    return file.read_text(encoding="utf-8") if file.exists() else ""


def write_settings(file: Path, text: str) -> None:
    """Put a text in place of a project's file, whole or not at all."""
    from micromoments.stores.embedded.files import whole

    with whole(file) as partial:
        partial.write_text(text, encoding="utf-8")
