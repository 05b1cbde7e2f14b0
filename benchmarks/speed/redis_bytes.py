"""What a cluster keeps in Redis: bytes, with everything that Redis adds, of a person, a decision, a message, an id.

usage: python -m benchmarks.speed.redis_bytes      (a real Redis: tools/cluster.py)

``tools/sizing.py`` computes with it. A folder is filled, in which everybody has a device, a user id and 50 events; its
values are written as ``micromoments migrate`` writes them. A decision is one of a slot without a limit of its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.speed.cluster import event, known
from micromoments.core.decision import Request
from micromoments.core.event import Arrival, Event
from micromoments.core.item import Item
from micromoments.core.settings import Settings
from micromoments.engine.intake import message_hash
from micromoments.engine.service import Service, now_ms
from micromoments.engine.wiring import open_stores
from micromoments.stores.cluster.carried import kinds_of
from micromoments.stores.cluster.database import SHARDS, Database
from micromoments.stores.cluster.seen import RedisSeen
from micromoments.stores.cluster.vault import Vault
from micromoments.stores.embedded.carried import FolderCarried
from tools.cluster import Redis

RESULTS = Path(__file__).parents[1] / "results"
PEOPLE, EVENTS, DECISIONS, ITEMS = 60, 3_000, 300, 200

SETTINGS = Settings(consent=("measure", "personalise"))
KINDS = {
    "p": "a person",
    "l": "the link of a device to a user",
    "u": "the ids of a user",
    "k": "the key that seals an id's log",
    "d": "a decision",
    "i": "whose decisions they are, a person or id",
}


def arrival(call: dict[str, Any]) -> Arrival:
    """A call as a door hands it in."""
    body = json.dumps(call).encode()
    return Arrival(
        event=msgspec.json.decode(body, type=Event), body=body, message_id=call["messageId"], occurred=now_ms()
    )


async def filled(folder: Path) -> None:
    """A folder with everybody's events and decisions."""
    chance, service = random.Random(1), Service(open_stores(folder, SETTINGS, now=now_ms()), now_ms)
    await service.start()
    await service.put_items([Item(id=f"p{n}", kind="product", title=f"Trail shoe {n}") for n in range(ITEMS)])
    await service.collect([arrival(known(n)) for n in range(PEOPLE)])
    for start in range(0, EVENTS, 500):
        await service.collect([arrival(event(chance, PEOPLE, start + n)) for n in range(500)])
    for n in range(DECISIONS):
        await service.decide(
            Request(id=f"d-{n:020}", slot="home", key=f"anon:a{chance.randrange(PEOPLE)}", at=now_ms())
        )
    await service.settled()
    await service.stop()


def moved(folder: Path, db: Database) -> list[int]:
    """Its people, links and decisions into Redis, with the ids' keys and the messages that were seen; gives the bytes
    of the decisions in the folder.
    """
    sizes: list[int] = []
    kinds, source = kinds_of(db, 400, 14, now_ms()), FolderCarried(folder)
    for kind in ("people", "links", "decisions"):
        for page in source.rows(kind):
            kinds[kind].put(page)
            sizes.extend(len(body) for _, body in page if kind == "decisions")
    vault, seen = Vault(db), RedisSeen(db)
    ids = [f"anon:a{n}" for n in range(PEOPLE)]
    vault.keys([vault.hash(id) for id in ids], make=True)
    for start in range(0, EVENTS, 500):
        db.many(seen.noting([message_hash(f"m{n}") for n in range(start, start + 500)], now_ms()))
    return sizes


def weighed(db: Database) -> dict[str, tuple[int, float]]:
    """By what it is, how many there are and the bytes of one on the average."""
    found: dict[str, tuple[int, float]] = {}
    for kind, what in KINDS.items():
        ids = [id.decode() for id in db.names(kind)]
        keys = [(shard := db.shard(f"user:{id}" if kind == "u" else id), db.name(shard, kind, id)) for id in ids]
        found[what] = len(ids), _bytes(db, keys) / max(1, len(ids))
    names = [(shard, name) for shard in range(SHARDS) for name in db._single.scan_iter(db.name(shard, "s", "*"))]
    found["a message that is known for a day and a half"] = EVENTS, _bytes(db, names) / EVENTS
    return found


def _bytes(db: Database, keys: list[tuple[int, bytes]]) -> float:
    return float(sum(db.many([(shard, ("MEMORY", "USAGE", key, "SAMPLES", 0)) for shard, key in keys])))


def main() -> dict[str, Any]:
    """Fill, write, weigh."""
    with tempfile.TemporaryDirectory() as place:
        redis = Redis(Path(place))
        redis.start()
        try:
            asyncio.run(filled(Path(place) / "shop"))
            db = Database(redis.address, "bytes")
            sizes = moved(Path(place) / "shop", db)
            found = weighed(db)
            found["the same decision in a folder"] = len(sizes), sum(sizes) / len(sizes)
            db.close()
        finally:
            redis.stop()
    return found


if __name__ == "__main__":
    told = main()
    print("| what | how many | bytes of one |\n|---|---|---|")
    for name, (count, size) in told.items():
        print(f"| {name} | {count:,} | {size:,.0f} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "redis_bytes.json").write_text(json.dumps(told, indent=2))
