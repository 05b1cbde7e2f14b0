"""A service in memory for the doors' own tests: it keeps what it was told, and fails when told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from micromoments.core.audit import Entry, Noted
from micromoments.core.decision import Decision, PolicyRef, Ranked, Refused, Request, Scored
from micromoments.core.delivery import Status
from micromoments.core.event import Arrival
from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Item, Kind
from micromoments.core.moment import Evidence, MomentType, MomentView
from micromoments.core.person import Person
from micromoments.core.settings import Settings
from micromoments.engine.appender import Down
from micromoments.engine.audit import Trail
from micromoments.engine.control import Control
from micromoments.engine.learned import Learned
from micromoments.engine.outward import Came, Deliveries
from micromoments.engine.stream import Stream
from micromoments.engine.taught import Taught
from micromoments.learn.logged import Logged
from micromoments.recognise.weights import SHIPPED, Weights
from micromoments.retrieve.ask import Answer, Candidate
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Found, Look
from micromoments.server.service import Conflict

NOW = 1_795_448_665_000
"""2026-11-23T15:44:25Z."""

VIEW = MomentView(
    id="m-1",
    type="go",
    probabilities={"know": 0.1, "go": 0.7, "do": 0.05, "buy": 0.1, "none": 0.05},
    need={"query": "trail shoes"},
    confidence=0.7,
    urgency=0.4,
    stage="consider",
    evidence=[Evidence("searched 'trail shoes near me'", "go", 1.2, NOW)],
    opened_at=NOW - 60_000,
    expires_at=NOW + 60_000,
)


class Shelf:
    """Items by id."""

    def __init__(self) -> None:
        """Empty."""
        self.kept: dict[str, Item] = {}

    def get(self, id: str) -> Item | None:
        """One item."""
        return self.kept.get(id)

    def size(self) -> int:
        """How many."""
        return len(self.kept)

    def look(self, asked: Look) -> Found:
        """The search of what is kept, by the catalogue itself."""
        catalog = Catalog()
        catalog.apply(dict(self.kept))
        return catalog.look(asked)

    def answer(self, question: str, kinds: Sequence[Kind] = KINDS, may: Any = None) -> Answer | None:
        """The passage that answers, by the catalogue itself."""
        catalog = Catalog()
        catalog.apply(dict(self.kept))
        return catalog.answer(question, kinds, may)

    def nearby(self, point: Point, at: int, **asked: Any) -> list[Candidate]:
        """What is near, by the catalogue itself."""
        catalog = Catalog()
        catalog.apply(dict(self.kept))
        return catalog.nearby(point, at, **asked)


class FakeTaught(Taught):
    """One set of weights at most."""

    def __init__(self) -> None:
        """The shipped ones."""
        self.now = SHIPPED

    def listed(self) -> dict[str, Any]:
        """What is in force."""
        return {"number": int(self.now != SHIPPED), "weights": []}

    async def put(self, weights: Weights) -> dict[str, Any]:
        """Note them."""
        self.now = weights
        return {"number": 1, "digest": weights.digest}

    async def back(self) -> dict[str, Any]:
        """The shipped ones again."""
        self.now = SHIPPED
        return {"number": 0, "digest": "", "changed": True}


class FakeControl(Control):
    """What is off, in memory."""

    def __init__(self) -> None:
        """Nothing is off, and nothing was taught."""
        self.off: set[str] = set()
        self.taught = FakeTaught()

    async def switch(self, slot: str, *, off: bool) -> list[str]:
        """Note it."""
        (self.off.add if off else self.off.discard)(slot or "*")
        return sorted(self.off)

    def switched_off(self) -> list[str]:
        """What was noted."""
        return sorted(self.off)

    def versions(self) -> list[dict[str, Any]]:
        """One version."""
        return [{"version": "sha256:0", "at": NOW, "current": True}]

    def models(self) -> list[dict[str, Any]]:
        """One recogniser."""
        return [{"version": "m0", "at": NOW}]

    def check(self, added: str) -> list[str]:
        """Anything with a bracket is in order."""
        return [] if "[" in added else ["micromoments.toml:1: got words; wanted TOML"]

    async def reload(self) -> dict[str, Any]:
        """A file with a mistake."""
        raise ValueError("micromoments.toml:3: slots.home.limit: got 0; wanted at least 1")

    async def rollback(self, version: str = "") -> dict[str, Any]:
        """One version back."""
        if version == "nonsense":
            raise ValueError("got nonsense; wanted one of the versions kept: sha256:0")
        return {"configVersion": version or "sha256:0", "afterRestart": []}


class FakeDeliveries(Deliveries):
    """One dead letter, sent again when asked to."""

    def __init__(self) -> None:
        """It is dead."""
        self.status: Status = "dead"

    async def listed(
        self, status: Status | None = None, destination: str = "", after: str = "", limit: int = 100
    ) -> list[dict[str, object]]:
        """The one, where it is asked for."""
        told: dict[str, object] = {"deliveryId": "dlv_1", "status": self.status, "destination": "crm"}
        wanted = status in (None, self.status) and destination in ("", "crm") and after < "dlv_1"
        return [told][:limit] if wanted else []

    async def replay(self, ids: Sequence[str] = (), destination: str = "") -> list[str]:
        """The one, once."""
        if self.status != "dead" or (ids and "dlv_1" not in ids) or destination not in ("", "crm"):
            return []
        self.status = "waiting"
        return ["dlv_1"]

    async def came(self, told: Sequence[Came]) -> list[str]:
        """The one is known."""
        return [one.delivery_id for one in told if one.delivery_id != "dlv_1"]

    def slot(self, trigger: str) -> str:
        """One trigger is known."""
        if trigger != "hello":
            raise ValueError(f"got trigger {trigger!r}; wanted one of hello; correct the name")
        return ""

    def preview(self, trigger: str, key: str, decision: Decision | None = None) -> dict[str, Any]:
        """Nothing would be sent."""
        return {"trigger": trigger, "moment": None, "destinations": []}


class FakeLearned(Learned):
    """One policy with one kept version."""

    def __init__(self) -> None:
        """Nothing to hold."""

    def guards(self) -> list[dict[str, Any]]:
        """One slot under a guard."""
        return [{"slot": "home", "guard": 0.05, "share": 0.1}]

    def listed(self) -> list[dict[str, Any]]:
        """The one."""
        return [{"policy": "home:thompson", "slot": "home", "version": 12, "kept": [10]}]

    def compare(self, name: str, first: int, second: int | None = None) -> dict[str, Any]:
        """No difference."""
        return {"policy": name, "before": first, "after": second or 12, "changed": []}

    async def rollback(self, name: str, version: int | None = None) -> dict[str, Any]:
        """Back to the one that is kept."""
        if name != "home:thompson":
            raise ValueError(f"got policy {name!r}; wanted one of home:thompson")
        return {"policy": name, "was": 12, "version": version or 10}

    async def warm(self, slot: str, records: Sequence[Logged], *, dry_run: bool = False) -> dict[str, Any]:
        """A log of anything is learned, but for an empty one."""
        if not records:
            raise ValueError("got 0 decisions, none of which can be used here (empty); wanted actions")
        judged = {"after": {"effective_sample_size": 3.0}}
        return {"policy": f"{slot}:x", "version": len(records), "set_aside": 0, "why": [], "judged": judged}


class FakeTrail(Trail):
    """The audit log in a list."""

    def __init__(self) -> None:
        """Nothing happened."""
        self.entries: list[Noted] = []

    async def note(self, entry: Entry) -> None:
        """Keep it."""
        values = {name: getattr(entry, name) for name in Entry.__struct_fields__}
        self.entries.append(Noted(**values, number=len(self.entries) + 1))

    async def newest(self, before: int, limit: int, containing: str) -> list[Noted]:
        """The newest first."""
        found = [e for e in self.entries if containing in f"{e.what} {e.target} {e.name}"]
        return [e for e in reversed(found) if not before or e.number < before][:limit]


@dataclass
class FakeService:
    """Everything in lists and dictionaries; ``failure`` is raised by the next calls until it is None again."""

    settings: Settings = field(default_factory=Settings)
    config_version: str = "sha256:0"
    ready: bool = True
    down: Down = field(default_factory=Down)
    failure: Exception | None = None
    now: int = NOW

    def __post_init__(self) -> None:
        self.clock: Callable[[], int] = lambda: self.now
        self.stream = Stream(1000)
        self.control: Control = FakeControl()
        self.learned: Learned = FakeLearned()
        self.deliveries: Deliveries = FakeDeliveries()
        self.audit: Trail = FakeTrail()
        self.previewed: dict[str, Any] = {}
        self.shelf = Shelf()
        self.arrivals: list[Arrival] = []
        self.messages: set[str] = set()
        self.decisions: dict[str, Decision] = {}
        self.requests: list[Request] = []
        self.erased: list[str] = []
        self.stopped = False

    @property
    def catalog(self) -> Shelf:
        """The items."""
        return self.shelf

    async def start(self) -> None:
        """Ready."""
        self._maybe_fail()
        self.ready = True

    async def stop(self) -> None:
        """Stopped."""
        self.ready = False
        self.stopped = True

    async def collect(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Keep what is new."""
        self._maybe_fail()
        duplicates = []
        for index, arrival in enumerate(arrivals):
            if arrival.message_id in self.messages:
                duplicates.append(index)
                continue
            self.messages.add(arrival.message_id)
            self.arrivals.append(arrival)
        return duplicates

    async def decide(self, request: Request, arrival: Arrival | None = None) -> Decision:
        """One item, always the same."""
        self._maybe_fail()
        known = self.decisions.get(request.id)
        if known is not None:
            if known.digest != request.digest:
                raise Conflict(request.id)
            return known
        if arrival is not None:
            await self.collect([arrival])
        self.requests.append(request)
        self.decisions[request.id] = self._made(request)
        return self.decisions[request.id]

    def _made(self, request: Request) -> Decision:
        """The decision of a request."""
        ranked = Ranked(
            id="p1",
            kind="product",
            title="Trail shoe",
            score=0.5,
            propensity=0.25,
            reasons=("near you",),
            attributes={},
        )
        return Decision(
            id=request.id,
            at=request.at,
            slot=request.slot,
            key=request.key,
            person=request.key,
            surrogate=1,
            moment=VIEW,
            moments=(VIEW.id,),
            items=(ranked,),
            propensity=0.25,
            policy=PolicyRef("thompson", 7),
            config_version=self.config_version,
            experiments=(),
            holdout=False,
            degraded=(),
            considered=2,
            refused=(Refused("p2", "closed", "closed until 9:00"),),
            scored=(Scored("p1", 0.5, 0.25),),
            until=request.at + 1,
            digest=request.digest,
        )

    def preview(self, key: str, slot: str, **more: Any) -> Decision:
        """What was asked, as the decision's ids and context."""
        self.previewed = {"key": key, "slot": slot, **more}
        return msgspec.structs.replace(self._made(Request(id="preview-1", slot=slot, key=key, at=NOW)), would=("p2",))

    def decision(self, id: str) -> Decision | None:
        """One that was made."""
        return self.decisions.get(id)

    def telling(self, text: str) -> tuple[tuple[str, MomentType, float], ...]:
        """A sale is for those who buy."""
        return (("sale", "buy", 1.5),) if "sale" in text else ()

    def person(self, key: str) -> Person | None:
        """Nobody is known."""
        return None

    def home(self, key: str) -> str:
        """Everybody has one id."""
        return key

    async def moments(self, key: str, *, linked: bool = True, history: bool = False) -> list[MomentView]:
        """One open, one ended."""
        ended = MomentView(**{f: getattr(VIEW, f) for f in VIEW.__struct_fields__} | {"id": "m-0", "ended": "expired"})
        return [VIEW, ended] if history else [VIEW]

    async def export(self, key: str) -> dict[str, object] | None:
        """Something of everybody but the stranger."""
        return None if key == "user:stranger" else {"key": key, "events": [{"event": "A"}]}

    async def erase(self, key: str) -> dict[str, int]:
        """Note who."""
        self.erased.append(key)
        return {"events": 3}

    def items(self, after: str = "", limit: int = 100) -> Sequence[Item]:
        """In order of ids."""
        return [self.shelf.kept[id] for id in sorted(self.shelf.kept) if id > after][:limit]

    async def put_items(self, items: Sequence[Item]) -> None:
        """Keep them."""
        self._maybe_fail()
        self.shelf.kept |= {item.id: item for item in items}

    async def delete_items(self, ids: Sequence[str]) -> None:
        """Drop them."""
        for id in ids:
            self.shelf.kept.pop(id, None)

    async def report(self, name: str, params: Mapping[str, str]) -> dict[str, object]:
        """What was asked."""
        if params.get("by") == "nonsense":
            raise ValueError("got by nonsense; wanted one of type, day")
        return {"name": name, "params": dict(params), "as_of": self.now, "counting": "everything"}

    def stats(self) -> dict[str, float]:
        """Two figures."""
        return {"events_accepted_total": float(len(self.arrivals)), "apply_backlog": 0.0}

    def _maybe_fail(self) -> None:
        if self.failure is not None:
            raise self.failure
