"""Feeds of items into a project: what changed is put, what is gone is deleted, what can't be is set aside.

What a feed held the last time is noted in the folder's ``imports/feeds``, so that an unchanged item costs nothing and a
missing one is noticed. The folder's owner takes the changes: this process, or the one that serves it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from micromoments.cli.history import SetAside
from micromoments.cli.ledger import FOLDER
from micromoments.cli.owner import through_owner
from micromoments.cli.table import say
from micromoments.core.item import Item
from micromoments.decide.fair import unfair
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.sources import feed
from micromoments.sources.feed import FeedError, Reading
from micromoments.sources.opened import Bad

if TYPE_CHECKING:
    from micromoments.engine.cluster.serving import Serving

PAGE = 5_000
"""Items put in one durable group."""
FEW_GONE = 20
"""As many may be gone from a feed without a question, however small it is, unless nothing is left."""
UNREADABLE = frozenset({feed.BROKEN, "malformed_json"})
"""Codes of what can't be read at all: any of the items that there were may stand in it."""
MOST_BYTES = 8 * 1024 * 1024
"""Of one request, below what the door takes."""
LONG_ENOUGH = 60.0
"""Seconds that one request may take."""
_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_digests = msgspec.msgpack.Decoder(dict[str, int])


class Target(Protocol):
    """Who takes the changes."""

    def put(self, items: list[Item]) -> None:
        """Put items, durably."""
        ...

    def delete(self, ids: list[str]) -> None:
        """Delete items, durably."""
        ...


