"""Redis or Valkey as the stores use it: shards, one round trip for many commands, scripts, errors that say what to do.

Everything of a project lies in ``SHARDS`` shards, each with a hash tag of its own: what one shard holds is one slot of
a cluster, so that a script can change it as one. On a single server the shards are only names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from typing import Any
from urllib.parse import urlsplit

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    NoScriptError,
    RedisError,
    TimeoutError,
    TryAgainError,
)
from redis.retry import Retry
from xxhash import xxh3_64_intdigest

from micromoments.ports import StoreError

SHARDS = 64
"""Shards of a project, fixed for its life, as they say where everything lies; no more Redis nodes can share it."""
PATIENCE = 10.0
"""Seconds that a call tries again while a server restarts or a slot moves, before it is a ``StoreError``."""
AGAIN = 0.05
_PASSING = (ConnectionError, TimeoutError, MovedError, AskError, TryAgainError, ClusterDownError, NoScriptError)
"""Errors that go by: the same command may succeed in a moment."""

Command = tuple[int, Sequence[Any]]
"""A shard, and a command whose keys all lie in it."""


class Script:
    """A Lua program of one shard, run by its digest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()


class Database:
    """One project's names on one Redis or Valkey, or a cluster of them. Safe for several threads.

    Args:
        address: ``redis://[user:password@]host:port/0``, ``rediss://`` for TLS, ``redis+cluster://`` for a cluster.
        project: begins every name; letters, digits, ``-``, ``_``, ``.``.
    """

    def __init__(self, address: str, project: str) -> None:
        self.project = project
        self.trips = 0
        self.commands = 0
        kind, _, rest = address.partition("://")
        options = {"socket_timeout": 5.0, "socket_connect_timeout": 2.0, "retry": Retry(NoBackoff(), 0), "protocol": 2}
        self._cluster: Any = None
        self._single: Any = None
        with failing("connecting to Redis"):
            if kind in ("redis+cluster", "rediss+cluster"):
                url = f"{kind.removesuffix('+cluster')}://{rest}"
                self._cluster = _patiently(lambda: RedisCluster.from_url(url, **options))
            else:
                self._single = Redis.from_url(address, **options)
        self.host = urlsplit(address).hostname or ""

    @property
    def single(self) -> bool:
        """Whether one server has every shard, and does what it is asked in the order in which it was asked."""
        return self._single is not None

    def shard(self, key: str) -> int:
        """The shard of a person, a source id, a decision or an item."""
        return xxh3_64_intdigest(key.encode()) % SHARDS

    def name(self, shard: int, kind: str, key: str = "") -> bytes:
        """The name of something in a shard; ``kind`` is a short word."""
        return (
            f"{{{self.project}/{shard}}}:{kind}:{key}".encode()
            if key
            else f"{{{self.project}/{shard}}}:{kind}".encode()
        )

    def run(self, script: Script, shard: int, arguments: Sequence[Any]) -> Any:
        """One script in one shard."""
        return self.many([self.call(script, shard, arguments)])[0]

    def call(self, script: Script, shard: int, arguments: Sequence[Any]) -> Command:
        """A script as a command; it gets the shard's prefix as its one key, and the arguments."""
        return shard, (script, self.name(shard, ""), *arguments)

    def one(self, shard: int, *words: Any) -> Any:
        """One command."""
        return self.many([(shard, words)])[0]

    def many(self, commands: Sequence[Command]) -> list[Any]:
        """Any number of commands, one round trip a node; their answers in order. Each is atomic, all together aren't.

        What fails in passing (a restart, a moved slot) is tried again by itself, so commands must bear repeating.

        Raises:
            StoreError: one of them still failed after ``PATIENCE``, or was refused.
        """
        answers: list[Any] = [None] * len(commands)
        todo = list(range(len(commands)))
        until = time.monotonic() + PATIENCE
        self.commands += len(commands)
        while todo:
            failed: list[int] = []
            error: Exception | None = None
            for client, indexes in self._by_node(commands, todo, until):
                for index, got in zip(indexes, self._send(client, [commands[i] for i in indexes]), strict=True):
                    answers[index] = got
                    if isinstance(got, _PASSING):
                        failed.append(index)
                        error = got
                    elif isinstance(got, Exception):
                        raise _failed("a command", got)
            if error is not None:
                if time.monotonic() > until:
                    raise _failed("a command", error)
                if not isinstance(error, NoScriptError):
                    time.sleep(AGAIN)
                    self._look_again()
            todo = sorted(failed)
        return answers

    def _by_node(self, commands: Sequence[Command], todo: Iterable[int], until: float) -> list[tuple[Any, list[int]]]:
        if self._cluster is None:
            return [(self._single, list(todo))]
        nodes: dict[str, tuple[Any, list[int]]] = {}
        for index in todo:
            name, client = self._node(self.name(commands[index][0], "").decode(), until)
            nodes.setdefault(name, (client, []))[1].append(index)
        return list(nodes.values())

    def _node(self, name: str, until: float) -> tuple[str, Any]:
        """The cluster's node that holds a name, and its client."""
        while True:
            try:
                node = self._cluster.get_node_from_key(name)
                return node.name, self._cluster.get_redis_connection(node)
            except RedisError as error:
                if time.monotonic() > until:
                    raise _failed("finding a slot", error) from error
            time.sleep(AGAIN)
            self._look_again()

    def _look_again(self) -> None:
        if self._cluster is not None:
            try:
                self._cluster.nodes_manager.initialize()
            except RedisError:
                return  # the next try says what is wrong

    def _send(self, client: Any, commands: Sequence[Command]) -> list[Any]:
        self.trips += 1
        try:
            client.response_callbacks.pop("SET", None)  # it makes False of the value that SET ... GET gives
            pipe = client.pipeline(transaction=False)
            for _, words in commands:
                if isinstance(words[0], Script):
                    pipe.execute_command("EVALSHA", words[0].digest, 1, *words[1:])
                else:
                    pipe.execute_command(*words)
            answers: list[Any] = pipe.execute(raise_on_error=False)
            missing = {
                words[0] for (_, words), got in zip(commands, answers, strict=True) if isinstance(got, NoScriptError)
            }
            for script in missing:
                client.script_load(script.text)
        except RedisError as error:
            return [error] * len(commands)
        return answers

    def everywhere(self, *words: Any) -> list[Any]:
        """A command on every node, such as ``CONFIG GET``."""
        with failing("asking Redis"):
            if self._single is not None:
                return [self._single.execute_command(*words)]
            return [
                self._cluster.get_redis_connection(node).execute_command(*words)
                for node in self._cluster.get_primaries()
            ]

    def names(self, kind: str) -> Iterator[bytes]:
        """The ids of a kind that each have a name of their own, some perhaps twice: looks at every name there is."""
        with failing("asking Redis"):
            client = self._cluster if self._cluster is not None else self._single
            for name in client.scan_iter(f"{{{self.project}/*}}:{kind}:*", count=1000):
                head, _, id = name.partition(f"}}:{kind}:".encode())
                if head.rpartition(b"/")[2].isdigit():  # an id may look like anything
                    yield id

    @contextmanager
    def subscribed(self, channel: bytes) -> Iterator[Any]:
        """A channel's messages (``get_message``), on whichever node answers."""
        client = self._cluster if self._cluster is not None else self._single
        listening = client.pubsub()
        try:
            listening.subscribe(channel)
            yield listening
        finally:
            listening.close()

    def close(self) -> None:
        """Let go of the connections."""
        for client in (self._single, self._cluster):
            if client is not None:
                client.close()


def pairs(answer: Sequence[bytes]) -> list[tuple[bytes, float]]:
    """The members and scores of a sorted set's answer ``WITHSCORES``."""
    return [(member, float(score)) for member, score in zip(answer[::2], answer[1::2], strict=True)]


def _patiently(work: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except RedisError:
            if time.monotonic() > until:
                raise
            time.sleep(AGAIN)


def _failed(what: str, error: Exception) -> StoreError:
    return StoreError(
        f"{what} on Redis failed: {type(error).__name__}: {error}; what was sent may or may not be there; "
        "look at the server, then retry"
    )


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Redis's errors as ``StoreError``s that say what was being done."""
    try:
        yield
    except RedisError as error:
        raise _failed(what, error) from error
