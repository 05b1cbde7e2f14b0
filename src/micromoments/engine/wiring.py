"""The only place that names a store: opens a project's folder and hands the engine its ports."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from micromoments.config import in_folder, load, load_secret, silent_changes, starter
from micromoments.core.decision import Decision
from micromoments.core.event import Millis
from micromoments.core.person import Link
from micromoments.core.record import Record
from micromoments.core.settings import Destination, Retention, Settings
from micromoments.engine.reporter import Reporter
from micromoments.engine.vectors import near
from micromoments.ports import (
    Artifacts,
    Audit,
    Batch,
    Budgets,
    Catalogue,
    Channel,
    Facts,
    Log,
    Outbox,
    Policies,
    Router,
    Seen,
    State,
    StoreError,
)
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.weights import decode
from micromoments.report.ask import Query
from micromoments.retrieve.search import Meaning
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.audit import SqliteAudit
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.catalogue import SqliteCatalogue
from micromoments.stores.embedded.folder import Folder
from micromoments.stores.embedded.index import index_folder
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.outbox import SqliteOutbox
from micromoments.stores.embedded.policies import SqlitePolicies
from micromoments.stores.embedded.seen import FileSeen
from micromoments.stores.embedded.state import SqliteState

if TYPE_CHECKING:
    from micromoments.stores.embedded.facts import ParquetFacts

ACTIVE_CONFIG = "active:config"
ACTIVE_MODEL = "active:model"
ACTIVE_WEIGHTS = "active:weights"


@dataclass(frozen=True, slots=True)
class Stores:
    """A folder's ports, open, with its settings and model; ``close`` closes all of them."""

    settings: Settings
    recogniser: Recogniser
    log: Log
    state: State
    facts: Callable[[], Facts]
    catalogue: Catalogue
    policies: Policies
    budgets: Budgets
    artifacts: Artifacts
    seen: Seen
    outbox: Outbox
    channel: Callable[[str, Destination], Channel]
    audit: Audit
    committing: Callable[[Batch], Generator[None, None, Callable[[], None]]]
    position: Callable[[], int]
    people: Callable[[], int]
    decisions_of: Callable[[Iterable[str], Iterable[str]], Sequence[Decision]]
    links_naming: Callable[[Iterable[str]], Mapping[str, Link]]
    forget_decisions: Callable[[Millis], int]
    reports: Callable[[str, Mapping[str, str], Settings], Awaitable[dict[str, object]]]
    seal: Callable[[Millis], Awaitable[int]]
    folder: Path
    apart: bool
    router: Router | None
    meaning: Meaning | None
    index: Callable[..., str]
    serving: Callable[[str], None]
    token: str
    config_text: Callable[[], str]
    write_config: Callable[[str], None]
    close: Callable[[], None]

    @property
    def retention(self) -> Retention:
        """How long things are kept."""
        return self.settings.retention


def open_stores(
    path: Path | str, settings: Settings | None = None, *, now: Millis = 0, apart: bool = False, synced: bool = True
) -> Stores:
    """Open a folder, made if absent, and become its owner. ``now`` bounds which messages must be known as seen;
    ``apart`` runs reports in a process of their own; ``synced`` is the log's.

    Raises:
        StoreError: another process owns the folder, or something in it can't be read.
        ValueError: the configuration has a mistake, or changes a running experiment, or the project is on a cluster.
    """
    if settings is None:
        in_folder(Path(path))
    folder = Folder.open(path)
    try:
        stores = open_held(folder, settings, now, apart=apart, synced=synced)
    except BaseException:
        folder.close()
        raise

    def close() -> None:
        stores.close()
        folder.close()

    return replace(stores, close=close)


