"""A front: a process of its own before the engine's, which reads, checks and cleans events and answers for them.

It takes the connections. Events at the Segment doors it makes ready and hands to the engine, which makes them
durable; a connection that asks for anything else it hands over whole (``doorway``). So HTTP and folding each have a
core. A front keeps nothing: it ends with the engine's process, however that ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from time import time_ns
from types import FrameType
from typing import Any

import msgspec
import uvicorn

from micromoments.core.event import Arrival, Millis
from micromoments.core.settings import Settings
from micromoments.recognise.sensitive import detector
from micromoments.server.collect import SPELLINGS, Collector
from micromoments.server.cors import Cors
from micromoments.server.doorway import Doorway
from micromoments.server.frames import Ask, Collect, Counted, Decided, Failed, Line, Setup, Taken, decode_answer, sent
from micromoments.server.http import Receive, Reply, Room, Scope, Send, refused
from micromoments.server.keys import Access, Keys
from micromoments.server.lane import DECIDE, Lane, LaneProtocol, quick
from micromoments.server.problem import Problem, problem_of
from micromoments.server.protocol import Reaper
from micromoments.server.service import LogDown, Overloaded
from micromoments.sources.clean import Cleaner

GONE = "the engine's process is gone; nothing was accepted, send it again"
_PDEATHSIG = 1
_OURS = re.compile(b"POST (?:%b) HTTP/1\\.[01]\r\n" % b"|".join(re.escape(path.encode()) for path in SPELLINGS)).match
"""Whether bytes begin a request to a door that a front serves."""
_DECISION = b"POST %b HTTP/1.1\r\n" % DECIDE.encode()
"""How a request for a decision begins."""
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE).search


class Far:
    """The engine as a front sees it: ``collect`` asks it over the line."""

    def __init__(self, clock: Callable[[], Millis]) -> None:
        self.clock = clock
        self.line = Line(self._took, self._lost)
        self._asked: dict[int, asyncio.Future[Taken | Decided]] = {}
        self._number = 0
        self._left = False

    def leave(self) -> None:
        """Close the line, as all is answered."""
        self._left = True
        self.line.close()

    async def collect(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Have events made durable; the indexes of the duplicates.

        Raises:
            Overloaded, LogDown: nothing was accepted.
        """
        number, future = self._next()
        self.line.send(Collect(number, sent(arrivals)))
        answer = await future
        return answer.duplicates if isinstance(answer, Taken) else []

    async def decide(self, body: bytes, access: Access, agent: str, ip: str) -> Reply:
        """Have a decision's request answered."""
        number, future = self._next()
        self.line.send(Ask(number, body, access, agent, ip))
        try:
            answer = await future
        except Exception as error:  # noqa: BLE001 - whatever it was, the client must hear it
            return refused(problem_of(error))
        if isinstance(answer, Taken):
            return refused(problem_of(TypeError("got an answer to events; wanted a decision's")))
        return Reply(answer.status, answer.body, answer.kind, answer.headers)

    def _next(self) -> tuple[int, asyncio.Future[Taken | Decided]]:
        self._number = number = self._number + 1
        future: asyncio.Future[Taken | Decided] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        return number, future

    def _took(self, frame: bytes) -> None:
        answer = decode_answer(frame)
        future = self._asked.pop(answer.number)
        if future.cancelled():
            return
        if isinstance(answer, Failed):
            future.set_exception(_error(answer))
        else:
            future.set_result(answer)

    def _lost(self) -> None:
        """The engine's process ended. Whoever waits must not be told 200; nobody else can be served from here."""
        if not self._left:
            os._exit(1)


def _error(answer: Failed) -> Exception:
    match answer.code:
        case "overloaded":
            return Overloaded(answer.message)
        case "log_down":
            return LogDown(answer.message)
        case _:
            return RuntimeError(answer.message)


