"""Which messages were accepted, on Redis: sets of half a day, split so finely that Redis packs them as numbers.

About 10 to 20 bytes a message. The set is the whole project's, so a message that is sent again to another server is
caught; one whose first server died between Kafka's acknowledgement and the note is not, and is told apart by whoever
folds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from micromoments.core.event import Millis
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import SHARDS, Command, Database, Script

HALF_DAY: Millis = 43_200_000
PARTS = 1024
"""Sets a shard and half day: below 512 messages each, a set takes eight bytes a message."""


class RedisSeen:
    """``ports.Seen`` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._latest: Millis = 0

    def fresh(self, mid: int, at: Millis) -> bool:
        """Note a message's 63-bit hash; True if it is new."""
        self._latest = max(self._latest, at)
        return bool(self._ask(scripts.FRESH, [mid], at)[0])

    def known(self, mids: Sequence[int], at: Millis) -> list[bool]:
        """Which of these were noted, in one round trip a node; nothing is noted."""
        return [bool(found) for found in self._ask(scripts.KNOWN, mids, at)]

    def noting(self, mids: Sequence[int], at: Millis) -> list[Command]:
        """The commands that note these."""
        return [command for command, _ in self._commands(scripts.FRESH, mids, at)]

    def _ask(self, script: Script, mids: Sequence[int], at: Millis) -> list[int]:
        asked = self._commands(script, mids, at)
        answers: list[int] = [0] * len(mids)
        for (_, indexes), got in zip(asked, self._database.many([c for c, _ in asked]), strict=True):
            for index, answer in zip(indexes, got, strict=True):
                answers[index] = answer
        return answers

    def _commands(self, script: Script, mids: Sequence[int], at: Millis) -> list[tuple[Command, list[int]]]:
        shards: dict[int, list[int]] = {}
        for index, mid in enumerate(mids):
            shards.setdefault(mid % SHARDS, []).append(index)
        made: list[tuple[Command, list[int]]] = []
        for shard, indexes in shards.items():
            words: list[object] = []
            for index in indexes:
                words += [mids[index], *_sets(mids[index], at)]
            made.append((self._database.call(script, shard, words), indexes))
        return made

    def forget(self, mids: Iterable[int]) -> None:
        """Take back hashes whose records could not be made durable."""
        db = self._database
        commands: list[Command] = []
        for mid in mids:
            shard = mid % SHARDS
            commands += [(shard, ("SREM", db.name(shard, "s", name), mid)) for name in _sets(mid, self._latest)]
        db.many(commands)

    def window(self) -> Millis:
        """How far back duplicates are known to be caught: a day."""
        return 2 * HALF_DAY

    def seal(self, now: Millis) -> None:
        """Nothing is due: a set goes by itself after a day and a half."""

    def close(self) -> None:
        """Nothing of its own is open."""


def _sets(mid: int, at: Millis) -> list[str]:
    """The set of a message at an instant, and the two before it."""
    part, now = mid // SHARDS % PARTS, at // HALF_DAY
    return [f"{now - back}:{part}" for back in range(3)]
