"""Deliveries as JSON lines in files, one a day: for what reads a folder, and for looking at."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from micromoments.core.delivery import Delivery, Receipt, later, taken
from micromoments.core.event import Millis
from micromoments.core.settings import Destination


class FileChannel:
    """A folder of ``YYYY-MM-DD.jsonl``, by the day (UTC) on which a delivery was intended; each line has its ``id``.

    A line is on the disk when its delivery counts as sent; after a crash it may stand there twice.
    """

    def __init__(self, destination: Destination, folder: Path) -> None:
        self._folder = folder / destination.url
        self._lock = Lock()

    def send(self, delivery: Delivery, now: Millis) -> Receipt:  # noqa: ARG002 the port has it
        """Write one line, or one for each event."""
        told = msgspec.json.decode(delivery.data)
        lines = told["batch"] if delivery.events else [_line(delivery, told)]
        day = datetime.fromtimestamp(delivery.at / 1000, UTC).date().isoformat()
        try:
            with self._lock:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                descriptor = os.open(self._folder / f"{day}.jsonl", flags, 0o600)
                with os.fdopen(descriptor, "ab") as file:
                    file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            return later(f"{type(error).__name__}: {error.strerror}")
        return taken()

    def close(self) -> None:
        """Nothing is kept open."""


def _line(delivery: Delivery, told: dict[str, Any]) -> dict[str, Any]:
    return {"id": delivery.id, "title": delivery.title, "text": delivery.text, **told}
