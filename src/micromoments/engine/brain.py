"""What the engine has learned as a whole: a policy a slot, and the catalogue's popularity; kept and read back as
bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.outcome import Outcome
from micromoments.core.record import ActivationRecord
from micromoments.core.settings import Settings
from micromoments.flow.learn import learn
from micromoments.flow.view import DEFAULT
from micromoments.learn.guard import Guard
from micromoments.learn.worth import Worth
from micromoments.policy import decode, known, make
from micromoments.policy.actions import SLOT as ACTIONS
from micromoments.policy.actions import width
from micromoments.policy.base import Policy
from micromoments.retrieve.catalog import Catalog

log = logging.getLogger("micromoments")
CATALOG = "catalog"
PREFIX = "policy:"
GUARD = "guard:"
WORTH = "worth:"
SESSIONS = "sessions"
"""What an activation of a model of sessions says that it activates (``ActivationRecord.what``)."""
POLICY = "policy"
"""What an activation of a policy's version says that it activates (``ActivationRecord.what``)."""
SINCE = " since "
"""In such an activation's digest, between its version and the one that it was made of: it holds only where that is
still in force, so that nothing that was learned in between is lost.
"""

MAX_IDLE = 256
"""Policies that are kept though they have learned nothing: any request may name a slot, and one takes up to 70 KB."""

MAX_UNNAMED = 256
"""Slots that no setting names whose policies are kept once they learned: who may send events may make them learn."""

FROM = " from "
"""The same where outcomes are learned in another process: between the version and the place among the lessons up to
which what it was made of had learned. Whoever learns then learns what came in between on top of it.
"""


class Saved(msgspec.Struct, array_like=True):
    """A learned state and the log position up to which it has learned."""

    position: int
    body: bytes


@dataclass
class Pupil:
    """Of a policy that is being taught apart: what the one in force has learned meanwhile, and how it ended: taken, or
    lost as another state was put in force.
    """

    learned: list[tuple[Decision, Outcome]] = field(default_factory=list)
    end: Literal["", "taken", "lost"] = ""


