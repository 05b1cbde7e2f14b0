"""Files of history into a project: in the order of time, each event arriving when it happened, each once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate, islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import msgspec

from micromoments.cli.ledger import FOLDER, Entry, Known, Ledger
from micromoments.core.event import Arrival, Millis
from micromoments.core.settings import Settings
from micromoments.engine.intake import message_hash
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.engine.tuning import tune_process
from micromoments.recognise.sensitive import detector
from micromoments.sources.clean import Cleaner
from micromoments.sources.files import Read, Source, in_order
from micromoments.sources.mapping import Shape
from micromoments.sources.opened import Bad, shown

if TYPE_CHECKING:
    from micromoments.config import Cluster

BATCH = 1_000
"""Events in one durable group."""
BACKLOG = 8_000
"""Events that may wait to be folded before more are read."""
CHECKPOINT = 0.5
"""Seconds between notes of how far the import has come."""
AFTER: Millis = 2 * 86_400_000
"""How long after the last event the clock is let run, so that moments end and windows close."""


class Clock:
    """The engine's clock: the history's while one is imported, else the wall's."""

    def __init__(self) -> None:
        self.history: Millis | None = None

    def __call__(self) -> Millis:
        """The present."""
        return now_ms() if self.history is None else self.history


class Taking(Protocol):
    """What takes an import's events: a folder's engine, or a server of a cluster that is made for it."""

    @property
    def settings(self) -> Settings:
        """What is in force."""

    async def collect(self, arrivals: Sequence[Arrival], at: Sequence[Millis]) -> list[int]:
        """Accept events; they are durable when this returns. The indexes of those that were known."""


class SetAside:
    """Bad rows, a JSON object a line, in ``FILE.rejected.jsonl``: beside the file, or in the project's ``imports``
    where that can't be written, or where the file is not ``lasting``, as what came by standard input or from an
    address. Rows stand in it as they were, so it is private (0600); without bad rows there is none.
    """

    def __init__(self, source: Path, folder: Path, *, lasting: bool = True) -> None:
        beside = source.parent if lasting and os.access(source.parent, os.W_OK) else folder / FOLDER
        self.path = beside / f"{source.name}.rejected.jsonl"
        self.count = 0
        self.reasons: dict[str, int] = {}
        self._file: int | None = None

    def clear(self) -> None:
        """Remove what an earlier import of the file set aside: its bad rows are met again."""
        self.path.unlink(missing_ok=True)

    def add(self, bad: Bad) -> None:
        """Set one row aside."""
        self.count += 1
        self.reasons[bad.code] = self.reasons.get(bad.code, 0) + 1
        if self._file is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            line = msgspec.json.encode(bad, enc_hook=str)
        except OverflowError:
            line = msgspec.json.encode(msgspec.structs.replace(bad, row=shown(bad.row)))
        os.write(self._file, line + b"\n")

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Import:
    """One file on its way in.

    Args:
        source: the file, with its mapping.
        entry: what is known of it; new, or that of the run that was killed.
        aside: where bad rows go.
        told: called with the entry, now and then.
    """

    ends: Callable[[], dict[int, int]] = dict
    """Where the partitions of a cluster's events end."""

    def __init__(self, source: Source, entry: Entry, aside: SetAside, told: Callable[[Entry], None]) -> None:
        self.source, self.entry, self.aside, self._told = source, entry, aside, told
        self._noted = monotonic()

    async def run(self, service: Taking, clock: Clock, ledger: Ledger, known: Known) -> None:
        """Import what isn't imported yet; every event is durable on return, and in a folder folded."""
        entry, cleaner = self.entry, Cleaner(service.settings.intake, detector(service.settings.recognition.sensitive))
        self.aside.clear()
        rows = islice(self._ordered(), entry.emitted, None)
        while stretch := list(islice(rows, BATCH)):
            arrivals = [cleaner.clean(row.arrival) for row in stretch]
            if not entry.at:  # so that a run killed before its next note knows from when on to read the log again
                entry.at = max(1, arrivals[0].occurred - 1)
                self._note(ledger, known)
            times = list(accumulate((a.occurred for a in arrivals), max, initial=entry.at))[1:]
            clock.history = times[-1]
            entry.first = entry.first or arrivals[0].occurred
            entry.late += sum(a.occurred < at for a, at in zip(arrivals, times, strict=True))
            chosen, again = self._unknown(arrivals, known) if self.source.named else (range(len(arrivals)), 0)
            again += len(await service.collect([arrivals[n] for n in chosen], [times[n] for n in chosen]))
            again = again if self.source.named else 0  # a file's own numbers come back only after a killed run of it
            entry.at = entry.last = times[-1]
            entry.emitted += len(arrivals)
            entry.imported += len(arrivals) - again
            entry.duplicates += again
            if isinstance(service, Service):
                await self._room(service)
            if monotonic() - self._noted > CHECKPOINT:
                self._note(ledger, known)
        if isinstance(service, Service):
            await service.settled()
        entry.finished = True
        self.aside.close()
        self._note(ledger, known)

    @staticmethod
    def _unknown(arrivals: list[Arrival], known: Known) -> tuple[list[int], int]:
        fresh = known.fresh([message_hash(a.message_id) for a in arrivals])
        chosen = [n for n, new in enumerate(fresh) if new]
        return chosen, len(arrivals) - len(chosen)

    def _ordered(self) -> Iterator[Read]:
        return in_order(self._good(), lambda row: row.arrival.occurred, self.entry.window)

    def _good(self) -> Iterator[Read]:
        newest = disordered = 0
        for row in self.source.rows():
            if isinstance(row, Bad):
                self.aside.add(row)
                continue
            at = row.arrival.occurred
            if at < newest:
                disordered += 1
                self.entry.disordered = disordered
            else:
                newest = at
            yield row

    async def _room(self, service: Service) -> None:
        while service.stats()["apply_backlog"] > BACKLOG:  # noqa: ASYNC110 - folding goes on in the pauses
            await asyncio.sleep(0)

    def _note(self, ledger: Ledger, known: Known) -> None:
        self.entry.set_aside, self.entry.skipped = self.aside.count, self.source.skipped
        self.entry.ends = self.ends()
        known.keep()
        ledger.keep(self.entry)
        self._told(self.entry)
        self._noted = monotonic()


