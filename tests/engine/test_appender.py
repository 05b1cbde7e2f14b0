"""Who writes the log, the loop or a thread, follows from how long writing takes; the order never changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from micromoments.core.record import Logged, Record, TickRecord
from micromoments.engine import appender
from micromoments.engine.appender import APART, NOBODY, PATIENCE, Appender, Down, LogDown
from micromoments.ports import Log, StoreError, Whose, nobodys


class Timed:
    """A log in memory, on a disk whose syncs take what ``clock`` is told to advance by."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.takes = 0.0
        self.now = 0.0
        self.full = False
        self.loop = threading.get_ident()
        self.threads: list[bool] = []
        self.hold = threading.Event()
        self.hold.set()

    def append(self, records: Sequence[Record]) -> int:
        """Keep the records; note whether a thread of its own was asked to."""
        self.hold.wait()
        self.threads.append(threading.get_ident() != self.loop)
        self.now += self.takes
        if self.full:
            raise StoreError("the disk is full")
        self.records += records
        return len(self.records) - len(records)

    def read(self, start: int, limit: int = 10_000) -> Sequence[Logged]:
        """Not asked for here."""
        return [Logged(n, r) for n, r in enumerate(self.records[start : start + limit], start)]

    def end(self) -> int:
        """The position of the next record."""
        return len(self.records)

    def trim(self, before: int, below: int, now: int) -> int:
        """Nothing is trimmed here."""
        return 0 * (before + below + now)

    def erase(self, keys: frozenset[str], mentions: frozenset[str], others: Whose = nobodys) -> int:
        """Nothing is erased here."""
        return 0 * (len(keys | mentions) + (others is nobodys))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Timed:
    """The log, whose clock is the appender's."""
    timed = Timed()
    monkeypatch.setattr(appender, "perf_counter", lambda: timed.now)
    return timed


def tick(n: int) -> TickRecord:
    """A record that is known by its number."""
    return TickRecord(key=f"anon:{n}", at=n)


async def turns(count: int) -> None:
    """Let the loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


class Heard:
    """What the appender said is durable, in the order in which it said so."""

    def __init__(self, log: Log) -> None:
        self.records: list[tuple[int, Record]] = []
        self.down = Down()
        self.appender = Appender(log, asyncio.get_running_loop(), self._durable, self.down)

    def _durable(self, records: Sequence[Record], first: int) -> None:
        self.records += enumerate(records, first)


async def test_a_quick_disk_is_written_to_by_the_loop(log: Timed) -> None:
    """However many groups come, no thread is started."""
    heard = Heard(log)
    for n in range(50):
        assert await heard.appender.submit([tick(n)]) == n
    assert log.threads == [False] * 50
    assert [n for n, _ in heard.records] == list(range(50))
    await heard.appender.stop()


async def test_a_slow_disk_gets_a_thread_and_is_tried_again(log: Timed) -> None:
    """After some slow writes a thread writes; now and then the loop tries again, and stays once the disk is quick."""
    heard = Heard(log)
    log.takes = 0.02
    for n in range(PATIENCE + APART + 2):
        await heard.appender.submit([tick(n)])
    assert log.threads == [False] * PATIENCE + [True] * APART + [False, True]
    log.takes = 0.0001
    for n in range(PATIENCE + APART + 2, PATIENCE + 3 * APART):
        await heard.appender.submit([tick(n)])
    assert not any(log.threads[PATIENCE + 2 * APART + 1 :])
    assert [r for _, r in heard.records] == [tick(n) for n in range(PATIENCE + 3 * APART)]
    await heard.appender.stop()


async def test_one_slow_write_among_quick_ones_changes_nothing(log: Timed) -> None:
    """A checkpoint takes its time now and then; the loop goes on writing."""
    heard = Heard(log)
    for n in range(60):
        log.takes = 0.02 if n % 10 == 0 else 0.0001
        await heard.appender.submit([tick(n)])
    assert not any(log.threads)
    await heard.appender.stop()


async def test_what_comes_while_the_thread_writes_stays_behind_it(log: Timed) -> None:
    """The loop's next try waits for the thread's last group: positions are in the order of submission."""
    heard = Heard(log)
    log.takes = 0.02
    for n in range(PATIENCE + APART - 1):
        await heard.appender.submit([tick(n)])
    log.hold.clear()
    last = heard.appender.submit([tick(1000)])  # the thread's last group
    await asyncio.sleep(0)
    later = heard.appender.submit([tick(1001)])  # the loop's to try
    barrier = heard.appender.submit([])
    for _ in range(5):
        await asyncio.sleep(0)
    assert not last.done()
    assert not later.done()
    assert not barrier.done()
    log.hold.set()
    assert await later == await last + 1
    await barrier
    assert log.threads[-2:] == [True, False]
    assert [r for _, r in heard.records][-2:] == [tick(1000), tick(1001)]
    await heard.appender.stop()


async def test_stopping_writes_what_was_submitted_and_refuses_what_comes(log: Timed) -> None:
    """Also what no turn of the loop has written yet; its waiter hears of it."""
    heard = Heard(log)
    waiting = heard.appender.submit([tick(7)])
    await heard.appender.stop()
    assert await waiting == 0
    assert log.records == [tick(7)]
    with pytest.raises(LogDown, match="being closed"):
        await heard.appender.submit([tick(8)])


async def test_a_full_disk_is_told_to_each_and_the_next_goes_on(log: Timed) -> None:
    """Nothing of the group is durable, and nobody is told that it is."""
    heard = Heard(log)
    log.full = True
    two = [heard.appender.submit([tick(n)]) for n in range(2)]
    for one in two:
        with pytest.raises(LogDown, match="the disk is full"):
            await one
    assert heard.records == []
    assert heard.appender.failures == 1
    assert heard.appender.waiting == 0
    log.full = False
    assert await heard.appender.submit([tick(3)]) == 0
    await heard.appender.stop()


async def test_a_log_that_can_not_be_written_is_tried_until_it_can(log: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody need send anything for it to be found mended; a try leaves one record of nobody, and is no failure."""
    monkeypatch.setattr(appender, "AGAIN", 0.0)
    heard = Heard(log)
    log.full = True
    for n in range(3):
        with pytest.raises(LogDown):
            await heard.appender.submit([tick(n)])
    tried = len(log.threads)
    await turns(100)
    assert len(log.threads) > tried + 3
    assert "the disk is full" in heard.down.why
    assert heard.appender.failures == 3

    log.full = False
    await turns(100)

    assert not heard.down.why
    assert [record.key for record in log.records] == [NOBODY]
    await heard.appender.stop()


async def test_a_log_that_can_not_be_written_is_let_go_of(log: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is closed meanwhile tries nothing more."""
    monkeypatch.setattr(appender, "AGAIN", 0.0)
    heard = Heard(log)
    log.full = True
    with pytest.raises(LogDown):
        await heard.appender.submit([tick(1)])
    await heard.appender.stop()
    tried = len(log.threads)
    await turns(100)
    assert len(log.threads) == tried
