"""The contract suites on the embedded adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from micromoments.core.delivery import Delivery
from micromoments.core.fact import Fact
from micromoments.core.item import Item
from micromoments.ports import Batch
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.audit import SqliteAudit
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.catalogue import SqliteCatalogue
from micromoments.stores.embedded.facts import ParquetFacts
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.outbox import SqliteOutbox
from micromoments.stores.embedded.policies import SqlitePolicies
from micromoments.stores.embedded.seen import FileSeen
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.contracts import (
    ArtifactsContract,
    AuditContract,
    BudgetsContract,
    CatalogueContract,
    FactsContract,
    LogContract,
    OutboxContract,
    PoliciesContract,
    SeenContract,
    StateContract,
)
from micromoments.testing.contracts.base import batch


def commit(folder: Path, what: Batch) -> None:
    """One commit of the folder's state."""
    state = SqliteState(folder / "state.sqlite")
    state.commit(what)
    state.close()


class TestSqliteLog(LogContract):
    """The log on SQLite."""

    def open(self, folder: Path) -> SqliteLog:
        """The folder's log."""
        return SqliteLog(folder / "log.sqlite")


class TestSqliteState(StateContract):
    """The state on SQLite."""

    def open(self, folder: Path) -> SqliteState:
        """The folder's state."""
        return SqliteState(folder / "state.sqlite")


class TestParquetFacts(FactsContract):
    """Facts on SQLite and Parquet."""

    def open(self, folder: Path) -> ParquetFacts:
        """The folder's facts."""
        return ParquetFacts(folder / "facts", folder / "state.sqlite")

    def commit(self, folder: Path, facts: Sequence[Fact]) -> None:
        """Through the state."""
        commit(folder, batch(facts=facts))


class TestSqliteOutbox(OutboxContract):
    """The outbox in the state's file."""

    def open(self, folder: Path) -> SqliteOutbox:
        """The folder's outbox."""
        return SqliteOutbox(folder / "state.sqlite")

    def commit(self, folder: Path, deliveries: Sequence[Delivery]) -> None:
        """Through the state."""
        commit(folder, batch(outbox=deliveries))

    def erase(self, folder: Path, person: str) -> None:
        """Through the state."""
        state = SqliteState(folder / "state.sqlite")
        state.erase(frozenset({person}), frozenset(), 0)
        state.close()

    def facts(self, folder: Path) -> list[str]:
        """Through the facts."""
        facts = ParquetFacts(folder / "facts", folder / "state.sqlite")
        found = [fact.id for fact in facts.live("deliveries")]
        facts.close()
        return found


class TestSqliteBudgets(BudgetsContract):
    """Budgets on SQLite."""

    def open(self, folder: Path) -> SqliteBudgets:
        """The folder's budgets."""
        return SqliteBudgets(folder / "budgets.sqlite")


class TestSqliteCatalogue(CatalogueContract):
    """Items in the state's file."""

    def open(self, folder: Path) -> SqliteCatalogue:
        """The folder's items."""
        commit(folder, batch())
        return SqliteCatalogue(folder / "state.sqlite")

    def commit(self, folder: Path, items: Mapping[str, Item | None]) -> None:
        """Through the state."""
        commit(folder, batch(items=items))


class TestSqlitePolicies(PoliciesContract):
    """Policies in the state's file."""

    def open(self, folder: Path) -> SqlitePolicies:
        """The folder's policies."""
        return SqlitePolicies(folder / "state.sqlite")

    def commit(self, folder: Path, policies: Mapping[str, bytes | None]) -> None:
        """Through the state."""
        commit(folder, batch(policies=policies))


class TestSqliteAudit(AuditContract):
    """The audit in SQLite."""

    def open(self, folder: Path, most: int) -> SqliteAudit:
        """The folder's audit."""
        return SqliteAudit(folder / "audit.sqlite", most)


class TestFileArtifacts(ArtifactsContract):
    """Artifacts in files."""

    def open(self, folder: Path) -> FileArtifacts:
        """The folder's artifacts."""
        return FileArtifacts(folder / "artifacts")


class TestFileSeen(SeenContract):
    """Hashes in sets, filters and files."""

    def open(self, folder: Path) -> FileSeen:
        """What the folder has seen."""
        return FileSeen(folder / "seen")
