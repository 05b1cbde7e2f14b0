"""Pull the plug: kill the server in the middle of a burst of events, and count what is there when it is back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any

from micromoments.demo.client import Client, Refused
from micromoments.demo.crowd import stamp
from micromoments.demo.supervisor import Supervisor

SENDERS = 6
BURST = 1.0
"""Seconds of the burst before the kill."""
COUNTED_PEOPLE = 24
"""People whose events are counted: everyone of the burst, and the last ones before it."""

Tell = Callable[[dict[str, Any]], None]


async def pull(supervisor: Supervisor, client: Client, tell: Tell) -> dict[str, Any]:
    """Kill the server under load and say what became of every acknowledged event; ``tell`` hears each step."""
    tell({"phase": "burst"})
    before = dict(client.acknowledged)
    burst = Client(supervisor.port)
    going = threading.Event()
    going.set()
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="burst") as senders:
        work = [senders.submit(_send, burst, n, going) for n in range(SENDERS)]
        await asyncio.sleep(BURST)
        await asyncio.to_thread(supervisor.kill)  # while they are still sending
        going.clear()
        await asyncio.to_thread(lambda: [w.result() for w in work])
    wanted = {**_of_last_people(before), **burst.acknowledged}
    tell({"phase": "killed", "acknowledged": len(wanted)})
    began = time.monotonic()
    await asyncio.to_thread(client.wait)
    tell({"phase": "started", "seconds": time.monotonic() - began})
    result = {"phase": "counted", **await asyncio.to_thread(count, client, wanted)}
    tell(result)
    return result


def _send(client: Client, sender: int, going: threading.Event) -> None:
    """Send events one after another until told to stop or cut off."""
    run = time.time_ns()
    n = 0
    while going.is_set():
        n += 1
        call = {
            "type": "track",
            "event": "Plug Test",
            "messageId": f"plug-{run}-{sender}-{n}",
            "anonymousId": f"plug-{sender}",
            "timestamp": stamp(),
            "properties": {"n": n},
            "context": {"simulated": True},
        }
        try:
            client.send_once(call)
        except (OSError, HTTPException, Refused):
            return


def _of_last_people(acknowledged: dict[str, str]) -> dict[str, str]:
    """The acknowledged messages of the people heard of last."""
    people = list(dict.fromkeys(reversed(acknowledged.values())))[:COUNTED_PEOPLE]
    return {message: person for message, person in acknowledged.items() if person in people}


def count(client: Client, wanted: dict[str, str]) -> dict[str, int]:
    """How many of these messages (id -> person) the server holds, by the doors through which a person asks."""
    held: Counter[str] = Counter()
    for person in set(wanted.values()):
        export = client.ask("GET", f"/v1/people/{person}/export", timeout=30.0)
        held.update(entry["event"].get("messageId", "") for entry in export["events"])
    found = sum(held[message] > 0 for message in wanted)
    return {
        "acknowledged": len(wanted),
        "found": found,
        "lost": len(wanted) - found,
        "twice": sum(held[message] > 1 for message in wanted),
    }