def open_held(
    folder: Folder, given: Settings | None, now: Millis, *, apart: bool = False, synced: bool = True
) -> Stores:
    """Open a folder whose lock is held, and stays so when its stores are closed."""
    if given is None and not folder.config.exists():
        folder.config.write_text(starter(folder.path.name), encoding="utf-8")
    settings = given if given is not None else load(folder.path)
    with ExitStack() as opened:  # what was opened before something fails is closed again
        log = opened.enter_context(closing(SqliteLog(folder.log, synced=synced)))
        state = opened.enter_context(closing(SqliteState(folder.state)))
        policies = opened.enter_context(closing(SqlitePolicies(folder.state)))
        kept = policies.load()
        _guard(kept.get(ACTIVE_CONFIG), settings)
        catalogue = opened.enter_context(closing(SqliteCatalogue(folder.state)))
        budgets = opened.enter_context(closing(SqliteBudgets(folder.budgets)))
        audit = opened.enter_context(closing(SqliteAudit(folder.audit)))
        seen = opened.enter_context(closing(FileSeen(folder.seen, log.mids, now)))
        outbox = opened.enter_context(closing(SqliteOutbox(folder.state)))
        facts = opened.enter_context(closing(_Late(folder)))
        reporter = opened.enter_context(closing(Reporter(folder.path, answer, seal, let_go, apart=apart, begin=beside)))
        return Stores(
            settings=settings,
            recogniser=Recogniser(settings, weights=decode(kept.get(ACTIVE_WEIGHTS, b""))),
            log=log,
            state=state,
            facts=facts.open,
            catalogue=catalogue,
            policies=policies,
            budgets=budgets,
            artifacts=FileArtifacts(folder.artifacts),
            seen=seen,
            outbox=outbox,
            channel=lambda name, destination: open_channel(folder.path, name, destination),
            audit=audit,
            committing=state.committing,
            position=state.position,
            people=state.size,
            decisions_of=state.decisions_of,
            links_naming=state.links_naming,
            forget_decisions=state.forget_decisions,
            reports=reporter.report,
            seal=reporter.seal,
            folder=folder.path,
            apart=apart,
            router=roads(folder.path / settings.roads) if settings.roads else None,
            meaning=near(folder.path / settings.meaning) if settings.meaning else None,
            index=lambda made_by, **anew: index_folder(folder.path / "index", catalogue.size(), made_by, **anew),
            serving=folder.serving,
            token=folder.token,
            config_text=(lambda: folder.config.read_text(encoding="utf-8")) if given is None else str,
            write_config=lambda text: _write(folder.config, text),
            close=opened.pop_all().close,
        )


def open_channel(
    folder: Path, name: str, destination: Destination, environment: Mapping[str, str] = os.environ
) -> Channel:
    """A destination's channel, with its secret from where the settings say.

    Raises:
        ValueError: the secret isn't there, or isn't one, or what the channel needs isn't installed.
    """
    try:
        secret = load_secret(destination.secret, folder, environment)
        match destination.kind:
            case "webhook":
                from micromoments.channels.webhook import WebhookChannel

                return WebhookChannel(destination, secret)
            case "notify":
                from micromoments.channels.notify import NotifyChannel

                return NotifyChannel(destination, secret)
            case "push":
                from micromoments.channels.webpush import PushChannel

                return PushChannel(destination, secret)
            case "file":
                from micromoments.channels.files import FileChannel

                return FileChannel(destination, folder)
            case "kafka":
                from micromoments.channels.kafka import KafkaChannel

                return KafkaChannel(destination, secret)
            case "parquet":
                from micromoments.channels.parquet import ParquetChannel

                return ParquetChannel(destination, secret)
    except ValueError as error:
        raise ValueError(f"destinations.{name}: {error}") from None


def pack(record: Record) -> bytes:
    """A record as a log of one record: to travel alone, with its checksum."""
    return codec.encode_group([record])


def unpack(body: bytes) -> Record:
    """The record that ``pack`` packed.

    Raises:
        Corrupt: these are not its bytes.
    """
    return codec.decode_group(body, "a record on its way")[0]


def _write(path: Path, text: str) -> None:
    from micromoments.stores.embedded.files import whole

    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


class _Late:
    """The facts, opened when first asked for: DuckDB and Arrow take a quarter of a second and 60 MB to load."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._opened: ParquetFacts | None = None

    def open(self) -> Facts:
        """The facts."""
        if self._opened is None:
            from micromoments.stores.embedded.facts import ParquetFacts

            self._opened = ParquetFacts(self._folder.facts, self._folder.state)
        return self._opened

    def close(self) -> None:
        """Close them if they were opened."""
        if self._opened is not None:
            self._opened.close()


def roads(extract: Path) -> Router:
    """A router over an OpenStreetMap extract; ``ValueError`` where it can't be read."""
    from micromoments.stores.embedded.roads import Roads

    return Roads(extract)


