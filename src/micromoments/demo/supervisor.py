"""Keeps a server running as a process of its own, and starts it again whenever it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from micromoments.demo import tether
from micromoments.demo.client import Client

READY = 300.0
"""Seconds that a start may take, as the machine may be busy; a server that ends is noticed at once."""
DRAIN = 25.0
"""Seconds that a stop may take before the process is killed."""


Output = int | IO[bytes]


class NotServing(OSError):
    """The server could not be started; the message holds its last words. The command line tells an OSError plainly."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tethered(words: Sequence[str], stdout: Output, stderr: Output) -> subprocess.Popen[bytes]:
    """An interpreter of its own session (Ctrl-C is for us, who then stop it in order) that ends when we do."""
    whole = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *words]
    return subprocess.Popen(  # noqa: S603 our own interpreter and package
        whole, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
    )


class Supervisor:
    """The server's process. ``watch`` starts it again when it ends without being asked to.

    ``words`` is the command after the interpreter, ``--port`` is added; ``probe`` answers 200 once it takes traffic.
    """

    def __init__(self, words: Sequence[str], log: Path, probe: str = "/readyz") -> None:
        self.port = free_port()
        self._words = words
        self._probe = probe
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self.restarts = 0

    def add(self, words: Sequence[str]) -> None:
        """More words for the command, before it starts."""
        self._words = [*self._words, *words]

    async def start(self) -> float:
        """Start the server and wait until it takes traffic; the seconds that took.

        Raises:
            NotServing: it ended, or wasn't ready in time.
        """
        return await asyncio.to_thread(self._ready, self._begin())

    def start_now(self) -> float:
        """As ``start``, blocking."""
        return self._ready(self._begin())

    def _begin(self) -> subprocess.Popen[bytes]:
        """Make the process: in the thread that stays, as the process ends with it."""
        with self._log.open("ab") as log:
            self._process = tethered([*self._words, "--port", str(self.port)], stdout=log, stderr=log)
        return self._process

    def _ready(self, process: subprocess.Popen[bytes]) -> float:
        began = time.monotonic()
        client = Client(self.port)
        while not self._stopping and not client.ready(self._probe):
            if process.poll() is not None:
                raise NotServing(f"got a server that ended with {process.returncode}: {self._last_words()}")
            if time.monotonic() - began > READY:
                raise NotServing(
                    f"got a server that took no traffic within {READY:.0f} s: {self._last_words()}; "
                    "wait until the machine is less busy, and try again"
                )
            time.sleep(0.05)
        return time.monotonic() - began

    @property
    def pid(self) -> int:
        """The process, 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """Pull the plug: SIGKILL, without a warning."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    async def watch(self) -> None:
        """Start the server again whenever it ends, until ``stop``."""
        while not self._stopping:
            await asyncio.sleep(0.1)
            if self._process is not None and self._process.poll() is not None and not self._stopping:
                self.restarts += 1
                await self.start()

    def ask_to_stop(self) -> None:
        """Tell the server to end, and never start it again; a start under way is given up."""
        self._stopping = True
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, patience: float = DRAIN) -> None:
        """End the server: let it drain for so many seconds, kill it if it won't. Blocks; harmless when repeated."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()

    def _last_words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-800:].strip() or "it said nothing"
