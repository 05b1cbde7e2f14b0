"""A project from its folder to a cluster while it serves: in rounds, as a running machine is moved. Each round copies
what differs, and from the second on looks only at what changed since; the last one is made while nobody has the folder
open, and must find both sides alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from micromoments.core.event import Millis
from micromoments.core.record import OutcomeRecord
from micromoments.engine.brain import CATALOG
from micromoments.engine.cluster.both import KINDS, WATCHED, Kind, Mark, Moving, Row, unseal
from micromoments.engine.cluster.follower import FOLDED, LEARNED, LESSONS, Place
from micromoments.engine.cluster.learner import RING
from micromoments.engine.cluster.log_copy import LogCopy
from micromoments.engine.cluster.tally import Held, Tally
from micromoments.engine.cluster.wiring import SHARDS

OWN = (FOLDED, LEARNED, LESSONS)
"""Policies' keys that a cluster has and a folder hasn't."""


class Move:
    """One run of a move. ``clock`` is the wall's; nothing here waits for anybody."""

    def __init__(self, moving: Moving, folder: Path, clock: Callable[[], Millis]) -> None:
        self._moving, self._folder, self._clock = moving, folder, clock
        mark = moving.mark()
        if mark is None and (moving.taken() or any(high for _, high in moving.copies.ends().values())):
            raise ValueError(
                "got a cluster that holds something of a project of this name already; wanted none; "
                "name another `project` in [cluster]"
            )
        if mark is not None and mark.state != "copying":
            raise ValueError(f"got a project that is {mark.state!r}; wanted one that is being copied, or a new one")
        if mark is None:
            moving.say(Mark(state="copying", at=clock()))
        self._log = LogCopy(moving, mark, clock)
        self._files: dict[str, str] = {}
        self._sides: dict[str, tuple[Tally, Tally]] = {}

    def close(self) -> None:
        """Leave nothing of the copying in the folder."""
        self._moving.source.unwatch()

    def round(self) -> list[Held]:
        """Copy what differs now; gives what both sides hold. While the folder is served, that is as of some instant in
        the round for each kind. What was alike once is looked at again where it changed.

        Raises:
            StoreError: a side can't be read or written, or doesn't give back what was written.
        """
        self._moving.source.watch()
        held = [self._changed(kind) if kind in self._sides else self._values(kind) for kind in KINDS]
        return [*held, self._facts(), self._log.copy()]

    def finish(self) -> Mark:
        """After a round that found both sides alike, with the folder locked: everything in the log is folded, so that
        workers begin where it ends.
        """
        shared, moving = self._moving.shared, self._moving
        ends = self._log.ends
        for partition in range(shared.events.count):
            state = shared.of_partition(partition)
            state.positions()
            state.mark(ends[shared.events.topic, partition], range(SHARDS))
        control, lessons = moving.copies.control, moving.copies.lessons
        told = deque[str](maxlen=RING)
        for _, _, _, record in moving.copies.read({lessons: max(0, ends[lessons] - RING)}, ends):
            if isinstance(record, OutcomeRecord):
                told.append(record.outcome.id)
        learned = Place(ends[lessons], list(told))
        states = {LESSONS: msgspec.msgpack.encode(learned), FOLDED: str(ends[control]).encode()}
        if (catalogue := self._catalogue()) is not None:
            states[LEARNED] = shared.stores.artifacts.put(catalogue).encode()
        shared.policies.teach(states)
        named = {f"{topic}/{partition}": high for (topic, partition), high in ends.items()}
        return Mark(state="moved", at=self._clock(), position=self._log.next, ends=named)

    def _values(self, kind: str) -> Held:
        there, found, read = self._moving.kinds[kind], Tally(), Tally()
        copied, ids = 0, set[str]()
        for page in self._rows(kind):
            ids.update(id for id, _ in page)
            found.add(page)
            copied += self._page(there, page, read)
        extra = self._there(kind, there) - ids
        there.drop(extra)
        held = _held(kind, found, read, copied, len(extra))
        held = msgspec.structs.replace(held, cluster=len(self._there(kind, there)))
        if held.same and kind in WATCHED:
            self._sides[kind] = found, read
        return held

    def _changed(self, kind: str) -> Held:
        """A kind that was alike: what changed in the folder since, and nothing else."""
        there, (found, read) = self._moving.kinds[kind], self._sides.pop(kind)
        copied = removed = 0
        for page, gone in self._moving.source.changed(kind):
            names = [*(id for id, _ in page), *gone]
            old = [(id, body) for id, body in zip(names, there.get(names), strict=True) if body is not None]
            found.drop(old)
            read.drop(old)
            there.drop(gone)
            found.add(page)
            copied += self._page(there, page, read)
            removed += len(gone)
        held = _held(kind, found, read, copied, removed)
        if held.same:
            self._sides[kind] = found, read
        return held

    def _page(self, there: Kind, page: list[Row], read: Tally) -> int:
        """Write those of a page that are others there, read them back, and count all of them as they lie there."""
        names = [id for id, _ in page]
        old = there.get(names)
        new = [row for row, body in zip(page, old, strict=True) if row[1] != body]
        if new:
            there.put(new)
            old = there.get(names)
        read.add((id, body) for id, body in zip(names, old, strict=True) if body is not None)
        return len(new)

    def _rows(self, kind: str) -> Iterator[list[Row]]:
        for page in self._moving.source.rows(kind):
            yield [row for row in page if row[0] != CATALOG] if kind == "policies" else page

    def _there(self, kind: str, there: Kind) -> set[str]:
        """The ids there that should be the folder's."""
        ids = there.ids()
        if kind == "policies":
            return ids - set(OWN)
        if kind == "artifacts" and (own := self._moving.shared.policies.some([LEARNED])):
            return ids - {own[LEARNED].decode().partition(":")[2]}
        return ids

    def _catalogue(self) -> bytes | None:
        """What the catalogue learned, which a cluster keeps as an artifact."""
        found = dict(row for page in self._moving.source.rows("policies") for row in page)
        return unseal(found[CATALOG], "what the catalogue learned") if CATALOG in found else None

    def _facts(self) -> Held:
        """Sealed files, each read back once in this run; what isn't sealed waits for the last round."""
        facts, place = self._moving.facts, self._folder / "facts"
        sealed, copied = self._moving.source.sealed(), 0
        for name, (table, day, count) in sealed.items():
            if name not in self._files:
                try:
                    had = facts.sealed().get(name, {}).get("digest")
                    self._files[name] = facts.adopt(name, table, day, count, place / name)
                    copied += had != self._files[name]
                except FileNotFoundError:
                    continue  # replaced while it serves: by the next round there is another
        gone = sorted(facts.sealed().keys() - sealed.keys())
        facts.forget(gone)
        there = facts.sealed()
        rows = [(name, f"{count} {self._files.get(name, '')}".encode()) for name, (_, _, count) in sealed.items()]
        rows_there = [(name, f"{row['count']} {row.get('digest', '')}".encode()) for name, row in there.items()]
        return Held(
            kind="files of facts",
            folder=len(sealed),
            cluster=len(there),
            copied=copied,
            removed=len(gone),
            digest=Tally(rows).hex,
            digest_there=Tally(rows_there).hex,
        )


def _held(kind: str, found: Tally, read: Tally, copied: int, removed: int) -> Held:
    return Held(
        kind=kind,
        folder=found.count,
        cluster=read.count,
        copied=copied,
        removed=removed,
        digest=found.hex,
        digest_there=read.hex,
    )
