"""The days of the experiences' simulated customers: in the order of time, with human gaps, the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import micromoments as mm
from micromoments.demo import forward
from micromoments.demo.experiences import days

START = 1_767_571_200_000
END = START + 3 * 86_400_000


class Listed:
    """A server that shows the first two items, and remembers what came."""

    def __init__(self, items: Sequence[mm.Item]) -> None:
        self.shown = [item.id for item in items[:2]]
        self.calls: list[tuple[int, Mapping[str, Any]]] = []
        self.asked: dict[str, int] = {}

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Remember calls and when they came."""
        self.calls += [(at, event) for event in events]

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """The same for everyone."""
        assert (anonymous_id.startswith(slot.partition("_")[0]), context["simulated"]) == (True, True)
        self.asked[id] = at
        return self.shown, False


def lived(name: str, step: int, people: int = 40) -> Listed:
    """Three days of an experience, ``step`` milliseconds at a time."""
    found = days(name, mm.World(1, people), START, END)
    assert found is not None
    server = Listed(found.items)
    for until in range(START, END + 1, step):
        found.live(server, until)  # type: ignore[arg-type]
    assert found.due() == forward.NEVER
    return server


@pytest.mark.parametrize("name", ["coffee", "ride", "shop"])
def test_visits_go_on_side_by_side_in_the_order_of_time(name: str) -> None:
    """Calls come in order, each at its own instant, none after the end; a visit's are seconds apart, its order last."""
    server = lived(name, 86_400_000)
    instants = [at for at, _ in server.calls]
    assert instants == sorted(instants)
    assert instants[-1] <= END
    visits: dict[str, list[tuple[int, str]]] = {}
    for at, call in server.calls:
        visits.setdefault(call["messageId"].rpartition("-")[0], []).append((at, call["event"]))
    assert len(server.asked) >= len(visits) > 10
    for steps in visits.values():
        times = [at for at, _ in steps]
        assert END in times or times == sorted(set(times))
        assert "Order Completed" not in [event for _, event in steps[:-1]]
    seen = {call["properties"]["decision_id"]: at for at, call in server.calls if call["event"] == "Decision Seen"}
    assert all(server.asked[id] < at or at == END for id, at in seen.items())


@pytest.mark.parametrize("name", ["coffee", "ride", "shop"])
def test_how_far_they_are_asked_to_live_changes_nothing(name: str) -> None:
    """Lived day by day or minute by minute, the same people do the same at the same time."""
    assert lived(name, 86_400_000).calls == lived(name, 60_000).calls


def test_some_go_on_elsewhere() -> None:
    """Coffee is also ordered at a till, and what a phone showed at a desk."""
    coffee = {call["context"]["channel"] for _, call in lived("coffee", 86_400_000, 240).calls}
    assert coffee == {"app", "store"}
    shop = {call["context"]["device"]["type"] for _, call in lived("shop", 86_400_000, 240).calls}
    assert shop == {"mobile", "desktop"}
