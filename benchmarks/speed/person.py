"""(e) Bytes of state a person takes after 100 and after 10,000 events, decisions and outcomes included."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import micromoments as mm
from benchmarks.speed.mix import NAMES, QUERIES
from micromoments.core.settings import Settings
from micromoments.engine.service import Service
from micromoments.stores.embedded import codec

START = 1_780_000_000_000
WHO = "anon:the-one"


def lived(events: int) -> int:
    """One person's encoded bytes after so many events, about one a minute, every tenth a click on a decision."""
    random, clock = Random(events), [START]
    with tempfile.TemporaryDirectory() as folder, mm.open(Path(folder) / "p", Settings(), clock=lambda: clock[0]) as e:
        e.catalog.put(
            [mm.Item(id=f"p{n}", kind="product", title=f"Trail shoe {n}", category=f"c{n}") for n in range(50)]
        )
        batch: list[dict[str, Any]] = []
        for n in range(events):
            clock[0] += random.randrange(1_000, 120_000)
            name = "Products Searched" if random.random() < 0.2 else random.choice(NAMES)
            properties: dict[str, Any] = {
                "product_id": f"p{random.randrange(50)}",
                "category": f"c{random.randrange(50)}",
            }
            if name == "Products Searched":
                properties = {"query": random.choice(QUERIES)}
            batch.append({"type": "track", "anonymousId": "the-one", "event": name, "properties": properties})
            if n % 10 == 9:
                e.collect(batch)
                batch = []
                choice = e.decide(WHO, slot="home")
                clicked = {"decision_id": choice.id, "item_id": choice.items[0].id}
                batch.append(
                    {"type": "track", "anonymousId": "the-one", "event": "Decision Clicked", "properties": clicked}
                )
        e.collect(batch)
        service: Service = e.service
        person = service.person(WHO)
        assert person is not None
        return len(codec.encode(person))


def main() -> dict[str, Any]:
    """Both sizes."""
    return {"bytes_at_100_events": lived(100), "bytes_at_10000_events": lived(10_000), "allowed": 4096}


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
