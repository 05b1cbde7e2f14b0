"""The people in memory: a bounded cache of decoded ones over the state, holding every change until it is committed."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from micromoments.core.person import Link, Person
from micromoments.ports import Corrupt

UNREAD = object()
"""Stands for a value that wasn't resident."""
MAX_RESIDENT = 40_000
"""Decoded people (and links) kept when clean; about 6 KB each in memory."""


class Loading(Protocol):
    """What people and links are read from: ``ports.State``, or what stands before one."""

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Those of them that exist."""
        ...


class Residents:
    """``flow.apply.Memory`` over a state: reads through, writes stay until ``committed``."""

    def __init__(self, state: Loading, limit: int = MAX_RESIDENT) -> None:
        self._state = state
        self._limit = limit
        self._people: dict[str, Person | None] = {}
        self._links: dict[str, Link | None] = {}
        self.dirty_people: dict[str, Person | None] = {}
        self.dirty_links: dict[str, Link | None] = {}
        self._committing: tuple[dict[str, Person | None], dict[str, Link | None]] = ({}, {})
        self._changes: list[tuple[dict[str, Any], dict[str, Any], str, Any, bool]] = []

    def __len__(self) -> int:
        return len(self._people)

    def person(self, id: str) -> Person | None:
        """The person of that id, read from the state if not resident."""
        try:
            return self._people[id]
        except KeyError:
            self.fetch([id], [])
            return self._people[id]

    def link(self, key: str) -> Link | None:
        """What is known of that source id."""
        try:
            return self._links[key]
        except KeyError:
            self.fetch([], [key])
            return self._links[key]

    def tied(self, keys: Iterable[str]) -> dict[str, Link]:
        """Those of the source ids, which were expected, of which anything is known."""
        links = self._links
        return {key: link for key in keys if (link := links.get(key)) is not None}

    def keep(self, person: Person) -> None:
        """Put the person's new value."""
        self._put(self._people, self.dirty_people, person.id, person)

    def drop(self, id: str) -> None:
        """The person is gone, as of the next commit."""
        self._put(self._people, self.dirty_people, id, None)

    def tie(self, key: str, link: Link) -> None:
        """Put a source id's new link."""
        self._put(self._links, self.dirty_links, key, link)

    def _put(self, held: dict[str, Any], dirty: dict[str, Any], key: str, value: Person | Link | None) -> None:
        self._changes.append((held, dirty, key, held.get(key, UNREAD), key in dirty))
        held[key] = dirty[key] = value

    def mark(self) -> None:
        """A record is about to be folded: ``undo`` returns to here."""
        self._changes.clear()

    def undo(self) -> None:
        """Take back what changed since ``mark``: the record could not be folded to its end."""
        for held, dirty, key, value, was in reversed(self._changes):
            if value is UNREAD:
                held.pop(key, None)
            else:
                held[key] = value
            if was:
                dirty[key] = value
            else:
                dirty.pop(key, None)
        self._changes.clear()

    def expect(self, people: Iterable[str], links: Iterable[str]) -> None:
        """As ``fetch``, for who may be asked for soon. What is damaged is left out, so that nobody else waits for it;
        who asks for it then is told.
        """
        ids, keys = list(people), list(links)
        try:
            self.fetch(ids, keys)
        except Corrupt:
            for id in ids:
                with suppress(Corrupt):
                    self.fetch([id], [])
            for key in keys:
                with suppress(Corrupt):
                    self.fetch([], [key])

    def known(self, people: Sequence[str]) -> list[Person]:
        """Those of the people who exist and can be read."""
        self.expect(people, ())
        return [person for id in people if (person := self._people.get(id)) is not None]

    def fetch(self, people: Iterable[str], links: Iterable[str]) -> None:
        """Read those that are not resident, all in one go."""
        wanted = [id for id in people if id not in self._people]
        tied = [key for key in links if key not in self._links]
        if not wanted and not tied:
            return
        found, linked = self._state.load(wanted, tied)
        for id in wanted:
            self._people[id] = found.get(id)
        for key in tied:
            self._links[key] = linked.get(key)

    def refresh(self, people: Iterable[str], links: Iterable[str]) -> None:
        """Read people anew, whose newest values another process may have written meanwhile, and these links."""
        ids = list(people)
        for id in ids:
            self._people.pop(id, None)
        self.fetch(ids, links)

    def begin(self) -> tuple[dict[str, Person | None], dict[str, Link | None]]:
        """What changed since the last commit, as it is now; these stay resident until ``committed`` says that the state
        has them.
        """
        self._committing = (self.dirty_people, self.dirty_links)
        self.dirty_people, self.dirty_links = {}, {}
        return self._committing

    def committed(self) -> None:
        """The state has what ``begin`` gave."""
        self._committing = ({}, {})

    def let_go(self) -> Generator[None, None, None]:
        """Free the longest-resident clean ones beyond the limit, a step for each of them: a person is dozens of values,
        and 30,000 people in one go were half a second. Nothing may be begun before it has ended.
        """
        for held, dirty in ((self._people, self.dirty_people), (self._links, self.dirty_links)):
            for key in list(held) if len(held) > self._limit else ():
                if len(held) <= self._limit:
                    break
                if key not in dirty:
                    held.pop(key, None)
                    yield

    def failed(self) -> None:
        """The commit did not happen; what it held is due again."""
        people, links = self._committing
        self.dirty_people = people | self.dirty_people
        self.dirty_links = links | self.dirty_links
        self._committing = ({}, {})

    def forget(self, people: Iterable[str], links: Iterable[str]) -> None:
        """Drop these from memory, changes included: they were erased from the state."""
        for id in people:
            self._people.pop(id, None)
            self.dirty_people.pop(id, None)
        for key in links:
            self._links.pop(key, None)
            self.dirty_links.pop(key, None)
