"""What goes wrong outside of a process: a cable is pulled, a disk is full, a clock jumps."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MIB = 1 << 20


def done(*command: str) -> None:
    """Run a command of the system's administrator; the test is skipped, and says why, where that isn't allowed."""
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").strip()
        pytest.skip(f"`{' '.join(command)}` is not possible here, which takes root on Linux: {said or error}")


class Cable:
    """A network namespace: what runs ``inside`` reaches this machine through one cable, and is reached at ``host``."""

    def __init__(self, network: Network, number: int) -> None:
        self.host = f"{network.subnet}.{number}"
        self._name, self._end = f"{network.name}n{number}", f"{network.name}v{number}"
        self.inside = ["ip", "netns", "exec", self._name]
        done("ip", "netns", "add", self._name)
        done("ip", "link", "add", self._end, "type", "veth", "peer", "name", "eth0", "netns", self._name)
        done("ip", "link", "set", self._end, "master", network.name, "up")
        done("ip", "-n", self._name, "addr", "add", f"{self.host}/24", "dev", "eth0")
        for end in ("lo", "eth0"):
            done("ip", "-n", self._name, "link", "set", end, "up")

    def pull(self) -> None:
        """From now on nothing gets through; what is on its way is lost."""
        done("ip", "link", "set", self._end, "down")

    def plug(self) -> None:
        """Put it back."""
        done("ip", "link", "set", self._end, "up")

    def remove(self) -> None:
        """Take it away."""
        subprocess.run(["ip", "netns", "del", self._name], check=False, capture_output=True)


class Network:
    """A bridge of this machine, at ``host``, and the cables that end in it."""

    def __init__(self) -> None:
        self.name = f"mm{os.getpid() % 100_000}{random.choice('abcdefgh')}"
        self.subnet = f"10.{random.randrange(150, 250)}.{random.randrange(256)}"
        self.host = f"{self.subnet}.1"
        self._cables: list[Cable] = []
        done("ip", "link", "add", self.name, "type", "bridge")

    def up(self) -> None:
        """Give it its address."""
        done("ip", "addr", "add", f"{self.host}/24", "dev", self.name)
        done("ip", "link", "set", self.name, "up")

    def cable(self) -> Cable:
        """One more."""
        self._cables.append(Cable(self, len(self._cables) + 2))
        return self._cables[-1]

    def remove(self) -> None:
        """Take all of it away."""
        for cable in self._cables:
            cable.remove()
        subprocess.run(["ip", "link", "del", self.name], check=False, capture_output=True)


@contextmanager
def network() -> Iterator[Network]:
    """A network of its own, gone afterwards."""
    made = Network()
    try:
        made.up()
        yield made
    finally:
        made.remove()


class Disk:
    """A file system in memory, of so many bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir()
        done("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))

    def fill(self) -> None:
        """Leave no room."""
        with self._filler.open("ab", buffering=0) as filler:
            for piece in (MIB, 4096, 1):
                with suppress(OSError):  # no space left
                    while True:
                        filler.write(bytes(piece))

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Disk]:
    """A disk mounted there, gone afterwards."""
    made = Disk(folder, size)
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


class WrongClock:
    """What the processes with this ``environment`` believe of the time, which can jump while they run. The clock that
    cannot be set goes on in them, as it does where an administrator sets the other.
    """

    def __init__(self, folder: Path) -> None:
        self._ahead = folder / "ahead"
        self.jump(0)
        (folder / "sitecustomize.py").write_text(
            f"import time\nns, seconds = time.time_ns, time.time\n"
            f"def ahead():\n    return int(open({str(self._ahead)!r}).read())\n"
            "time.time_ns = lambda: ns() + ahead() * 10**9\ntime.time = lambda: seconds() + ahead()\n"
        )
        self.environment = {"PYTHONPATH": str(folder)}

    def jump(self, seconds: int) -> None:
        """From now on it is so many seconds ahead of the time."""
        partial = self._ahead.with_suffix(".new")
        partial.write_text(f"{seconds}")
        partial.rename(self._ahead)
