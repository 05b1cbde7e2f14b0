"""``POST /v1/decide`` and ``GET /v1/decisions/{id}``: what to serve now, and why it was that."""

from __future__ import annotations

import logging
import secrets
from hashlib import blake2b
from time import perf_counter
from typing import Any

import msgspec
from prometheus_client import Histogram

from micromoments.core.decision import Request
from micromoments.core.event import Arrival
from micromoments.engine.tracing import Tracing, traced
from micromoments.policy.actions import SLOT
from micromoments.server import shapes
from micromoments.server.http import GZIP, Call, Reply, TooLarge, Unreadable, gunzip, refused, reply, unread
from micromoments.server.keys import Access, require_person
from micromoments.server.problem import Problem, not_taken, problem_of, shown
from micromoments.server.service import Service
from micromoments.sources import segment
from micromoments.sources.called import called
from micromoments.sources.clean import Cleaner
from micromoments.sources.lenient import Rejected, decode

MAX_BODY = 128 * 1024
MAX_LIMIT = 50
MAX_ITEMS = 1000
MAX_ID = 256
MAX_SLOT = 128
MAX_QUERY = 512
"""Characters of a query that are looked at for telling words."""
log = logging.getLogger("micromoments.server")


class Asked(msgspec.Struct, rename="camel", kw_only=True):
    """The body of ``POST /v1/decide``. Fields that we don't know are left alone."""

    slot: str
    user_id: str | None = None
    anonymous_id: str | None = None
    context: dict[str, Any] | None = None
    event: dict[str, Any] | None = None
    limit: int | None = None
    decision_id: str | None = None
    items: list[str] | None = None


class Decider:
    """Answers decisions. ``latency`` is from the request's body being read to the answer being durable."""

    def __init__(self, service: Service, cleaner: Cleaner) -> None:
        self._service = service
        self._cleaner = cleaner
        self.latency = Histogram(
            "micromoments_decide_seconds",
            "Seconds from reading a decision's request to its answer being durable.",
            buckets=(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0),
            registry=None,
        )
        self.traced = traced()

    async def decide(self, call: Call, access: Access) -> Reply:
        """One decision, durable before it is answered."""
        client = call.scope.get("client")
        agent = call.headers.get(b"user-agent", b"").decode("latin-1")
        parent = self.traced.parent(call.headers) if isinstance(self.traced, Tracing) else ""
        return await self.answer(await call.body(MAX_BODY), access, agent, client[0] if client else "", parent)

    async def reply(self, body: bytes, access: Access, agent: str, ip: str) -> Reply:
        """As ``answer``, of a body as it was sent; what goes wrong becomes a problem."""
        try:
            return await self.answer(gunzip(body, MAX_BODY) if body[:2] == GZIP else body, access, agent, ip)
        except (TooLarge, Unreadable) as error:
            return refused(unread(error))
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                log.exception("an error of ours in decide")
            return refused(problem)

    async def answer(self, body: bytes, access: Access, agent: str, ip: str, parent: str = "") -> Reply:
        """The answer to a request's body; ``agent``, ``ip`` and the ``traceparent`` are the sender's.

        Raises:
            Problem, Conflict, Overloaded, LogDown: nothing was decided.
        """
        began = perf_counter()
        asked, digest = read(body, access)
        key = whose(asked, access)
        now = self._service.clock()
        request = Request(
            id=asked.decision_id or f"d-{secrets.token_urlsafe(15)}",
            slot=asked.slot,
            key=key,
            at=now,
            context=asked.context or {},
            limit=asked.limit or 0,
            items=tuple(asked.items or ()),
            linked=access.who != "write",
            digest=digest,
            fresh=asked.decision_id is None,
        )
        arrival = None if asked.event is None else self._event(asked, request, access, agent, ip)
        if arrival is not None:
            arrival = called(arrival, parent) if parent else arrival
            request = msgspec.structs.replace(request, marks=arrival.marks & ~access.marks)
        decided = await self._service.decide(request, arrival)
        self.latency.observe(perf_counter() - began)
        if parent and isinstance(self.traced, Tracing):
            self.traced.asked(parent, decided, now, self._service.clock())
        answer = shapes.decision(decided)
        query = request.context.get("query")
        if decided.moment is not None and isinstance(query, str) and query:
            told = self._service.telling(query[:MAX_QUERY])
            words = [shapes.TellingShape(word=word, type=type_, weight=weight) for word, type_, weight in told]
            answer = msgspec.structs.replace(answer, telling=words)
        return reply(answer)

    async def explain(self, call: Call, access: Access) -> Reply:
        """A decision with its candidates, refusals and scores."""
        id = call.path[2]
        decided = self._service.decision(id) if len(id) <= MAX_ID else None
        if access.who != "person":
            # A write key is refused before anything is looked up: it may not learn which ids there are.
            require_person(access, "")
        if decided is None or (access.who == "person" and not self._theirs(decided.key, decided.person, access)):
            raise Problem(404, "no_such_decision", f"id {shown(id)}", "the decisionId of an answer", "")
        return reply(shapes.explained(decided))

    @staticmethod
    def _theirs(key: str, person: str, access: Access) -> bool:
        return f"user:{access.subject}" in (key, person)

    def _event(self, asked: Asked, request: Request, access: Access, agent: str, ip: str) -> Arrival:
        """The event that came with the request, of the same person unless it says its own ids."""
        payload = dict(asked.event or {})
        payload.setdefault("type", "track")
        if not payload.get("userId") and not payload.get("anonymousId"):
            ids = {"userId": asked.user_id, "anonymousId": asked.anonymous_id}
            if access.who == "person" and not asked.user_id:
                ids["userId"] = access.subject
            payload |= {name: value for name, value in ids.items() if value}
        try:
            # The id follows from the decision's, so that a request sent twice records its event once.
            arrival = segment.arrival(
                payload,
                received_at=request.at,
                marks=access.marks,
                confirmed=access.whole or (access.who == "person" and payload.get("userId") == access.subject),
                new_id=lambda: f"{blake2b(request.id.encode(), digest_size=16).hexdigest()}-event",
            )
        except Rejected as rejected:
            got = f"an event that can't be taken ({rejected.detail})"
            raise Problem(400, rejected.code, got, "an event in the Segment shape") from None
        return self._cleaner.clean(arrival, agent=agent, ip=ip)


