"""How many machines, how much disk and what money so many people take, computed from what was measured.

    python tools/sizing.py                                   # the table of docs/howto/sizing.md
    python tools/sizing.py --people 5e6 --events 8 --node 180 # your own: people, events a person a day, a node's price

``MEASURED`` are measurements of this repository, each with where it stands. ``Assumed`` is what nobody can measure for
you: it is all on the command line. Money is whatever you say that a node and a terabyte cost you.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

MEASURED: Mapping[str, tuple[float, str]] = {
    "one_box_events": (10_800, "events a second in batches, to the moment that can be read: measured.md, two cores"),
    "one_box_mixed": (795, "decisions a second beside as many events, one box, of several runs the least: measured.md"),
    "person_bytes": (2_846, "a person's state at the most, after 10,000 events: README"),
    "decision_bytes": (1_183, "a decision in a folder: benchmarks.speed.redis_bytes"),
    "decision_in_redis": (1_385, "a decision in Redis: benchmarks.speed.redis_bytes"),
    "ids_in_redis": (
        162 + 200 + 149 + 2 * 262,
        "a known person's link, user, sealing key and lists of decisions in Redis: benchmarks.speed.redis_bytes",
    ),
    "message_in_redis": (20, "a message that is known for a day and a half, at the most: ADR 0042"),
    "redis_factor": (1_100 / 717, "bytes in Redis for a byte of a person's state: ADR 0042"),
    "cluster_event": (
        825e-6,
        "a server's, four workers', Redis's and Kafka's processor time for an event: docs/howto/sizing.md",
    ),
    "cluster_decision": (6.7e-3, "the same for a decision, of 100 items, folded: docs/howto/sizing.md"),
    "log_bytes": (
        303,
        "bytes of the log an event, its ticks included: 6,000 events of RetailRocket, 1,815,705 bytes",
    ),
    "fact_bytes": (83, "bytes of sealed facts an event, its moments included: the same, 498,891 bytes"),
}
DAY = 86_400
SEEN_DAYS = 1.5
"""How long a cluster's Redis knows a message."""
SHARDS = 64
"""Shards of a project's state on Redis; their number bounds the nodes (ADR 0042)."""

HEADS = ("people", "events/s at the peak", "decisions/s", "cores", "partitions", "state", "log", "facts", "nodes",
         "a month", "what breaks first")  # fmt: skip


@dataclass(frozen=True)
class Assumed:
    """What is yours to say; the defaults are round numbers, not anybody's offer."""

    events: float = 1.0
    """Events a known person a day, over all of them, those who are away included."""
    decisions: float = 0.3
    """Decisions an event."""
    peak: float = 4.0
    """The busiest second against the mean one."""
    log_days: float = 14
    facts_days: float = 400
    copies: float = 3
    """Copies of the log; the state has two."""
    cores: float = 8
    memory: float = 32
    """GiB of a node."""
    busy: float = 0.5
    """The share of a node that may be used at the peak: the rest is for a node that fails."""
    node: float = 300.0
    """Money a node a month."""
    terabyte: float = 80.0
    """Money a terabyte of disk a month."""


@dataclass(frozen=True)
class Size:
    """What so many people take. Rates are a second at the peak, sizes bytes with their copies."""

    people: float
    events: float
    decisions: float
    one_box: bool
    partitions: int
    cores: float
    state: float
    log: float
    facts: float
    nodes: int
    money: float
    first: str


def size(people: float, a: Assumed) -> Size:
    """What so many known people take."""
    m = {name: value for name, (value, _) in MEASURED.items()}
    mean = people * a.events / DAY
    events, decisions = mean * a.peak, mean * a.peak * a.decisions
    one_box = max(events / m["one_box_events"], decisions / m["one_box_mixed"]) <= a.busy
    if one_box:
        cores = 1 / m["one_box_events"] * 2 * events + 1 / m["one_box_mixed"] * 2 * decisions  # both cores of that box
    else:
        cores = m["cluster_event"] * (events + decisions) + m["cluster_decision"] * decisions  # at most an outcome each
    kept = mean * DAY * a.decisions * a.log_days  # decisions that can be answered again and explained
    if one_box:
        state = people * m["person_bytes"] + kept * m["decision_bytes"]
    else:
        known = people * (m["person_bytes"] * m["redis_factor"] + m["ids_in_redis"])
        state = 2 * (known + kept * m["decision_in_redis"] + mean * DAY * SEEN_DAYS * m["message_in_redis"])
    log = mean * DAY * (1 + 2 * a.decisions) * m["log_bytes"] * a.log_days * (1 if one_box else a.copies)
    facts = mean * DAY * m["fact_bytes"] * a.facts_days
    by_cores = cores / (a.cores * a.busy)
    by_memory = 0 if one_box else state / (a.memory * 2**30 * a.busy)
    nodes = 1 if one_box else max(3, math.ceil(by_cores + by_memory))
    money = nodes * a.node + (state * one_box + log + facts) / 1e12 * a.terabyte
    partitions = 1 if one_box else max(SHARDS, 2 ** math.ceil(math.log2(max(1, events / m["one_box_events"] * 4))))
    first = _first(one_box=one_box, by_cores=by_cores, by_memory=by_memory)
    return Size(people, events, decisions, one_box, partitions, cores, state, log, facts, nodes, money, first)


def _first(*, one_box: bool, by_cores: float, by_memory: float) -> str:
    if one_box:
        return "cores: decisions share the folding process"
    if by_memory > SHARDS:
        return f"memory: more nodes than the {SHARDS} shards"
    return "memory for people and decisions" if by_memory > by_cores else "cores for decisions"


def table(sizes: Sequence[Size]) -> str:
    """The sizes as a table in Markdown."""
    rows = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    for s in sizes:
        cells = (
            _count(s.people), _count(s.events), _count(s.decisions), f"{s.cores:,.1f}", f"{s.partitions:,}",
            _bytes(s.state), _bytes(s.log), _bytes(s.facts), f"{s.nodes:,}", f"{s.money:,.0f}", s.first,
        )  # fmt: skip
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _count(n: float) -> str:
    for unit, word in ((1e9, " billion"), (1e6, " million")):
        if n >= unit:
            return f"{n / unit:,.3g}{word}"
    return f"{n:,.0f}" if n >= 10 else f"{n:.2g}"


def _bytes(n: float) -> str:
    for unit, word in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n >= unit:
            return f"{n / unit:,.3g} {word}"
    return f"{n / 1e3:,.3g} kB"


def main() -> None:
    """Print the table of the page, or of what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=float, action="append", help="known people; may be repeated")
    for field in fields(Assumed):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default)
    given = vars(parser.parse_args())
    people = given.pop("people") or [1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
    print(table([size(n, Assumed(**given)) for n in people]))


if __name__ == "__main__":
    main()
