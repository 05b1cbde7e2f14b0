"""People, decisions and events made by hand, for the tests of learning."""

from __future__ import annotations

from typing import Any

from micromoments.core.decision import Assignment, Decision, PolicyRef, Ranked
from micromoments.core.event import Event, Millis
from micromoments.core.person import Person
from micromoments.core.record import EventRecord
from micromoments.core.settings import Goal, Settings, Slot

NOW: Millis = 1_767_225_600_000
"""1 January 2026, 00:00 UTC."""
SETTINGS = Settings(
    slots={"home": Slot(goal="order"), "push": Slot(assume_seen=True, window_minutes=10)},
    goals={
        "order": Goal(event="Order Completed", value="revenue"),
        "signup": Goal(event="Signed Up", value=2.5, window_hours=1),
    },
)
ANA = Person(id="user:ana", surrogate=7)


def ranked(id: str) -> Ranked:
    """An item as served."""
    return Ranked(id=id, kind="product", title=id, score=1.0, propensity=0.5, reasons=())


def decision(id: str = "d1", *items: str, at: Millis = NOW, slot: str = "home", **changes: Any) -> Decision:
    """A decision of these items (``a`` and ``b`` unless named)."""
    fields: dict[str, Any] = {
        "id": id,
        "at": at,
        "slot": slot,
        "key": "user:ana",
        "person": "user:ana",
        "surrogate": 7,
        "moment": None,
        "moments": (),
        "items": tuple(map(ranked, items or ("a", "b"))),
        "propensity": 0.25,
        "policy": PolicyRef("thompson", 0),
        "config_version": "c",
        "experiments": (),
        "holdout": False,
        "degraded": (),
        "considered": 2,
        "refused": (),
        "scored": (),
        "until": at + 1,
        "digest": "",
    }
    return Decision(**(fields | changes))


def event(name: str, at: Millis = NOW + 1000, marks: int = 0, late: Millis = 0, **properties: Any) -> EventRecord:
    """A track event that happened at an instant and arrived ``late`` milliseconds after it."""
    return EventRecord(
        key="user:ana",
        at=at + late,
        occurred=at,
        message_id=f"{name}{at}",
        mid=hash((name, at)) & (2**63 - 1),
        nonce=1,
        body=b"{}",
        event=Event(type="track", event=name, user_id="ana", properties=properties),
        marks=marks,
    )


def variant(key: str, name: str, at: Millis = NOW) -> Assignment:
    """An experiment's assignment."""
    return Assignment(key=key, variant=name, unit="user:ana", at=at)
