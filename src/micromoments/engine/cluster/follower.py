"""What every process knows: items, settings and policies, followed as they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from micromoments.core.item import Item
from micromoments.core.record import ActivationRecord, ItemRecord, Logged, Record
from micromoments.core.settings import Settings
from micromoments.engine.brain import CATALOG, SESSIONS, Policies, restore_catalog
from micromoments.engine.cluster.wiring import Shared
from micromoments.engine.control import AT_START
from micromoments.engine.nexts import ACTIVE_SESSIONS, table_of
from micromoments.flow.view import CONFIG, WEIGHTS, View, config_digest, reweighted
from micromoments.ports import StoreError, replay
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.trained import Trained

LOOK = 0.25
"""Seconds between looks at what changed: a policy that was learned is served within one."""
FOLDED = "control:position"
"""Under this key the policies keep up to where the control log lies in the catalogue of Redis."""
LEARNED = "catalog:digest"
"""Under this key they keep the artifact of what the catalogue learned."""
LESSONS = "lessons:position"
"""Under this key they keep how far the lessons are learned, a ``Place``."""
AGES = 20
"""Items that were put and may not be in Redis yet are looked through after so many looks."""
log = logging.getLogger("micromoments")


class Place(msgspec.Struct, array_like=True):
    """How far the lessons are learned, and the last outcomes among them."""

    position: int = 0
    ids: list[str] = []


def place(kept: Mapping[str, bytes]) -> Place:
    """How far what is kept has learned."""
    return msgspec.msgpack.decode(kept[LESSONS], type=Place) if LESSONS in kept else Place()


class Follower:
    """One process's view. ``activated`` is called with every activation; lives on the loop, reads in threads."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        settings = shared.settings
        self.kept: Mapping[str, bytes] = shared.policies.load()
        self.catalog = Catalog(settings.synonyms, settings.timezone, meaning=shared.stores.meaning)
        self.brain = Policies(self.kept)
        self.view = View(
            settings,
            config_digest(settings),
            shared.stores.recogniser,
            self.catalog,
            self.brain,
            guards=self.brain.guards,
        )
        self.activated: Callable[[Record], None] = lambda _record: None
        self.position = 0
        self.recent: dict[str, tuple[int, Item | None]] = {}
        self._revision = -1
        self._digest = b""
        self._hurry = asyncio.Event()
        self._moved = asyncio.Condition()
        self._looks = 0
        self._table = ""

    def start(self) -> None:
        """Read everything there is now."""
        self._revision = self._shared.policies.revision()
        self.kept = self._shared.policies.load(later=True)
        if (router := self._shared.stores.router) is not None:
            self.catalog.route(router.reach)
        after = ""
        while items := self._shared.stores.catalogue.items(after, 2_000):
            self.catalog.apply({i.id: i for i in items})
            after = items[-1].id
        self.catalog.loaded()
        self.position = int(self.kept.get(FOLDED, b"0"))
        for logged in replay(self._shared.news, self.position):
            self._fold(logged)
        self._renew(self.kept, self._learned(self.kept))
        if name := self._table or self.kept.get(ACTIVE_SESSIONS, b"").decode():
            self._foresee(table_of(self._shared.stores.artifacts, name))

    async def follow(self) -> None:
        """Look for what changed, for ever; what keeps it from that is said once for as long as it is the same."""
        said = ""
        while True:
            try:
                await self.look()
                said = ""
            except StoreError as error:
                if str(error) != said:
                    log.error("what changed could not be read (%s); tried again", error)
                said = str(error)
            try:
                await asyncio.wait_for(self._hurry.wait(), LOOK)
            except TimeoutError:
                continue
            finally:
                self._hurry.clear()

    async def look(self) -> None:
        """Take in what changed since the last look."""
        logged, revision, kept, learned = await asyncio.to_thread(self._read)
        for one in logged:
            self._fold(one)
        if kept is not None:
            self._revision = revision
            self._renew(kept, learned)
        if name := self._table:
            self._foresee(await asyncio.to_thread(table_of, self._shared.stores.artifacts, name))
        self._looks += 1
        if self.recent and self._looks % AGES == 0:
            folded = int((await asyncio.to_thread(self._shared.policies.some, [FOLDED])).get(FOLDED, b"0"))
            self.recent = {k: v for k, v in self.recent.items() if v[0] >= folded}
        async with self._moved:
            self._moved.notify_all()

    def _read(self) -> tuple[Sequence[Logged], int, Mapping[str, bytes] | None, bytes | None]:
        logged = self._shared.news.read(self.position)
        revision = self._shared.policies.revision()
        if revision == self._revision:
            return logged, revision, None, None
        kept = self._shared.policies.load(later=True)
        return logged, revision, kept, self._learned(kept)

    def _learned(self, kept: Mapping[str, bytes]) -> bytes | None:
        """What the catalogue learned, where it is another than before."""
        digest = kept.get(LEARNED, b"")
        if not digest or digest == self._digest:
            return None
        try:
            body = self._shared.artifacts.get(digest.decode())
        except KeyError:  # this process stood still so long that newer ones replaced it: the next look brings those
            return None
        self._digest = digest
        return body

    def _renew(self, kept: Mapping[str, bytes], learned: bytes | None) -> None:
        self.brain.renew(kept)
        self.brain.place = place(kept).position
        if learned is not None:
            restore_catalog(self.catalog, {CATALOG: learned})

    def _foresee(self, table: Trained | None) -> None:
        """Recommend by a table of sessions; the counts beside it are the learner's, and come with what it learns."""
        self._table = ""
        if table is not None:
            self.catalog.foresee(table, fresh=False)

    def _fold(self, logged: Logged) -> None:
        record = logged.record
        self.position = logged.position + 1
        if isinstance(record, ItemRecord):
            self.catalog.apply({record.key: record.item})
            self.recent[record.key] = (logged.position, record.item)
        elif isinstance(record, ActivationRecord):
            if record.what == WEIGHTS:
                self.view = reweighted(self.view, record.body)
            elif record.what == SESSIONS:
                self._table = record.name
            elif record.what == CONFIG:
                self._settings(msgspec.json.decode(record.body, type=Settings, strict=False), record.digest)
            self.activated(record)

    def _settings(self, settings: Settings, version: str) -> None:
        """Settings that another server put in force; what is read at the start stays as it is until the next."""
        running = msgspec.structs.replace(settings, **{name: getattr(self.view.settings, name) for name in AT_START})
        self.use(replace(self.view, settings=running, config_version=version))

    def use(self, view: View) -> None:
        """Put another view in force."""
        self.view = view

    async def change(self, records: Sequence[Record]) -> None:
        """Append records of the business's own; durable, and in force here, when this returns."""
        if not records:
            return
        last = await asyncio.to_thread(self._shared.control.append, records) + len(records)
        self._hurry.set()
        async with self._moved:
            await self._moved.wait_for(lambda: self.position >= last)
