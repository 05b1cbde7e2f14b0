"""The doctor's checks of a project's folder: each an object with a name, and what it found."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import msgspec

from micromoments.cli.finding import Finding, error, note, ok, warning
from micromoments.cli.ledger import FOLDER, Entry
from micromoments.config import ConfigError, load, load_keys
from micromoments.core.event import Millis
from micromoments.core.settings import MINUTE
from micromoments.engine.wiring import AtRest
from micromoments.ports import StoreError

MIB = 2**20
SCARCE = 100 * MIB
LITTLE = 1024 * MIB
SHORT_KEY = 16
"""Characters; a random key of 16 letters and digits has 95 bits."""
FUTURE: Millis = 5 * MINUTE
RELEASED: Millis = 1_735_689_600_000
"""2025: a clock that says less was never set."""
SQLITE = (3, 38, 0)
"""The first release with all that the stores' statements use."""


class Setup(msgspec.Struct, frozen=True):
    """What the checks look at."""

    folder: Path
    rest: AtRest
    environment: Mapping[str, str]
    now: Millis


class Check(Protocol):
    """One check of a set-up."""

    name: str

    def run(self, setup: Setup) -> list[Finding]:
        """Look, and say what was found."""
        ...


class Configuration:
    """``micromoments.toml`` has no mistake."""

    name = "configuration"

    def run(self, setup: Setup) -> list[Finding]:
        """One finding a mistake."""
        try:
            settings = load(setup.folder)
        except ConfigError as mistakes:
            return [
                error(
                    self.name,
                    f"{Path(m.file).name}:{m.line} {m.setting}: got {m.got}",
                    m.wanted,
                    m.todo or "change it; docs/reference/config.md has every setting",
                )
                for m in mistakes.mistakes
            ]
        except OSError as problem:
            return [error(self.name, str(problem), "a file that this user may read", "mend its permissions")]
        named = ", ".join(sorted(settings.slots)) or "none, so every slot has the defaults"
        return [ok(self.name, f"no mistakes; slots: {named}; goals: {', '.join(sorted(settings.goals)) or 'none'}")]


class Keys:
    """Keys are there, long enough, and not the same."""

    name = "keys"

    def run(self, setup: Setup) -> list[Finding]:
        """What is missing or weak; no key is ever shown."""
        try:
            keys = load_keys(setup.folder, setup.environment)
        except ConfigError as mistakes:
            return [error(self.name, m.got, m.wanted, m.todo) for m in mistakes.mistakes]
        except OSError as problem:
            return [error(self.name, str(problem), "a file that this user may read", "mend its permissions")]
        if not keys:
            return [
                note(self.name, "none, so only this machine is served", "set a write and a secret key to serve others")
            ]
        found: list[Finding] = []
        for name, several in (("write", keys.write), ("secret", keys.secret), ("token", keys.token)):
            if any(len(key) < SHORT_KEY for key in several):
                wanted = f"at least {SHORT_KEY} random characters"
                found.append(warning(self.name, f"a {name} key of few characters", wanted, "openssl rand -hex 24"))
        if set(keys.write) & {*keys.secret, *keys.token}:
            found.append(
                error(
                    self.name,
                    "a write key that is a secret or token key too",
                    "different ones",
                    "a write key is public: change the other",
                )
            )
        if not keys.secret:
            found.append(
                warning(
                    self.name, "no secret key", "one", "without it nobody can read moments, people or reports over HTTP"
                )
            )
        return found or [ok(self.name, f"{len(keys.write)} write, {len(keys.secret)} secret, {len(keys.token)} token")]


class Lock:
    """Who has the folder open."""

    name = "owner"

    def run(self, setup: Setup) -> list[Finding]:
        """Nobody, or which process and where it serves."""
        owner = setup.rest.owner()
        if owner is None:
            return [ok(self.name, "nobody has the folder open")]
        pid, address = owner
        return [note(self.name, f"process {pid} has it open" + (f" and serves at {address}" if address else ""))]


class Permissions:
    """This user may write the folder, and others may not read it."""

    name = "permissions"

    def run(self, setup: Setup) -> list[Finding]:
        """Files that this user can't use, or that others can."""
        found: list[Finding] = []
        if not os.access(setup.folder, os.R_OK | os.W_OK | os.X_OK):
            found.append(
                error(
                    self.name,
                    f"{setup.folder} can't be written by this user",
                    "its owner",
                    "run as its owner, or chown it",
                )
            )
        open_to: list[str] = []
        for path in (setup.folder, *sorted(setup.folder.iterdir())):
            if not path.exists():
                continue  # a link to nothing
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077 and path.name != "micromoments.toml" and (path.is_file() or path == setup.folder):
                open_to.append(f"{path.name} {mode:04o}")
        private = setup.folder.stat().st_mode & 0o077 == 0  # nobody else gets into the folder, whatever its files say
        if open_to and not private:
            shown = ", ".join(open_to[:4]) + (f" and {len(open_to) - 4} more" if len(open_to) > 4 else "")
            found.append(
                warning(
                    self.name,
                    f"others may read {shown}",
                    "0700 and 0600: it holds what people did",
                    f"chmod -R go-rwx {setup.folder}",
                )
            )
        return found or [ok(self.name, "only this user may read it")]


