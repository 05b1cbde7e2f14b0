"""What was learned, by version: policies listed, compared, kept and put back. Putting one back is a record of the log,
so a replay does the same at the same place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from micromoments import ports
from micromoments.core.event import Millis
from micromoments.core.record import ActivationRecord, Record
from micromoments.core.settings import MINUTE, Slot
from micromoments.engine.brain import FROM, POLICY, PREFIX, SINCE, Policies
from micromoments.flow import warm
from micromoments.flow.learn import learn
from micromoments.flow.rank import acting
from micromoments.flow.view import View
from micromoments.learn.estimate import Estimate
from micromoments.learn.guard import Guard
from micromoments.learn.logged import Logged
from micromoments.learn.warm import TOLD as TOLD_ASIDE
from micromoments.learn.warm import Judged, Lesson, judge, lessons, teach
from micromoments.policy import decode, known, make
from micromoments.policy.actions import SLOT as ACTIONS
from micromoments.policy.actions import width
from micromoments.policy.base import FloatArray, Policy
from micromoments.policy.features import DIM, NAMES
from micromoments.policy.registry import FIXED

BITE = 8
"""Logged decisions read before the loop gets to serve again: a few milliseconds."""
TRIES = 30
"""Times that a taught policy is put in force while outcomes come between its making and its place in the log."""
WAITED: Millis = 10 * MINUTE
"""How long a log waits at most for another process to take the one before: it may have been put back meanwhile."""
LOOKS, LOOK = 50, 0.1
"""How often, and how many seconds apart, a server looks whether the learner took a log, before it answers."""
GROWTH = 1.25
"""A version is kept by itself whenever so many times the outcomes of the last kept one were learned: their number grows
with the logarithm of what was learned.
"""
UNTAUGHT = frozenset(kind.name for kind in FIXED)
"""Policies that no log can teach."""
TOLD = 12
"""Features that a comparison tells, those that changed most first."""


class Turn(Protocol):
    """What one process has at a time, as long as it may last."""

    def take(self) -> bool:
        """Take it; False where another has it."""
        ...

    def give(self) -> None:
        """Let the next one."""
        ...


class Learned:
    """The policies of a running engine and their kept versions. A policy is named ``<slot>:<name>``; its version is the
    number of outcomes that it learned. Where outcomes are learned in another process, ``turns`` gives the turn by a
    name that only one of all servers has.
    """

    def __init__(
        self,
        kept: ports.Policies,
        policies: Policies,
        append: Callable[[Sequence[Record]], Awaitable[None]],
        clock: Callable[[], Millis],
        view: Callable[[], View],
        turns: Callable[[str], Turn] | None = None,
    ) -> None:
        self._kept, self._policies, self._append, self._clock = kept, policies, append, clock
        self._view, self._turns = view, turns
        self._held: dict[str, tuple[Turn, int]] = {}

    def listed(self) -> list[dict[str, Any]]:
        """Every slot's policies: how many outcomes each learned, and which versions are kept."""
        return [
            {
                "policy": name,
                "slot": name.rpartition(":")[0],
                "version": self._policies[name].version,
                "kept": list(self._kept.versions(name)),
            }
            for name in self._policies.learned()
        ]

    def guards(self) -> list[dict[str, Any]]:
        """Each weighed slot's policy against its default, apprentices in shadow too: whether it would beat it."""
        settings, weighed = self._view().settings, self._policies.guards
        names = {*weighed, *(name for name, slot in settings.slots.items() if slot.guard)}
        return [
            {"slot": name, **weighed.get(name, Guard()).told(*told_of(name, settings.slot(name)))}
            for name in sorted(names)
        ]

    def keep(self, name: str) -> int:
        """Keep a policy as it is now; its version."""
        policy = self._policies[self._known(name)]
        self._kept.keep(name, policy.version, policy.encode())
        return policy.version

    def compare(self, name: str, first: int, second: int | None = None) -> dict[str, Any]:
        """What two versions of a policy hold a unit of each feature to be worth, where they differ most; the second is
        the one in force unless given.
        """
        old = self._version(name, first)
        new = self._policies[name] if second is None else self._version(name, second)
        before, after = worth(old), worth(new)
        order = np.argsort(-np.abs(after - before))[:TOLD]
        names = NAMES if len(before) == DIM else [str(n) for n in range(len(before))]
        changed = [
            {
                "feature": names[n],
                "before": float(before[n]),
                "after": float(after[n]),
                "by": float(after[n] - before[n]),
            }
            for n in order
            if after[n] != before[n]
        ]
        return {"policy": name, "before": old.version, "after": new.version, "changed": changed}

    async def rollback(self, name: str, version: int | None = None) -> dict[str, Any]:
        """Put a kept version back in force: the one before unless given. What is in force now is kept first. It is
        durable, and decides, on return.

        Raises:
            ValueError: there is no such policy, or no such version of it.
        """
        now = self.keep(name)
        earlier = [one for one in self._kept.versions(name) if one < now]
        if version is None and not earlier:
            raise ValueError(
                f"got policy {name} with no version kept before {now}; wanted one; it has nothing to go back to"
            )
        back = self._version(name, earlier[-1] if version is None else version)
        await self._activate(name, back)
        return {"policy": name, "was": now, "version": back.version}

    def version(self, name: str) -> int:
        """How many outcomes a policy has learned."""
        return self._policies[name].version

    def state(self, name: str) -> bytes:
        """A policy's state, as ``put`` takes it."""
        return self._policies[name].encode()

    async def put(self, name: str, body: bytes) -> int:
        """Put a state of a policy in force; what is in force now is kept first. Its version; durable on return.

        Raises:
            ValueError: the bytes are no state of this policy, or of one that sees other features.
        """
        slot, _, kind = name.rpartition(":")
        policy = decode(kind, body)
        policy.score(np.zeros((1, width(slot))))
        if self._policies[name].version:
            self.keep(name)
        await self._activate(name, policy)
        return policy.version

    async def reset(self, name: str) -> None:
        """Let a policy start from nothing; what is in force now is kept first."""
        slot, _, kind = name.rpartition(":")
        await self.put(name, make(kind, width(slot)).encode())

    async def warm(self, slot: str, records: Sequence[Logged], *, dry_run: bool = False) -> dict[str, Any]:
        """Teach a slot's policy, on top of what it knows, what a log of another's decisions says, judge that by the
        log's newest fifth, and put it in force. What was in force is kept first; it goes on deciding and learning
        meanwhile, and nothing of that is lost. Durable, and deciding, on return.

        Raises:
            ValueError: the slot's policy doesn't learn, no record can be used, or the policy was put back meanwhile.
        """
        name = self._teachable(slot)
        taught, wrong = await self._lessons(slot, records)
        now = self._policies[name]
        body, was = now.encode(), now.version
        judged = await asyncio.to_thread(judge, lambda: decode(name.rpartition(":")[2], body), taught)
        if not dry_run:
            self._kept.keep(name, was, body)
        return {
            "policy": name,
            "was": was,
            "version": was if dry_run else await self._teach(name, taught),
            "learned": len(taught),
            "worth": sum(one.weight for one in taught),
            "judged": None if judged is None else told_judged(judged),
            "set_aside": len(wrong),
            "why": wrong[:TOLD_ASIDE],
        }

    def _teachable(self, slot: str) -> str:
        """The name of a slot's policy; ``ValueError`` for one that learns nothing."""
        policy = self._view().settings.slot(slot).policy
        policy = acting(policy) if slot == ACTIONS else policy
        if not known(policy) or policy in UNTAUGHT:
            raise ValueError(
                f"got slot {slot!r} with policy {policy!r}, which learns nothing; wanted one that learns, such as "
                "adaptive; set the slot's policy"
            )
        return f"{slot}:{policy}"

    async def _lessons(self, slot: str, records: Sequence[Logged]) -> tuple[list[Lesson], list[str]]:
        """What a log teaches in a slot, read between the requests: the catalogue is the loop's own."""
        rows, read = warm.rows(slot, self._view(), self._clock()), list[tuple[Logged, FloatArray | None]]()
        for start in range(0, len(records), BITE):
            read += [(record, rows(record)) for record in records[start : start + BITE]]
            await asyncio.sleep(0)
        taught, wrong = lessons(read)
        if not taught:
            raise ValueError(
                f"got {len(records)} decisions, none of which can be used here ({'; '.join(wrong[:2]) or 'empty'}); "
                "wanted actions that are items of the catalogue, or the slot personalizer for others"
            )
        return taught, wrong

    async def _teach(self, name: str, taught: Sequence[Lesson]) -> int:
        """Teach a policy; the version in force. Where another process learns, one log after the other over all servers:
        one made without the log before, which the learner has yet to take, would undo it.
        """
        if self._turns is None:
            return await self._taught(name, taught)
        await self._taken(name)
        turn = self._turns(f"teach:{name}")
        if not await asyncio.to_thread(turn.take):
            raise ValueError(
                f"got a log for {name} before the learner took the one before; wanted that first, nothing is lost; "
                "see that a `micromoments learn` runs, and try again"
            )
        try:
            version = await self._taught(name, taught)
        except BaseException:
            await asyncio.to_thread(turn.give)
            raise
        self._held[name] = turn, version
        for _ in range(LOOKS):
            if await self._taken(name):
                break
            await asyncio.sleep(LOOK)
        return version

    async def _taken(self, name: str) -> bool:
        """Whether the learner took the last log that was taught here; the next one may come then."""
        turn, version = self._held.get(name, (None, 0))
        if turn is None:
            return True
        if self._policies[name].version < version:
            return False
        self._held.pop(name, None)
        await asyncio.to_thread(turn.give)
        return True

    async def _taught(self, name: str, taught: Sequence[Lesson]) -> int:
        """Teach a policy apart and put it in force with all that the one in force has learned until then; the version
        in force.
        """
        far = self._turns is not None
        pupil = self._policies.teach_apart(name)
        try:
            after, place = decode(name.rpartition(":")[2], self._policies[name].encode()), self._policies.place
            await asyncio.to_thread(teach, after, taught)
            for _ in range(TRIES):
                missed, pupil.learned = pupil.learned, []
                for decision, outcome in missed:
                    learn(after, decision, outcome)
                if pupil.end == "lost":
                    break
                since = f"{FROM}{place}" if far else f"{SINCE}{self._policies[name].version}"
                await self._activate(name, after, since)
                if far or pupil.end == "taken":
                    return after.version
        finally:
            self._policies.leave(name, pupil)
        why = "was put back to another version" if pupil.end == "lost" else f"learned more each of {TRIES} times"
        raise ValueError(f"got a log for {name}, which {why} while it was taught; nothing was changed; try again")

    async def _activate(self, name: str, policy: Policy, since: str = "") -> None:
        record = ActivationRecord(
            key="", at=self._clock(), what=POLICY, name=name, digest=f"{policy.version}{since}", body=policy.encode()
        )
        await self._append([record])

    def _known(self, name: str) -> str:
        known = self._policies.learned()
        if name not in known:
            raise ValueError(f"got policy {name!r}; wanted one of {', '.join(known) or 'none yet'}; see `policy list`")
        return name

    def _version(self, name: str, version: int) -> Policy:
        body = self._kept.version(self._known(name), version) if 0 <= version < 2**63 else None
        if body is None:
            kept = ", ".join(str(one) for one in self._kept.versions(name)) or "none"
            raise ValueError(f"got version {version} of {name}; wanted one that is kept: {kept}")
        return decode(name.rpartition(":")[2], body)


