"""The doctor's checks of a project that is on a cluster: what its servers, workers and stores must be like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from micromoments.cli.finding import Finding, error, note, ok, warning
from micromoments.ports import StoreError

if TYPE_CHECKING:
    from micromoments.config import Cluster
    from micromoments.engine.cluster.both import Moving

BEHIND = 10_000
"""Records that wait to be folded, past which that is worth a warning."""


def examine(folder: Path, cluster: Cluster) -> list[Finding]:
    """Look at both stores, and at who works on them; nothing is changed, but topics that aren't there are made."""
    from micromoments.config import load
    from micromoments.engine.cluster.both import open_moving
    from micromoments.engine.service import now_ms

    try:
        both = open_moving(folder, cluster, load(folder), now_ms())
    except (StoreError, ValueError) as problem:
        return [error("cluster", str(problem), "Kafka and Redis within reach", "look at both, and at [cluster]")]
    try:
        return [one for check in CHECKS for one in _tried(check, both)]
    finally:
        both.shared.close()


def _tried(check: Callable[[Moving], list[Finding]], both: Moving) -> list[Finding]:
    try:
        return check(both)
    except StoreError as problem:
        return [error(check.__name__.strip("_"), str(problem), "an answer", "look at that store, then ask again")]


def _move(both: Moving) -> list[Finding]:
    mark = both.mark()
    if mark is None or mark.state == "moved":
        return [ok("move", "served from here" + (", came from a folder" if mark else ""))]
    return [error("move", f"the move is {mark.state!r}", "one that is done", "see micromoments migrate --help")]


def _redis(both: Moving) -> list[Finding]:
    db, found = both.shared.database, list[Finding]()
    for name, wanted, why, bad in (
        ("appendonly", "yes", "without it a restart loses people, and the keys that the log is sealed with", error),
        ("appendfsync", "always", "else a power cut loses the last second's keys, and with them what came", warning),
        ("maxmemory-policy", "noeviction", "anything else lets people and keys go when memory is short", error),
    ):
        try:
            answers = db.everywhere("CONFIG", "GET", name)
        except StoreError as problem:
            found.append(note("redis", f"{name} can't be asked ({problem})", f"make sure that it is {wanted}: {why}"))
            continue
        got = {_value(answer) for answer in answers}
        if got == {wanted}:
            found.append(ok("redis", f"{name} is {wanted}"))
        else:
            found.append(bad("redis", f"{name} is {', '.join(sorted(got))}", wanted, why))
    return found


def _value(answer: object) -> str:
    """The value in an answer of ``CONFIG GET``: a mapping, or a list of name and value."""
    value = list(answer.values())[0] if isinstance(answer, dict) else list(answer)[-1]  # type: ignore[call-overload] # noqa: RUF015
    return value.decode() if isinstance(value, bytes) else str(value)


def _workers(both: Moving) -> list[Finding]:
    shared, count = both.shared, both.copies.workers()
    ends = both.copies.ends()
    behind = sum(
        max(0, ends[shared.events.topic, n][1] - shared.of_partition(n).position()) for n in range(shared.events.count)
    )
    said = f"{count} workers, {shared.events.count} partitions, {behind:,} records to fold"
    if not count and behind:
        return [error("workers", said, "at least one worker", "start one: micromoments work FOLDER")]
    if not count:
        return [warning("workers", said, "at least one worker", "start one: micromoments work FOLDER")]
    if behind > BEHIND:
        return [warning("workers", said, f"at most {BEHIND:,} that wait", "start more workers, or look at theirs")]
    return [ok("workers", said)]


def _facts(both: Moving) -> list[Finding]:
    sealed = both.facts.sealed()
    if gone := sorted(name for name in sealed if not both.facts.there(name)):
        return [error("facts", f"{len(gone)} files are gone, such as {gone[0]}", "all of them", "restore them")]
    return [ok("facts", f"{len(sealed)} files, {sum(row['count'] for row in sealed.values()):,} rows, all there")]


CHECKS = (_move, _redis, _workers, _facts)
