"""What the doors ask of the engine, as a Protocol, so that a test can stand in for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from micromoments.core.decision import Decision, Request
from micromoments.core.event import Arrival, Millis
from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Item, Kind
from micromoments.core.moment import MomentType, MomentView
from micromoments.core.person import Person
from micromoments.core.settings import Settings
from micromoments.engine.appender import Down, LogDown
from micromoments.engine.audit import Trail
from micromoments.engine.control import Control
from micromoments.engine.learned import Learned
from micromoments.engine.outward import Deliveries
from micromoments.engine.refusals import Conflict, Overloaded
from micromoments.engine.stream import Stream
from micromoments.retrieve.ask import Answer, Candidate, Mode
from micromoments.retrieve.faceted import Found, Look

__all__ = ["Conflict", "Items", "LogDown", "Overloaded", "Service", "Taker"]


class Items(Protocol):
    """The catalogue, as far as the doors read it."""

    def get(self, id: str) -> Item | None:
        """One item."""
        ...

    def size(self) -> int:
        """How many items there are."""
        ...

    def look(self, asked: Look) -> Found:
        """The search of a shop."""
        ...

    def answer(
        self, question: str, kinds: Sequence[Kind] = KINDS, may: Callable[[Item], bool] | None = None
    ) -> Answer | None:
        """The passage that answers a question, or none."""
        ...

    def nearby(
        self,
        point: Point,
        at: Millis,
        *,
        limit: int = 20,
        kinds: Sequence[Kind] = KINDS,
        max_metres: float = 50_000.0,
        category: str = "",
        mode: Mode = "foot",
        open_only: bool = False,
    ) -> list[Candidate]:
        """Items with a position, nearest first."""
        ...


class Taker(Protocol):
    """What takes events: the engine, or what stands for it in a front."""

    clock: Callable[[], Millis]

    async def collect(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Accept events durably; give the indexes of duplicates. Raises Overloaded, LogDown."""
        ...


class Service(Taker, Protocol):
    """One project's engine on one event loop (``engine.service.Service``)."""

    stream: Stream
    ready: bool
    down: Down
    control: Control
    learned: Learned
    deliveries: Deliveries
    audit: Trail

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    @property
    def config_version(self) -> str:
        """Their digest."""
        ...

    @property
    def catalog(self) -> Items:
        """The items."""
        ...

    async def start(self) -> None:
        """Recover, and take traffic from when this returns."""
        ...

    async def stop(self) -> None:
        """Fold, commit and close."""
        ...

    async def decide(self, request: Request, arrival: Arrival | None = None) -> Decision:
        """Answer durably. Raises Conflict, Overloaded, LogDown."""
        ...

    def preview(
        self,
        key: str,
        slot: str,
        *,
        at: Millis | None,
        context: Mapping[str, Any],
        traits: Mapping[str, Any],
        limit: int,
        live: bool,
    ) -> Decision:
        """A decision to look at only; ``key`` may be empty for somebody made up."""
        ...

    def decision(self, id: str) -> Decision | None:
        """A decision by its id, for as long as it is kept."""
        ...

    def telling(self, text: str) -> tuple[tuple[str, MomentType, float], ...]:
        """The words of a text that tell most: word, type, nats."""
        ...

    def person(self, key: str) -> Person | None:
        """The person behind a source key as of now; ``None`` if unknown or erased."""
        ...

    def home(self, key: str) -> str:
        """The id of the person behind a source key, now."""
        ...

    async def moments(self, key: str, *, linked: bool = True, history: bool = False) -> list[MomentView]:
        """Open moments, strongest first, then those that ended if asked for."""
        ...

    async def export(self, key: str) -> dict[str, object] | None:
        """All that is held of a person; ``None`` if nobody is known by that key."""
        ...

    async def erase(self, key: str) -> dict[str, int]:
        """Forget a person; how much went of each kind."""
        ...

    def items(self, after: str = "", limit: int = 100) -> Sequence[Item]:
        """Items in the order of their ids, after one."""
        ...

    async def put_items(self, items: Sequence[Item]) -> None:
        """Put items durably; to be found when this returns."""
        ...

    async def delete_items(self, ids: Sequence[str]) -> None:
        """Delete items durably."""
        ...

    async def report(self, name: str, params: Mapping[str, str]) -> dict[str, object]:
        """A report. Raises ValueError for a name or parameter that there isn't."""
        ...

    def stats(self) -> dict[str, float]:
        """Counters and gauges by name."""
        ...
