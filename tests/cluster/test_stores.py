"""The contracts of everything that lies in Redis or Valkey, each as a single server and as a cluster of three."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from micromoments.core.delivery import Delivery
from micromoments.core.fact import Fact
from micromoments.core.item import Item
from micromoments.ports import Batch
from micromoments.stores.cluster.artifacts import RedisArtifacts
from micromoments.stores.cluster.audit import RedisAudit
from micromoments.stores.cluster.budgets import RedisBudgets
from micromoments.stores.cluster.catalogue import RedisCatalogue
from micromoments.stores.cluster.database import Database
from micromoments.stores.cluster.facts import RedisFacts
from micromoments.stores.cluster.outbox import RedisOutbox
from micromoments.stores.cluster.policies import RedisPolicies
from micromoments.stores.cluster.scripts import RESERVE
from micromoments.stores.cluster.seen import RedisSeen
from micromoments.stores.cluster.state import RedisState
from micromoments.testing.clocks import START
from micromoments.testing.contracts import (
    ArtifactsContract,
    AuditContract,
    BudgetsContract,
    CatalogueContract,
    FactsContract,
    OutboxContract,
    PoliciesContract,
    SeenContract,
    StateContract,
)
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import event_fact
from tests.cluster.test_log import project
from tools.cluster import Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class OnRedis:
    """What the suites share: a database on a single server, or on a cluster."""

    address: str

    @pytest.fixture(autouse=True, params=["single", "nodes", "valkey", "valkeys"])
    def _server(self, request: pytest.FixtureRequest) -> Iterator[None]:
        redis: Redis = request.getfixturevalue(request.param)
        self.address = redis.address
        self.databases: list[Database] = []
        yield
        for database in self.databases:
            database.close()

    def database(self, folder: Path) -> Database:
        """A project's names, for a folder."""
        self.databases.append(Database(self.address, project(folder)))
        return self.databases[-1]

    def committed(self, folder: Path, what: Batch) -> None:
        """One commit of the folder's state."""
        RedisState(self.database(folder)).commit(what)


class TestRedisState(OnRedis, StateContract):
    """The state on Redis."""

    def open(self, folder: Path) -> RedisState:
        """The folder's state."""
        return RedisState(self.database(folder))

    def test_the_long_silent_are_let_go(self, tmp_path: Path) -> None:
        """Declared: erasing by age takes nobody; people go by themselves when their days are over."""
        from micromoments.testing.generators import person

        state = RedisState(self.database(tmp_path), people_days=0.5 / 86_400)
        state.commit(batch(people={"anon:a1": person(1)}))
        assert state.erase(frozenset(), frozenset(), 2**50) == frozenset()
        database = self.databases[-1]
        shard = database.shard("anon:a1")
        assert 0 < database.one(shard, "PTTL", database.name(shard, "p", "anon:a1")) <= 500
        while state.load(["anon:a1"], [])[0]:
            pass

    def test_who_keeps_coming_keeps_the_decisions_of_the_days_alone(self, tmp_path: Path) -> None:
        """The index of a person's decisions outlives each of them, and lets go those that are gone."""
        from micromoments.testing.generators import decision

        state = RedisState(self.database(tmp_path), log_days=1)
        day = 86_400_000
        made = [decision(n, "anon:a1", "anon:a1", START + n * day) for n in range(9)]
        for one in made:
            state.commit(batch(decisions=[one]))
        database = self.databases[-1]
        shard = database.shard("anon:a1")
        kept = database.one(shard, "ZRANGE", database.name(shard, "i", "anon:a1"), 0, -1)
        assert [id.decode() for id in kept] == [one.id for one in made[-3:]]


class TestRedisFacts(OnRedis, FactsContract):
    """Facts on Redis and Parquet."""

    def open(self, folder: Path) -> RedisFacts:
        """The folder's facts."""
        return RedisFacts(self.database(folder), str(folder / "facts"))

    def commit(self, folder: Path, facts: Sequence[Fact]) -> None:
        """Through the state."""
        self.committed(folder, batch(facts=facts))

    def test_sealing_moves_the_older(self, tmp_path: Path) -> None:
        """Declared: a commit isn't sealed as one: each shard's part of it goes by its own facts."""
        super().test_sealing_moves_the_older(tmp_path)


