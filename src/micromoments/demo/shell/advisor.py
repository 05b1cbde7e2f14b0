"""The engine, for an experience's customers: decisions asked and remembered, explained to their owner, and followed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from micromoments.demo.fulfil import Desk, Refused, Teller, track
from micromoments.demo.fulfil.teller import PATIENCE

OUTCOMES = {"seen": "Decision Seen", "clicked": "Decision Clicked", "dismissed": "Decision Dismissed"}
AS_SHOWN = ("decisionId", "holdout", "degraded", "moment", "propensity", "experiments")


class Advisor:
    """What the engine says, and what it is told. ``events`` are those that pages may tell of by name: all others are
    the server's to tell. ``context`` goes with every question.
    """

    def __init__(self, desk: Desk, teller: Teller, events: frozenset[str], **context: Any) -> None:
        self.store, self.clock, self.teller = desk.store, desk.clock, teller
        self._events, self._context = events, context

    async def decide(
        self,
        owner: str,
        slot: str,
        context: Mapping[str, Any],
        patience: float = PATIENCE,
        items: Sequence[str] = (),
    ) -> dict[str, Any] | None:
        """Ask for a decision, and remember what came; ``None`` where none came in time (``patience``, seconds).
        ``items`` are the only ones that it may choose, where there are any.
        """
        only = {"items": items} if items else {}
        body = {"userId": owner, "slot": slot, "context": {**self._context, **context}, **only}
        said = await self.teller.decide(body, patience)
        if said is not None:
            await asyncio.to_thread(self._remember, owner, said)
        return said

    async def why(self, owner: str, decision: str) -> dict[str, Any]:
        """One's own decision, explained."""
        said = await asyncio.to_thread(self.said, owner, decision)
        return {"said": said, "explained": await self.teller.get(f"/v1/decisions/{decision}")}

    async def outcome(self, owner: str, decision: str, what: str, item: str, **context: Any) -> None:
        """What became of a decision."""
        await asyncio.to_thread(self.said, owner, decision)
        item = item[:80]
        told = {"decision_id": decision, **({"item_id": item} if item else {})}
        await self.later(track(f"{decision}-{what}-{item}", owner, OUTCOMES[what], told, self.clock(), **context))

    async def event(self, owner: str, name: str, properties: Mapping[str, Any], **context: Any) -> None:
        """Something that somebody did on a page."""
        if name not in self._events:
            raise Refused("no_such_event", f"event {name[:60]!r}", ", ".join(sorted(self._events)) or "none of a page")
        short = {
            k[:40]: v for k, v in properties.items() if isinstance(v, str | int | float | bool) and len(str(v)) <= 200
        }
        await self.now(owner, name, short, **context)

    async def now(self, owner: str, name: str, properties: Mapping[str, Any], **context: Any) -> None:
        """Tell of an event at once: the next decision should know of it."""
        await self.teller.now(track(secrets.token_hex(8), owner, name, dict(properties), self.clock(), **context))

    async def later(self, call: dict[str, Any]) -> None:
        """Tell of an event that nobody waits for; it is on the disk before this returns."""

        def keep() -> None:
            with self.store.change() as tx:
                tx.tell(call)

        await asyncio.to_thread(keep)
        self.teller.ring()

    def said(self, owner: str, decision: str) -> dict[str, Any]:
        """What the engine said to somebody.

        Raises:
            Refused: ``no_such_decision``, in the same words whether it is missing or somebody else's.
        """
        kept = self.store.kept("decided", decision)
        if kept is None or kept["owner"] != owner:
            raise Refused("no_such_decision", "that decision", "one of your own", status=404)
        found: dict[str, Any] = kept["said"]
        return found

    def _remember(self, owner: str, said: dict[str, Any]) -> None:
        with self.store.change() as tx:
            tx.keep("decided", said["decisionId"], {"owner": owner, "said": said})
