"""Fast-forward: fourteen days of a town, lived before the engine in this process, by its public Python door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

import micromoments as mm

DAYS = 14
DAY = 86_400_000
"""Milliseconds."""
NEVER = 2**63
"""An instant after all others."""


class Embedded:
    """An open folder whose clock is that of the days being lived: ``now``.

    What is collected reaches the engine, each with its own instant, before the next decision: handing it over one by
    one costs more than all that the engine does with it.
    """

    def __init__(self, folder: Path, start: int) -> None:
        self.now = start
        self.engine = mm.open(folder, clock=lambda: self.now, synced=False)
        self._waiting: list[Mapping[str, Any]] = []
        self._arrived: list[int] = []

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Take Segment calls at an instant (milliseconds, UTC)."""
        self.now = max(self.now, at)
        self._waiting += events
        self._arrived += [self.now] * len(events)

    def hand_over(self) -> None:
        """Let the engine have what was collected."""
        if self._waiting:
            events, self._waiting = self._waiting, []
            arrived, self._arrived = self._arrived, []
            self.engine.collect(events, arrived)

    def close(self) -> None:
        """Hand over the rest, and close the folder."""
        try:
            self.hand_over()
        finally:
            self.engine.close()

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """Decide as of an instant: item ids by position, and whether they are what everybody would get: the person is
        held out, or an experiment's variant is called so.
        """
        self.now = max(self.now, at)
        self.hand_over()
        decided = self.engine.decide(f"anon:{anonymous_id}", slot, context=context, decision_id=id, simulated=True)
        same = decided.holdout or any(given.variant == "same" for given in decided.experiments)
        return [item.id for item in decided.items], same


class Lived(msgspec.Struct, frozen=True):
    """What fourteen days came to: the stretch (half-open, milliseconds), counts, and by person the truth.

    ``worth`` is each person's expected orders given what they were served.
    """

    start: int
    end: int
    events: int
    decisions: int
    worth: list[float]
    held_out: list[bool]


class Days(Protocol):
    """The days of an experience's own simulated customers, lived beside the town's."""

    items: Sequence[mm.Item]

    def due(self) -> int:
        """When something happens next (milliseconds, UTC); ``NEVER`` where nothing does."""
        ...

    def live(self, server: Embedded, until: int) -> None:
        """Everything that happens up to an instant (milliseconds, UTC); instants never go back."""
        ...

    def words(self) -> Sequence[str]:
        """What the experience's own server is told of these days, as words of its command."""
        ...


class InStep:
    """The server as the town sees it: before anything that the town does, all that others did before it, one after
    another. So everything reaches the engine at its own instant: who is decided for minutes after they came seems to
    have ordered before they were shown anything.
    """

    def __init__(self, server: Embedded, beside: Sequence[Days]) -> None:
        self._server, self._beside = server, beside

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """See ``Embedded``."""
        self.wait(at)
        self._server.collect(events, at)

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """See ``Embedded``."""
        self.wait(at)
        return self._server.decide(id, anonymous_id, slot, context, at)

    def wait(self, at: int) -> None:
        """Let the others do what they do up to an instant."""
        while self._beside and (due := min(days.due() for days in self._beside)) <= at:
            for days in self._beside:
                if days.due() <= due:
                    days.live(self._server, due)


def live(
    world: mm.World,
    folder: Path,
    toml: str,
    end: int,
    tell: Callable[[int], None] | None = None,
    beside: Sequence[Days] = (),
) -> Lived:
    """Live the fourteen days before ``end`` in a folder, made with this configuration; ``tell`` hears each
    instant, ``beside`` are lived in step.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "micromoments.toml").write_text(toml, encoding="utf-8")
    start = end - DAYS * DAY
    server = Embedded(folder, start)
    try:
        server.engine.catalog.put([*world.items, *(item for days in beside for item in days.items)])

        town = InStep(server, beside)
        tally = world.live(town, start, DAYS, tell)
        town.wait(end)
    finally:
        server.close()
    return Lived(start, end, tally.events, tally.decisions, tally.worth, tally.held_out)


class Truth(msgspec.Struct, frozen=True):
    """What serving was truly worth to those who were served: their expected orders against the same days with the
    popular list. ``relative`` is the gain over the list.
    """

    served: float
    listed: float
    relative: float


def truth(lived: Lived, listed: Sequence[float]) -> Truth:
    """The truth, from both lives; ``listed`` is each person's worth with the popular list."""
    served = [(mine, theirs) for mine, theirs, out in zip(lived.worth, listed, lived.held_out, strict=True) if not out]
    mine = sum(a for a, _ in served) / max(1, len(served))
    theirs = sum(b for _, b in served) / max(1, len(served))
    return Truth(mine, theirs, mine / theirs - 1 if theirs else 0.0)