class Disk:
    """There is room to write."""

    name = "disk"

    def run(self, setup: Setup) -> list[Finding]:
        """What is free on the folder's file system."""
        free = shutil.disk_usage(setup.folder).free
        got = f"{free / MIB:,.0f} MiB free"
        if free < SCARCE:
            return [
                error(
                    self.name,
                    got,
                    f"at least {SCARCE // MIB} MiB",
                    "free space: events are refused when the log can't be written",
                )
            ]
        if free < LITTLE:
            return [
                warning(self.name, got, f"at least {LITTLE // MIB} MiB", "free space, or shorten [retention] log_days")
            ]
        return [ok(self.name, got)]


class Log:
    """Every group of the log has its checksum and its place."""

    name = "log"

    def run(self, setup: Setup) -> list[Finding]:
        """How many records, or what is damaged."""
        try:
            return [ok(self.name, f"{setup.rest.log():,} records, checksums and positions sound")]
        except StoreError as problem:
            return [error(self.name, str(problem))]


class State:
    """Every value of the state has its checksum."""

    name = "state"

    def run(self, setup: Setup) -> list[Finding]:
        """How many values, or what is damaged."""
        try:
            return [ok(self.name, f"{setup.rest.state():,} values, checksums sound")]
        except StoreError as problem:
            return [error(self.name, str(problem))]


class Positions:
    """The state has folded no more than the log has."""

    name = "positions"

    def run(self, setup: Setup) -> list[Finding]:
        """How far the state is behind, or that it is ahead."""
        try:
            state, end = setup.rest.positions()
        except StoreError as problem:
            return [error(self.name, str(problem))]
        if state > end:
            return [
                error(
                    self.name,
                    f"the state has folded {state} records, the log ends at {end}",
                    "a log at least as long",
                    "the two are not of one folder or the log lost its end: restore a backup",
                )
            ]
        behind = f"; {end - state} are folded when it is opened" if end > state else ""
        return [ok(self.name, f"{state} of {end} records folded{behind}")]


class SealedFacts:
    """Every sealed file of facts is there and as long as its manifest says."""

    name = "facts"

    def run(self, setup: Setup) -> list[Finding]:
        """How many files and rows, or which is missing."""
        try:
            files, rows = setup.rest.facts()
        except StoreError as problem:
            return [error(self.name, str(problem))]
        return [ok(self.name, f"{files} sealed files, {rows:,} rows, as their manifest says")]


class Clock:
    """The machine's clock is set, and not behind what was written."""

    name = "clock"

    def run(self, setup: Setup) -> list[Finding]:
        """Whether the present makes sense."""
        if setup.now < RELEASED:
            return [error(self.name, "a clock that says it is before 2025", "the time", "set it (NTP)")]
        try:
            ahead = setup.rest.newest() - setup.now
        except StoreError as problem:
            return [error(self.name, str(problem))]
        if ahead > FUTURE:
            return [
                error(
                    self.name,
                    f"the newest record arrived {ahead / MINUTE:,.0f} minutes from now",
                    "none later than now",
                    "the clock went back, or the folder comes from another machine: set the clock (NTP)",
                )
            ]
        return [ok(self.name, "set, and not behind the log")]


class Imports:
    """No import stopped half-way."""

    name = "imports"

    def run(self, setup: Setup) -> list[Finding]:
        """Files whose import was not finished."""
        found: list[Finding] = []
        for path in sorted((setup.folder / FOLDER).glob("*.json")):
            try:
                entry = msgspec.json.decode(path.read_bytes(), type=Entry)
            except (OSError, msgspec.MsgspecError) as problem:
                found.append(error(self.name, f"{path.name}: {problem}", "an entry of an import", "restore a backup"))
                continue
            if not entry.finished:
                got = f"{entry.file} was imported up to its event {entry.emitted:,}"
                found.append(warning(self.name, got, "all of it", "run the same import again; it goes on there"))
        return found or [ok(self.name, "none is half done")]


class Versions:
    """What the engine stands on is new enough."""

    name = "versions"

    def run(self, setup: Setup) -> list[Finding]:  # noqa: ARG002 the interface's
        """Which versions run."""
        ours, python = version("micromoments"), platform.python_version()
        got = f"micromoments {ours}, Python {python}, SQLite {sqlite3.sqlite_version}"
        if sqlite3.sqlite_version_info < SQLITE:
            wanted = f"SQLite {'.'.join(map(str, SQLITE))} or newer"
            return [error(self.name, got, wanted, "use a Python that was built with a newer SQLite")]
        return [ok(self.name, got)]


CHECKS: Sequence[Check] = (
    Versions(), Configuration(), Keys(), Lock(), Permissions(), Disk(), Clock(), Log(), State(), Positions(),
    SealedFacts(), Imports(),
)  # fmt: skip
"""In the order in which they are run and shown."""


ANYWHERE: Sequence[Check] = (Versions(), Configuration(), Imports())
"""Of a project that is on a cluster: what its folder on any machine still says."""


def examine(setup: Setup, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Every check's findings."""
    return [finding for check in checks for finding in check.run(setup)]
