"""A project on real servers: its processes, which can be killed, and clients that note what was acknowledged."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from micromoments.config import load_cluster
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.ports import StoreError
from tests.ports import free_port
from tools.cluster import Kafka, Redis

SECRET = "cluster-secret"
PATIENCE = 200.0
"""Seconds to wait for a state that must come, on a machine that is ten times as slow as it should be."""
START = 1_795_000_000_000
ITEMS = [{"id": f"p{n}", "kind": "product", "title": f"Shoe number {n}"} for n in range(6)]


class Process:
    """One process of a role; ``under`` is a command that runs it, ``more`` of its environment."""

    def __init__(
        self,
        project: Project,
        role: str,
        *options: str,
        under: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.command = [*under, sys.executable, "-m", "micromoments", role, str(project.folder), *options]
        self._more = dict(more or {})
        self._had = 0
        self.output = project.folder / f"{role}-{free_port()}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        keys = {"MICROMOMENTS_WRITE_KEY": "cluster-write", "MICROMOMENTS_SECRET_KEY": SECRET}
        self._had = self._begun()
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, env={**os.environ, **keys, **self._more}, stderr=output, stdout=output
            )

    def wait(self) -> None:
        """Return once it says that it has begun: one that can't reach its stores when it starts ends."""
        until(lambda: self._begun() > self._had, lambda: f"a role that begins; it said {self.said()}")

    def _begun(self) -> int:
        return self.said().count("s, process ") if self.output.exists() else 0

    def said(self) -> str:
        """What it said."""
        return self.output.read_text(errors="replace")

    def signal(self, how: int) -> None:
        """Send it a signal; for one that ends it, return when it has."""
        assert self.process is not None
        self.process.send_signal(how)
        if how == signal.SIGKILL:
            self.process.wait(60)

    def stop(self) -> int:
        """End it as an operator would; gives its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Whatever it does, it ends."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)


class Project:
    """A folder with a ``micromoments.toml`` that names the servers, and the processes over it."""

    def __init__(self, folder: Path, kafka: Kafka, redis: Redis, more: str = "", facts: str = "") -> None:
        self.folder = folder
        copies = len(kafka.brokers)
        (folder / "micromoments.toml").write_text(
            f'{more}\n[cluster]\nkafka = "{kafka.address}"\nredis = "{redis.address}"\nproject = "p{free_port()}"\n'
            f"partitions = 4\ncopies = {copies}\nin_sync = {max(1, copies - 1)}\n"
            f'facts = "{facts or folder / "facts"}"\n'
        )
        self.processes: list[Process] = []

    def start(
        self, role: str, *options: str, under: Sequence[str] = (), more: Mapping[str, str] | None = None
    ) -> Process:
        """Start a process of a role."""
        self.processes.append(Process(self, role, *options, under=under, more=more))
        self.processes[-1].start()
        return self.processes[-1]

    def begin(
        self, role: str, *options: str, under: Sequence[str] = (), more: Mapping[str, str] | None = None
    ) -> Process:
        """Start a process of a role; returns once it has begun."""
        process = self.start(role, *options, under=under, more=more)
        process.wait()
        return process

    def serve(
        self, host: str = "127.0.0.1", under: Sequence[str] = (), more: Mapping[str, str] | None = None
    ) -> Server:
        """Start a server; returns once it takes traffic."""
        server = Server(self, host, free_port(), under, more)
        self.processes.append(server)
        server.start()
        server.wait()
        return server

    def open(self) -> Shared:
        """The shared stores, to look at."""
        cluster = load_cluster(self.folder, os.environ)
        assert cluster is not None
        return open_shared(self.folder, cluster)

    def end(self) -> None:
        """End every process."""
        for process in self.processes:
            process.end()


class Server(Process):
    """A ``serve``; ``patience`` is how many seconds its clients wait for an answer."""

    patience = 30.0

    def __init__(
        self, project: Project, host: str, port: int, under: Sequence[str] = (), more: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(project, "serve", "--host", host, "--port", str(port), under=under, more=more)
        self.host, self.port = host, port

    def wait(self) -> None:
        """Return once it takes traffic."""
        until(lambda: self.call("GET", "/readyz") is not None, f"a server that is ready; it said {self.said()}")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request with the secret key; ``None`` where it isn't answered with 200."""
        try:
            with closing(http.client.HTTPConnection(self.host, self.port, timeout=self.patience)) as connection:
                connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {SECRET}"})
                reply = connection.getresponse()
                text = reply.read()
            return json.loads(text) if reply.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None

    def gauge(self, name: str) -> float | None:
        """A gauge of its metrics, read with the secret key; ``None`` where it says none."""
        asked = urllib.request.Request(
            f"http://{self.host}:{self.port}/metrics", headers={"Authorization": f"Bearer {SECRET}"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=self.patience) as reply:
                text = reply.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else None


class Client(threading.Thread):
    """Sends events, asks for decisions and answers every other one, each until it is acknowledged, by whichever server
    does.
    """

    slot, answer, outcome = "home", "Decision Clicked", "clicked"

    def __init__(self, servers: list[Server], number: int, seed: int) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._servers, self._number = servers, number
        self._random = random.Random(seed)
        self.events: list[dict[str, Any]] = []
        self.decisions: list[str] = []
        self.answered: list[str] = []
        self.served: dict[str, str] = {}
        self.done = threading.Event()

    def run(self) -> None:
        """One request after another, over a few people of its own who become known in time."""
        count = 0
        while not self.done.is_set():
            count += 1
            person = f"c{self._number}-{count // 12}"
            if count % 12 == 7:
                self._send("identify", {"anonymousId": person, "userId": f"u-{person}"}, count)
            elif count % 4 == 0:
                self._decide(person, count)
            else:
                self._send("track", self._viewed(person), count)

    def _viewed(self, person: str) -> dict[str, Any]:
        item = f"p{self._random.randrange(6)}"
        return {"anonymousId": person, "event": "Product Viewed", "properties": {"product_id": item}}

    def _decide(self, person: str, count: int) -> None:
        id = f"d-{self._number}-{count}"
        got = self._until("POST", "/v1/decide", {"anonymousId": person, "slot": self.slot, "decisionId": id})
        self.decisions.append(id)
        if not got["items"]:
            return
        item = self.served[id] = got["items"][0]["id"]
        if count % 8 == 0:
            said = {"decision_id": id, "item_id": item, "revenue": 10}
            event = {"anonymousId": person, "event": self.answer, "properties": said}
            self._send("track", event, count)
            self.answered.append(id)

    def _send(self, kind: str, event: dict[str, Any], count: int) -> None:
        at = START + count * 1000 + self._number
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + f".{at % 1000:03d}Z"
        whole = {"type": kind, "messageId": f"m-{self._number}-{count}", "timestamp": stamp, **event}
        self._until("POST", f"/v1/{kind}", whole)
        self.events.append(whole)

    def _until(self, method: str, path: str, body: Any) -> Any:
        while True:
            server = self._random.choice(self._servers)
            if (got := server.call(method, path, body)) is not None:
                return got
            time.sleep(0.05)


def until(holds: Callable[[], bool], what: str | Callable[[], str]) -> None:
    """Return once something holds.

    Raises:
        AssertionError: it didn't in ``PATIENCE``.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if holds():
                return
        except StoreError:
            pass
        assert time.monotonic() < end, f"wanted {what if isinstance(what, str) else what()}"
        time.sleep(0.1)


def gather(clients: list[Client], count: int) -> None:
    """Return once the clients have had so many more events acknowledged."""
    wanted = sum(len(c.events) for c in clients) + count
    until(lambda: sum(len(c.events) for c in clients) >= wanted, f"{count} more events acknowledged")
