"""A person's rights on a cluster: all that is held of them, and being forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from micromoments.core.event import Millis
from micromoments.core.person import Link, Person
from micromoments.core.record import DecidedRecord, EventRecord
from micromoments.engine.cluster.wiring import Shared
from micromoments.engine.cluster.world import World
from micromoments.engine.held import held, keys_of, mine, readable
from micromoments.ports import StoreError

PATIENCE = 20.0
"""Seconds that the workers may take to fold what was accepted of somebody who is to be erased."""
AGAIN = 0.05


def export(shared: Shared, world: World, person: Person, key: str) -> dict[str, object]:
    """All that is held of a person: profile, consent, moments, events as sent, decisions. Reads their partitions of the
    log whole.
    """
    keys, users = keys_of(world.residents, person, key)
    events: list[Any] = []
    decisions: dict[str, Any] = {}
    every = sorted(keys.union(shared.state.sources(users)))
    links = {name: world.residents.link(name) for name in every}
    for logged in shared.events.of(every):
        record = logged.record
        if isinstance(record, EventRecord) and mine(record, links, users):
            events.append({"receivedAt": record.at, "event": msgspec.json.decode(record.body)})
        elif isinstance(record, DecidedRecord) and mine(record, links, users):
            decisions[record.decision.id] = readable(record.decision)
    return held(person, keys, events, list(decisions.values()))


async def erase(shared: Shared, key: str, clock: Callable[[], Millis]) -> dict[str, int]:
    """Forget a person: facts, state, and the keys that seal their records, those of devices that they shared too. What
    was accepted of them is folded first, so that nothing of it comes back.

    Raises:
        StoreError: the workers did not fold it in ``PATIENCE``; nothing was erased.
    """
    until = asyncio.get_running_loop().time() + PATIENCE
    while True:
        person, keys = await asyncio.to_thread(_names, shared, key, clock())
        waiting = await asyncio.to_thread(shared.database.many, shared.pending.asking(sorted(keys)))
        if not any(waiting):
            break
        if asyncio.get_running_loop().time() > until:
            raise StoreError("what this person sent is not folded yet; wanted a worker that runs; then erase again")
        await asyncio.sleep(AGAIN)
    return await asyncio.to_thread(_erased, shared, person, keys)


def _names(shared: Shared, key: str, now: Millis) -> tuple[Person | None, frozenset[str]]:
    world = World.read(shared, key, now)
    person = world.residents.person(world.id)
    keys = keys_of(world.residents, person, key)[0] if person is not None else frozenset({key, world.id})
    users = frozenset(k[5:] for k in keys if k.startswith("user:"))
    return person, keys | frozenset(shared.state.sources(users))


def _erased(shared: Shared, person: Person | None, keys: frozenset[str]) -> dict[str, int]:
    users = frozenset(k[5:] for k in keys if k.startswith("user:"))
    rows = shared.stores.facts().erase(frozenset({person.surrogate})) if person is not None else 0
    shared_devices: dict[str, Link] = {}
    for name, link in shared.stores.links_naming(users).items():
        if left := tuple(c for c in link.claims if c.user not in users):
            shared_devices[name] = Link(claims=left)
    shared.forgetting(keys)
    destroyed = shared.vault.destroy(keys)
    people = frozenset({person.id}) if person is not None else frozenset[str]()
    shared.state.erase(people, keys, 0, shared_devices)
    return {"people": len(people), "records": destroyed, "facts": rows, "ids": len(keys)}
