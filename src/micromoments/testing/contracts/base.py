"""What every contract suite shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.fact import Fact
from micromoments.core.item import Item
from micromoments.core.person import Link, Person
from micromoments.ports import Batch

E = TypeVar("E", bound=BaseException)


def batch(  # noqa: PLR0913 the parts of a batch
    *,
    people: Mapping[str, Person | None] | None = None,
    links: Mapping[str, Link | None] | None = None,
    timers: Mapping[str, int] | None = None,
    decisions: Sequence[Decision] = (),
    facts: Sequence[Fact] = (),
    policies: Mapping[str, bytes | None] | None = None,
    items: Mapping[str, Item | None] | None = None,
    position: int = 0,
    outbox: Sequence[Delivery] = (),
) -> Batch:
    """A batch of only what a test is about; timers are the people's own unless given."""
    people = people or {}
    return Batch(
        people=people,
        links=links or {},
        timers=timers if timers is not None else {k: p.wake_at() for k, p in people.items() if p is not None},
        decisions=decisions,
        facts=facts,
        policies=policies or {},
        items=items or {},
        position=position,
        outbox=outbox,
    )


def raised(kind: type[E], work: Any) -> E:
    """The error of that kind that calling ``work`` raises.

    Raises:
        AssertionError: it raised nothing.
    """
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"got no error; wanted {kind.__name__}")


def close(port: object) -> None:
    """Close an adapter that has something open."""
    getattr(port, "close", lambda: None)()
