"""Which messages were accepted in the last 24 hours, within a budget of memory.

Newest first: a set that takes new hashes; sets that rest for 30 s, until what they hold is durable in the log or was
taken back; and sealed generations, each a sorted file of 64-bit hashes with a Bloom filter in memory. A hash that no
set and no filter knows is new (about 1 us); a filter's rare wrong yes is settled by a binary search of the file. What
no file holds yet is read again from the log at the start. Past the budget the oldest generation goes, and the window
shrinks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from struct import Struct as Packed
from threading import Event as Signal
from threading import Lock, RLock, Thread

import numpy as np
import numpy.typing as npt
from rbloom import Bloom
from xxhash import xxh3_64_intdigest

from micromoments.core.event import Millis
from micromoments.stores.embedded.files import PARTIAL, whole

logger = logging.getLogger(__name__)

DAY: Millis = 86_400_000
SLACK: Millis = 60_000
"""How much of what is sealed is read again from the log: arrivals are stamped a little out of order."""
REST: Millis = 30_000
YOUNG: Millis = 600_000
"""How long a little set takes new hashes; a crash costs reading as much of the log again."""
ROTATE = 500_000
"""Hashes in the newest set before another takes over."""
SET_BYTES = 80
"""Memory of one hash in a set of whole numbers: the number (32) and its share of the table."""
FALSE_YES = 0.002
BLOOM_BITS = 13.0
"""Bits of a filter for one hash at that rate: log2(1 / 0.002) / ln 2 (Bloom 1970)."""
MAX_SEALED = 8
MAX_MERGED = 16_000_000
"""Hashes in a file made by merging two."""
MAX_SPAN: Millis = 6 * 3_600_000
_HEAD = Packed("<4s4xQQ")
_MAGIC = b"MMS\x01"

Hashes = npt.NDArray[np.uint64]


class _Young:
    """Hashes in memory, and the arrivals between which they came."""

    def __init__(self) -> None:
        self.mids: set[int] = set()
        self.first: Millis = 0
        self.last: Millis = 0


class _Sealed:
    """A sorted file of hashes, and its filter."""

    def __init__(self, path: Path, first: Millis, last: Millis, mids: Hashes) -> None:
        self.path, self.first, self.last, self.mids = path, first, last, mids
        self.bloom = Bloom(max(1, len(mids)), FALSE_YES)
        for start in range(0, len(mids), 20_000):  # a pause for other threads between stretches
            self.bloom.update(mids[start : start + 20_000].tolist())

    def holds(self, mid: int) -> bool:
        """Whether the file has it, surely."""
        n = int(np.searchsorted(self.mids, np.uint64(mid)))
        return n < len(self.mids) and int(self.mids[n]) == mid


class FileSeen:
    """``ports.Seen`` on a folder of files.

    Args:
        folder: where sealed generations are. tail: gives the (hash, arrival) of messages in the log that arrived at
        or after an instant, such as ``SqliteLog.mids``. now: what arrived more than 24 h before it isn't read.
        budget_mib: memory for sets and filters; 256 MiB hold about 160 million hashes.
    """

    def __init__(
        self,
        folder: Path | str,
        tail: Callable[[Millis], Iterable[tuple[int, Millis]]] = lambda _: (),
        now: Millis = 0,
        *,
        budget_mib: float = 256,
    ) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._budget = budget_mib * 2**20
        self._young = _Young()
        self._resting: tuple[_Young, ...] = ()
        self._sealed: tuple[_Sealed, ...] = ()
        self._forgotten: set[int] = set()
        self._since: Millis = max(0, now - DAY)
        self._newest: Millis = now
        self._sealing = RLock()
        self._moving = Lock()
        self._worker: Thread | None = None
        self._stop = Signal()
        for mid, at in tail(self._open(now)):
            self.fresh(mid, at)

    def fresh(self, mid: int, at: Millis) -> bool:
        """Note a message's 63-bit hash; True if it is new, False for a duplicate."""
        young = self._young
        if mid in young.mids:
            return False
        for rest in self._resting:
            if mid in rest.mids:
                return False
        for old in self._sealed:
            if mid in old.bloom and mid not in self._forgotten and old.holds(mid):
                return False
        young.mids.add(mid)
        if self._forgotten:
            self._forgotten.discard(mid)
        if at > young.last:
            young.last = at
            young.first = young.first or at
        if len(young.mids) >= ROTATE:
            self._rotate()
        return True

    def forget(self, mids: Iterable[int]) -> None:
        """Take back hashes whose records could not be made durable."""
        for mid in mids:
            self._young.mids.discard(mid)
            for rest in self._resting:
                rest.mids.discard(mid)
            if any(mid in old.bloom for old in self._sealed):
                self._forgotten.add(mid)

    def window(self) -> Millis:
        """How far back duplicates are known to be caught, in ms: at most 24 h."""
        newest = max(self._newest, self._young.last)
        return max(0, min(DAY, newest - self._since))

    def seal(self, now: Millis) -> None:
        """Write to disk what was resting, let what is young rest if it is not little, and let go of what is too old.

        Called every minute or so; a busy stream also seals by itself, every half a million messages.
        """
        self._newest = max(self._newest, now)
        with self._sealing:
            self._write_resting(tuple(r for r in self._resting if r.last <= now - REST))
            if len(self._young.mids) >= ROTATE // 10 or (self._young.first and now - self._young.first > YOUNG):
                self._rest()
            while self._sealed and self._sealed[-1].last < now - DAY:
                self._drop_oldest()
            self._since = max(self._since, now - DAY)
            self._shrink()

    def size(self) -> int:
        """How many hashes are known."""
        young = sum(len(y.mids) for y in (self._young, *self._resting))
        return young + sum(len(old.mids) for old in self._sealed)

    def close(self) -> None:
        """Stop sealing; what isn't sealed is in the log."""
        self._stop.set()
        if self._worker is not None:
            self._worker.join()

    # --- sealing ----------------------------------------------------------------------------------

    def _rotate(self) -> None:
        self._rest()
        if self._worker is None or not self._worker.is_alive():
            self._worker = Thread(target=self._work, name="seen", daemon=True)
            self._worker.start()

    def _rest(self) -> None:
        with self._moving:  # what another thread writes to disk meanwhile is taken out of the same tuple
            self._resting = (self._young, *self._resting)
            self._young = _Young()

    def _work(self) -> None:
        while (waiting := self._resting) and not self._stop.wait(REST / 1000):
            with self._sealing:
                self._write_resting(waiting)
                self._shrink()

    def _write_resting(self, which: tuple[_Young, ...]) -> None:
        for rest in reversed(which):
            mids = rest.mids.copy()
            if mids and rest in self._resting:
                sealed = self._write(_sorted(mids), rest.first, rest.last)
                self._sealed = (sealed, *self._sealed)
                self._forgotten |= mids - rest.mids  # taken back while it was written
            with self._moving:
                self._resting = tuple(r for r in self._resting if r is not rest)
        self._merge()

    def _write(self, mids: Hashes, first: Millis, last: Millis) -> _Sealed:
        while (path := self._folder / f"{first}-{last}.mids").exists():
            first -= 1  # a history may have half a million messages of one instant, and more
        body = mids.astype("<u8").tobytes()
        with whole(path) as partial, partial.open("wb") as file:
            file.write(_HEAD.pack(_MAGIC, len(mids), xxh3_64_intdigest(body)))
            file.write(body)
        return _Sealed(path, first, last, _map(path, len(mids)))

    def _merge(self) -> None:
        while len(self._sealed) > MAX_SEALED:
            pairs = [
                (len(new.mids) + len(old.mids), n)
                for n, (new, old) in enumerate(zip(self._sealed, self._sealed[1:], strict=False))
                if len(new.mids) + len(old.mids) <= MAX_MERGED and new.last - old.first <= MAX_SPAN
            ]
            if not pairs:
                return
            _, n = min(pairs)
            new, old = self._sealed[n : n + 2]
            both = np.unique(np.concatenate((new.mids, old.mids)))
            merged = self._write(both, min(old.first, new.first), max(old.last, new.last))
            self._sealed = (*self._sealed[:n], merged, *self._sealed[n + 2 :])
            for gone in {new.path, old.path} - {merged.path}:
                gone.unlink(missing_ok=True)

    def _shrink(self) -> None:
        while self._sealed and self._memory() > self._budget:
            gone = self._drop_oldest()
            logger.warning(
                "past %d MiB for what was seen; duplicates are now caught back to %d ms before the newest event; "
                "give it more memory to catch older ones",
                self._budget // 2**20,
                self.window(),
            )
            self._since = max(self._since, gone.last)

    def _memory(self) -> float:
        young = sum(len(y.mids) for y in (self._young, *self._resting)) * SET_BYTES
        return young + sum(len(old.mids) for old in self._sealed) * BLOOM_BITS / 8

    def _drop_oldest(self) -> _Sealed:
        oldest = self._sealed[-1]
        self._sealed = self._sealed[:-1]
        oldest.path.unlink(missing_ok=True)
        if not self._sealed:
            self._forgotten.clear()
        return oldest

    # --- starting ---------------------------------------------------------------------------------

    def _open(self, now: Millis) -> Millis:
        """Load the sealed files; give the instant from which the log has to be read again."""
        for partial in self._folder.glob(f"*{PARTIAL}"):
            partial.unlink()
        found: list[_Sealed] = []
        read_from = now - DAY
        bad: list[Millis] = []
        for path in self._folder.glob("*.mids"):
            first, last = (int(part) for part in path.stem.split("-"))
            if last < now - DAY:
                path.unlink()
                continue
            mids = _read(path)
            if mids is None:
                logger.warning("%s fails its checksum; what it held is read from the log", path.name)
                bad.append(first)
                path.unlink()
                continue
            found.append(_Sealed(path, first, last, mids))
        self._sealed = tuple(sorted(_outermost(found), key=lambda old: (old.last, old.first), reverse=True))
        if self._sealed:
            read_from = max(read_from, self._sealed[0].last)
        return max(0, min([read_from, *bad]) - SLACK)


