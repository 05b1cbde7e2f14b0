"""The doctor's checks of a file of events, in the manner of metarank's ``validate``: each sees every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Protocol

from micromoments.cli.finding import Finding, error, note, ok, warning
from micromoments.core.event import Arrival, Millis
from micromoments.core.settings import DAY, MINUTE
from micromoments.engine.intake import message_hash
from micromoments.recognise.behaviour import ACTS, act_of
from micromoments.sources.files import WINDOW, Bad, Read
from micromoments.sources.mapped import said

MANY = 1_000_000
"""Hashes and ids that a check remembers; past it, it says that it looked at part of the file."""
_CLICKS = {"Decision Clicked": "decision_id", "Promotion Clicked": "promotion_id", "Product Clicked": "product_id"}
_SHOWN = {
    "Decision Seen": "decision_id",
    "Promotion Viewed": "promotion_id",
    "Product List Viewed": "product_id",
    "Product Viewed": "product_id",
}
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Product Viewed": (("product_id", "sku"),),
    "Product Clicked": (("product_id", "sku"),),
    "Product Added": (("product_id", "sku"),),
    "Products Searched": (("query",),),
    "Order Completed": (("revenue", "total", "value"), ("product_id", "products", "order_id")),
    "Promotion Viewed": (("promotion_id", "name"),),
    "Decision Seen": (("decision_id",),),
    "Decision Clicked": (("decision_id",), ("item_id",)),
}
"""What a standard event is of little use without: one property of each group. Source: Segment, "Spec: V2 E-commerce"."""


class Check(Protocol):
    """One check of a file's rows."""

    name: str

    def see(self, row: Read | Bad) -> None:
        """One row, in the file's order."""
        ...

    def findings(self) -> Iterable[Finding]:
        """What was found in all rows."""
        ...


class Rows:
    """Every row makes an event."""

    name = "rows"

    def __init__(self) -> None:
        self._good = 0
        self._bad: dict[str, list[Bad]] = {}
        self._counts: Counter[str] = Counter()

    def see(self, row: Read | Bad) -> None:
        """Count it; keep the first bad ones of a kind."""
        if isinstance(row, Read):
            self._good += 1
            return
        self._counts[row.code] += 1
        self._bad.setdefault(row.code, [])
        if len(self._bad[row.code]) < 3:
            self._bad[row.code].append(row)

    def findings(self) -> Iterable[Finding]:
        """A finding for each way in which rows are bad."""
        total = self._good + sum(self._counts.values())
        for code, rows in sorted(self._bad.items()):
            lines = ", ".join(str(row.line) for row in rows)
            got = f"{self._counts[code]:,} of {total:,} rows: {code}, such as line {lines}: {rows[0].reason}"
            yield error(
                self.name, got, "rows that make an event", "mend the file or the mapping; import sets them aside"
            )
        if not total:
            yield error(self.name, "no rows", "events", "look at the file and its format")
        elif not self._bad:
            yield ok(self.name, f"{total:,} rows, all of them events")


class Order:
    """Rows stand in the order of time."""

    name = "order"

    def __init__(self) -> None:
        self._newest: Millis = 0
        self._behind = 0
        self._most: Millis = 0
        self._line = 0

    def see(self, row: Read | Bad) -> None:
        """Compare it with the newest so far."""
        if isinstance(row, Bad):
            return
        at = row.arrival.occurred
        if at >= self._newest:
            self._newest = at
            return
        self._behind += 1
        if self._newest - at > self._most:
            self._most, self._line = self._newest - at, row.line

    def findings(self) -> Iterable[Finding]:
        """How many stand behind later ones."""
        if self._behind:
            got = f"{self._behind:,} rows stand behind later ones, by up to {_span(self._most)} (line {self._line})"
            yield note(self.name, got, f"import brings them into order within {WINDOW:,} rows (--window)")
        else:
            yield ok(self.name, "in the order of time")


class Times:
    """Timestamps are likely ones. Those in the future or before 1980 are bad rows."""

    name = "times"

    def __init__(self, now: Millis, keep_days: float) -> None:
        self._now = now
        self._keep = keep_days
        self._first: Millis = 0
        self._last: Millis = 0
        self._midnight = self._count = 0

    def see(self, row: Read | Bad) -> None:
        """Widen the range."""
        if isinstance(row, Bad):
            return
        at = row.arrival.occurred
        self._first = min(self._first or at, at)
        self._last = max(self._last, at)
        self._midnight += at % DAY == 0
        self._count += 1

    def findings(self) -> Iterable[Finding]:
        """The range, and what is unlikely about it."""
        if not self._count:
            return
        if self._count > 1 and self._first == self._last:
            yield warning(
                self.name, f"every row at {said(self._first)}", "when each happened", "map another column to timestamp"
            )
        elif self._midnight > self._count / 2 and self._count > 10:
            got = f"{self._midnight / self._count:.0%} of rows at midnight UTC"
            yield warning(self.name, got, "times of day", "moments last minutes: map a column that has the time too")
        else:
            yield ok(self.name, f"from {said(self._first)} to {said(self._last)}")
        old = (self._now - self._last) / DAY
        if old > self._keep:
            todo = "raise [retention] facts_days and people_days before the import"
            yield warning(self.name, f"the newest row is {old:,.0f} days old", f"at most {self._keep:,.0f}", todo)


