"""What happens now, told to every server: Redis's publish and subscribe. Nothing is kept; who isn't there misses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Thread

import msgspec
from redis.exceptions import RedisError

from micromoments.stores.cluster.database import Command, Database

AGAIN = 0.5
Told = tuple[str, str, bytes]
"""A message of the stream: kind, person's id, JSON."""


class Wire:
    """One project's channel."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._channel = database.name(0, "told")
        self._closed = False

    def telling(self, messages: Sequence[Told]) -> list[Command]:
        """The command that tells these."""
        return [(0, ("PUBLISH", self._channel, msgspec.msgpack.encode(messages)))] if messages else []

    def listen(self, heard: Callable[[list[Told]], None]) -> None:
        """Call ``heard`` with what is told from now on, in a thread of its own, until ``close``."""
        Thread(target=self._listen, args=(heard,), name="micromoments-wire", daemon=True).start()

    def _listen(self, heard: Callable[[list[Told]], None]) -> None:
        while not self._closed:
            try:
                with self._database.subscribed(self._channel) as channel:
                    while not self._closed:
                        message = channel.get_message(ignore_subscribe_messages=True, timeout=0.5)
                        if message is not None:
                            heard(msgspec.msgpack.decode(message["data"], type=list[Told]))
            except (RedisError, OSError, ValueError):
                time.sleep(AGAIN)

    def close(self) -> None:
        """Stop listening."""
        self._closed = True
