"""One person as they are now: the state as committed, and what of theirs nobody has folded yet."""

from __future__ import annotations

from collections.abc import Sequence

from micromoments.core.event import Millis
from micromoments.core.person import Link, Person
from micromoments.core.record import DecidedRecord, EventRecord, Logged
from micromoments.engine.cluster.wiring import Shared, names
from micromoments.engine.residents import Residents
from micromoments.flow.apply import apply, home
from micromoments.flow.people import owner
from micromoments.flow.view import View


class Reading:
    """People and links as committed, and with each what nobody has folded yet under its id. That is asked first: what a
    worker folds in between is then met twice, which is once, and never missed.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.asked: set[str] = set()
        self.found: dict[int, Logged] = {}

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Those that exist."""
        pending = self._shared.pending
        new = [name for name in dict.fromkeys((*people, *links)) if name not in self.asked]
        self.asked.update(new)
        answers, found, tied = self._shared.state.load_after(pending.asking(new), people, links)
        self.found.update((one.position, one) for one in pending.read(answers))
        return found, tied


class World:
    """Read for one question and forgotten with it: a server keeps nobody in memory.

    Made by ``read``, in a thread, as that asks Redis: one round trip, another where the id belongs to a person of
    another name, and another where that person has more ids; twice as many on a cluster of Redis.
    """

    def __init__(self, key: str, at: Millis, residents: Residents, pending: list[Logged]) -> None:
        self._key, self._at = key, at
        self.residents = residents
        self._pending = pending

    @classmethod
    def read(cls, shared: Shared, key: str, at: Millis) -> World:
        """What is known of the person behind a source key, unfolded records included."""
        reading = Reading(shared)
        residents = Residents(reading)
        residents.fetch([key], [key])
        if key.startswith("anon:") and (user := owner(residents.link(key), at, 0)) is not None:
            residents.fetch([f"user:{user}"], [f"user:{user}"])
        while True:
            id, _ = home(residents, key, at, 0)
            person = residents.person(id)
            keys = {id, *(part.partition(">")[0] for part in (person.parts if person is not None else ()))}
            keys.update(name for one in reading.found.values() for name in names(one.record))
            more = sorted(keys - reading.asked)
            if not more:
                break
            residents.refresh([id, *more], more)
        pending = sorted(reading.found.values(), key=lambda one: (one.record.at, one.position))
        return cls(key, at, residents, pending)

    def fold(self, view: View) -> Person | None:
        """The person after what is pending, ``None`` where nothing is known of them; effects are the worker's."""
        for logged in self._pending:
            if isinstance(logged.record, EventRecord | DecidedRecord):
                apply(self.residents, logged.record, view)
        self._pending = []
        return self.residents.person(self.id)

    @property
    def id(self) -> str:
        """The id of the person behind the key."""
        return home(self.residents, self._key, self._at, 0)[0]
