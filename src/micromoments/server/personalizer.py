"""Azure Personalizer's API (retired in 2026): rank, reward and activate, learned by the engine's own policy.

A rank is a decision of the slot ``personalizer`` among the actions that came with it, for nobody in particular; a
reward is an event, ``Decision Rewarded``, and an activation is ``Decision Seen``. All are durable before the answer.
What was activated and brought no reward within the slot's window counts as 0. Rewards below 0 count as 0, above 1 as 1.
Its newer clients name the version in the query or a preview in the path: ``usual`` makes v1.0 of both. Several slots at
once are in ``multislot``. Source: the service's REST reference, v1.0 and 2022-09-01-preview, and its published clients.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import msgspec

from micromoments.core.decision import Decision, Request
from micromoments.core.event import Arrival, Event
from micromoments.flow.apply import FLEETING
from micromoments.policy.actions import SLOT
from micromoments.server.foreign import Routes, credential, in_words
from micromoments.server.http import JSON, Call, Reply, reply
from micromoments.server.keys import Access, Keys, require_whole
from micromoments.server.problem import Problem
from micromoments.server.service import Conflict, Service
from micromoments.sources.lenient import Rejected, decode

BASE = "/personalizer/v1.0"
MAX_BODY = 512 * 1024
MAX_ACTIONS = 50
MAX_ID = 256
_VERSION = re.compile(r"v\d+\.\d+(-preview\.\d+)?")
_KEY = b"ocp-apim-subscription-key"
_encode = msgspec.json.Encoder(order="sorted").encode


class Action(msgspec.Struct, frozen=True):
    """One of the actions: an id, and features, any JSON."""

    id: str
    features: list[Any] = []


class Ranking(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The body of a rank."""

    actions: list[Action]
    context_features: list[Any] | dict[str, Any] | None = None
    excluded_actions: list[str] | None = None
    event_id: str | None = None
    defer_activation: bool | None = None


class Personalizer:
    """The doors, for the secret key (as the subscription key, or as Bearer)."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._service = service
        self._keys = keys

    def routes(self) -> Routes:
        """The doors."""
        return {
            f"{BASE}/rank": {"POST": in_words(self.rank, said)},
            f"{BASE}/events/*/reward": {"POST": in_words(self.reward, said)},
            f"{BASE}/events/*/activate": {"POST": in_words(self.activate, said)},
        }

    async def rank(self, call: Call) -> Reply:
        """Choose an action; the event is active at once unless that is deferred."""
        access = self.access(call)
        asked = _read(await call.body(MAX_BODY))
        event = asked.event_id or str(uuid4())
        excluded = frozenset(asked.excluded_actions or ())
        actions = tuple((one.id, one.features) for one in asked.actions if one.id not in excluded)
        if not actions:
            raise Problem(400, "InvalidRankRequest", "only excluded actions", "at least one that may be served")
        digest = digested(msgspec.structs.replace(asked, event_id=event))
        decision = await self.decide(access, event, actions, asked.context_features or [], digest)
        if not asked.defer_activation:
            await self.tell(access, event, "Decision Seen", {})
        answer = {"ranking": _ranked(asked, decision), "eventId": event, "rewardActionId": decision.items[0].id}
        return reply(answer, 201)

    async def reward(self, call: Call) -> Reply:
        """What it was worth; a reward activates. One for an event that isn't known, or too late, changes nothing."""
        access = self.access(call)
        try:
            value = decode(await call.body(4096)).get("value")
        except (ValueError, AttributeError):
            raise Problem(400, "InvalidRewardRequest", "no JSON object", '{"value": 0.5}') from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Problem(400, "InvalidRewardRequest", "a value that is no number", "a number from -1 to 1")
        await self.rewarded(access, call.path[-2], float(value))
        return Reply(204)

    async def activate(self, call: Call) -> Reply:
        """The action was shown after all."""
        access = self.access(call)
        event = call.path[-2]
        if self.decision(event) is None:
            raise Problem(400, "InvalidEventIdToActivate", "an event that isn't known", "the eventId of a rank")
        await self.shown(access, event)
        return Reply(204)

    def access(self, call: Call) -> Access:
        """Who asks, with the secret key.

        Raises:
            Problem: none, or another key.
        """
        access = credential(self._keys, call, _KEY)
        require_whole(access)
        return access

    async def decide(
        self, access: Access, event: str, actions: tuple[tuple[str, Any], ...], context: Any, digest: str
    ) -> Decision:
        """Choose among actions, an id and its features each, for an event of that name; durable."""
        asked = Request(
            id=_id(event),
            slot=SLOT,
            key=_key(event),
            at=self._service.clock(),
            context={"features": context},
            digest=digest,
            marks=access.marks,
            actions=actions,
        )
        try:
            return await self._service.decide(asked)
        except Conflict:
            got, wanted = "an eventId that was used before with another body", "the same body, or a new eventId"
            raise Problem(409, "BadRequest", got, wanted) from None

    def decision(self, event: str) -> Decision | None:
        """What was decided for an event."""
        return self._service.decision(_id(event)) if len(event) <= 2 * MAX_ID + 1 else None

    async def rewarded(self, access: Access, event: str, value: float) -> None:
        """What an event was worth, where that can still count."""
        if self._open(event):
            await self.tell(access, event, "Decision Rewarded", {"reward": min(1.0, max(0.0, value))})

    async def shown(self, access: Access, event: str) -> None:
        """An event was shown after all, where that can still count."""
        if self._open(event):
            await self.tell(access, event, "Decision Seen", {})

    def _open(self, event: str) -> bool:
        """Whether a reward can still count."""
        decision = self.decision(event)
        return decision is not None and decision.until > self._service.clock()

    async def tell(self, access: Access, event: str, name: str, properties: dict[str, Any]) -> None:
        """Say by an event what became of a decision; its id follows from both, so that twice is once."""
        now = self._service.clock()
        properties = {"decision_id": _id(event), **properties}
        told = Event(type="track", event=name, anonymous_id=_key(event)[5:], properties=properties)
        body = {"type": "track", "event": name, "anonymousId": told.anonymous_id, "properties": properties}
        id = blake2b(f"{name}\n{event}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        arrival = Arrival(
            event=told, body=_encode(body), message_id=id, occurred=now, marks=access.marks, confirmed=True
        )
        await self._service.collect([arrival])