def _guard(active: bytes | None, settings: Settings) -> None:
    """Refuse settings that change an experiment while it runs."""
    if not active:
        return
    refused = silent_changes(msgspec.json.decode(active, type=Settings, strict=False), settings)
    if refused:
        raise ValueError("\n".join(refused))


def beside() -> None:
    """In a process beside serving, at its start: a core is left to serving."""
    from micromoments.stores.embedded.query import leave_a_core

    leave_a_core()


def answer(folder: Path, name: str, params: dict[str, str], settings: Settings) -> dict[str, object]:
    """In the reports' process: one report."""
    from micromoments.report.reports import run
    from micromoments.stores.embedded.standing import standing

    with standing(folder) as query:
        return run(query, name, params, settings, query.rollups)


def let_go(folder: Path) -> None:
    """Close what reports of a folder left open in this process."""
    from sys import modules

    if "micromoments.stores.embedded.standing" in modules:  # else nothing was asked, and DuckDB isn't loaded for it
        from micromoments.stores.embedded.standing import let_go

        let_go(folder)


def asking(folder: Path | str) -> Query:
    """Ask a folder's facts in SQL without owning it, as last committed.

    Raises:
        StoreError: there are none, or they can't be read.
    """
    from micromoments.stores.embedded.facts import query

    if not (Path(folder) / "state.sqlite").exists():
        raise StoreError(f"got {folder}, which is no project's folder; wanted one that a server or an import made")
    return query(folder)


def seal(folder: Path, until: Millis, *, tidy: bool = True) -> int:
    """In the reports' process: one sealing."""
    from micromoments.stores.embedded.facts import seal_folder

    return seal_folder(folder, until, tidy=tidy)


@dataclass(frozen=True, slots=True)
class AtRest:
    """What can be asked of a folder without owning it. Each question raises ``StoreError`` with what is wrong.

    ``owner`` is the (pid, address) of the process that has it open, None where nobody does. ``log`` and ``state`` read
    and check everything and count it; ``positions`` are (the state's, the log's end); ``facts`` compares the sealed
    files with their manifest, and gives (files, rows); ``newest`` is the latest arrival in the log. ``token`` is the
    key that the owner takes from the folder's own user.
    """

    owner: Callable[[], tuple[int, str] | None]
    log: Callable[[], int]
    state: Callable[[], int]
    positions: Callable[[], tuple[int, int]]
    facts: Callable[[], tuple[int, int]]
    newest: Callable[[], Millis]
    token: Callable[[], str]


def at_rest(path: Path | str) -> AtRest:
    """The questions of a project's folder that ``micromoments doctor`` asks."""
    from micromoments.stores.embedded import inspect
    from micromoments.stores.embedded.folder import owner

    folder = Path(path)
    return AtRest(
        owner=lambda: (found.pid, found.address) if (found := owner(folder)) is not None else None,
        log=lambda: inspect.log(folder),
        state=lambda: inspect.state(folder),
        positions=lambda: inspect.positions(folder),
        facts=lambda: inspect.facts(folder),
        newest=lambda: inspect.newest(folder),
        token=lambda: found.token if (found := owner(folder)) is not None else "",
    )


def copy_to_learn(folder: Path | str, target: Path | str) -> None:
    """Copy of a folder, which may be in use, what learning needs: settings, state and log. ``target`` is empty.

    Raises:
        StoreError: something can't be read or written.
    """
    from micromoments.stores.embedded.backup import copy_core

    in_folder(Path(folder))
    copy_core(folder, target)


def back_up(folder: Path | str, target: Path | str) -> Mapping[str, int]:
    """Copy a folder, which may be in use, to a new one; gives how much there is of what. It must be empty."""
    from micromoments.stores.embedded.backup import backup

    in_folder(Path(folder))
    return backup(folder, target).counts


def verify_backup(target: Path | str) -> Mapping[str, int]:
    """Read a backup whole and check it against its manifest; gives how much there is of what."""
    from micromoments.stores.embedded.backup import verify

    return verify(target).counts


def restore_backup(target: Path | str, folder: Path | str) -> Mapping[str, int]:
    """Make a folder, which must be empty or absent, from a sound backup; gives how much there is of what."""
    from micromoments.stores.embedded.backup import restore

    return restore(target, folder).counts
