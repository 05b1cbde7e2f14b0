"""Stretches of records with many identifies and aliases: folded together in few round trips, as one by one in order."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.config import Cluster
from micromoments.core.event import Event
from micromoments.core.person import Link, Person
from micromoments.core.record import EventRecord, Logged
from micromoments.core.settings import Settings
from micromoments.engine.cluster.folding import Folding
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.whose import spans
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.engine.residents import Residents
from micromoments.engine.verify import Empty
from micromoments.flow.apply import apply
from micromoments.ports import StoreError
from micromoments.testing.generators import event_record
from tests.cluster.test_log import project
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DEVICES = 300
AT = 1_790_000_000_000
SETTINGS = Settings(consent=("measure", "personalise"))


def opened(kafka: Kafka, redis: Redis, folder: Path) -> Shared:
    """A project of its own."""
    folder.mkdir()
    cluster = Cluster(
        kafka=kafka.address,
        redis=redis.address,
        project=project(folder),
        partitions=1,
        copies=1,
        in_sync=1,
        facts=str(folder / "facts"),
    )
    return open_shared(folder, cluster, SETTINGS)


def stretch(count: int, seed: int, devices: int = 30, users: int = 12) -> list[Logged]:
    """So many records of some devices and users: views, every third an identify or, where users are few, an alias."""
    chance, found = random.Random(seed), list[Logged]()
    for n in range(count):
        device, user, draw = f"a{chance.randrange(devices)}", f"u{chance.randrange(users)}", chance.random()
        told: dict[str, Any] = {"type": "track", "event": "Product Viewed", "anonymous_id": device, "user_id": None}
        if draw < 0.28:
            told = {"type": "identify", "event": None, "anonymous_id": device, "user_id": user}
        elif draw < 0.33 and users < 100:
            told = {"type": "alias", "event": None, "previous_id": f"u{chance.randrange(12)}", "user_id": user}
        one = event_record(n, at=AT + n)
        event = Event(message_id=f"m{n}", **told)
        key = f"anon:{event.anonymous_id}" if event.anonymous_id else f"user:{event.user_id}"
        found.append(Logged(n, replace(one, key=key, event=event, body=b"{}", occurred=AT + n)))
    return found


def folding(shared: Shared, partition: int = 0) -> Folding:
    """What folds a partition."""
    view = Serving(shared, lambda: AT).view
    numbers = iter(range(1, 1_000_000))
    return Folding(shared, partition, lambda: view, lambda: AT, lambda _after: next(numbers))


def one_by_one(shared: Shared, records: Sequence[Logged]) -> Residents:
    """The same in memory, in the order of the log."""
    memory, view = Residents(Empty()), Serving(shared, lambda: AT).view
    for one in records:
        if isinstance(one.record, EventRecord):
            apply(memory, one.record, view)
    return memory


def everyone(load: Callable[[list[str], list[str]], tuple[dict[str, Person], dict[str, Link]]]) -> tuple[Any, Any]:
    """All people and links that there can be."""
    names = [f"{kind}{n}" for n in range(DEVICES) for kind in ("anon:a", "user:u", "anon:u")]
    return load(names, names)


def wanted(memory: Residents) -> Callable[[list[str], list[str]], tuple[dict[str, Person], dict[str, Link]]]:
    """Those of a memory that exist."""

    def load(people: list[str], links: list[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        found: Mapping[str, Person | None] = {id: memory.person(id) for id in people}
        tied: Mapping[str, Link | None] = {key: memory.link(key) for key in links}
        return {k: v for k, v in found.items() if v is not None}, {k: v for k, v in tied.items() if v is not None}

    return load


def alike(shared: Shared, records: Sequence[Logged]) -> bool:
    """Whether everybody is as after folding one record after the other."""
    found: bool = everyone(shared.state.load) == everyone(wanted(one_by_one(shared, records)))
    return found


def test_many_identifies_take_few_round_trips(kafka: Kafka, single: Redis, tmp_path: Path) -> None:
    """Three hundred records, a fourth of which join or part people, give everybody as one by one in the log's order, in
    fewer round trips than there are identifies.
    """
    records, shared = stretch(300, 1, DEVICES, DEVICES), opened(kafka, single, tmp_path / "shop")
    one, before = folding(shared), shared.database.trips
    one.fold(records)
    assert shared.database.trips - before < sum(spans(one.record) for one in records)
    assert alike(shared, records)
    one.mark()
    assert one.state.position() == one.next == 300
    shared.close()


def test_people_who_all_join_are_folded_as_one_by_one(kafka: Kafka, single: Redis, tmp_path: Path) -> None:
    """Where nearly every record must wait for the one before it, everybody is as one by one in the log's order."""
    records, shared = stretch(150, 3), opened(kafka, single, tmp_path / "shop")
    folding(shared).fold(records)
    assert alike(shared, records)
    shared.close()


