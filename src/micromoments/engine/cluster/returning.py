"""Back from a cluster to the folder that was left: what the cluster took since goes into the folder's log, as if it had
been sent there, and is folded by the folder's own engine.

First the brokers are told to take nothing more, so nothing can be acknowledged that isn't brought back. What can't be
folded again is copied: budgets, what was delivered, the audit. Who was erased meanwhile is erased here, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from micromoments.config import FILE_NAME, parted
from micromoments.core.event import Millis
from micromoments.core.fact import DeliveryFact
from micromoments.core.person import Link, Person
from micromoments.core.record import Record
from micromoments.engine.cluster.both import Folder, Mark, Moving, Place
from micromoments.engine.cluster.switching import holding
from micromoments.engine.cluster.tally import Held, Tally, alike
from micromoments.engine.cluster.wiring import write_settings
from micromoments.engine.service import Service
from micromoments.engine.wiring import Stores, open_held, pack
from micromoments.ports import StoreError, replay

GROUP = 500
"""Records in a group of the folder's log."""
PAGE = 1000
LEAVING = 60.0
"""Seconds that workers may take to be gone from their group."""
COPIED = ("deliveries", "budgets", "reservations", "audit", "artifacts")
"""What folding can't bring back."""


def go_back(moving: Moving, folder: Path, clock: Callable[[], Millis]) -> list[Held]:
    """Bring everything back; gives what both sides hold of what was brought.

    Raises:
        StoreError: workers still run, or records are gone from Kafka: nothing was changed. A store failed: run it
            again.
        ValueError: the project didn't move from this folder.
    """
    mark = moving.mark()
    if mark is None or mark.state not in ("moved", "returning"):
        raise ValueError(f"got a project that is {mark.state if mark else 'not moved'!r}; wanted one that moved here")
    start = _places(mark)
    with holding(folder) as held:
        _wait_for_workers(moving)
        _check(moving, mark, start)
        moving.say(msgspec.structs.replace(mark, state="returning"))
        moving.copies.fence()
        found = _bring(moving, held, mark, start, clock)
        alike(found)
        write_settings(folder / FILE_NAME, parted((folder / FILE_NAME).read_text(encoding="utf-8")))
        moving.say(msgspec.structs.replace(mark, state="back", at=clock()))
    return found


def _places(mark: Mark) -> dict[Place, int]:
    named = ((name.rpartition("/"), offset) for name, offset in mark.ends.items())
    return {(topic, int(partition)): offset for (topic, _, partition), offset in named}


def _wait_for_workers(moving: Moving) -> None:
    until = time.monotonic() + LEAVING
    while count := moving.copies.workers():
        if time.monotonic() > until:
            raise StoreError(f"{count} workers run; wanted none, as they deliver; stop them, then retry")
        time.sleep(0.2)


def _check(moving: Moving, mark: Mark, start: Mapping[Place, int]) -> None:
    """Refuse before anything is changed."""
    for place, (low, _) in moving.copies.ends().items():
        if low > start[place]:
            raise StoreError(
                f"Kafka has forgotten what came to {place[0]} first; wanted all since the move; "
                "a project can go back for as many days as retention.log_days; import its facts instead"
            )
    end = moving.source.log_end()
    if end < mark.position or (end > mark.position and mark.state == "moved"):
        raise StoreError(f"the folder's log ends at {end}, but it was left at {mark.position}; this isn't that folder")


def _bring(
    moving: Moving, held: Folder, mark: Mark, start: Mapping[Place, int], clock: Callable[[], Millis]
) -> list[Held]:
    source, end = moving.source, {place: high for place, (_, high) in moving.copies.ends().items()}
    source.cut_log(mark.position)  # of a return that was cut short
    stores = open_held(held, None, clock())
    try:
        _forget(moving, stores)
        found = [_values(moving, kind) for kind in COPIED]
        source.add_facts(_delivered(moving, mark.at))
        group: list[Record] = []
        sent = Tally()
        for record in moving.copies.since(start, end):
            group.append(record)
            sent.add([("", pack(record))])
            if len(group) == GROUP:
                stores.log.append(group)
                group = []
        stores.log.append(group)
        came = Tally(("", pack(x.record)) for x in replay(stores.log, mark.position))
    finally:
        stores.close()
    log = Held(
        kind="log since the move",
        folder=came.count,
        cluster=sent.count,
        copied=sent.count,
        digest=came.hex,
        digest_there=sent.hex,
    )
    return [*found, log]


def _values(moving: Moving, kind: str) -> Held:
    """Copy values of a kind over those of the folder; what the cluster has no more stays, as done."""
    there, copied = Tally(), 0
    ids = sorted(moving.kinds[kind].ids())
    for at in range(0, len(ids), PAGE):
        names = ids[at : at + PAGE]
        got = zip(names, moving.kinds[kind].get(names), strict=True)
        rows = [(id, body) for id, body in got if body is not None]
        moving.source.put(kind, rows)
        there.add(rows)
        copied += len(rows)
    wanted = set(ids)
    here = Tally(row for page in moving.source.rows(kind) for row in page if row[0] in wanted)
    return Held(
        kind=kind, folder=here.count, cluster=there.count, copied=copied, digest=here.hex, digest_there=there.hex
    )


def _delivered(moving: Moving, since: Millis) -> list[DeliveryFact]:
    """What became of deliveries on the cluster."""
    with moving.facts.query() as ask:
        rows = ask("SELECT * FROM deliveries WHERE received_at >= ?", [since])
    names = DeliveryFact.__struct_fields__
    return [DeliveryFact(**{name: row[name] for name in names}) for row in rows]


def _forget(moving: Moving, stores: Stores) -> None:
    """Erase from the folder who was erased from the cluster."""
    everybody = [id for page in moving.source.rows("people") for id, _ in page]
    everybody += [id for page in moving.source.rows("links") for id, _ in page]
    gone = frozenset(moving.forgotten(everybody))
    if not gone:
        return
    people = stores.state.load(sorted(gone), [])[0]
    keys = gone | {key for person in people.values() for key in _keys(person)}
    decisions = frozenset(d.id for d in stores.decisions_of(people, keys))
    users = {key[5:] for key in keys if key.startswith("user:")}
    claims = {
        name: [c for c in link.claims if c.user not in users] for name, link in stores.links_naming(users).items()
    }
    left = {name: Link(claims=tuple(others)) for name, others in claims.items() if others}
    stores.facts().erase(frozenset(p.surrogate for p in people.values()))
    stores.log.erase(keys, decisions)
    stores.state.erase(frozenset(people), keys, 0, left)


def _keys(person: Person) -> set[str]:
    return {person.id, *(key.partition(">")[0] for key in person.parts)}


async def folded(folder: Path, clock: Callable[[], Millis]) -> None:
    """Fold what was brought back, as a server does when it starts."""
    with holding(folder) as held:
        service = Service(open_held(held, None, clock()), clock)
        await service.start()
        await service.stop()