def usual(path: list[str]) -> list[str]:
    """The path as v1.0 has it, of a preview's (``v1.1-preview.3``) or of one without a version; others as they are."""
    if path[:1] != ["personalizer"]:
        return path
    rest = path[2:] if _VERSION.fullmatch("".join(path[1:2])) else path[1:]
    return ["personalizer", "v1.0", *rest]


def digested(asked: msgspec.Struct) -> str:
    """What tells one request's body from another's."""
    return blake2b(_encode(asked), digest_size=16).hexdigest()


def _id(event: str) -> str:
    """The decision's id: the event's, told apart from others'; a long one by its hash."""
    long = len(event) > 96
    name = blake2b(event.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() if long else event
    return f"rank:{name}"


def _key(event: str) -> str:
    """The source key of an event's own, fleeting person."""
    return FLEETING + blake2b(event.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _read(body: bytes) -> Ranking:
    """The request.

    Raises:
        Problem: ``InvalidRankRequest`` with what is wrong.
    """
    try:
        asked = msgspec.convert(decode(body), Ranking)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        words = error.detail.removeprefix("got ") if isinstance(error, Rejected) else str(error)
        raise Problem(400, "InvalidRankRequest", words[:200], "a rank request with actions") from None
    known = distinct([one.id for one in asked.actions], "actions")
    if unknown := set(asked.excluded_actions or ()) - known:
        raise Problem(400, "InvalidRankRequest", f"{len(unknown)} excluded that are no actions", "ids of actions")
    named(asked.event_id)
    return asked


def distinct(ids: list[str], what: str) -> set[str]:
    """Ids of actions, or of slots.

    Raises:
        Problem: too few or many, or ids that can't tell them apart.
    """
    if not 0 < len(ids) <= MAX_ACTIONS:
        raise Problem(400, "InvalidRankRequest", f"{len(ids)} {what}", f"1 to {MAX_ACTIONS}")
    if len(set(ids)) < len(ids) or not all(0 < len(id) <= MAX_ID for id in ids):
        raise Problem(400, "InvalidRankRequest", f"{what} whose ids repeat, or are empty or long", "ids of their own")
    return set(ids)


def named(event: str | None) -> None:
    """Check an event's id.

    Raises:
        Problem: it is empty or long.
    """
    if event is not None and not 0 < len(event) <= MAX_ID:
        got = f"an eventId of {len(event)} characters"
        raise Problem(400, "InvalidRankRequest", got, f"1 to {MAX_ID}, or none")


def _ranked(asked: Ranking, decision: Decision) -> list[dict[str, Any]]:
    """The chosen action first, the others by their probability; an excluded one keeps its place, with none."""
    first = decision.items[0].id
    by_probability = sorted(decision.scored, key=lambda one: (one.id != first, -one.propensity, -one.score))
    rest = [{"id": one.id, "probability": one.propensity} for one in by_probability]
    excluded = frozenset(asked.excluded_actions or ())
    for place, action in enumerate(asked.actions):
        if action.id in excluded:
            # What may be served still comes first.
            rest.insert(max(1, place), {"id": action.id, "probability": 0.0})
    return rest


def said(problem: Problem, _call: Call) -> Reply:
    """An error in the service's shape; one that has no code of its own there is named by its status."""
    code = problem.code if problem.code[:1].isupper() else {401: "401", 500: "InternalServerError"}.get(problem.status)
    error = {"code": code or "BadRequest", "message": f"got {problem.got}; wanted {problem.wanted}"}
    return Reply(problem.status, _encode({"error": error}), JSON, [*problem.headers(), (b"cache-control", b"no-store")])