def told_of(name: str, slot: Slot) -> tuple[str, str, float]:
    """What a slot's guard speaks of: the policy, what is served instead, and how much the policy may cost."""
    if name == ACTIONS:
        return acting(slot.policy), "the first action", slot.guard
    return slot.policy, slot.default, slot.guard


def told_judged(judged: Judged) -> dict[str, Any]:
    """What the newest part of a log says, JSON as it stands."""

    def shown(e: Estimate) -> dict[str, float]:
        return {"value": e.value, "low": e.low, "high": e.high, "effective_sample_size": e.effective}

    return {
        "decisions": judged.decisions,
        "logged": judged.logged,
        "before": shown(judged.before),
        "after": shown(judged.after),
        "warnings": list(judged.after.warnings),
    }


def worth(policy: Policy) -> FloatArray:
    """What a unit of each of the engine's features adds to a policy's score (d,)."""
    gained: FloatArray = policy.score(np.eye(DIM)) - policy.score(np.zeros((1, DIM)))[0]
    return gained


def due(version: int, kept: int) -> bool:
    """Whether a policy that learned so many outcomes is to be kept, where the last kept one had learned ``kept``."""
    return version >= max(10, GROWTH * kept)


def bodies(batch: Mapping[str, bytes | None], policies: Policies) -> list[tuple[str, int, bytes]]:
    """The name, version and state of the policies of a commit."""
    told = [(key.removeprefix(PREFIX), body) for key, body in batch.items() if key.startswith(PREFIX)]
    return [(name, policies[name].version, body) for name, body in told if body is not None]


def let_go(batch: Mapping[str, bytes | None]) -> list[str]:
    """The names of the policies that a commit lets go of."""
    return [key.removeprefix(PREFIX) for key, body in batch.items() if key.startswith(PREFIX) and body is None]
