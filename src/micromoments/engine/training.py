"""Trains weights from a folder's own log, says whether they are better, and puts them or the old ones in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from micromoments.core.event import UNCOUNTED, Millis
from micromoments.core.person import Link
from micromoments.core.record import EventRecord, Record
from micromoments.decide.eligibility import consents
from micromoments.engine.service import open_service
from micromoments.engine.wiring import Stores
from micromoments.flow.apply import home
from micromoments.flow.train import Beat, Plan, TooLittle, beat, judge, learn
from micromoments.flow.view import refuses
from micromoments.learn.train import Verdict
from micromoments.ports import Log, replay
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.weights import Weights

MOST_EVENTS: Final = 200_000
"""The newest events that are learned from."""
BEFORE: Final = 3 * 3_600_000
"""Milliseconds before the examining part whose events are folded too, so that it doesn't begin from nothing."""
STRETCH: Final = 1_000


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What training found: the weights, what they are worth, from when to when they were taught and examined."""

    weights: Weights
    verdict: Verdict
    since: Millis
    split: Millis
    until: Millis


class _Links:
    """Source ids' links, read from the state a stretch at a time."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._links: dict[str, Link] = {}

    def fetch(self, keys: set[str]) -> None:
        """Read what is known of these ids, and of the user ids that they were claimed by."""
        listed = sorted(keys)
        for start in range(0, len(listed), STRETCH):
            self._links.update(self._stores.state.load([], listed[start : start + STRETCH])[1])
        claimed = {f"user:{c.user}" for k in listed if k in self._links for c in self._links[k].claims}
        if more := claimed - keys:
            self.fetch(more)

    def link(self, key: str) -> Link | None:
        """What is known of that source id."""
        return self._links.get(key)


Allowed = Mapping[str, tuple[str, bool]]
"""Whose events may teach, by source key and user id: the person's id, and whether places may be used."""


class Reading(Protocol):
    """What training asks of a log, wherever that is read; each is a pass over it."""

    def keys(self) -> set[str]:
        """Every source key and user id that an event came under."""

    def times(self, allowed: Allowed) -> NDArray[np.int64]:
        """When the newest ``MOST_EVENTS`` that may teach happened, in the log's order."""

    def stories(self, allowed: Allowed, shipped: Recogniser, since: Millis, keep: Millis) -> list[list[Beat]]:
        """What each person did from ``since`` on, in the order of time, people as the log first has them; records from
        ``keep`` on are kept.
        """


class Here:
    """A log read in this process."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def keys(self) -> set[str]:
        """Every source key and user id that an event came under."""
        return {key for logged in replay(self._log) for key in keys_of(logged.record)}

    def times(self, allowed: Allowed) -> NDArray[np.int64]:
        """When the newest that may teach happened."""
        return np.array([r.occurred for _, r in self._events(allowed)][-MOST_EVENTS:], dtype=np.int64)

    def stories(self, allowed: Allowed, shipped: Recogniser, since: Millis, keep: Millis) -> list[list[Beat]]:
        """What each person did."""
        stories: dict[str, list[Beat]] = {}
        for person, record in self._events(allowed):
            if record.occurred >= since:
                found = beat(record, shipped, keep=record.occurred >= keep)
                if found is not None:
                    stories.setdefault(person, []).append(found)
        return [sorted(story, key=lambda b: b.trace) for story in stories.values()]

    def _events(self, allowed: Allowed) -> Iterator[tuple[str, EventRecord]]:
        for logged in replay(self._log):
            found = teaching(logged.record, allowed)
            if found is not None:
                yield found


def train(stores: Stores, *, step: int, within: Millis, holdout: float, reading: Reading | None = None) -> Trained:
    """Learn from the log of an open folder that isn't serving, or of a copy; nothing is changed in it.

    ``step`` is the least step of the journey that labels, ``within`` the reach of a label in milliseconds, ``holdout``
    the newest share of the events, on which old and new weights are examined. ``reading`` reads the log elsewhere.

    Raises:
        TooLittle: the log has too little to teach and examine with.
    """
    log = reading if reading is not None else Here(stores.log)
    allowed = _allowed(stores, log.keys())
    times = log.times(allowed)
    if len(times) < STRETCH:
        raise TooLittle(f"got {len(times)} events in the log to learn from, wanted {STRETCH}; train when more has come")
    since, until = int(times.min()), int(times.max())
    split = int(np.quantile(times, 1.0 - holdout))
    plan = Plan(step, within, split, until - within)
    if plan.until <= split or split - within <= since:
        hours = (until - since) / 3_600_000
        raise TooLittle(f"got a log of {hours:.1f} h; wanted more than a label's reach before and after the split")
    shipped = Recogniser(stores.settings, stores.recogniser.text)
    told = log.stories(allowed, shipped, since, split - BEFORE)
    weights, rates = learn(told, shipped, plan)
    new = Recogniser(stores.settings, shipped.text, weights)
    return Trained(
        weights=weights,
        verdict=judge(told, stores.recogniser, new, plan, rates),
        since=since,
        split=split,
        until=until,
    )


def keys_of(record: Record) -> list[str]:
    """The source key and the user id that an event came under."""
    if not isinstance(record, EventRecord):
        return []
    return [record.key, *([f"user:{record.event.user_id}"] if record.event.user_id else [])]


def teaching(record: Record, allowed: Allowed) -> tuple[str, EventRecord] | None:
    """An event that may teach, without the place that may not be used, with its person's id."""
    if not isinstance(record, EventRecord) or record.marks & UNCOUNTED:
        return None
    user = record.event.user_id
    found = allowed.get(f"user:{user}" if user else record.key)
    if found is None:
        return None
    id, located = found
    return id, record if located or record.nearby is None else replace(record, nearby=None)


def _allowed(stores: Stores, keys: set[str]) -> Allowed:
    """Whose events may teach. Who said no to measuring or personalising teaches nothing."""
    links = _Links(stores)
    links.fetch(keys)
    homes = {key: home(links, key, 2**62, 0)[0] for key in keys}
    ids = sorted(set(homes.values()))
    refused, located = set(), set()
    for start in range(0, len(ids), STRETCH):
        for id, person in stores.state.load(ids[start : start + STRETCH], [])[0].items():
            if refuses(person, "measure") or refuses(person, "personalise"):
                refused.add(id)
            if consents(person, "location", stores.settings):
                located.add(id)
    return {key: (id, id in located) for key, id in homes.items() if id not in refused}


async def change(folder: Path, weights: Weights | None, clock: Callable[[], Millis]) -> dict[str, Any]:
    """Put weights in force (``None``: those before the ones in force) in a folder that nobody has open."""
    service = open_service(folder, None, clock)
    await service.start()
    try:
        taught = service.control.taught
        return await taught.back() if weights is None else await taught.put(weights)
    finally:
        await service.stop()


async def recommend(folder: Path, body: bytes, clock: Callable[[], Millis]) -> None:
    """Recommend by this table from the next record on, in a folder that isn't serving; the log says so, durably."""
    service = open_service(folder, None, clock)
    await service.start()
    try:
        await service.nexts.use(body)
    finally:
        await service.stop()