def plan(source: Source, shape: Shape, ledger: Ledger, window: int) -> Entry:
    """The entry of a file: new (also where another mapping could read none of it), that of a killed run to go on with,
    or a finished one. A source that goes on judges
    times as it did when it was begun.

    Raises:
        ValueError: the file was begun with another mapping, so that its rows would come in other shapes.
    """
    mapping = blake2b(shape.digest_words + source.format.encode(), digest_size=12).hexdigest()
    entry = ledger.find(source.digest)
    if entry is None:
        name = source.path.name
        return Entry(file=name, digest=source.digest, mapping=mapping, window=window, as_of=source.now)
    if entry.finished and entry.mapping != mapping and not entry.emitted:
        # Nothing of it could be read: most likely the mapping was wrong, and this one puts it right.
        return Entry(file=entry.file, digest=source.digest, mapping=mapping, window=window, as_of=source.now)
    if entry.mapping != mapping and not entry.finished:
        raise ValueError(
            f"got another mapping for {source.path.name}, of which {entry.emitted} rows are imported already; "
            "finish with the mapping that it was begun with"
        )
    source.now = entry.as_of
    return entry


async def run(
    folder: Path,
    imports: list[Import],
    ledger: Ledger,
    told: Callable[[str], None],
) -> None:
    """Import files into a folder, one after the other, and let the time after them pass.

    Raises:
        StoreError: another process owns the folder.
        ConfigError: its configuration has a mistake.
    """
    clock = Clock()
    begun = [i.entry for i in imports if i.entry.at]
    # What a killed run made durable after its last note is read from the log again, from that note's time on.
    clock.history = min((entry.at for entry in begun), default=None)
    service = open_service(folder, None, clock)
    clock.history = None
    # By history's clock a moment of long ago is now: nobody is to be told of it, nor is a machine.
    await service.start(outward=False)
    tune_process()
    try:
        known = Known(folder)
        for one in imports:
            ledger.keep(one.entry)
            await one.run(service, clock, ledger, known)
        told("letting the time after the last event pass")
        await pass_time(service, clock)
    finally:
        clock.history = None
        await service.stop()


async def run_on_cluster(folder: Path, cluster: Cluster, imports: list[Import], ledger: Ledger) -> None:
    """Import files into a project that is on a cluster, one after the other, through a server made for it: each event
    is in Kafka when this returns. Workers fold them; none need run meanwhile, and timers are theirs.

    How far it is stands in the folder. What a killed run sent after its last note is known by its messageId: to Redis,
    or where it was killed before Redis knew, to Kafka, which is read from that note on.

    Raises:
        StoreError: Kafka or Redis can't be reached.
    """
    from micromoments.engine.cluster.gate import noted_again
    from micromoments.engine.cluster.serving import Serving
    from micromoments.engine.cluster.wiring import open_shared

    shared = open_shared(folder, cluster)
    serving, clock = Serving(shared, now_ms), Clock()
    await serving.start()
    try:
        known = Known(folder)
        for one in imports:
            await asyncio.to_thread(noted_again, shared, one.entry.ends, now_ms())
            one.ends = shared.events.ends
            ledger.keep(one.entry)
            await one.run(serving, clock, ledger, known)
    finally:
        await serving.stop()


async def pass_time(service: Service, clock: Clock) -> None:
    """Fire the timers that are due by two days after the last event: moments end, attribution windows close."""
    if clock.history is None:
        return
    clock.history = min(now_ms(), clock.history + AFTER)
    while True:
        await service.settled()
        before, until = service.stats()["commits_total"], monotonic() + 3
        while service.stats()["commits_total"] == before and monotonic() < until:  # noqa: ASYNC110 - seldom
            await asyncio.sleep(0.05)
        if not await service.tick():
            return
