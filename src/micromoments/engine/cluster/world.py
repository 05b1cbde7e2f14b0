"""One person as they are now: the state as committed, and what of theirs nobody has folded yet."""

from __future__ import annotations

from collections.abc import Sequence

from micromoments.core.event import Millis
from micromoments.core.person import Person
from micromoments.core.record import DecidedRecord, EventRecord, Logged
from micromoments.engine.cluster.wiring import Shared, names
from micromoments.engine.residents import Residents
from micromoments.flow.apply import apply, home
from micromoments.flow.view import View


class World:
    """Read for one question and forgotten with it: a server keeps nobody in memory.

    Made by ``read``, in a thread, as that asks Redis: two round trips, and one more where the id belongs to a person of
    another name, or of several.
    """

    def __init__(self, key: str, at: Millis, residents: Residents, pending: list[Logged]) -> None:
        self._key, self._at = key, at
        self.residents = residents
        self._pending = pending

    @classmethod
    def read(cls, shared: Shared, key: str, at: Millis) -> World:
        """What is known of the person behind a source key, unfolded records included."""
        residents = Residents(shared.state)
        # Pending before people: what a worker folds in between is then met twice, which is once; never missed.
        found = {one.position: one for one in _pending(shared, [key])}
        residents.fetch([key], [key])
        asked = {key}
        while True:
            id, _ = home(residents, key, at, 0)
            person = residents.person(id)
            keys = {id, *(part.partition(">")[0] for part in (person.parts if person is not None else ()))}
            keys.update(name for one in found.values() for name in names(one.record))
            more = sorted(keys - asked)
            if not more:
                break
            asked.update(more)
            found.update((one.position, one) for one in _pending(shared, more))
            residents.refresh([id, *more], more)
        pending = sorted(found.values(), key=lambda one: (one.record.at, one.position))
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


def _pending(shared: Shared, keys: Sequence[str]) -> list[Logged]:
    return shared.pending.read(shared.database.many(shared.pending.asking(keys)))
