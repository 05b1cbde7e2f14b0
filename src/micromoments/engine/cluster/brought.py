"""What Kafka keeps of a project, in a folder of its own for as long as it is looked at: to be folded again from nothing
and held against Redis, or learned from.

The cluster goes on meanwhile. Up to where the topics ended when it began, workers must have folded; whoever something
came of after that is left out of the comparison, as the state has moved on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from micromoments.config import FILE_NAME, Cluster, load, parted
from micromoments.core.event import Millis
from micromoments.core.person import Person
from micromoments.core.record import ActivationRecord, Record
from micromoments.engine.cluster.both import Moving, Place, open_moving
from micromoments.engine.cluster.follower import LESSONS
from micromoments.engine.cluster.follower import Place as Learned
from micromoments.engine.cluster.wiring import names
from micromoments.engine.verify import Kept, Rebuilt, Verdict, compared, kept_of
from micromoments.engine.wiring import ACTIVE_WEIGHTS, Stores, open_stores
from micromoments.flow.view import CONFIG, WEIGHTS
from micromoments.ports import StoreError

GROUP = 500
"""Records in a group of the folder's log."""
CATCHING_UP = 60.0
"""Seconds in which workers and learner must have folded something more of what was there when it began."""


class Brought(NamedTuple):
    """A folder with the log, open, its people those of Redis; ``hold`` compares what a replay of it gave with those.
    ``whole``: the log begins at the project's first record.
    """

    stores: Stores
    hold: Callable[[Rebuilt], Verdict]
    whole: bool


@contextmanager
def brought(folder: Path, cluster: Cluster, clock: Callable[[], Millis]) -> Iterator[Brought]:
    """Bring a project's log here.

    Raises:
        StoreError: Kafka or Redis can't be reached, or nobody folds.
    """
    moving = open_moving(folder, cluster, load(folder), clock())
    try:
        with TemporaryDirectory(prefix="micromoments-log-") as target:
            ends = moving.copies.ends()
            end = {place: high for place, (_, high) in ends.items()}
            _caught_up(moving, end)
            own = (folder / FILE_NAME).read_text(encoding="utf-8")
            Path(target, FILE_NAME).write_text(parted(own), encoding="utf-8")
            stores = open_stores(target, now=clock())
            try:
                start = {place: low for place, (low, _) in ends.items()}
                if start[moving.copies.control]:
                    stores.log.append(_in_force(moving))
                records = (one for one in moving.copies.since(start, end) if not _settings(one))
                while group := list(islice(records, GROUP)):
                    stores.log.append(group)
                there = moving.shared.stores
                yield Brought(
                    replace(stores, state=there.state, policies=there.policies, recogniser=there.recogniser),
                    lambda rebuilt: _held(moving, rebuilt, end),
                    not any(start.values()),
                )
            finally:
                stores.close()
    finally:
        moving.shared.close()


def _in_force(moving: Moving) -> list[Record]:
    """The weights in force, where their activation may be older than what is kept."""
    body = moving.shared.policies.some([ACTIVE_WEIGHTS]).get(ACTIVE_WEIGHTS, b"")
    return [ActivationRecord(key=WEIGHTS, at=0, what=WEIGHTS, name="", digest="", body=body)] if body else []


def _settings(record: Record) -> bool:
    """Whether it puts settings in force: each process of a cluster hears of them in its own time; the file's count."""
    return isinstance(record, ActivationRecord) and record.what == CONFIG


def _caught_up(moving: Moving, end: Mapping[Place, int]) -> None:
    """Return once everything up to these ends is folded and learned."""
    least, until = -1, 0.0
    while behind := sum(_behind(moving, end)):
        if least < 0 or behind < least:
            least, until = behind, time.monotonic() + CATCHING_UP
        if time.monotonic() > until:
            raise StoreError(f"{behind} records aren't folded or learned; wanted none; start `work` and `learn`, retry")
        time.sleep(0.5)


def _behind(moving: Moving, end: Mapping[Place, int]) -> Iterator[int]:
    shared, lessons = moving.shared, moving.copies.lessons
    for (topic, partition), high in end.items():
        if topic == shared.events.topic:
            yield max(0, high - shared.of_partition(partition).position())
    kept = shared.policies.some([LESSONS])
    learned = msgspec.msgpack.decode(kept[LESSONS], type=Learned).position if LESSONS in kept else 0
    yield max(0, end[lessons] - learned)


def _held(moving: Moving, rebuilt: Rebuilt, end: Mapping[Place, int]) -> Verdict:
    """What Redis has, held against a replay up to these ends; without whom something came of since."""
    shared, copies = moving.shared, moving.copies
    there = moving.kinds["people"].ids()
    kept = kept_of(replace(shared.stores, people=lambda: len(there)), rebuilt)
    now = {place: high for place, (_, high) in copies.ends().items()}
    touched = {name for record in copies.since(end, now) for name in names(record)}
    people = {**rebuilt.people, **kept.people}
    gone = touched | {id for id, person in people.items() if touched & {*_keys(person), id}}
    learning = now[copies.lessons] > end[copies.lessons]
    left = {id: p for id, p in rebuilt.people.items() if id not in gone}
    rebuilt = msgspec.structs.replace(
        rebuilt,
        people=left,
        links={key: link for key, link in rebuilt.links.items() if key not in gone},
        policies={} if learning else rebuilt.policies,
        erased=copies.blanks,
    )
    return compared(
        rebuilt,
        Kept(
            people={id: p for id, p in kept.people.items() if id not in gone},
            links={key: link for key, link in kept.links.items() if key not in gone},
            policies={} if learning else kept.policies,
            total=len(there - gone),
        ),
    )


def _keys(person: Person) -> set[str]:
    return {key.partition(">")[0] for key in person.parts}