class People:
    """Ids tell people apart. Rows without any are bad rows."""

    name = "people"

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._known = self._total = 0
        self._full = False

    def see(self, row: Read | Bad) -> None:
        """Count its person."""
        if isinstance(row, Bad):
            return
        event = row.arrival.event
        self._total += 1
        self._known += event.user_id is not None
        key = event.anonymous_id or event.user_id or ""
        if key in self._counts or len(self._counts) < MANY:
            self._counts[key] += 1
        else:
            self._full = True

    def findings(self) -> Iterable[Finding]:
        """How many people, and whether one id stands for many."""
        if not self._total:
            return
        (_, most) = self._counts.most_common(1)[0]
        if most > 100 and most > self._total / 5:
            got = f"one id on {most / self._total:.0%} of rows"
            yield warning(self.name, got, "an id a person", "is it a placeholder such as 0 or null? map another column")
        people = f"{'more than ' if self._full else ''}{len(self._counts):,}"
        yield ok(
            self.name,
            f"{people} ids, {self._total / len(self._counts):.1f} rows each; {self._known / self._total:.0%} have userId",
        )


class Names:
    """Event names say something: standard ones, or such as their words tell."""

    name = "event names"

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()

    def see(self, row: Read | Bad) -> None:
        """Count its name."""
        if isinstance(row, Read) and row.arrival.event.type == "track":
            name = row.arrival.event.event or ""
            if name in self._names or len(self._names) < 10_000:
                self._names[name] += 1

    def findings(self) -> Iterable[Finding]:
        """A finding for each of the commonest names that say nothing."""
        quiet = [(name, count) for name, count in self._names.most_common() if act_of(name) is None and not _ours(name)]
        for name, count in quiet[:10]:
            near = get_close_matches(name.lower(), list(ACTS), n=1, cutoff=0.6)
            todo = (
                f"did you mean {near[0].title()!r}?" if near else "a standard name, if it is one: see Segment's specs"
            )
            yield warning(
                self.name,
                f"{count:,} of {name[:60]!r}, which says nothing about a moment",
                "standard names",
                f"--rename; {todo}",
            )
        if len(quiet) > 10:
            yield note(self.name, f"{len(quiet) - 10} more names say nothing")
        if not quiet and self._names:
            yield ok(self.name, ", ".join(f"{name} {count:,}" for name, count in self._names.most_common(6)))


class Fields:
    """Standard events have what they are of little use without."""

    name = "fields"

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()
        self._missing: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def see(self, row: Read | Bad) -> None:
        """Look for the properties that its name needs."""
        if isinstance(row, Bad) or (needed := _NEEDED.get(row.arrival.event.event or "")) is None:
            return
        name, properties = row.arrival.event.event or "", row.arrival.event.properties
        self._totals[name] += 1
        for group in needed:
            if all(properties.get(field) in (None, "") for field in group):
                self._missing[name, group] += 1

    def findings(self) -> Iterable[Finding]:
        """A finding for each property that is often missing."""
        for (name, group), count in sorted(self._missing.items()):
            share = count / self._totals[name]
            got = f"{count:,} of {self._totals[name]:,} {name} ({share:.0%}) without {' or '.join(group)}"
            todo = f"map properties.{group[0]}"
            yield warning(self.name, got, "it on every one", todo) if share > 0.05 else note(self.name, got, todo)
        if self._totals and not self._missing:
            yield ok(self.name, f"{', '.join(sorted(self._totals))} have what they need")


class Clicks:
    """What was clicked had been shown to that person before."""

    name = "clicks"

    def __init__(self) -> None:
        self._shown: set[tuple[str, str]] = set()
        self._clicks = self._without = self._line = 0

    def see(self, row: Read | Bad) -> None:
        """Remember what was shown; look it up for a click."""
        if isinstance(row, Bad):
            return
        event = row.arrival.event
        name, who = event.event or "", event.anonymous_id or event.user_id or ""
        if name in _CLICKS and (value := event.properties.get(_CLICKS[name])):
            self._clicks += 1
            if (who, str(value)) not in self._shown and len(self._shown) < MANY:
                self._without += 1
                self._line = self._line or row.line
        elif name in _SHOWN and len(self._shown) < MANY:
            self._shown.update((who, str(value)) for value in _values(event.properties, _SHOWN[name]))

    def findings(self) -> Iterable[Finding]:
        """How many clicks nothing was shown before."""
        if self._without:
            got = (
                f"{self._without:,} of {self._clicks:,} clicks on what was not shown to them before (line {self._line})"
            )
            wanted = "an event of what was shown before each click"
            yield warning(
                self.name,
                got,
                wanted,
                "import what was shown too: without it nothing can be learned from what was not clicked",
            )
        elif self._clicks:
            yield ok(self.name, f"{self._clicks:,}, each after it was shown")