class FrontApp:
    """What a front serves."""

    def __init__(self, far: Far, settings: Settings, keys: Keys, doorway: Doorway) -> None:
        keys.allow_origins(settings.origins)
        cors = Cors(settings.origins, local=keys.open)
        cleaner = Cleaner(settings.intake, detector(settings.recognition.sensitive))
        cleaner.warm()
        self.collector = Collector(far, keys, cleaner, cors, Room())
        self.lane = Lane(far, self.collector, keys, cors, far.decide)
        self.doorway = doorway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: a request that the lane left alone."""
        if scope["type"] == "http" and (door := SPELLINGS.get(scope["path"])) is not None and scope["method"] == "POST":
            await self.collector(door, scope, receive, send)
        else:
            await _elsewhere().send(send, [(b"connection", b"close")])


def _elsewhere() -> Reply:
    """The answer to a request that came while an event's was under way: its connection can't be handed over."""
    problem = Problem(
        421, "misdirected", "another door's request behind an event's", "a connection of its own", "send it again"
    )
    return refused(problem)


class FrontProtocol(LaneProtocol):
    """One connection: served here while it brings events, handed over when it asks for anything else."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._within = False

    def data_received(self, data: bytes) -> None:
        """Bytes came; where they begin a request, look whose it is."""
        if not self._within and not (_is_alone(data) and self._is_ours(data)) and self._is_free():
            self._hand_over(data)
        else:
            super().data_received(data)

    def _is_ours(self, data: bytes) -> bool:
        """Whether a request is served here: at the events' doors any, for a decision one that takes the lane."""
        if _OURS(data) is not None:
            return True
        return data.startswith(_DECISION) and quick(_headers(data), self._lane.keys, known=False) is not None

    def begin(self) -> None:
        """A request begins."""
        self._within = True
        super().begin()

    def end(self) -> None:
        """The request came whole."""
        self._within = False
        super().end()

    def _is_free(self) -> bool:
        """Whether nothing that came before is still to be answered on this connection."""
        cycle = self.cycle
        return (
            (cycle is None or cycle.response_complete)
            and not self.pipeline
            and not self.transport.is_closing()
            and self.transport.get_write_buffer_size() == 0
        )

    def _hand_over(self, data: bytes) -> None:
        app: FrontApp = self.config.loaded_app
        self.transport.pause_reading()
        descriptor = self.transport.get_extra_info("socket").fileno()
        app.doorway.pass_on(socket.socket(fileno=os.dup(descriptor)), data)
        self.transport.abort()


def _headers(data: bytes) -> dict[bytes, bytes]:
    """The headers of a request whose head came whole; none of another, which goes to where it is read with care."""
    head, found, _ = data.partition(b"\r\n\r\n")
    if not found:
        return {}
    named = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in named}


def _is_alone(data: bytes) -> bool:
    """Whether no second request comes with the first: what it would ask for isn't known yet."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return True
    length = _LENGTH(data, 0, head + 2)
    return length is None or head + 4 + int(length[1]) >= len(data)


class FrontServer(uvicorn.Server):
    """uvicorn's server, which tells the engine's process what it counts and leaves Ctrl-C to it."""

    def __init__(self, config: uvicorn.Config, app: FrontApp, far: Far, line: socket.socket) -> None:
        super().__init__(config)
        self._reaper = Reaper(self.server_state)
        self._app = app
        self._far = far
        self._line = line
        self._told = (-1, -1)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Be there for the engine, then take connections."""
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._far.line, self._line)
        await super().startup(sockets)
        self.tell()

    def tell(self) -> None:
        """Say what was counted, if it changed."""
        collector = self._app.collector
        counted = (collector.requests, sum(collector.refused.values()))
        if counted != self._told:
            self._told = counted
            self._far.line.send(Counted(collector.requests, collector.rejected, collector.refused))

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self.tell()
        if counter % 10 == 0:
            self._reaper.look(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was begun, then leave the engine."""
        await super().shutdown(sockets)
        self.tell()
        self._far.leave()
        self._app.doorway.close()

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """The engine's process drains us by SIGTERM; the terminal's SIGINT is for it alone."""
        if sig != signal.SIGINT:
            self.should_exit = True


def end_with_parent(parent: int) -> None:
    """Have the system end this process when its parent ends (Linux); elsewhere the line's end does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def now_ms() -> Millis:
    """The wall clock."""
    return time_ns() // 1_000_000


def main() -> None:
    """Serve as the parent says on standard input, until it asks for an end or is gone."""
    from micromoments.engine.tuning import tune_process
    from micromoments.server.run import configure

    setup = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Setup)
    end_with_parent(setup.parent)
    far = Far(now_ms)
    keys = Keys.copied(setup.write, setup.secret, setup.token, clock=now_ms)
    listeners = [socket.socket(fileno=number) for number in setup.listeners]

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        doorway = Doorway(socket.socket(fileno=setup.doorway), loop)
        app = FrontApp(far, msgspec.json.decode(setup.settings, type=Settings, strict=False), keys, doorway)
        config = configure(app, FrontProtocol, lifespan="off")
        tune_process()
        await FrontServer(config, app, far, socket.socket(fileno=setup.line)).serve(listeners)

    import uvloop

    uvloop.run(serve())


if __name__ == "__main__":
    main()
