"""What a decision's receipt can do beside being read: say that the moment was wrong, and stop personalisation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from micromoments.core.decision import Decision
from micromoments.server.foreign import Routes
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access, require_person
from micromoments.server.problem import Problem, shown
from micromoments.server.service import Service
from micromoments.sources import segment
from micromoments.sources.wire import UNREADABLE

MAX_BODY = 4 * 1024
MAX_ID = 256


class Correction(msgspec.Struct, rename="camel", kw_only=True):
    """That a decision's moment was wrong, and what it was in truth, where that is known."""

    type: Literal["know", "go", "do", "buy", "none"] | None = None


class Receipts:
    """``/v1/decisions/{id}/correct`` and ``/stop``: events of the decision's person, like any other."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> Routes:
        """The doors."""
        return {
            "/v1/decisions/*/correct": {"POST": (self.correct, False)},
            "/v1/decisions/*/stop": {"POST": (self.stop, False)},
        }

    async def correct(self, call: Call, access: Access) -> Reply:
        """The moment was wrong: it is told to the log, and what was served counts as dismissed."""
        decided = self._theirs(call, access)
        try:
            said = msgspec.json.decode(await call.body(MAX_BODY) or b"{}", type=Correction)
        except UNREADABLE:
            raise Problem(400, "bad_request", "another body", '{"type": "know", "go", "do", "buy" or "none"}') from None
        moment = decided.moment.id if decided.moment is not None else ""
        right = {"correct_type": said.type} if said.type else {}
        await self._tell(decided, access, "Moment Corrected", {"moment_id": moment, **right})
        first = {"item_id": decided.items[0].id} if decided.items else {}
        await self._tell(decided, access, "Decision Dismissed", {"decision_id": decided.id, **first})
        return reply({"corrected": moment, "type": said.type})

    async def stop(self, call: Call, access: Access) -> Reply:
        """The person of the decision is no longer personalised for, from now on."""
        decided = self._theirs(call, access)
        await self._tell(decided, access, "Consent Updated", {"personalise": False})
        return reply({"personalise": False})

    def _theirs(self, call: Call, access: Access) -> Decision:
        """The decision, for the business or the person that it was for.

        Raises:
            Problem: there is none, or it is another's; which of them isn't told.
        """
        if access.who == "write":
            require_person(access, "")
        id = call.path[2]
        decided = self._service.decision(id) if len(id) <= MAX_ID else None
        theirs = decided is not None and (access.whole or f"user:{access.subject}" in (decided.key, decided.person))
        if decided is None or not theirs:
            raise Problem(404, "no_such_decision", f"id {shown(id)}", "the decisionId of an answer")
        return decided

    async def _tell(self, decided: Decision, access: Access, event: str, properties: Mapping[str, Any]) -> None:
        kind, _, id = decided.key.partition(":")
        who = {"userId": id} if kind == "user" else {"anonymousId": id}
        arrival = segment.arrival(
            {"type": "track", "event": event, "properties": dict(properties), **who},
            received_at=self._service.clock(),
            marks=access.marks,
            confirmed=True,
            new_id=lambda: f"receipt-{secrets.token_urlsafe(15)}",
        )
        await self._service.collect([arrival])
