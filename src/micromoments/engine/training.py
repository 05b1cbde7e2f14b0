"""Trains weights from a folder's own log, says whether they are better, and puts them or the old ones in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import replace

from micromoments.core.event import UNCOUNTED, Millis
from micromoments.core.person import Link
from micromoments.core.record import EventRecord
from micromoments.decide.eligibility import consents
from micromoments.engine.service import open_service
from micromoments.engine.wiring import Stores
from micromoments.flow.apply import home
from micromoments.flow.train import Beat, Plan, TooLittle, beat, judge, learn
from micromoments.flow.view import refuses
from micromoments.learn.train import Verdict
from micromoments.ports import replay
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


def train(stores: Stores, *, step: int, within: Millis, holdout: float) -> Trained:
    """Learn from the log of an open folder that isn't serving, or of a copy; nothing is changed in it.

    ``step`` is the least step of the journey that labels, ``within`` the reach of a label in milliseconds, ``holdout``
    the newest share of the events, on which old and new weights are examined.

    Raises:
        TooLittle: the log has too little to teach and examine with.
    """
    allowed = _allowed(stores)
    times = np.array([r.occurred for _, r in _events(stores, allowed)][-MOST_EVENTS:], dtype=np.int64)
    if len(times) < STRETCH:
        raise TooLittle(f"got {len(times)} events in the log to learn from, wanted {STRETCH}; train when more has come")
    since, until = int(times.min()), int(times.max())
    split = int(np.quantile(times, 1.0 - holdout))
    plan = Plan(step, within, split, until - within)
    if plan.until <= split or split - within <= since:
        hours = (until - since) / 3_600_000
        raise TooLittle(f"got a log of {hours:.1f} h; wanted more than a label's reach before and after the split")
    shipped = Recogniser(stores.settings, stores.recogniser.text)
    stories: dict[str, list[Beat]] = {}
    for person, record in _events(stores, allowed):
        if record.occurred >= since:
            found = beat(record, shipped, keep=record.occurred >= split - BEFORE)
            if found is not None:
                stories.setdefault(person, []).append(found)
    told = [sorted(story, key=lambda b: b.trace) for story in stories.values()]
    weights, rates = learn(told, shipped, plan)
    new = Recogniser(stores.settings, shipped.text, weights)
    return Trained(
        weights=weights,
        verdict=judge(told, stores.recogniser, new, plan, rates),
        since=since,
        split=split,
        until=until,
    )


def _allowed(stores: Stores) -> Mapping[str, tuple[str, bool]]:
    """Whose events may teach, by source key and user id: the person's id, and whether places may be used.

    Who said no to measuring or personalising teaches nothing.
    """
    keys: set[str] = set()
    for logged in replay(stores.log):
        if isinstance(logged.record, EventRecord):
            keys.add(logged.record.key)
            if logged.record.event.user_id:
                keys.add(f"user:{logged.record.event.user_id}")
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


def _events(stores: Stores, allowed: Mapping[str, tuple[str, bool]]) -> Iterator[tuple[str, EventRecord]]:
    """The events that may teach, with the person's id, in the log's order."""
    for logged in replay(stores.log):
        record = logged.record
        if not isinstance(record, EventRecord) or record.marks & UNCOUNTED:
            continue
        user = record.event.user_id
        found = allowed.get(f"user:{user}" if user else record.key)
        if found is None:
            continue
        id, located = found
        yield id, record if located or record.nearby is None else replace(record, nearby=None)


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