def _sorted(mids: set[int]) -> Hashes:
    iterator = iter(mids)
    parts: list[Hashes] = []
    while stretch := list(islice(iterator, 20_000)):  # a pause for other threads between stretches
        parts.append(np.array(stretch, dtype=np.uint64))
    return np.sort(np.concatenate(parts))


def _outermost(found: list[_Sealed]) -> list[_Sealed]:
    """Without the files that a merge had taken in when a crash came before they were removed."""
    kept: list[_Sealed] = []
    for old in sorted(found, key=lambda old: len(old.mids), reverse=True):
        if any(_covers(large, old) for large in kept):
            old.path.unlink(missing_ok=True)
        else:
            kept.append(old)
    return kept


def _covers(large: _Sealed, small: _Sealed) -> bool:
    within = large.first <= small.first and small.last <= large.last and len(large.mids) >= len(small.mids)
    return within and bool(np.isin(small.mids, large.mids, assume_unique=True).all())


def _map(path: Path, count: int) -> Hashes:
    return (
        np.memmap(path, dtype="<u8", mode="r", offset=_HEAD.size, shape=(count,)) if count else np.empty(0, np.uint64)
    )


def _read(path: Path) -> Hashes | None:
    body = path.read_bytes()
    if len(body) < _HEAD.size:
        return None
    magic, count, digest = _HEAD.unpack_from(body)
    payload = memoryview(body)[_HEAD.size :]
    if magic != _MAGIC or len(payload) != 8 * count or xxh3_64_intdigest(payload) != digest:
        return None
    return _map(path, count)
