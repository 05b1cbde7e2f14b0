"""The contract suites on the ports in memory: as they are, and behind a schedule of trouble with patience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from micromoments.core.delivery import Delivery
from micromoments.core.fact import Fact
from micromoments.core.item import Item
from micromoments.testing.contracts import (
    ArtifactsContract,
    BudgetsContract,
    CatalogueContract,
    FactsContract,
    LogContract,
    OutboxContract,
    PoliciesContract,
    SeenContract,
    StateContract,
)
from micromoments.testing.contracts.base import batch, raised
from micromoments.testing.generators import event_record, mid, person
from micromoments.testing.hostile import Crash, HostilePorts, Patient, Trouble
from micromoments.testing.memory import Disk, MemoryState

DISKS: dict[Path, Disk] = {}


class _Calm:
    """One of each port in memory; a folder's disk outlives them."""

    trouble = (0.0, 0.0)

    def ports(self, folder: Path) -> HostilePorts:
        """The folder's ports, with this class's trouble."""
        refuse, repeat = self.trouble
        disk = DISKS.setdefault(folder, Disk())
        return HostilePorts(Trouble(refuse=refuse, repeat=repeat, seed=len(folder.name)), disk)

    def commit(self, folder: Path, what: Any) -> None:
        """One commit of the folder's state."""
        name = self.committed
        MemoryState(DISKS.setdefault(folder, Disk())).commit(batch(**{name: what}))

    committed = ""


class _Hostile(_Calm):
    trouble = (0.3, 0.5)


class TestLog(_Calm, LogContract):
    """The log in memory."""

    def open(self, folder: Path) -> Any:
        """The folder's log."""
        return Patient(self.ports(folder).log)


class TestHostileLog(_Hostile, TestLog):
    """The same with trouble."""


class TestState(_Calm, StateContract):
    """The state in memory."""

    def open(self, folder: Path) -> Any:
        """The folder's state."""
        return Patient(self.ports(folder).state)


class TestHostileState(_Hostile, TestState):
    """The same with trouble."""


class TestFacts(_Calm, FactsContract):
    """Facts in memory."""

    committed = "facts"

    def open(self, folder: Path) -> Any:
        """The folder's facts."""
        return Patient(self.ports(folder).facts)

    def commit(self, folder: Path, facts: Sequence[Fact]) -> None:
        """Through the state."""
        super().commit(folder, facts)


class TestHostileFacts(_Hostile, TestFacts):
    """The same with trouble."""


class TestOutbox(_Calm, OutboxContract):
    """The outbox in memory."""

    committed = "outbox"

    def open(self, folder: Path) -> Any:
        """The folder's outbox."""
        return Patient(self.ports(folder).outbox)

    def commit(self, folder: Path, deliveries: Sequence[Delivery]) -> None:
        """Through the state."""
        super().commit(folder, deliveries)

    def erase(self, folder: Path, person: str) -> None:
        """Through the state."""
        MemoryState(DISKS.setdefault(folder, Disk())).erase(frozenset({person}), frozenset(), 0)

    def facts(self, folder: Path) -> list[str]:
        """From the disk."""
        return [fact.id for fact in DISKS.setdefault(folder, Disk()).live]


class TestHostileOutbox(_Hostile, TestOutbox):
    """The same with trouble."""


class TestBudgets(_Calm, BudgetsContract):
    """Budgets in memory."""

    def open(self, folder: Path) -> Any:
        """The folder's budgets."""
        return Patient(self.ports(folder).budgets)


class TestHostileBudgets(_Hostile, TestBudgets):
    """The same with trouble."""


class TestCatalogue(_Calm, CatalogueContract):
    """Items in memory."""

    committed = "items"

    def open(self, folder: Path) -> Any:
        """The folder's items."""
        return Patient(self.ports(folder).catalogue)

    def commit(self, folder: Path, items: Mapping[str, Item | None]) -> None:
        """Through the state."""
        super().commit(folder, items)


class TestHostileCatalogue(_Hostile, TestCatalogue):
    """The same with trouble."""


class TestPolicies(_Calm, PoliciesContract):
    """Policies in memory."""

    committed = "policies"

    def open(self, folder: Path) -> Any:
        """The folder's policies."""
        return Patient(self.ports(folder).policies)

    def commit(self, folder: Path, policies: Mapping[str, bytes | None]) -> None:
        """Through the state."""
        super().commit(folder, policies)


class TestHostilePolicies(_Hostile, TestPolicies):
    """The same with trouble."""


class TestArtifacts(_Calm, ArtifactsContract):
    """Artifacts in memory."""

    def open(self, folder: Path) -> Any:
        """The folder's artifacts."""
        return Patient(self.ports(folder).artifacts)


class TestHostileArtifacts(_Hostile, TestArtifacts):
    """The same with trouble."""


class TestSeen(_Calm, SeenContract):
    """Hashes in memory."""

    def open(self, folder: Path) -> Any:
        """What the folder has seen."""
        return Patient(self.ports(folder).seen)


class TestHostileSeen(_Hostile, TestSeen):
    """The same with trouble."""


def _take_in(ports: HostilePorts, n: int) -> None:
    """An engine in small: note, append, fold, commit."""
    if not ports.seen.fresh(mid(n), 1_000 + n):
        return
    position = ports.log.append([event_record(n, key="anon:x")])
    known, _ = ports.state.load(["anon:x"], [])
    now = person(n, last=known["anon:x"].last + 1 if "anon:x" in known else 1)
    ports.state.commit(batch(people={"anon:x": now}, position=position + 1))


def _recover(ports: HostilePorts) -> None:
    """Fold what no commit covers."""
    done = ports.disk.position
    for logged in ports.log.read(done):
        known, _ = ports.state.load(["anon:x"], [])
        now = person(0, last=known["anon:x"].last + 1 if "anon:x" in known else 1)
        ports.state.commit(batch(people={"anon:x": now}, position=logged.position + 1))


@pytest.mark.parametrize("place", range(40))
def test_a_crash_between_any_two_calls_loses_nothing(place: int) -> None:
    """Wherever the process dies, after a restart and the client's retries each message is in the log and in the
    person once.
    """
    ports = HostilePorts(Trouble(crash_at=place))
    try:
        for n in range(5):
            _take_in(ports, n)
    except Crash:
        ports = ports.restarted()
        _recover(ports)
    for n in range(5):
        _take_in(ports, n)
    assert [x.record.mid for x in ports.log.read(0)] == [mid(n) for n in range(5)]
    assert ports.disk.people["anon:x"].last == 5


def test_a_crash_is_no_ordinary_error() -> None:
    """A handler of ordinary errors doesn't swallow a crash."""
    ports = HostilePorts(Trouble(crash_at=0))
    raised(Crash, ports.log.end)
    assert not issubclass(Crash, Exception)


def test_refused_calls_have_no_effect() -> None:
    """A refused append writes nothing, and says that it may be tried again."""
    ports = HostilePorts(Trouble(refuse=1.0))
    with pytest.raises(Exception, match="nothing was done; try again"):
        ports.log.append([event_record(1)])
    assert ports.disk.end == 0
