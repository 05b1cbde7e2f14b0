"""The town's people, live: they walk, open the app, send events and react, a few each second, as real clients would."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

import micromoments as mm
from micromoments.demo.client import Client, Refused

EVERY = 2.2
"""Mean seconds between two visits."""
AT_ONCE = 40
"""People who are about at one time, at most."""
HURRY = 2.5
"""How many times quicker than in the days gone by people go about things, so that a visitor sees how they end."""
LONGEST = 9.0
"""Seconds between two things that someone does, at most."""
STEP = 0.5
"""Seconds between two positions."""
STRIDE = 2
"""Places of a way that are walked in a step."""
LINGER = 12.0
"""Seconds that someone stays on the map after the last thing that they did."""

Place = tuple[float, float]


class Visit(Protocol):
    """What the crowd needs of a world's visit."""

    @property
    def events(self) -> Sequence[dict[str, Any]]:
        """Segment calls, oldest first."""
        ...

    @property
    def context(self) -> dict[str, Any]:
        """What the app says with its question."""
        ...


class Person(msgspec.Struct):
    """Someone about in the town: where, and the way still to go."""

    id: str
    name: str
    at: Place
    way: list[Place]


def stamp() -> str:
    """Now, as RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> float:
    """The seconds since the epoch of an RFC 3339 instant."""
    return datetime.fromisoformat(text).timestamp()


def gaps(calls: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    """Seconds to wait before each call: the gaps between their timestamps, hurried."""
    last = instant(calls[0]["timestamp"])
    for call in calls:
        now = instant(call["timestamp"])
        yield min(LONGEST, (now - last) / HURRY)
        last = now


class Crowd:
    """Everyone who is about, and what they do. ``run`` until cancelled."""

    def __init__(self, world: mm.World, client: Client) -> None:
        self._world = world
        self._client = client
        self._dice = random.Random(world.seed)  # only for the show: when people come, and where from
        self.people: dict[str, Person] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Let people come, one after another, and walk."""
        walking = asyncio.create_task(self._walk())
        # Numbers grow from one demo to the next, so that message ids never come twice in a folder that is kept.
        number = int(time.time() * 10)
        try:
            while True:
                await asyncio.sleep(self._dice.expovariate(1 / EVERY))
                number += 1
                if len(self.people) < AT_ONCE:
                    task = asyncio.create_task(self._come(number))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        finally:
            for task in (walking, *self._tasks):
                task.cancel()
            await asyncio.gather(walking, *self._tasks, return_exceptions=True)

    async def _walk(self) -> None:
        while True:
            for person in self.people.values():
                if person.way:
                    del person.way[: STRIDE - 1]
                    person.at = person.way.pop(0)
            await asyncio.sleep(STEP)

    async def _come(self, number: int) -> None:
        """One visit: somebody comes, says by what they do what they want, is served, and reacts."""
        visit = self._world.visit(number, time.time_ns() // 1_000_000)
        who = visit.consumer
        id = f"anon:{who.id}"
        if id in self.people:
            return
        city = self._world.city
        start = city.corner(self._dice.random())
        way = city.way(start, visit.place)[-24:]
        self.people[id] = person = Person(id, who.name, way[0], way)
        try:
            await self._act(visit.events)
            answer = await self._client.decide(
                {
                    "anonymousId": who.id,
                    "slot": "home",
                    "context": visit.context,
                    "decisionId": f"d{self._world.seed}-{number}",
                }
            )
            items = [item["id"] for item in answer["items"]]
            reaction = self._world.react(visit, items, answer["decisionId"], time.time_ns() // 1_000_000)
            if reaction.clicked in self._world.positions:
                person.way = city.way(person.at, self._world.positions[reaction.clicked])
            await self._act(reaction.events)
            await asyncio.sleep(LINGER)
        except Refused as error:
            sys.stderr.write(f"micromoments demo: {error}\n")
        finally:
            self.people.pop(id, None)

    async def _act(self, calls: Sequence[dict[str, Any]]) -> None:
        """Send calls in their own rhythm, each stamped when it is sent."""
        if not calls:
            return
        for wait, call in zip(gaps(calls), calls, strict=True):
            await asyncio.sleep(wait)
            await self._client.send({**call, "timestamp": stamp()})

    def shown(self) -> list[dict[str, Any]]:
        """Where everyone is, for the map."""
        return [{"id": p.id, "name": p.name, "x": round(p.at[0]), "y": round(p.at[1])} for p in self.people.values()]