class Duplicates:
    """Nothing is told twice: by message id, and by person, name, time and properties."""

    name = "duplicates"

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._told: set[int] = set()
        self._same_id = self._same = self._line = 0

    def see(self, row: Read | Bad) -> None:
        """Look it up, and remember it."""
        if isinstance(row, Bad) or len(self._told) >= MANY:
            return
        mid = message_hash(row.arrival.message_id)
        if mid in self._ids:
            self._same_id += 1
            return
        told = _told(row.arrival)
        if told in self._told:
            self._same += 1
            self._line = self._line or row.line
        self._ids.add(mid)
        self._told.add(told)

    def findings(self) -> Iterable[Finding]:
        """How many of each kind."""
        if self._same_id:
            yield note(self.name, f"{self._same_id:,} rows repeat a messageId", "nothing: import takes each once")
        if self._same:
            got = f"{self._same:,} rows tell the same of one person at one time under another id (line {self._line})"
            yield warning(
                self.name, got, "each event once", "map a messageId that says what is the same event, or remove them"
            )
        if not self._same and not self._same_id:
            yield ok(self.name, "none" if len(self._told) < MANY else f"none in the first {MANY:,} rows")


class Money:
    """Amounts are numbers, not negative, with a currency."""

    name = "money"

    def __init__(self) -> None:
        self._orders = self._unreadable = self._negative = self._without = 0

    def see(self, row: Read | Bad) -> None:
        """Look at an order's worth."""
        if isinstance(row, Bad) or row.arrival.event.event != "Order Completed":
            return
        properties = row.arrival.event.properties
        worth = next((properties[k] for k in ("revenue", "total", "value") if k in properties), None)
        if worth is None:
            return
        self._orders += 1
        currency = properties.get("currency")
        self._without += not (isinstance(currency, str) and len(currency) == 3)
        try:
            self._negative += float(worth) < 0
        except (TypeError, ValueError):
            self._unreadable += 1

    def findings(self) -> Iterable[Finding]:
        """What is wrong with amounts."""
        if self._unreadable:
            got = f"{self._unreadable:,} of {self._orders:,} orders with a worth that is no number"
            yield error(self.name, got, "a number in major units", 'add as = "number" to its field, or mend the file')
        if self._negative:
            got = f"{self._negative:,} of {self._orders:,} orders with a negative worth"
            yield warning(self.name, got, "0 or more", "send refunds as Order Refunded")
        if self._without:
            got = f"{self._without:,} of {self._orders:,} orders without a currency"
            yield note(self.name, got, "they count in the project's own: map properties.currency if it is another")
        if self._orders and not (self._unreadable or self._negative):
            yield ok(self.name, f"{self._orders:,} orders with a worth")


class Pace:
    """Nobody does more in a minute than people do."""

    name = "pace"

    def __init__(self, most: int) -> None:
        self._most = most
        self._minute: dict[str, list[int]] = {}
        self._fast: set[str] = set()

    def see(self, row: Read | Bad) -> None:
        """Count its person's minute."""
        if isinstance(row, Bad):
            return
        event, minute = row.arrival.event, row.arrival.occurred // MINUTE
        who = event.anonymous_id or event.user_id or ""
        now = self._minute.get(who)
        if now is None or now[0] != minute:
            if len(self._minute) < MANY or who in self._minute:
                self._minute[who] = [minute, 1]
            return
        now[1] += 1
        if now[1] > self._most:
            self._fast.add(who)

    def findings(self) -> Iterable[Finding]:
        """Whether there are scripts among them."""
        if self._fast:
            got = f"{len(self._fast):,} ids with more than {self._most} events in a minute"
            yield note(self.name, got, "they are marked as bots and left out of what is counted")


def checks(now: Millis, keep_days: float, most_a_minute: int) -> Sequence[Check]:
    """New checks for one file."""
    return (
        Rows(), Order(), Times(now, keep_days), People(), Names(), Fields(), Clicks(), Duplicates(), Money(),
        Pace(most_a_minute),
    )  # fmt: skip


def examine(rows: Iterable[Read | Bad], these: Sequence[Check]) -> list[Finding]:
    """Show every row to every check; give their findings."""
    for row in rows:
        for check in these:
            check.see(row)
    return [finding for check in these for finding in check.findings()]


def _told(arrival: Arrival) -> int:
    event = arrival.event
    who = event.anonymous_id or event.user_id
    return hash((who, event.label, arrival.occurred, repr(sorted(event.properties.items(), key=str))))


def _values(properties: dict[str, Any], field: str) -> list[Any]:
    listed = properties.get("products")
    found = [p.get(field) for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []
    return [value for value in (properties.get(field), *found) if value]


def _ours(name: str) -> bool:
    return name.startswith(("Decision ", "Moment ", "Consent "))


def _span(span: Millis) -> str:
    return f"{span / DAY:,.1f} days" if span >= DAY else f"{span / MINUTE:,.1f} minutes"
