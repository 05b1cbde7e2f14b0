"""Azure Personalizer's ranks of several slots: each gets an action of its own, and each is rewarded by itself.

The slots are decided in their order, each a decision of the slot ``personalizer`` among the actions that are left for
it, in the request's context with the slot's own features; so every propensity is that given the choices before it. The
first slot's decision is named after the event, and its digest holds the slots' ids; the others are ``<event>:<slot>``.
Source: the service's REST reference, 2022-09-01-preview.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from micromoments.server.foreign import Routes, in_words
from micromoments.server.http import Call, Reply, reply
from micromoments.server.personalizer import BASE, MAX_BODY, Action, Personalizer, digested, distinct, named, said
from micromoments.server.problem import Problem
from micromoments.sources.lenient import Rejected, decode

MAX_WORTH = 64 * 1024
MARK = "\n"
"""What parts the slots' ids in a digest."""


class Slot(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One of the slots: its id, what the application would show there by itself, what may not be shown."""

    id: str
    baseline_action: str
    features: list[Any] | dict[str, Any] = []
    excluded_actions: list[str] | None = None


class Ranking(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The body of a rank."""

    actions: list[Action]
    slots: list[Slot]
    context_features: list[Any] | dict[str, Any] | None = None
    event_id: str | None = None
    defer_activation: bool | None = None


class Worth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a slot's action was worth."""

    slot_id: str
    value: float


class Rewards(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a reward."""

    reward: list[Worth]


class MultiSlot:
    """The doors, beside those of ranks of one slot."""

    def __init__(self, one: Personalizer) -> None:
        self._one = one

    def routes(self) -> Routes:
        """The doors."""
        base = f"{BASE}/multislot"
        return {
            f"{base}/rank": {"POST": in_words(self.rank, said)},
            f"{base}/events/*/reward": {"POST": in_words(self.reward, said)},
            f"{base}/events/*/activate": {"POST": in_words(self.activate, said)},
        }

    async def rank(self, call: Call) -> Reply:
        """Choose an action for each slot; the event is active at once unless that is deferred."""
        access = self._one.access(call)
        asked = _read(await call.body(MAX_BODY))
        event = asked.event_id or str(uuid4())
        slots = [slot.id for slot in asked.slots]
        digest = digested(msgspec.structs.replace(asked, event_id=event))
        taken: dict[str, str] = {}
        for slot, name in zip(asked.slots, _names(event, slots), strict=True):
            actions = _left(asked.actions, slot, taken)
            context = [asked.context_features or [], {"slot": {"id": slot.id, "features": slot.features}}]
            told = digest if taken else MARK.join([digest, *slots])
            decision = await self._one.decide(access, name, actions, context, told)
            taken[slot.id] = decision.items[0].id
            if not asked.defer_activation:
                await self._one.tell(access, name, "Decision Seen", {})
        chosen = [{"id": slot, "rewardActionId": action} for slot, action in taken.items()]
        return reply({"slots": chosen, "eventId": event}, 201)

    async def reward(self, call: Call) -> Reply:
        """What the slots' actions were worth; what isn't known, or comes too late, changes nothing."""
        access = self._one.access(call)
        try:
            rewards = msgspec.convert(decode(await call.body(MAX_WORTH)), Rewards).reward
        except (msgspec.DecodeError, ValueError, RecursionError):
            wanted = '{"reward": [{"slotId": "top", "value": 0.5}]}'
            raise Problem(400, "InvalidRewardRequest", "no such JSON object", wanted) from None
        event = call.path[-2]
        slots = self._slots(event)
        strange = [one.slot_id for one in rewards if slots and one.slot_id not in slots]
        if strange:
            raise Problem(400, "InvalidRewardRequest", f"{len(strange)} slots that the event hasn't", ", ".join(slots))
        names = dict(zip(slots, _names(event, slots), strict=True))
        for one in rewards if slots else ():
            await self._one.rewarded(access, names[one.slot_id], one.value)
        return Reply(204)

    async def activate(self, call: Call) -> Reply:
        """The actions were shown after all."""
        access = self._one.access(call)
        event = call.path[-2]
        slots = self._slots(event)
        if not slots:
            raise Problem(400, "InvalidEventIdToActivate", "an event that isn't known", "the eventId of a rank")
        for name in _names(event, slots):
            await self._one.shown(access, name)
        return Reply(204)

    def _slots(self, event: str) -> list[str]:
        """The ids of an event's slots, in their order; none of an event that isn't known, or had one alone."""
        decision = self._one.decision(event)
        return [] if decision is None else decision.digest.split(MARK)[1:]


def _names(event: str, slots: list[str]) -> list[str]:
    """How the slots' decisions are named."""
    return [event if n == 0 else f"{event}:{slot}" for n, slot in enumerate(slots)]


def _left(actions: list[Action], slot: Slot, taken: dict[str, str]) -> tuple[tuple[str, Any], ...]:
    """What may be shown in a slot, what the application would show by itself first.

    Raises:
        Problem: nothing is left.
    """
    gone = {*taken.values(), *(slot.excluded_actions or ())}
    left = sorted((one for one in actions if one.id not in gone), key=lambda one: one.id != slot.baseline_action)
    if not left:
        raise Problem(400, "InvalidRankRequest", f"no action left for slot {slot.id[:40]}", "more, or fewer excluded")
    return tuple((one.id, one.features) for one in left)


def _read(body: bytes) -> Ranking:
    """The request.

    Raises:
        Problem: ``InvalidRankRequest`` with what is wrong.
    """
    try:
        asked = msgspec.convert(decode(body), Ranking)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        words = error.detail.removeprefix("got ") if isinstance(error, Rejected) else str(error)
        raise Problem(400, "InvalidRankRequest", words[:200], "actions, and slots with a baselineAction") from None
    known = distinct([one.id for one in asked.actions], "actions")
    slots = distinct([slot.id for slot in asked.slots], "slots")
    named(asked.event_id)
    if any(MARK in one for one in slots):
        raise Problem(400, "InvalidRankRequest", "a slot's id of two lines", "one line")
    base = {slot.baseline_action for slot in asked.slots}
    if len(base) < len(slots) or not base <= known:
        got = f"{len(base & known)} baseline actions for {len(slots)} slots"
        raise Problem(400, "InvalidRankRequest", got, "another of the actions for each slot")
    for slot in asked.slots:
        excluded = set(slot.excluded_actions or ())
        if slot.baseline_action in excluded or not excluded <= known:
            got = f"excluded actions of slot {slot.id[:40]} that are no actions, or its baseline"
            raise Problem(400, "InvalidRankRequest", got, "other actions")
    return asked
