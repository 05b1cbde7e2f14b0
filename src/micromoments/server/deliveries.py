"""Deliveries at the doors: what became of each, dead letters sent again, a look beforehand. For the secret key."""

from __future__ import annotations

import msgspec

from micromoments.core.delivery import STATUSES, Status
from micromoments.engine.outward import MOST, Came
from micromoments.server.http import Call, Reply, read_json, reply
from micromoments.server.keys import Access, require_whole
from micromoments.server.people import source_key_of
from micromoments.server.problem import Problem, not_taken
from micromoments.server.service import Service

MAX_BODY = 64 * 1024


class Replayed(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Which dead letters to send again: by ``ids``, or all of a destination; all there are where neither is given."""

    ids: list[str] = []
    destination: str = ""


class Outcomes(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What became of deliveries."""

    outcomes: list[Came]


class Foreseen(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Which trigger, and for whom (an id as in paths)."""

    trigger: str
    person: str


class DeliveryDoors:
    """``/v1/deliveries``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def list(self, call: Call, access: Access) -> Reply:
        """Deliveries in the order of their ids; ``status``, ``destination``, ``limit``, ``cursor``."""
        require_whole(access)
        limit = call.number("limit", 100, 500)
        after = call.query.get("cursor", "")
        found = await self._service.deliveries.listed(
            _status(call.query.get("status")), call.query.get("destination", ""), after, limit
        )
        cursor = found[-1]["deliveryId"] if len(found) == limit else None
        return reply({"deliveries": found, "cursor": cursor})

    async def replay(self, call: Call, access: Access) -> Reply:
        """Send dead letters again, at most 500 at a time; gives their ids."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY) or b"{}", Replayed)
        return reply({"replayed": await self._service.deliveries.replay(asked.ids, asked.destination)})

    async def outcomes(self, call: Call, access: Access) -> Reply:
        """Take what became of deliveries, at most 500 at a time; gives the ids that no delivery has."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY), Outcomes)
        if len(asked.outcomes) > MOST:
            raise Problem(400, "too_many", f"{len(asked.outcomes)} outcomes", f"at most {MOST}")
        return reply({"unknown": await self._service.deliveries.came(asked.outcomes)})

    async def preview(self, call: Call, access: Access) -> Reply:
        """What a trigger would do for a person now: each destination, why it may not, its words. Nothing is kept."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY), Foreseen)
        deliveries, key = self._service.deliveries, source_key_of(asked.person)
        try:
            decided = None
            if slot := deliveries.slot(asked.trigger):
                decided = self._service.preview(key, slot, at=None, context={}, traits={}, limit=0, live=True)
            return reply(deliveries.preview(asked.trigger, key, decided))
        except ValueError as error:
            raise not_taken(
                "nothing_to_preview", str(error)[:400], "a trigger and a person that there are", 404
            ) from None


def _status(text: str | None) -> Status | None:
    for status in STATUSES:
        if text == status:
            return status
    if text is None:
        return None
    raise Problem(400, "bad_status", f"status={text[:40]!r}", f"one of {', '.join(STATUSES)}")