class TestFactsInABucket(TestRedisFacts):
    """Facts on Redis, and Parquet in an object store."""

    @pytest.fixture(autouse=True)
    def _server(self, single: Redis, s3: str) -> Iterator[None]:
        self.address, self.store = single.address, s3.removeprefix("http://")
        self.databases: list[Database] = []
        yield
        for database in self.databases:
            database.close()

    def open(self, folder: Path) -> RedisFacts:
        """The folder's facts."""
        place = f"s3://k:s@lake/{folder.name}?endpoint_override={self.store}&scheme=http&region=us-east-1"
        return RedisFacts(self.database(folder), place)

    def test_they_are_asked_where_they_lie(self, tmp_path: Path) -> None:
        """A question goes over the bucket's files and what is live; of files that were replaced since, once more;
        their names have no keys in them.
        """
        facts = self.open(tmp_path)
        self.commit(tmp_path, [event_fact(n, surrogate=n % 3) for n in range(9)])
        facts.seal(START + 50)
        self.commit(tmp_path, [event_fact(9, surrogate=0, received=START + 100)])
        assert [name.partition(folder := tmp_path.name)[:2] for name in facts.files("events")] == [
            ("s3://lake/", folder)
        ]
        with facts.query() as ask:
            asked = "SELECT count(*) AS n, min(surrogate) AS least, max(surrogate) AS most FROM events"
            assert ask(asked) == [{"n": 10, "least": 0, "most": 2}]
            facts.erase(frozenset({0}))
            assert ask(asked) == [{"n": 6, "least": 1, "most": 2}]
        facts.close()


class TestRedisOutbox(OnRedis, OutboxContract):
    """The outbox beside the people."""

    def open(self, folder: Path) -> RedisOutbox:
        """The folder's outbox."""
        return RedisOutbox(self.database(folder))

    def commit(self, folder: Path, deliveries: Sequence[Delivery]) -> None:
        """Through the state."""
        self.committed(folder, batch(outbox=deliveries))

    def erase(self, folder: Path, person: str) -> None:
        """Through the state."""
        RedisState(self.database(folder)).erase(frozenset({person}), frozenset(), 0)

    def facts(self, folder: Path) -> list[str]:
        """Through the facts."""
        facts = RedisFacts(self.database(folder), str(folder / "facts"))
        return [fact.id for fact in facts.live("deliveries")]

    def test_what_a_courier_took_is_no_others(self, tmp_path: Path) -> None:
        """Two couriers of a destination never hand over the same delivery while one has it."""
        from micromoments.testing.clocks import START
        from micromoments.testing.generators import delivery

        one, other = self.open(tmp_path), self.open(tmp_path)
        self.commit(tmp_path, [delivery(n, destination="crm") for n in range(6)])
        mine = [d.id for d in one.due("crm", START + 99, 4)]
        theirs = [d.id for d in other.due("crm", START + 99, 4)]
        assert (len(mine), len(theirs)) == (4, 2)
        assert set(mine).isdisjoint(theirs)


class TestRedisBudgets(OnRedis, BudgetsContract):
    """Budgets on Redis."""

    def open(self, folder: Path) -> RedisBudgets:
        """The folder's budgets."""
        return RedisBudgets(self.database(folder))

    def test_what_is_over_is_given_back_behind_many_that_are_settled(self, tmp_path: Path) -> None:
        """However many reservations of the day were settled or refused, the open ones end at their instant."""
        budgets = self.open(tmp_path)
        asked = (["none left", 1, 0, f"refused{n}", START, ""] for n in range(5_001))
        self.databases[-1].many([self.databases[-1].call(RESERVE, 0, one) for one in asked])
        budgets.reserve("b", 3, 9, "r", START)
        budgets.settle("r", spend=True)
        budgets.reserve("b", 2, 9, "s", START + 1)
        assert budgets.expire(START + 1) == 1
        assert budgets.used("b") == (3, 0)
        assert not budgets.reserve("none left", 1, 9, "refused0", START), "for a day the first answer holds"
        assert budgets.expire(START + 1 + 86_400_000) == 0
        assert budgets.reserve("b", 1, 9, "r", START + 2 * 86_400_000), "then it is forgotten"


class TestRedisCatalogue(OnRedis, CatalogueContract):
    """Items on Redis."""

    def open(self, folder: Path) -> RedisCatalogue:
        """The folder's items."""
        return RedisCatalogue(self.database(folder))

    def commit(self, folder: Path, items: Mapping[str, Item | None]) -> None:
        """Through the state."""
        self.committed(folder, batch(items=items))


class TestRedisPolicies(OnRedis, PoliciesContract):
    """Policies on Redis."""

    def open(self, folder: Path) -> RedisPolicies:
        """The folder's policies."""
        return RedisPolicies(self.database(folder))

    def commit(self, folder: Path, policies: Mapping[str, bytes | None]) -> None:
        """Through the state."""
        self.committed(folder, batch(policies=policies))


class TestRedisSeen(OnRedis, SeenContract):
    """What was seen, on Redis."""

    def open(self, folder: Path) -> RedisSeen:
        """Nothing was seen yet."""
        return RedisSeen(self.database(folder))


class TestRedisArtifacts(OnRedis, ArtifactsContract):
    """Artifacts on Redis."""

    def open(self, folder: Path) -> RedisArtifacts:
        """The folder's artifacts."""
        return RedisArtifacts(self.database(folder))


class TestRedisAudit(OnRedis, AuditContract):
    """The audit on Redis."""

    def open(self, folder: Path, most: int) -> RedisAudit:
        """The folder's audit."""
        return RedisAudit(self.database(folder), most)
