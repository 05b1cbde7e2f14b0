"""Starts what is measured: ``micromoments serve`` in a fresh folder, or a bare uvicorn echo with msgspec decode."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITE, SECRET = "bench-write", "bench-secret"
ENV = {**os.environ, "MICROMOMENTS_WRITE_KEY": WRITE, "MICROMOMENTS_SECRET_KEY": SECRET}


class Process:
    """A server that was started: its port, pid and folder."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.port = port
        self.process = process
        self.folder = folder

    def memory_mib(self) -> float:
        """Resident memory now, from /proc."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def cpu_seconds(self) -> float:
        """User and system time spent so far, from /proc."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_ready(port: int, path: str, seconds: float = 120) -> None:
    """Return once a GET of ``path`` answers 200."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as reply:
                if reply.status == 200:
                    return
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


@contextmanager
def micromoments(folder: Path | None = None, seconds: float = 30) -> Iterator[Process]:
    """A server over a folder, a fresh temporary one unless given, ready within so many seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        home = folder or Path(temporary) / "bench"
        port = free_port()
        command = [sys.executable, "-m", "micromoments", "serve", str(home), "--port", str(port)]
        process = subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_ready(port, "/readyz", seconds)
            yield Process(port, process, home)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(max(60, seconds))


@contextmanager
def echo() -> Iterator[Process]:
    """A bare uvicorn ASGI callable that reads the body, decodes one event with msgspec and answers: the bare limit."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.speed.echo:app",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    command += ["--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(port, "/")
        yield Process(port, process, Path())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
