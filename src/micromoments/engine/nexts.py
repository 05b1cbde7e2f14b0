"""The live recommender's model of sessions: learned from the facts in a process of its own, put in force through the
log, so that everyone can say when it changed. What is recommended is derived: without the model counts do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from micromoments.core.event import UNCOUNTED, Millis
from micromoments.core.record import ActivationRecord, Record
from micromoments.core.settings import HOUR
from micromoments.engine.brain import SESSIONS
from micromoments.engine.tuning import stand_back
from micromoments.engine.wiring import Stores, asking, beside
from micromoments.flow.learn import LOOKED
from micromoments.ports import Artifacts, Corrupt
from micromoments.report.ask import Query
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.trained import Trained, decode

if TYPE_CHECKING:
    from micromoments.retrieve.nextitem.distil import Examined

ACTIVE_SESSIONS: Final = "active:sessions"
FIRST_LOOK: Final = 60.0
"""Seconds after a start until it is looked whether there is something to learn: what starts has other work first."""
LOOK_EVERY: Final = 600.0
"""Seconds between looks at whether it is time to learn again."""
log = logging.getLogger("micromoments")


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a round of learning gave: the table's bytes, from how much, and how it did on the newest sessions."""

    body: bytes
    sessions: int
    clicks: int
    examined: Examined

    @property
    def better(self) -> bool:
        """Whether it is worth putting in force."""
        return self.examined.better


class TooFew(ValueError):
    """There are too few sessions to learn from; the words say how many."""


def learnt(query: Query, least: int, at: Millis) -> Learnt:
    """Learn from a folder's facts as committed: what everyone but bots, tests and the business's own looked at.

    Raises:
        TooFew: fewer than ``least`` sessions of two items or more.
    """
    from micromoments.retrieve.nextitem.distil import PLAN, examine, learn, sessions_of

    names = [name for name, what in LOOKED.items() if what != "buy"]
    marks = ", ".join("?" for _ in names)
    rows = query(
        f"SELECT surrogate AS who, e.at AS clicked, item FROM events e WHERE name IN ({marks}) AND item <> '' "  # noqa: S608 our own words
        f"AND (marks & {UNCOUNTED}) = 0 ORDER BY e.at DESC LIMIT {PLAN.most}",
        names,
    )
    sessions = sessions_of((row["who"], row["clicked"], row["item"]) for row in rows)
    if len(sessions) < least:
        raise TooFew(
            f"got {len(sessions):,} sessions of two items or more, wanted {least:,}; learn when more have come"
        )
    examined = examine(sessions)
    table = learn(sessions, at)
    return Learnt(table.encode(), table.sessions, table.clicks, examined)


def activation(artifacts: Artifacts, body: bytes, at: Millis) -> ActivationRecord:
    """Keep a table durably, and the record that puts it in force."""
    name = artifacts.put(body)
    return ActivationRecord(key="", at=at, what=SESSIONS, name=name, digest=name.removeprefix("sha256:"))


def table_of(artifacts: Artifacts, name: str) -> Trained | None:
    """A table that was kept, ``None`` (and a line in the process's log) where it can't be read."""
    try:
        return decode(artifacts.get(name))
    except (KeyError, ValueError, Corrupt) as error:
        log.warning("the model of sessions can't be read (%s); counts recommend until it is learned again", error)
        return None


class Nexts:
    """The model in force, and the task that learns the next one.

    Args:
        stores: the folder's.
        kept: the state's policies as last committed, which name the table in force.
        catalog: what recommends by it.
        change: appends records to the log and waits until they are folded.
        clock: the time.
    """

    def __init__(
        self,
        stores: Stores,
        kept: Mapping[str, bytes],
        catalog: Catalog,
        change: Callable[[Sequence[Record]], Awaitable[None]],
        clock: Callable[[], Millis],
    ) -> None:
        self._artifacts, self._catalog, self._change = stores.artifacts, catalog, change
        self._settings, self._clock = stores.settings.recommend, clock
        self._folder = stores.folder if stores.apart else None
        self._tried: Millis = 0
        if name := kept.get(ACTIVE_SESSIONS):
            self._use(name.decode(), fresh=False)

    def _use(self, name: str, *, fresh: bool) -> None:
        if (table := table_of(self._artifacts, name)) is not None:
            self._catalog.foresee(table, fresh=fresh)

    def activated(self, record: Record, active: dict[str, bytes]) -> None:
        """Recommend by the table that an activation names; ``active`` gets what the next commit has to keep of it."""
        if isinstance(record, ActivationRecord) and record.what == SESSIONS:
            self._use(record.name, fresh=True)
            active[ACTIVE_SESSIONS] = record.name.encode()

    async def run(self) -> None:
        """Learn a minute after the start and then from time to time, as the settings say, until cancelled; only where a
        process of its own can be had for it.
        """
        every = self._settings.train_hours * HOUR
        await asyncio.sleep(FIRST_LOOK)
        while self._folder is not None and every > 0:
            if self._clock() - max(self._catalog.foreseen_at, self._tried) >= every:
                self._tried = self._clock()
                await self._again(self._folder)
            await asyncio.sleep(LOOK_EVERY)

    async def use(self, body: bytes) -> None:
        """Recommend by this table from the next record on; kept, logged and in force when this returns."""
        record = await asyncio.to_thread(activation, self._artifacts, body, self._clock())
        await self._change([record])

    async def _again(self, folder: Path) -> None:
        try:
            found = await apart(folder, self._settings.least_sessions, self._clock())
            if found.better:
                await self.use(found.body)
            log.info("sessions learned: %d of them, %s; used: %s", found.sessions, found.examined, found.better)
        except TooFew as error:
            log.debug("sessions aren't learned: %s", error)
        except Exception as error:  # noqa: BLE001 - housekeeping is tried again; serving goes on
            log.error("sessions could not be learned (%s); it will be tried again", error)


def learn_of(folder: Path, least: int, at: Millis) -> Learnt:
    """In a process of its own: learn from a folder's facts, behind everything else that the machine has to do."""
    stand_back(15)
    beside()
    return learnt(asking(folder), least, at)


async def apart(folder: Path, least: int, at: Millis) -> Learnt:
    """Learn in a process that is started for it and ends with it."""
    pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, learn_of, folder, least, at)
    finally:
        for process in list((pool._processes or {}).values()):  # cancelled: nobody waits for minutes of learning
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
