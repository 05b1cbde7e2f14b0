"""Hostile requests at a real server, each on a connection of its own, and sound events among them: how many are
answered 5xx or lost, and the memory of each process as it goes on.

usage: python -m benchmarks.speed.hostile [COUNT] [nearly|requests]

``nearly`` are sound but for up to three lies, so that most are looked at closely; ``requests`` are of every kind.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.speed import server
from tests.server import hostile
from tests.server.asgi import SECRET_KEY, WRITE_KEY, basic

COUNT = 160_000
CONNECTIONS = 8
SOUND = 10
"""After so many hostile requests a sound event follows."""
LOOKS = 20
PERSON = "sound"


def memory(pid: int) -> dict[str, int]:
    """Anonymous memory in MiB of the engine's process, its front and its reports', by their name."""
    found = {"engine": _anonymous(pid)}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_text()
        if name := "front" if "server.front" in words else "reports" if "spawn_main" in words else "":
            found[name] = _anonymous(int(child))
    return found


def _anonymous(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon"))


def event(n: int) -> hostile.Hostile:
    """A sound event, known by its number."""
    body = json.dumps({"type": "track", "event": "A", "userId": PERSON, "messageId": f"sound-{n}"}).encode()
    return hostile.Hostile("POST", "/v1/track", [("authorization", basic(WRITE_KEY))], body)


async def ask(port: int, asked: hostile.Hostile) -> tuple[str, bytes]:
    """(the status, the body) of what a request is answered; the status ``cut`` where the connection ends before."""
    head = f"{asked.method} {asked.path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in asked.headers)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode("utf-8", "surrogatepass") + b"content-length: %d\r\n\r\n" % len(asked.body))
        writer.write(asked.body)
        got = await reader.read()
        writer.close()
    except OSError:
        return "cut", b""
    return got[9:12].decode("latin1") or "cut", got.partition(b"\r\n\r\n")[2]


async def storm(port: int, pid: int, requests: Iterator[hostile.Hostile], count: int) -> dict[str, Any]:
    """Send them all, from so many connections at a time."""
    answers: Counter[str] = Counter()
    accepted: set[str] = set()
    numbered = enumerate(requests)

    async def work() -> None:
        for n, asked in numbered:
            answers[(await ask(port, asked))[0]] += 1
            if n % SOUND == 0 and (await ask(port, event(n)))[0] == "200":
                accepted.add(f"sound-{n}")
            if n % (count // LOOKS) == 0:
                print(f"{n:>9,} {memory(pid)}", flush=True)

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    last = memory(pid)
    bearer = [("authorization", f"Bearer {SECRET_KEY}")]
    _, body = await ask(port, hostile.Hostile("GET", f"/v1/people/user:{PERSON}/export", bearer, b""))
    kept = Counter(one["event"]["messageId"] for one in json.loads(body)["events"])
    return {
        "requests": count,
        "answered 5xx": sum(n for status, n in answers.items() if status.startswith("5")),
        "cut off": answers["cut"],
        "sound events sent": -(-count // SOUND),
        "of them refused": -(-count // SOUND) - len(accepted),
        "of them lost": len(accepted - set(kept)),
        "of them doubled": sum(n > 1 for n in kept.values()),
        **{f"MiB of the {name} at the end": mib for name, mib in last.items()},
    }


def main(count: int = COUNT, kind: str = "nearly") -> dict[str, Any]:
    """Run it on a server of its own."""
    keys = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}
    server.ENV.update(keys, MICROMOMENTS_TOKEN_KEY="t" * 40)
    made = hostile.nearly(5, count) if kind == "nearly" else hostile.requests(6, count)
    with server.micromoments() as mm:
        return asyncio.run(storm(mm.port, mm.process.pid, made, count))


if __name__ == "__main__":
    given = [*sys.argv[1:], *(str(COUNT), "nearly")[len(sys.argv) - 1 :]]
    for key, value in main(int(given[0]), given[1]).items():
        print(f"{key:40} {value}")
