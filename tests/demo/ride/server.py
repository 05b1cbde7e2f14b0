"""The ride service's server and an engine behind it, as processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from micromoments.demo.ride import TABLES
from micromoments.demo.supervisor import Supervisor, free_port

CONSENT = 'consent = ["measure", "personalise", "location"]\n'


@contextmanager
def running(
    folder: Path, drivers: int = 0, rides: int = 0, engine: bool = True, more: str = ""
) -> Iterator[Supervisor]:
    """The service, taking traffic; without ``engine`` there is none, and the app works all the same. ``more`` of the
    engine's configuration.
    """
    project = folder / "engine"
    project.mkdir(exist_ok=True)
    (project / "micromoments.toml").write_text(CONSENT + TABLES + more, encoding="utf-8")
    behind = Supervisor(["-m", "micromoments", "serve", str(project)], folder / "engine.log")
    url = f"http://127.0.0.1:{behind.port if engine else free_port()}"
    words = ["-m", "micromoments.demo.ride", "--folder", str(folder / "ride"), "--engine", url]
    words += ["--drivers", str(drivers), "--rides", str(rides), "--answer", "600"]
    server = Supervisor(words, folder / "ride.log", "/ride/readyz")
    try:
        if engine:
            behind.start_now()
        server.start_now()
        yield server
    finally:
        server.stop()
        behind.stop()
