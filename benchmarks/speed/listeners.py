"""1,000 listeners to the live stream on one process: what a message costs, how late it comes, and memory.

The server runs in a process of its own; listeners are plain sockets here. A tenth of them stop reading at the start.
First a few messages one by one, for how late they come; then waves of many, in batches that readers keep up with, past
the bound of what is kept for a slow listener (``engine.stream.QUEUE``) and what the sockets hold, the last of which
must need no more memory than it does on a second server, to which nobody listens. At the end the slow ones read on:
each finds the gap that it is told of.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.ports import free_port

LISTENERS = 1_000
SLOW = 100
"""Of them so many never read."""
MESSAGES = 100
WAVES = (6_000, 3_000)
"""Messages past the bound: 1,024 wait for a slow listener, and before that its socket holds 4 MB of them."""
STAY = 20
"""Readers that stay for the waves; the others leave before, as the waves are about the slow ones."""
BATCH = 250


def resident(pid: int) -> tuple[float, float]:
    """(MiB in memory, seconds of CPU) of a process and its fronts; reports and sealing have one of their own."""
    memory = cpu = 0.0
    below = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    pids = [pid, *(one for one in below if b"multiprocessing" not in Path(f"/proc/{one}/cmdline").read_bytes())]
    for one in pids:
        memory += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return memory, cpu


class Listener:
    """One connection; ``heard`` are the instants at which messages came, by the number of the search told of."""

    def __init__(self, port: int) -> None:
        self.port, self.heard, self.gaps, self.ended = port, dict[int, float](), 0, False
        self.writer: asyncio.StreamWriter | None = None
        self.reader: asyncio.StreamReader | None = None
        self.task: asyncio.Task[None] | None = None

    async def open(self, *, slow: bool) -> None:
        """Connect, and read until the end; or only the head where it is slow."""
        plug = socket.create_connection(("127.0.0.1", self.port)) if not slow else _narrow(self.port)
        reader, self.writer = await asyncio.open_connection(sock=plug, limit=2**14)
        self.writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        self.reader = reader
        if not slow:
            self.read_on()

    def read_on(self) -> None:
        """Read from now on."""
        if self.reader is not None:
            self.task = asyncio.get_running_loop().create_task(self._read(self.reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"event: gap"):
                self.gaps += 1
            at = line.find(b'"person":"anon:p')
            if at >= 0:
                number = int(line[at + 16 : line.index(b'"', at + 16)])
                self.heard.setdefault(number, time.perf_counter())
        self.ended = True


async def _run(port: int, pid: int) -> dict[str, Any]:
    listeners = [Listener(port) for _ in range(LISTENERS)]
    for start in range(0, LISTENERS, 50):
        await asyncio.gather(*(one.open(slow=start + n < SLOW) for n, one in enumerate(listeners[start : start + 50])))
    slow, reading = listeners[:SLOW], listeners[SLOW:]
    await asyncio.sleep(1)
    before, spent = resident(pid)
    sent: dict[int, float] = {}
    for n in range(MESSAGES):
        sent[n] = time.perf_counter()
        await asyncio.to_thread(_search, port, range(n, n + 1))
        await asyncio.sleep(0.02)
    await _heard(reading, MESSAGES)
    late = sorted(one.heard[n] - sent[n] for one in reading for n in sent if n in one.heard)
    told, memory, spent_on = MESSAGES, [resident(pid)[0]], resident(pid)[1] - spent
    heard = sum(len(one.heard) for one in reading) / (len(reading) * MESSAGES)
    for one in reading[STAY:]:
        if one.writer is not None:
            one.writer.close()
    reading = reading[:STAY]
    for wave in WAVES:
        for start in range(told, told + wave, BATCH):
            end = min(start + BATCH, told + wave)
            await asyncio.to_thread(_search, port, range(start, end))
            await _heard(reading, end)
        told += wave
        memory.append(resident(pid)[0])
    stayed = sum(len(one.heard) for one in reading) / (len(reading) * told)
    for one in slow:
        one.read_on()
    patience = time.monotonic() + 300
    while time.monotonic() < patience and any(not one.gaps and not one.ended for one in slow):  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    gaps = sum(one.gaps > 0 for one in slow)
    for one in listeners:
        if one.writer is not None:
            one.writer.close()
    return {
        "listeners": LISTENERS,
        "of them not reading": SLOW,
        "messages to all": MESSAGES,
        "messages heard / to be heard": heard,
        "messages to the slow and those that stay": told,
        "messages heard / to be heard by those": stayed,
        "slow ones that were told of a gap": gaps,
        "slow ones that were ended, as they took nothing for 30 s": sum(one.ended and not one.gaps for one in slow),
        "readers that were told of a gap": sum(one.gaps > 0 for one in reading),
        "server CPU us a message and listener": 1e6 * spent_on / (MESSAGES * LISTENERS),
        "late by, median (s, shared machine)": late[len(late) // 2] if late else float("nan"),
        "late by, p99 (s, shared machine)": late[len(late) * 99 // 100] if late else float("nan"),
        "server MiB before": before,
        "server MiB after the messages to all": memory[0],
        **{f"MiB of wave {n}": memory[n] - memory[n - 1] for n in range(1, len(memory))},
        "KiB a listener with all messages": 1024 * (memory[0] - before) / LISTENERS,
    }


def _narrow(port: int) -> socket.socket:
    """A connection whose kernel holds little, so that what isn't read waits in the server."""
    plug = socket.socket()
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plug.connect(("127.0.0.1", port))
    return plug


async def _heard(listeners: list[Listener], count: int) -> None:
    """Wait until all have heard so many messages, or for five minutes."""
    end = time.monotonic() + 300
    while time.monotonic() < end and any(len(one.heard) < count for one in listeners):  # noqa: ASYNC110
        await asyncio.sleep(0.2)


def _search(port: int, people: range) -> None:
    sent = [
        {
            "type": "track",
            "anonymousId": f"p{n}",
            "event": "Products Searched",
            "properties": {"query": "buy tent"},
        }
        for n in people
    ]
    request = Request(f"http://127.0.0.1:{port}/v1/batch", json.dumps({"batch": sent}).encode())
    with urlopen(request, timeout=60) as answer:
        answer.read()


def _unheard(port: int, pid: int) -> dict[str, Any]:
    """What the same people and moments need where nobody listens: MiB more after each wave."""
    _search(port, range(MESSAGES))
    told, memory = MESSAGES, [resident(pid)[0]]
    for wave in WAVES:
        for start in range(told, told + wave, BATCH):
            _search(port, range(start, min(start + BATCH, told + wave)))
        told += wave
        memory.append(resident(pid)[0])
    return {f"MiB of wave {n} where nobody listens": memory[n] - memory[n - 1] for n in range(1, len(memory))}


@contextmanager
def serving() -> Iterator[tuple[int, int]]:
    """A server without keys: its port and its process."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "micromoments", "serve", f"{folder}/shop", "--port", str(port)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
            try:
                _ready(port)
                yield port, server.pid
            finally:
                server.terminate()


def main() -> dict[str, Any]:
    """Listen to a server, send, stop; then the same where nobody listens."""
    with serving() as (port, pid):
        found = asyncio.run(_run(port, pid))
    with serving() as (port, pid):
        return found | _unheard(port, pid)


def _ready(port: int) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not become ready in 300 s")


if __name__ == "__main__":
    for key, value in main().items():
        sys.stdout.write(f"{key:45} {value:,.3f}\n")
