"""Folds a whole log again from nothing and holds the result against the state: the proof that recovery lost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.event import Millis
from micromoments.core.person import Link, Person
from micromoments.core.record import ActivationRecord, ErasedRecord, OutcomeRecord, Record
from micromoments.core.settings import Settings
from micromoments.engine.applier import Applier
from micromoments.engine.brain import GUARD, PREFIX, WORTH, Policies
from micromoments.engine.recovery import in_force
from micromoments.engine.residents import Residents
from micromoments.engine.stream import Stream
from micromoments.engine.wiring import ACTIVE_MODEL, Stores
from micromoments.flow.view import View, config_digest
from micromoments.ports import FIRST, Batch, Log, replay
from micromoments.recognise.recogniser import Recogniser
from micromoments.retrieve.catalog import Catalog

MODEL: Final = ACTIVE_MODEL.partition(":")[2]
STRETCH: Final = 1000
"""People or links that are read at a time."""


class Empty:
    """A state that knows nobody, and budgets that nobody draws on: a replay starts from nothing and spends nothing."""

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Nobody."""
        return {}, {}

    def commit(self, batch: Batch) -> None:
        """A replay commits nothing."""

    def due(self, until: Millis, limit: int, *, after: tuple[Millis, str] = FIRST) -> Sequence[tuple[Millis, str]]:
        """The log has the ticks."""
        return ()

    def decision(self, id: str) -> Decision | None:
        """The log has the decisions."""
        return None

    def erase(self, *_asked: object) -> frozenset[int]:
        """Nobody is here."""
        return frozenset()

    def reserve(self, budget: str, units: int, limit: int, id: str, until: Millis, instead: str = "") -> bool:
        """Decisions were made; they reserve nothing again."""
        return True

    def settle(self, id: str, spend: bool) -> bool:
        """Nothing is open."""
        return False

    def expire(self, now: Millis) -> int:
        """Nothing is open."""
        return 0

    def used(self, budget: str) -> tuple[int, int]:
        """Nothing."""
        return 0, 0


class Rebuilt(msgspec.Struct, frozen=True):
    """What folding a log from nothing gives."""

    people: dict[str, Person]
    links: dict[str, Link]
    policies: dict[str, bytes]
    records: int
    position: int
    erased: int


class Kept(NamedTuple):
    """What a state has of the same, and how many people in all."""

    people: dict[str, Person]
    links: dict[str, Link]
    policies: dict[str, bytes]
    total: int


class Verdict(msgspec.Struct, frozen=True):
    """Whether state and replay agree: how much was compared, and every difference in words."""

    records: int
    people: int
    links: int
    policies: int
    differences: list[str]


def begun(log: Log, settings: Settings, recogniser: Recogniser) -> Recogniser:
    """The recogniser that a replay begins with: a trimmed log may have lost the activation of the weights in force."""
    first = log.read(0, 1)
    return Recogniser(settings, recogniser.text) if first and first[0].position == 0 else recogniser


def view_of(settings: Settings, recogniser: Recogniser, policies: Policies) -> View:
    """What a replay sees: no items, as folding needs none."""
    catalog = Catalog(settings.synonyms, settings.timezone)
    return View(settings, config_digest(settings), recogniser, catalog, policies)


def folder_of(residents: Residents, policies: Policies, view: Callable[[], View]) -> Applier:
    """An applier over nothing but these people in memory: it commits, tells and spends nothing."""
    nothing = Empty()
    applier = Applier(residents, nothing, nothing, policies, Stream(0), view, _ignore, lambda: 0)
    applier.keep_every_decision()
    return applier


def rebuild(log: Stores, settings: Settings, recogniser: Recogniser, until: int | None = None) -> Rebuilt:
    """Fold every record of the log, from nothing, as the engine did, under what the log says was in force."""
    residents = Residents(Empty(), limit=2**62)
    policies = Policies({})
    view = view_of(settings, begun(log.log, settings, recogniser), policies)

    def activated(record: Record) -> None:
        nonlocal view
        view = in_force(view, record, {})

    applier = folder_of(residents, policies, lambda: view)
    applier.activated = activated
    count = erased = 0
    stretch = []
    for logged in replay(log.log):
        if until is not None and logged.position >= until:
            break
        stretch.append((logged.position, logged.record, 0))
        count += 1
        erased += isinstance(logged.record, ErasedRecord)
        if len(stretch) == 1000:
            applier.fold(stretch)
            applier.forget_output()
            stretch = []
    if stretch:
        applier.fold(stretch)
    people, links = residents.begin()
    return Rebuilt(
        people={id: p for id, p in people.items() if p is not None},
        links={key: link for key, link in links.items() if link is not None},
        policies={key: body for key, body in policies.encoded().items() if body is not None},
        records=count,
        position=applier.position,
        erased=erased,
    )


def verify(stores: Stores) -> Verdict:
    """Hold the committed state of a folder against a replay of its log; the folder must not be serving.

    Policies are compared unless people were erased: what was learned from them stays, but can't be told again.
    """
    return against(stores, rebuild(stores, stores.settings, stores.recogniser, stores.position()))


def against(stores: Stores, rebuilt: Rebuilt) -> Verdict:
    """Hold the committed state against what a replay gave."""
    return compared(rebuilt, kept_of(stores, rebuilt))


def renewed(stores: Stores) -> int:
    """The position from which on the recogniser at hand folded the log; 0 where no other did before."""
    if stores.policies.load().get(ACTIVE_MODEL, stores.recogniser.digest.encode()) != stores.recogniser.digest.encode():
        return stores.log.end()
    came = [x.position for x in replay(stores.log) if isinstance(x.record, ActivationRecord) and x.record.what == MODEL]
    return came[-1] if len(came) > 1 else 0


def kept_of(stores: Stores, rebuilt: Rebuilt) -> Kept:
    """What the state has of what a replay gave."""
    ids, keys = sorted(rebuilt.people), sorted(rebuilt.links)
    people: dict[str, Person] = {}
    links: dict[str, Link] = {}
    for start in range(0, len(ids), STRETCH):
        people.update(stores.state.load(ids[start : start + STRETCH], [])[0])
    for start in range(0, len(keys), STRETCH):
        links.update(stores.state.load([], keys[start : start + STRETCH])[1])
    policies = {k: v for k, v in stores.policies.load().items() if k.startswith((PREFIX, GUARD, WORTH))}
    return Kept(people, links, policies, stores.people())


def compared(rebuilt: Rebuilt, kept: Kept) -> Verdict:
    """A replay and a state, value by value."""
    differences = _compare("person", rebuilt.people, kept.people) + _compare("link", rebuilt.links, kept.links)
    if not rebuilt.erased:
        differences += _compare("policy", rebuilt.policies, kept.policies)
    if kept.total != len(rebuilt.people):
        differences.append(f"the state has {kept.total} people, the replay {len(rebuilt.people)}")
    return Verdict(rebuilt.records, len(rebuilt.people), len(rebuilt.links), len(rebuilt.policies), differences)


def _compare(what: str, wanted: Mapping[str, object], got: Mapping[str, object]) -> list[str]:
    encode = msgspec.msgpack.encode
    different = []
    for key in sorted({*wanted, *got}):
        if key not in got:
            different.append(f"{what} {key} is missing from the state")
        elif key not in wanted:
            different.append(f"{what} {key} is in the state but not in the replay")
        elif encode(wanted[key]) != encode(got[key]):
            different.append(f"{what} {key} differs between state and replay")
    return different


def _ignore(outcomes: list[OutcomeRecord]) -> None:
    """The log has the outcomes already."""