def read(body: bytes, access: Access) -> tuple[Asked, str]:
    """The request, and the digest of what it asks: the same for any order of its fields, another for another right to
    a person's history.

    Raises:
        Problem: the body is not a request.
    """
    try:
        value = decode(body)
        asked = msgspec.convert(value, Asked)
        canonical = msgspec.json.encode(value, order="sorted")
    except msgspec.ValidationError as error:
        raise Problem(400, "bad_request", str(error)[:200], "the body that /openapi.json describes") from None
    except Rejected as rejected:
        raise not_taken(rejected.code, rejected.detail, "a plain JSON object") from None
    _check(asked)
    linked = b"whole" if access.who != "write" else b"alone"
    return asked, blake2b(canonical, digest_size=16, person=linked).hexdigest()


def whose(asked: Asked, access: Access) -> str:
    """The source key that a request may decide for.

    Raises:
        Problem: a userId without a proof of it, another person's, or nobody's.
    """
    if access.who == "person":
        if asked.user_id and asked.user_id != access.subject:
            require_person(access, f"user:{asked.user_id}")
        return f"user:{access.subject}"
    if asked.user_id:
        require_person(access, f"user:{asked.user_id}")
        return f"user:{asked.user_id}"
    if asked.anonymous_id:
        return f"anon:{asked.anonymous_id}"
    raise Problem(400, "no_user_anon_id", "neither userId nor anonymousId", "one of them", "send the id of the person")


def _check(asked: Asked) -> None:
    for name, value, most in (
        ("slot", asked.slot, MAX_SLOT),
        ("userId", asked.user_id, MAX_ID),
        ("anonymousId", asked.anonymous_id, MAX_ID),
        ("decisionId", asked.decision_id, MAX_ID),
        *(("items", id, MAX_ID) for id in asked.items or ()),
    ):
        if value is not None and not (0 < len(value) <= most and value.isprintable()):
            raise Problem(
                400, f"bad_{name}", f"{name} of {len(value)} characters", f"1 to {most} printable characters", ""
            )
    if asked.slot == SLOT:
        raise Problem(400, "bad_slot", f"slot {SLOT}", "another name: this one is for the rank door's actions", "")
    if asked.limit is not None and not 1 <= asked.limit <= MAX_LIMIT:
        raise Problem(400, "bad_limit", f"limit {asked.limit}", f"1 to {MAX_LIMIT}", "leave it out for the slot's own")
    if asked.items is not None and len(asked.items) > MAX_ITEMS:
        raise Problem(400, "too_many_items", f"{len(asked.items)} items", f"at most {MAX_ITEMS}", "send fewer")