class Policies(Mapping[str, Policy]):
    """The policies by ``<slot>:<name>``, each made at first use; ``default`` is what held-out people get."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        self._policies: dict[str, Policy] = {DEFAULT: make("popular")}
        self._room = MAX_IDLE
        self._put: set[str] = set()
        self._kept = {k: v for k, v in kept.items() if k.startswith(PREFIX)}
        self.dirty: set[str] = set()
        self.guards = {k.removeprefix(GUARD): Guard.decode(v) for k, v in kept.items() if k.startswith(GUARD)}
        self._weighed: set[str] = set()
        self._pupils: dict[str, Pupil] = {}
        self.worths = {k.removeprefix(WORTH): Worth.decode(v) for k, v in kept.items() if k.startswith(WORTH)}
        self._valued: set[str] = set()
        self._gone: set[str] = set()
        self.place = 0
        """Up to where among the lessons another process had learned what ``renew`` took over."""

    def __getitem__(self, key: str) -> Policy:
        policy = self._policies.get(key)
        if policy is None:
            if len(self._policies) >= self._room:
                self._let_go()
            slot, _, name = key.rpartition(":")
            body = self._kept.get(PREFIX + key)
            policy = decode(name, body) if body is not None else make(name, width(slot))
            self._policies[key] = policy
        return policy

    def _let_go(self) -> None:
        """Forget the policies that have learned nothing, which are made again as they were."""
        told = {DEFAULT, *self._put, *self._pupils, *(key.removeprefix(PREFIX) for key in self._kept)}
        self._policies = {key: policy for key, policy in self._policies.items() if policy.version or key in told}
        self._room = len(self._policies) + MAX_IDLE

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def renew(self, kept: Mapping[str, bytes]) -> None:
        """Take over what another process learned: states that changed are decoded anew, when they are next needed."""
        states = {k: v for k, v in kept.items() if k.startswith(PREFIX)}
        for key in {*states, *self._kept}:
            if self._kept.get(key) != states.get(key):
                self._policies.pop(key.removeprefix(PREFIX), None)
        self._kept = states
        self.guards.update({k.removeprefix(GUARD): Guard.decode(v) for k, v in kept.items() if k.startswith(GUARD)})

    def learned(self) -> list[str]:
        """The keys of the policies that have learned something, sorted."""
        keys = {*self._policies, *(key.removeprefix(PREFIX) for key in self._kept)} - {DEFAULT}
        return sorted(key for key in keys if self[key].version)

    def restore(self, record: ActivationRecord) -> None:
        """Put another state of a policy in force, unless it was made of one that has learned more since."""
        key, (_, _, before) = record.name, record.digest.partition(SINCE)
        if before and self[key].version != int(before):
            return
        self._policies[key] = decode(key.rpartition(":")[2], record.body)
        self._put.add(key)
        self.dirty.add(key)
        if (pupil := self._pupils.pop(key, None)) is not None:
            pupil.end = "taken" if before else "lost"
        slot = key.rpartition(":")[0]
        if slot in self.guards:
            self.guards[slot].restart()
            self._weighed.add(slot)

    def teach_apart(self, key: str) -> Pupil:
        """From now on note what a policy learns, until another state of it is put in force or ``leave`` is called."""
        if key in self._pupils:
            raise ValueError(f"got a second log for {key} while it learns one; wanted one at a time; try again later")
        return self._pupils.setdefault(key, Pupil())

    def leave(self, key: str, pupil: Pupil) -> None:
        """Note no more."""
        if self._pupils.get(key) is pupil:
            del self._pupils[key]

    def rewarded(self, outcome: Outcome) -> Outcome:
        """The outcome as it is learned: where the slot's reward is money, with what that comes to in [0, 1]."""
        if outcome.worth is None:
            return outcome
        self._valued.add(outcome.slot)
        return self.worths.setdefault(outcome.slot, Worth()).rewarded(outcome)

    def weigh(self, decision: Decision, outcome: Outcome) -> None:
        """Take in what an outcome says of a slot's policy against its default."""
        if decision.guard and self.guards.setdefault(decision.slot, Guard()).weigh(decision, outcome):
            self._weighed.add(decision.slot)

    def taught(self, decision: Decision, outcome: Outcome, settings: Settings) -> None:
        """Learn from what came of a decision: the slot's guard, the policy that decided, and its apprentice. The first
        that a slot learns may be one too many for the slots that ``settings`` don't name.
        """
        rewarded = self.rewarded(outcome)
        self.weigh(decision, rewarded)
        for name in filter(known, dict.fromkeys((decision.policy.name, decision.apprentice))):
            key = f"{decision.slot}:{name}"
            new = not self[key].version
            if learn(self[key], decision, rewarded):
                self.dirty.add(key)
                if key in self._pupils:
                    self._pupils[key].learned.append((decision, rewarded))
                if new:
                    self._make_room(decision.slot, settings)

    def _make_room(self, slot: str, settings: Settings) -> None:
        """Where a slot that no setting names is one too many of them, let go of the one that learned least."""
        if slot in (named := slots_of(settings)):
            return
        learned = dict.fromkeys((key.rpartition(":")[0] for key in self.learned()), 0)
        for key in self.learned():
            learned[key.rpartition(":")[0]] += self[key].version
        others = sorted(learned.keys() - named - {slot}, key=lambda other: (learned[other], other))
        for other in others[: max(0, len(others) + 1 - MAX_UNNAMED)]:
            self._forget(other)

    def _forget(self, slot: str) -> None:
        for key in [key for key in self.learned() if key.rpartition(":")[0] == slot]:
            del self._policies[key]
            self._kept.pop(PREFIX + key, None)
            self._gone.add(PREFIX + key)
            self._put.discard(key)
            self.dirty.discard(key)
            if (pupil := self._pupils.pop(key, None)) is not None:
                pupil.end = "lost"
        for prefix, held, changed in ((GUARD, self.guards, self._weighed), (WORTH, self.worths, self._valued)):
            if slot in held:
                del held[slot]
                changed.discard(slot)
                self._gone.add(prefix + slot)

    def taught_again(self, key: str, decision: Decision, outcome: Outcome) -> None:
        """Learn in one policy what its state before had learned, and the one in force was made without."""
        slot, _, name = key.rpartition(":")
        if decision.slot != slot or name not in (decision.policy.name, decision.apprentice):
            return
        if outcome.worth is not None:
            # What rewards come to is known already: only how much this one is.
            outcome = Worth.decode(self.worths.get(slot, Worth()).encode()).rewarded(outcome)
        if known(name) and learn(self[key], decision, outcome):
            self.dirty.add(key)

    @property
    def changed(self) -> bool:
        """Whether anything was learned since it was last encoded."""
        return bool(self.dirty or self._weighed or self._valued)

    def encoded(self) -> dict[str, bytes | None]:
        """What learned, weighed or valued since the last call, by key, encoded; ``None`` for what was let go of."""
        out: dict[str, bytes | None] = dict.fromkeys(sorted(self._gone))
        for key in sorted(self.dirty):
            try:
                out[PREFIX + key] = self[key].encode()
            except Exception:  # somebody's own policy may do anything: nobody's people wait for it
                log.exception("what policy %s learned can't be encoded; it is kept in memory alone", key)
        out |= {GUARD + slot: self.guards[slot].encode() for slot in sorted(self._weighed)}
        out |= {WORTH + slot: self.worths[slot].encode() for slot in sorted(self._valued)}
        for changed in (self.dirty, self._weighed, self._valued, self._gone):
            changed.clear()
        return out


def slots_of(settings: Settings) -> set[str]:
    """The slots that settings name."""
    tried = {experiment.slot for experiment in settings.experiments.values()}
    return {ACTIONS, *settings.slots, *tried, *(trigger.slot for trigger in settings.triggers.values())}


def packing(catalog: Catalog, position: int) -> Generator[None, None, bytes]:
    """The catalogue's learned part as of this call, with the position up to which it learned, in steps."""
    return _packed(catalog.encoding(), position)


def _packed(learned: Generator[None, None, list[bytes]], position: int) -> Generator[None, None, bytes]:
    pieces = yield from learned
    # As msgspec writes ``Saved``, but for the body's length, always four bytes: the pieces are put together once.
    head = msgspec.msgpack.encode(Saved(position, b""))[:-2] + b"\xc6" + sum(map(len, pieces)).to_bytes(4, "big")
    return b"".join([head, *pieces])


def restore_catalog(catalog: Catalog, kept: Mapping[str, bytes]) -> int:
    """Put back the catalogue's learned part; give the position from which it has to learn again."""
    body = kept.get(CATALOG)
    if body is None:
        return 0
    saved = msgspec.msgpack.decode(body, type=Saved)
    catalog.restore(saved.body)
    return saved.position
