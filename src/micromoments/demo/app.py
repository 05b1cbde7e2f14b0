"""The demo, whole: fast-forward, serve, let people live, tell the truth, pull the plug, and leave nothing behind."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import micromoments as mm
from micromoments.demo import forward, project
from micromoments.demo.client import Client
from micromoments.demo.crowd import Crowd
from micromoments.demo.experiences import days, existing, tables
from micromoments.demo.gateway import Gateway, Live
from micromoments.demo.plug import pull
from micromoments.demo.supervisor import Supervisor, free_port, tethered

PEOPLE = 240
GOODBYE = 3.0
"""Seconds that the servers together have for their end. What they said yes to is on the disk: then they are killed."""
SQUARE = (-420.0, -120.0)
"""Where the visitor stands: the town's old square."""


class Demo:
    """One run. ``folder`` keeps the project; without one it is made in a temporary folder and removed at the end."""

    def __init__(
        self,
        port: int,
        seed: int,
        people: int = PEOPLE,
        folder: Path | None = None,
        experiences: Sequence[str] | None = None,
    ) -> None:
        self._names = tuple(experiences if experiences is not None else existing())
        self._wanted_port = port
        self._temporary = Path(tempfile.mkdtemp(prefix="micromoments-demo-"))
        self._folder = folder or self._temporary / "alderhaven"
        self._zone = project.daytime_zone(time.time_ns() // 1_000_000)
        self._world = mm.World(seed, people, self._zone)
        self._console = Console(stderr=True)
        self._live = Live()
        self._twin: subprocess.Popen[bytes] | None = None
        self._supervisor = Supervisor(
            ["-m", "micromoments", "serve", str(self._folder)], self._temporary / "server.log"
        )
        self._rooms = {name: self._room(name) for name in self._names}
        self._client = Client(self._supervisor.port)
        self._crowd = Crowd(self._world, self._client)
        self._pulling = asyncio.Lock()
        self._lived: forward.Lived
        self.port = 0

    def run(self) -> None:
        """Run until Ctrl-C or SIGTERM.

        Raises:
            OSError: the port is taken.
            ValueError: the folder holds a project already.
        """
        try:
            self._check()
            self._lived = self._forward()
            asyncio.run(self._serve())
        finally:
            self._clean_up()

    def _room(self, name: str) -> Supervisor:
        """The server of an experience, before it starts."""
        words = ["-m", f"micromoments.demo.{name}", "--folder", str(self._folder / name), "--timezone", self._zone]
        words += ["--engine", f"http://127.0.0.1:{self._supervisor.port}", "--seed", str(self._world.seed)]
        return Supervisor(words, self._temporary / f"{name}.log", f"/{name}/readyz")

    def _pass_on(self, lived: Sequence[forward.Days | None]) -> None:
        """What an experience's days came to, for its server."""
        for name, days_of in zip(self._names, lived, strict=True):
            if days_of is not None:
                self._rooms[name].add(days_of.words())

    def _check(self) -> None:
        """Everything that could go wrong later, before anyone waits."""
        if (self._folder / "micromoments.toml").exists():
            raise ValueError(f"got folder {self._folder}, which holds a project; wanted an empty or a new one")
        self._wanted_port = self._wanted_port or free_port()
        gateway = Gateway(self._supervisor.port, self._live, {})

        async def try_port() -> None:
            await gateway.start(self._wanted_port)
            await gateway.stop()

        asyncio.run(try_port())

    def _forward(self) -> forward.Lived:
        """Live the fourteen days, with a bar."""
        end = time.time_ns() // 1_000_000
        start = end - forward.DAYS * forward.DAY
        began = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("day {task.fields[day]} of 14"))
        with Progress(*columns, TimeElapsedColumn(), console=self._console) as progress:
            task = progress.add_task("Alderhaven, simulated: fourteen days go by", total=end - start, day=1)

            def tell(at: int) -> None:
                progress.update(task, completed=at - start, day=min(14, 1 + (at - start) // forward.DAY))

            beside = [days(name, self._world, start, end) for name in self._names]
            more = "".join(tables(name) for name in self._names)
            toml = project.settings(self._zone, categories=self._world.categories, more=more)
            lived = forward.live(self._world, self._folder, toml, end, tell, [d for d in beside if d is not None])
            self._pass_on(beside)
            progress.update(task, completed=end - start, day=14)
        took = time.monotonic() - began
        self._console.print(f"{lived.decisions:,} decisions and {lived.events:,} events in {took:.1f} s.")
        return lived

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, stopped.set)
        ended = asyncio.create_task(stopped.wait())
        started = asyncio.gather(*(server.start() for server in self._servers()))
        try:
            first: set[asyncio.Future[Any]] = {ended, started}
            with self._console.status("Starting the servers"):
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                started.result()
                await self._open(ended)
        finally:
            ended.cancel()
            self._tell_to_end()
            await asyncio.gather(ended, started, return_exceptions=True)

    def _servers(self) -> tuple[Supervisor, ...]:
        return self._supervisor, *self._rooms.values()

    def _tell_to_end(self) -> None:
        """Whoever waits for a process in a thread is let go by its end."""
        if self._twin is not None:
            self._twin.kill()
        for server in self._servers():
            server.ask_to_stop()

    async def _open(self, ended: asyncio.Task[bool]) -> None:
        """Open the door, and let people live until the end."""
        gateway = Gateway(
            self._supervisor.port,
            self._live,
            {"GET /demo/town": self._town, "POST /demo/plug": self._plug},
            {name: room.port for name, room in self._rooms.items()},
        )
        self.port = await gateway.start(self._wanted_port)
        self._console.print(f"Open http://127.0.0.1:{self.port}/  (Ctrl-C ends it and leaves nothing behind)")
        for name in self._names:
            self._console.print(f"     http://127.0.0.1:{self.port}/{name}/")
        tasks = [
            asyncio.create_task(work)
            for work in (
                self._supervisor.watch(),
                *(room.watch() for room in self._rooms.values()),
                self._crowd.run(),
                self._show(),
                self._tell_truth(),
            )
        ]
        try:
            done, _ = await asyncio.wait({ended, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ended}:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            self._tell_to_end()
            await asyncio.gather(*tasks, return_exceptions=True)
            await gateway.stop()

    async def _show(self) -> None:
        """Tell the pages where people are, once a second."""
        while True:
            self._live.tell("people", self._crowd.shown())
            await asyncio.sleep(1)

    async def _tell_truth(self) -> None:
        """Live the same days with the popular list, in a process beside, and tell what serving was truly worth."""
        world = self._world
        words = ["-m", "micromoments.demo.twin", str(self._temporary / "twin"), str(world.seed)]
        words += [str(len(world.consumers)), self._zone, str(self._lived.end)]
        self._twin = tethered(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said, _ = await asyncio.to_thread(self._twin.communicate)
        if self._twin.returncode == 0:
            truth = forward.truth(self._lived, msgspec.json.decode(said, type=list[float]))
            self._live.tell("truth", truth, keep=True)
        await asyncio.Event().wait()  # nothing more to tell; ends with the others

    async def _town(self) -> dict[str, Any]:
        """What the page draws."""
        world = self._world
        places = [
            {"id": item.id, "title": item.title, "x": at[0], "y": at[1]}
            for item in world.items
            if (at := world.positions.get(item.id)) is not None
        ]
        here = world.city.point(SQUARE)
        return {
            "plan": world.city.plan,
            "places": places,
            "timezone": self._zone,
            "you": {"x": SQUARE[0], "y": SQUARE[1], "latitude": here.lat, "longitude": here.lon},
            "forward": {"from": self._lived.start, "to": self._lived.end, "events": self._lived.events},
        }

    async def _plug(self) -> dict[str, Any]:
        if self._pulling.locked():
            return {"phase": "busy"}
        async with self._pulling:
            return await pull(self._supervisor, self._client, lambda step: self._live.tell("plug", step))

    def _clean_up(self) -> None:
        """End every process and remove what was temporary; a second Ctrl-C doesn't stop this."""
        with suppress(ValueError):  # not in the main thread: nobody can interrupt us
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._tell_to_end()
        by = time.monotonic() + GOODBYE
        for server in self._servers():
            server.stop(max(0.0, by - time.monotonic()))
        if self._twin is not None:
            self._twin.wait()
        shutil.rmtree(self._temporary, ignore_errors=True)
