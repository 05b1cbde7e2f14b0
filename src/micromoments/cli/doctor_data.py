"""The doctor's checks of a file of events, in the manner of metarank's ``validate``: each sees every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from micromoments.cli.doctor_events import MANY, Clicks, Duplicates, Fields, Money, Names
from micromoments.cli.finding import Finding, error, note, ok, warning
from micromoments.core.event import Millis
from micromoments.core.settings import DAY, MINUTE
from micromoments.sources.files import WINDOW, Read
from micromoments.sources.mapped import said
from micromoments.sources.opened import Bad


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
            f"{people} ids, {self._total / len(self._counts):.1f} rows each, userId on {self._known / self._total:.0%}",
        )


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


def _span(span: Millis) -> str:
    return f"{span / DAY:,.1f} days" if span >= DAY else f"{span / MINUTE:,.1f} minutes"
