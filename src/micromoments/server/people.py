"""A person's side: their moments, all that is held of them, and being forgotten. Never for a write key."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from micromoments.server import shapes
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access, require_person
from micromoments.server.problem import Problem, masked
from micromoments.server.service import Service

log = logging.getLogger("micromoments.server")

MAX_ID = 256


def source_key_of(id: str) -> str:
    """The source key of an id in a path: ``user:`` or ``anon:`` may stand before it; a bare one is a userId.

    Raises:
        Problem: it can't be an id.
    """
    key = id if id.startswith(("user:", "anon:")) else f"user:{id}"
    if not (5 < len(key) <= MAX_ID + 5 and key.isprintable()):
        raise Problem(
            400,
            "bad_id",
            f"an id of {len(id)} characters",
            f"1 to {MAX_ID} printable characters, user: or anon: before",
        )
    return key


class People:
    """The doors under ``/v1/people/{id}``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def moments(self, call: Call, access: Access) -> Reply:
        """Open moments, strongest first; with ``history=1`` those that ended too, newest first."""
        key = source_key_of(call.path[2])
        require_person(access, key)
        history = call.query.get("history", "0") in ("1", "true")
        views = await self._service.moments(key, linked=True, history=history)
        limit = call.number("limit", 100, 1000)
        return reply({"moments": [shapes.moment(view) for view in views[:limit]], "cursor": None})

    async def export(self, call: Call, access: Access) -> Reply:
        """All that is held of the person, as JSON."""
        key = source_key_of(call.path[2])
        require_person(access, key)
        held = await self._service.export(key)
        if held is None:
            raise Problem(404, "no_such_person", "an id that nothing is held of", "one that events were sent with", "")
        disposition = (b"content-disposition", b'attachment; filename="person.json"')
        body = msgspec.json.encode(held, enc_hook=_plain)
        return Reply(200, body, headers=[(b"cache-control", b"no-store"), disposition])

    async def erase(self, call: Call, access: Access) -> Reply:
        """Forget the person everywhere; says how much went. Asking again is harmless."""
        key = source_key_of(call.path[2])
        require_person(access, key)
        erased = await self._service.erase(key)
        log.info("erased a person: %s", masked(key[5:]))
        return reply({"erased": erased})


def _plain(value: Any) -> Any:
    """Bytes within an export are JSON already, or are left out."""
    if isinstance(value, bytes | memoryview):
        return msgspec.Raw(bytes(value))
    raise NotImplementedError(f"can't show a {type(value).__name__}")