class Own:
    """The folder, or the cluster that the project is on, opened by this process."""

    def __init__(self, service: Service | Serving, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop

    def put(self, items: list[Item]) -> None:
        """Put items, durably."""
        self._loop.run_until_complete(self._service.put_items(items))

    def delete(self, ids: list[str]) -> None:
        """Delete items, durably."""
        self._loop.run_until_complete(self._service.delete_items(ids))


class Served:
    """The process that serves the folder, asked at its doors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, items: list[Item]) -> None:
        """Put items, durably."""
        encode = msgspec.json.Encoder().encode
        lines, size = list[bytes](), 0
        for item in items:
            # The engine keeps past prices itself, and takes them from nobody.
            told = {name: each for name, each in msgspec.to_builtins(item).items() if name != "past"}
            line = encode(told)
            if lines and size + len(line) > MOST_BYTES:
                self._send("PUT", b"\n".join(lines))
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
        self._send("PUT", b"\n".join(lines))

    def delete(self, ids: list[str]) -> None:
        """Delete items, durably."""
        self._send("DELETE", msgspec.json.encode(ids))

    def _send(self, method: str, body: bytes) -> None:
        told = through_owner(self._folder, method, "/v1/items", content=body, timeout=LONG_ENOUGH)
        if told is None:
            raise ValueError(f"got {self._folder}, whose server ended meanwhile; wanted it to the end; import again")
        if rejected := told.get("rejected"):
            raise ValueError(f"got {len(rejected)} items refused, the first because {rejected[0]['detail']}")


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """Whoever owns the folder.

    Raises:
        StoreError: a process owns it that doesn't serve.
    """
    from micromoments.engine.wiring import at_rest

    owner = at_rest(folder).owner() if folder.exists() else None
    if owner is not None and owner[1]:
        yield Served(folder)
        return
    loop = asyncio.new_event_loop()
    service = _opened(folder)
    try:
        loop.run_until_complete(service.start())
        service.catalog.lazily()
        try:
            yield Own(service, loop)
        finally:
            loop.run_until_complete(service.stop())
    finally:
        loop.close()


def _opened(folder: Path) -> Service | Serving:
    """The folder's engine, or a server of the project's cluster."""
    from micromoments.config import load_cluster

    cluster = load_cluster(folder, os.environ)
    if cluster is None:
        return open_service(folder, None, now_ms)
    from micromoments.engine.cluster.serving import Serving
    from micromoments.engine.cluster.wiring import open_shared

    return Serving(open_shared(folder, cluster), now_ms)


class Counts(msgspec.Struct):
    """What came of one feed."""

    file: str
    put: int = 0
    unchanged: int = 0
    deleted: int = 0
    kept: int = 0
    set_aside: int = 0


def _texts(row: Any) -> Iterator[str]:
    """What stands in an entry as read, whatever its shape: one of these is its id."""
    for value in row.values() if isinstance(row, dict) else row if isinstance(row, list) else [row]:
        if isinstance(value, list):
            yield from (str(one) for one in value)
        elif not isinstance(value, dict):
            yield str(value).rpartition("/")[2]
            yield str(value)


class Feed:
    """One feed of a project.

    Args:
        folder: the project's. name: the file or address, as it was given; what the feed is known by. format: one of
        ``feed.FEEDS``. shrink: delete whatever is missing, however much it is. keep: delete nothing.
    """

    def __init__(self, folder: Path, name: str, format: str, *, shrink: bool = False, keep: bool = False) -> None:
        known_by = name if "://" in name else os.path.realpath(name)
        digest = blake2b(f"{format} {known_by}".encode(), digest_size=12).hexdigest()
        self.name = name
        self._ledger = folder / FOLDER / "feeds" / f"{digest}.msgpack"
        self._folder = folder
        self._format = format
        self._shrink = shrink
        self._keep = keep

    def bring(self, path: Path, reading: Reading, to: Target, told: Callable[[int], None]) -> Counts:
        """Read the feed whole and pass on what changed since the last time.

        Raises:
            FeedError: the file isn't such a feed; what it held before its fault was put, and nothing deleted.
        """
        counts = Counts(self.name)
        before = self._before()
        now: dict[str, int] = {}
        named = set[str]()
        aside = SetAside(path, self._folder, lasting=path == Path(self.name))
        aside.clear()
        waiting: list[Item] = []
        try:
            for row in feed.rows(self._format, path, reading):
                if not isinstance(row, Bad) and (against := unfair(row)):
                    row = Bad(0, *against, row.id)  # noqa: PLW2901 what may not be served is no better
                if isinstance(row, Bad):
                    aside.add(row)
                    named |= before.keys() if row.code in UNREADABLE else before.keys() & set(_texts(row.row))
                    continue
                digest = int.from_bytes(blake2b(_pack(row), digest_size=8).digest(), "big") >> 1
                # One id may stand twice in a feed; its last entry counts.
                if now.get(row.id, before.get(row.id)) == digest:
                    counts.unchanged += 1
                else:
                    waiting.append(row)
                now[row.id] = digest
                if len(waiting) >= PAGE:
                    self._put(waiting, to, counts)
                    told(counts.put + counts.unchanged)
            self._put(waiting, to, counts)
            # What can't be taken now isn't gone: such an item stays as it was, and is tried anew the next time.
            now |= {id: 0 for id in named if id not in now}
            counts.set_aside = aside.count
            self._end(before, now, to, counts)
        except BaseException:
            # What was put is this feed's also where the feed isn't believed: only what is noted is ever deleted.
            self._note(before | now | {item.id: 0 for item in waiting})
            raise
        finally:
            aside.close()
        if aside.count:
            why = ", ".join(f"{code} {count}" for code, count in sorted(aside.reasons.items()))
            say(f"{self.name}: {aside.count} entries set aside in {aside.path} ({why})")
        return counts

    def _put(self, waiting: list[Item], to: Target, counts: Counts) -> None:
        if waiting:
            to.put(list({item.id: item for item in waiting}.values()))
            counts.put += len(waiting)
            waiting.clear()

    def _end(self, before: dict[str, int], now: dict[str, int], to: Target, counts: Counts) -> None:
        gone = [id for id in before if id not in now]
        emptied = not now or len(gone) > max(FEW_GONE, len(before) // 2)
        if gone and emptied and not self._keep and not self._shrink:
            raise FeedError(
                f"got {self.name} without {len(gone):,} of the {len(before):,} items that it held, which looks like a "
                "broken feed; nothing was deleted. If it is right, say --shrink"
            )
        if self._keep:
            counts.kept = len(gone)
            now |= {id: before[id] for id in gone}
        else:
            for start in range(0, len(gone), PAGE):
                to.delete(gone[start : start + PAGE])
            counts.deleted = len(gone)
        self._note(now)

    def _before(self) -> dict[str, int]:
        try:
            return _digests.decode(self._ledger.read_bytes())
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError:
            # Without the note everything is put again, and nothing deleted: never wrong, only slower.
            return {}

    def _note(self, now: dict[str, int]) -> None:
        self._ledger.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._ledger.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.msgpack.encode(now))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._ledger)


@contextmanager
def fetched(name: str) -> Iterator[Path]:
    """The file of a feed; an address is downloaded to a private temporary file."""
    if "://" not in name:
        path = Path(name)
        if path.exists() and not path.is_file():
            raise FeedError(f"got {name!r}, which is no file; wanted a feed's file or address")
        yield path
        return
    import httpx

    with tempfile.TemporaryDirectory(prefix="micromoments-") as folder:
        try:
            path = Path(folder) / (Path(httpx.URL(name).path).name or "feed")
            _download(name, path)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FeedError(
                f"got no feed from {name} ({error}); wanted its address; look at it, or try again"
            ) from None
        yield path


def _download(address: str, path: Path) -> None:
    import httpx

    with httpx.stream("GET", address, follow_redirects=True, timeout=LONG_ENOUGH) as answer, path.open("wb") as file:
        if answer.status_code != 200:
            raise FeedError(f"got {answer.status_code} from {address}; wanted the feed")
        for chunk in answer.iter_bytes():
            file.write(chunk)


def run(
    folder: Path, feeds: list[Feed], reading: Callable[[int], Reading], told: Callable[[int, int], None]
) -> list[Counts]:
    """Bring every feed in once."""
    done: list[Counts] = []
    began = monotonic()
    with target(folder) as to:
        for n, one in enumerate(feeds):
            with fetched(one.name) as path:
                done.append(one.bring(path, reading(n), to, lambda count, n=n: told(n, count)))  # type: ignore[misc]
    changed = sum(counts.put + counts.deleted for counts in done)
    say(f"{changed:,} items changed in {monotonic() - began:.1f} s")
    return done


def watch(seconds: float, once: Callable[[], Any]) -> None:
    """Do it again and again; a feed that fails is told of, and tried again the next time."""
    while True:
        try:
            once()
        except (FeedError, OSError, ValueError) as error:
            say(f"micromoments: {error}")
        sleep(seconds)
