"""The engine's side of its fronts: starts them, takes what they bring, starts again one that ended, drains them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence

import msgspec

from micromoments.core.settings import Settings
from micromoments.server.doorway import Reception
from micromoments.server.frames import Ask, Collect, Counted, Decided, Failed, Line, Setup, Taken, arrived, decode_asked
from micromoments.server.keys import Keys
from micromoments.server.lane import Decide
from micromoments.server.service import LogDown, Overloaded, Service

AGAIN = 0.5
"""Seconds until a front that ended is started again."""
READY = 120.0
"""Seconds that a front's start may take."""
PATIENCE = 45.0
"""Seconds that its end may take, requests under way included; then it is killed."""
log = logging.getLogger("micromoments.server")

Adopt = Callable[[socket.socket, bytes], None]
"""Takes over a connection, with the bytes that were read from it."""


class Fronts:
    """So many fronts over the same listening sockets.

    Args:
        service: where events go.
        keys: copied to every front.
        count: how many.
        listeners: bound sockets; ``start`` makes them listen.
        adopt: serves a connection that a front handed over.
        decide: answers a decision's request that a front read.
    """

    def __init__(
        self,
        service: Service,
        keys: Keys,
        count: int,
        listeners: Sequence[socket.socket],
        adopt: Adopt,
        decide: Decide,
    ) -> None:
        self._service = service
        self._keys = keys
        self._listeners = listeners
        self._adopt = adopt
        self._fronts = [Front(service, adopt, decide) for _ in range(count)]
        self._watch: list[asyncio.Task[None]] = []
        self._draining = False

    async def start(self) -> None:
        """Start them all; returns once they take traffic.

        Raises:
            RuntimeError: one didn't come up.
        """
        for listener in self._listeners:
            listener.listen(4096)
        await asyncio.gather(*(self._launch(front) for front in self._fronts))
        self._watch = [asyncio.create_task(self._keep(front), name="front") for front in self._fronts]

    async def stop(self) -> None:
        """Drain them: no new connections, requests under way finish."""
        self._draining = True
        for task in self._watch:
            task.cancel()
        await asyncio.gather(*(front.stop() for front in self._fronts))
        for listener in self._listeners:
            listener.close()

    def counted(self) -> tuple[int, int, dict[str, int]]:
        """(requests, rejected events, requests refused by code) of all fronts."""
        refused: dict[str, int] = {}
        for front in self._fronts:
            for code, count in front.counted.refused.items():
                refused[code] = refused.get(code, 0) + count
        return (
            sum(front.counted.requests for front in self._fronts),
            sum(front.counted.rejected for front in self._fronts),
            refused,
        )

    async def _launch(self, front: Front) -> None:
        await front.start(self._service.settings, self._keys, self._listeners)

    async def _keep(self, front: Front) -> None:
        """Start a front again whenever it ends unasked."""
        while True:
            await front.ended.wait()
            log.error("a front ended; it is started again")
            await asyncio.sleep(AGAIN)
            try:
                await self._launch(front)
            except (RuntimeError, OSError) as error:
                log.error("a front could not be started (%s); tried again", error)


class Front:
    """One front's process and the two sockets to it."""

    def __init__(self, service: Service, adopt: Adopt, decide: Decide) -> None:
        self._service = service
        self._decide = decide
        self._adopt = adopt
        self._process: asyncio.subprocess.Process | None = None
        self._reception: Reception | None = None
        self._line = Line(self._took, self._lost)
        self._ready = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._before = Counted(0, 0, {})
        self.counted = Counted(0, 0, {})
        self.ended = asyncio.Event()

    async def start(self, settings: Settings, keys: Keys, listeners: Sequence[socket.socket]) -> None:
        """Start the process; returns once it takes traffic.

        Raises:
            RuntimeError: it didn't come up.
        """
        loop = asyncio.get_running_loop()
        self._before = self.counted
        self._ready, self.ended = asyncio.Event(), asyncio.Event()
        self._line = Line(self._took, self._lost)
        (line, theirs), (reception, doorway) = socket.socketpair(), socket.socketpair()
        write, secret, token = keys.copy()
        inherited = [one.fileno() for one in (theirs, doorway, *listeners)]
        setup = Setup(
            parent=os.getpid(),
            line=inherited[0],
            doorway=inherited[1],
            listeners=inherited[2:],
            settings=msgspec.json.encode(settings),
            write=write,
            secret=secret,
            token=token,
        )
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "micromoments.server.front", stdin=subprocess.PIPE, pass_fds=inherited
        )
        theirs.close()
        doorway.close()
        await _tell(self._process, setup)
        line.setblocking(False)
        await loop.connect_accepted_socket(lambda: self._line, line)
        self._reception = Reception(reception, loop, self._came)
        try:
            await asyncio.wait_for(self._ready.wait(), READY)
        except TimeoutError:
            raise RuntimeError(f"a front took no traffic after {READY:.0f} s") from None
        if self.ended.is_set():
            raise RuntimeError("a front ended at its start")

    async def stop(self) -> None:
        """Ask it to finish, and wait until it has."""
        process = self._process
        if process is not None:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:  # it keeps nothing, and all that it could still answer is past its time
                process.kill()
                await process.wait()
        if self._reception is not None:
            self._reception.close()
        self._line.close()

    def _came(self, descriptor: int, first: bytes) -> None:
        self._adopt(socket.socket(fileno=descriptor), first)

    def _took(self, frame: bytes) -> None:
        asked = decode_asked(frame)
        if isinstance(asked, Counted):
            self.counted = _sum(self._before, asked)
            self._ready.set()
            return
        line = self._line  # a front that is started again counts its questions from one: this answer isn't for it
        work = self._collect(asked, line) if isinstance(asked, Collect) else self._decided(asked, line)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _collect(self, asked: Collect, line: Line) -> None:
        try:
            duplicates = await self._service.collect(arrived(asked.arrivals))
        except Overloaded as error:
            line.send(Failed(asked.number, "overloaded", str(error)))
        except LogDown as error:
            line.send(Failed(asked.number, "log_down", str(error)))
        except Exception:
            log.exception("an error of ours in collect")
            line.send(Failed(asked.number, "error", "an error of ours"))
        else:
            line.send(Taken(asked.number, duplicates))

    async def _decided(self, asked: Ask, line: Line) -> None:
        answer = await self._decide(asked.body, asked.access, asked.agent, asked.ip)
        line.send(Decided(asked.number, answer.status, answer.body, answer.content_type, answer.headers))

    def _lost(self) -> None:
        self.ended.set()
        self._ready.set()
        if self._reception is not None:
            self._reception.close()


async def _tell(process: asyncio.subprocess.Process, setup: Setup) -> None:
    """Say to a process on its standard input what it needs, and no more."""
    if process.stdin is not None:
        process.stdin.write(msgspec.msgpack.encode(setup))
        process.stdin.close()
        await process.stdin.wait_closed()


def _sum(a: Counted, b: Counted) -> Counted:
    refused = {code: a.refused.get(code, 0) + b.refused.get(code, 0) for code in {*a.refused, *b.refused}}
    return Counted(a.requests + b.requests, a.rejected + b.rejected, refused)
