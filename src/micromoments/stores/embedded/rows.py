"""What a commit writes to ``state.sqlite``, as rows: encoded beforehand, a value at a time, so that whoever serves
meanwhile can do so between two requests (``docs/decisions/0097-encoded-between-requests.md``).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import NamedTuple

from micromoments.core.event import Millis
from micromoments.core.fact import SCHEMAS, TABLES, Fact, Table
from micromoments.core.item import Item
from micromoments.core.person import Link
from micromoments.ports import Batch
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.database import Bulk, Laid

Frame = tuple[str, int, Millis, Millis, bytes]
"""A row of live facts: (table, count, earliest and latest received, bytes)."""
KEEP = -1
"""A timer that stays as it is, also in the SQL below."""
PER_FRAME = 250
"""Facts in a frame at the most: to encode one takes well under a millisecond, and nothing can come in between."""
PEOPLE = Bulk(
    # In the order of the keys: neighbours in the index together, so that each of its pages is touched once.
    "INSERT INTO people(key, wake, last, surrogate, body) SELECT {values} FROM {rows} ORDER BY 1 "
    "ON CONFLICT(key) DO UPDATE SET wake = CASE excluded.wake WHEN -1 THEN wake ELSE excluded.wake END, "
    "last = excluded.last, surrogate = excluded.surrogate, body = excluded.body",
    "biiib",
)
LINKS = Bulk(
    "INSERT INTO links(key, body) SELECT {values} FROM {rows} ON CONFLICT(key) DO UPDATE SET body = excluded.body", "bb"
)
DECISIONS = Bulk(
    "INSERT INTO decisions(id, at, person, source, body) SELECT {values} FROM {rows} ON CONFLICT(id) DO UPDATE SET "
    "at = excluded.at, person = excluded.person, source = excluded.source, body = excluded.body",
    "bibbb",
)
ITEMS = Bulk("INSERT OR REPLACE INTO items(id, body) SELECT {values} FROM {rows} ORDER BY 1", "bb")
WAKES = Bulk("INSERT OR REPLACE INTO wakes(key, wake) SELECT {values} FROM {rows}", "bi")
_TABLE_OF: dict[type, Table] = {SCHEMAS[table]: table for table in TABLES}


class Rows(NamedTuple):
    """A batch's new values, each as a row of its table, with the batch for what goes and all else. ``wakes`` are timers
    of people who stay as they are.
    """

    batch: Batch
    people: Laid
    links: Laid
    decisions: Laid
    items: Laid
    wakes: Laid
    frames: Sequence[Frame]


def encoded(batch: Batch) -> Generator[None, None, Rows]:
    """Encode a batch, with a step after each value and each frame of facts; it returns the rows."""
    people, decisions, wakes = PEOPLE.laid(), DECISIONS.laid(), WAKES.laid()
    for key, person in batch.people.items():
        if person is not None:
            wake = batch.timers.get(key, KEEP)
            people.add((key.encode(), wake, person.last, person.surrogate, codec.encode(person)))
            yield
    for key in batch.timers:
        if batch.people.get(key) is None:
            wakes.add((key.encode(), batch.timers[key]))
        yield
    for d in batch.decisions:
        decisions.add((d.id.encode(), d.at, d.person.encode(), d.key.encode(), codec.encode(d)))
        yield
    links = yield from _values(LINKS.laid(), batch.links)
    items = yield from _values(ITEMS.laid(), batch.items)
    frames: list[Frame] = []
    for each in live_frames(batch.facts):
        frames.append(each)
        yield
    return Rows(batch, people, links, decisions, items, wakes, frames)


def _values(laid: Laid, values: Mapping[str, Link | None] | Mapping[str, Item | None]) -> Generator[None, None, Laid]:
    for key, value in values.items():
        if value is not None:
            laid.add((key.encode(), codec.encode(value)))
            yield
    return laid


def live_frames(facts: Sequence[Fact]) -> Iterator[Frame]:
    """Rows of live facts, each of one table, in order."""
    by_table: dict[Table, list[Fact]] = {}
    for fact in facts:
        table = _TABLE_OF[type(fact)]
        rows = by_table.setdefault(table, [])
        rows.append(fact)
        if len(rows) == PER_FRAME:
            yield frame(table, by_table.pop(table))
    for table, rows in by_table.items():
        yield frame(table, rows)


def frame(table: Table, facts: Sequence[Fact]) -> Frame:
    """A row of live facts of one table."""
    received = [fact.received_at for fact in facts]
    return table, len(facts), min(received), max(received), codec.encode_facts(facts)
