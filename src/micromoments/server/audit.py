"""``GET /v1/audit``, and what is kept: every change that came by a door, and every look at a person."""

from __future__ import annotations

from hashlib import blake2b

from micromoments.core.audit import Entry
from micromoments.server.foreign import Handler, Routes
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access, require_whole
from micromoments.server.people import source_key_of
from micromoments.server.problem import masked
from micromoments.server.service import Service

MAX_DETAIL = 300
NOTED = {
    ("PUT", "/v1/switch"): "slot switched",
    ("POST", "/v1/config/reload"): "settings read again",
    ("POST", "/v1/config/rollback"): "settings put back",
    ("POST", "/v1/policies/rollback"): "policy put back",
    ("POST", "/v1/policies/warm"): "policy taught",
    ("PUT", "/v1/weights"): "recogniser taught",
    ("PUT", "/v1/items"): "items put",
    ("PATCH", "/v1/items"): "items changed",
    ("DELETE", "/v1/items"): "items deleted",
    ("PUT", "/v1/items/*"): "item put",
    ("PATCH", "/v1/items/*"): "item changed",
    ("DELETE", "/v1/items/*"): "item deleted",
    ("DELETE", "/v1/people/*"): "person erased",
    ("GET", "/v1/people/*/moments"): "person's moments looked at",
    ("GET", "/v1/people/*/export"): "person exported",
    ("GET", "/v1/decisions/*"): "decision looked at",
    ("POST", "/v1/decisions/*/correct"): "decision called wrong",
    ("POST", "/v1/decisions/*/stop"): "personalisation stopped",
    ("GET", "/v1/stream"): "person watched live",
    ("POST", "/v1/deliveries/replay"): "dead letters sent again",
}
"""By method and door: what the log calls it."""


class AuditDoors:
    """Reads the log, and wraps the doors that are written into it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> Routes:
        """The door."""
        return {"/v1/audit": {"GET": (self.read, False)}}

    def watch(self, table: Routes) -> None:
        """Have the doors of ``NOTED`` write down what the business itself does at them."""
        for (method, path), what in NOTED.items():
            handler, public = table[path][method]
            table[path][method] = (self._noting(what, path, handler), public)

    async def read(self, call: Call, access: Access) -> Reply:
        """The log, the newest first; ``containing`` filters by words, ``person`` by an id."""
        require_whole(access)
        limit = call.number("limit", 100, 1000)
        before = call.number("cursor", 0, 10**9 - 1)
        wanted = call.query.get("containing", "")[:100]
        if person := call.query.get("person", ""):
            wanted = sign_of(source_key_of(person))
        found = await self._service.audit.newest(before, limit, wanted)
        entries = [{name: getattr(one, name) for name in one.__struct_fields__} for one in found]
        cursor = str(found[-1].number) if len(found) == limit and found[-1].number > 1 else None
        return reply({"entries": entries, "cursor": cursor})

    def _noting(self, what: str, path: str, handler: Handler) -> Handler:
        live = path == "/v1/stream"

        async def noted(call: Call, access: Access) -> Reply | None:
            counts = access.whole and (not live or "person" in call.query)
            if live and counts:
                # A stream has no end to write down, so it is its beginning that is.
                await self._note(what, call, access, None)
            answer = await handler(call, access)
            if counts and not live:
                await self._note(what, call, access, answer)
            return answer

        return noted

    async def _note(self, what: str, call: Call, access: Access, answer: Reply | None) -> None:
        """One entry, durable before the answer is sent."""
        at_person = call.path[1] in ("people", "stream")
        target = call.query.get("person", "") if call.path[1] == "stream" else "".join(call.path[2:3])
        told = answer is not None and not at_person and call.method != "GET" and call.path[1:3] != ["items", target]
        entry = Entry(
            at=self._service.clock(),
            who="dashboard" if access.session else "secret key" if access.who == "secret" else "this machine",
            name=access.name,
            what=what,
            target=_veiled(target) if at_person else target[:256] if call.path[1] in ("items", "decisions") else "",
            detail=answer.body[:MAX_DETAIL].decode(errors="replace") if told and answer is not None else "",
        )
        await self._service.audit.note(entry)


def sign_of(key: str) -> str:
    """What a source key leaves in the log beside its first letters: found by who has the id, of no use to others."""
    return "#" + blake2b(key.encode(), digest_size=4).hexdigest()


def _veiled(id: str) -> str:
    key = source_key_of(id) if id else ""
    return f"{masked(key[5:])} {sign_of(key)}" if key else ""