@pytest.mark.parametrize("after", [True, False])
def test_folding_that_is_cut_short_anywhere_is_done_once(
    kafka: Kafka, single: Redis, tmp_path: Path, after: bool
) -> None:
    """A worker dies before or after any of its commits: the next one goes on from where the state is, and everybody is
    in the end as if nothing had been.
    """
    records = stretch(60, 2)
    for count in range(1, 12):
        shared = opened(kafka, single, tmp_path / f"shop-{count}")
        dying(folding(shared), count, records, after=after)
        again = folding(shared)
        again.fold(records[again.next :])
        assert alike(shared, records), count
        shared.close()


def dying(one: Folding, count: int, records: Sequence[Logged], *, after: bool) -> None:
    """Fold until a commit of that number, which is or isn't made, and then nothing more."""
    commit, made = one.state.commit_shards, 0

    def failing(*parts: Any, **more: Any) -> Any:
        nonlocal made
        made += 1
        if made == count and after:
            commit(*parts, **more)
        if made == count:
            raise StoreError("the worker is gone")
        return commit(*parts, **more)

    one.state.commit_shards = failing  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        one.fold(records)


def event(position: int, mid: int, **told: Any) -> Logged:
    """An event of a partition."""
    one = event_record(mid, at=AT + mid)
    said = Event(message_id=f"m{mid}", **{"event": None, "anonymous_id": None, "user_id": None, **told})
    key = f"anon:{said.anonymous_id}" if said.anonymous_id else f"user:{said.user_id}"
    return Logged(position, replace(one, key=key, event=said, body=b"{}", occurred=AT + mid))


def viewed(position: int, mid: int, device: str) -> Logged:
    """Somebody looks at something."""
    return event(position, mid, type="track", event="Product Viewed", anonymous_id=device)


def meanwhile(one: Folding, number: int, work: Callable[[], object]) -> None:
    """Right before a folding's commit of that number, others do something."""
    commit, made = one.state.commit_shards, 0

    def committed(*parts: Any, **more: Any) -> Any:
        nonlocal made
        made += 1
        if made == number:
            work()
        return commit(*parts, **more)

    one.state.commit_shards = committed  # type: ignore[method-assign]


ALIAS = {"type": "alias", "previous_id": "u2", "user_id": "u1"}
"""A business's own server says whose a device is: another key, another partition, than the device's own events."""


def unnumbered(people: Mapping[str, Person]) -> dict[str, Person]:
    """People without their surrogates."""
    return {id: replace(person, surrogate=0) for id, person in people.items()}


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_an_event_and_an_alias_that_meet_miss_nobody(kafka: Kafka, single: Redis, tmp_path: Path, number: int) -> None:
    """A device's first event is folded while another partition's alias gives the device to a user, before or between
    any of either's commits: the user has the event, and nobody else, as after the one and then the other.
    """
    shared = opened(kafka, single, tmp_path / "shop")
    view, alias = viewed(0, 1, "u2"), event(0, 2, **ALIAS)
    ours, theirs = folding(shared, 0), folding(shared, 1)
    if number:
        meanwhile(theirs, number, lambda: ours.fold([view]))
        theirs.fold([alias])
    else:
        meanwhile(ours, 1, lambda: theirs.fold([alias]))
        ours.fold([view])
    people, links = everyone(shared.state.load)
    orders = [everyone(wanted(one_by_one(shared, order))) for order in ([view, alias], [alias, view])]
    # A user who was written before the alias had to be folded again may have either's surrogate.
    assert (unnumbered(people), links) in [(unnumbered(some), ties) for some, ties in orders]
    shared.close()


def test_who_waited_while_another_partition_moved_them_is_not_passed_over(
    kafka: Kafka, single: Redis, tmp_path: Path
) -> None:
    """A device's event is refused, as an alias has just given the device to a user whose shard is folded further, and
    the worker dies: the next one folds the event.
    """
    shared = opened(kafka, single, tmp_path / "shop")
    shard = shared.database.shard
    beside = next(f"a{n}" for n in range(2, 1_000) if shard(f"anon:a{n}") == shard("user:u1"))
    first, alias = viewed(0, 1, "u2"), event(0, 9, **ALIAS)
    records = [first, viewed(1, 2, "u2"), viewed(2, 3, beside)]
    folding(shared).fold([first])
    one = folding(shared)
    meanwhile(one, 1, lambda: folding(shared, 1).fold([alias]))
    dying(one, 2, records[1:], after=False)
    again = folding(shared)
    again.fold(records[again.next :])
    people = shared.state.load(["anon:u2", "user:u1", f"anon:{beside}"], [])[0]
    assert {id: sum(part.total for part in person.parts.values()) for id, person in people.items()} == {
        "user:u1": 2,
        f"anon:{beside}": 1,
    }
    shared.close()
