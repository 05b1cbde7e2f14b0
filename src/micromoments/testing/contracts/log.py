"""What ``ports.Log`` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from micromoments.core.record import ErasedRecord, EventRecord, OutcomeRecord
from micromoments.ports import Log, replay
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import close
from micromoments.testing.generators import event_record, mid, outcome, records


class LogContract:
    """Order without gaps, durable groups, reading from anywhere, trimming, erasure."""

    def open(self, folder: Path) -> Log:
        """The log of a folder, new or as it was left."""
        raise NotImplementedError

    def test_an_empty_log_begins_at_zero(self, tmp_path: Path) -> None:
        """An empty log has nothing to read and its first record gets position 0."""
        log = self.open(tmp_path)
        assert (log.end(), list(log.read(0))) == (0, [])
        assert log.append([event_record(0)]) == 0
        close(log)

    def test_every_kind_of_record_comes_back_equal(self, tmp_path: Path) -> None:
        """What is read equals what was appended, for every kind of record, after reopening too."""
        log = self.open(tmp_path)
        log.append(records(1))
        close(log)
        log = self.open(tmp_path)
        assert [x.record for x in log.read(0)] == records(1)
        close(log)

    def test_positions_have_no_gaps(self, tmp_path: Path) -> None:
        """Groups of any size take consecutive positions; an empty one takes none."""
        log = self.open(tmp_path)
        firsts = [log.append([event_record(n) for n in range(size)]) for size in (1, 3, 0, 2)]
        assert (firsts, log.end()) == ([0, 1, 4, 4], 6)
        assert [x.position for x in log.read(0)] == list(range(6))
        close(log)

    def test_reading_starts_anywhere(self, tmp_path: Path) -> None:
        """A read gives records from its start on, also from the middle of a group, and nothing at the end."""
        log = self.open(tmp_path)
        for n in range(4):
            log.append([event_record(10 * n + k) for k in range(5)])
        assert [x.position for x in log.read(7)] == list(range(7, 20))
        assert list(log.read(20)) == []
        close(log)

    def test_a_long_log_is_read_in_stretches(self, tmp_path: Path) -> None:
        """A read stops at about its limit, and reading on gives every record once."""
        log = self.open(tmp_path)
        for n in range(30):
            log.append([event_record(10 * n + k) for k in range(10)])
        assert 100 <= len(log.read(0, 100)) < 120
        assert [x.position for x in replay(log)] == list(range(300))
        close(log)

    def test_what_was_appended_survives(self, tmp_path: Path) -> None:
        """After reopening, positions go on where they were, also when everything was trimmed."""
        log = self.open(tmp_path)
        log.append([event_record(n) for n in range(3)])
        assert log.trim(START + 1_000, 3, START + 2_000) == 3
        close(log)
        log = self.open(tmp_path)
        assert (log.end(), list(log.read(0)), log.append([event_record(9)])) == (3, [], 3)
        close(log)

    def test_appending_is_atomic_among_threads(self, tmp_path: Path) -> None:
        """Groups appended at the same time don't mix, and each gets its own positions."""
        log = self.open(tmp_path)
        with ThreadPoolExecutor(4) as pool:
            firsts = list(pool.map(lambda n: log.append([event_record(10 * n + k) for k in range(3)]), range(20)))
        assert sorted(firsts) == list(range(0, 60, 3))
        by_position = {x.position: x.record for x in replay(log)}
        for n, first in enumerate(firsts):
            assert [by_position[first + k] for k in range(3)] == [event_record(10 * n + k) for k in range(3)]
        close(log)

    def test_trimming_keeps_what_is_young_or_needed(self, tmp_path: Path) -> None:
        """Only whole groups go, and none that arrived late enough or lies at or above the position."""
        log = self.open(tmp_path)
        for n in range(5):
            log.append([event_record(2 * n, at=START + 10 * n), event_record(2 * n + 1, at=START + 10 * n + 1)])
        assert log.trim(START, 10, START + 2_000) == 0
        assert log.trim(START + 21, 10, START + 2_000) == 4  # the third group's newest is at 21
        assert log.trim(START + 1_000, 7, START + 2_000) == 2  # the fourth group reaches position 7
        assert [x.position for x in log.read(0)] == [6, 7, 8, 9]
        close(log)

    def test_trimming_passes_what_came_while_the_clock_was_ahead(self, tmp_path: Path) -> None:
        """What says that it arrives in the future keeps nothing of before or after it; it goes with what came next."""
        log = self.open(tmp_path)
        for n, at in enumerate([START, START + 9_000, START + 1, START + 2, START + 9_000]):
            log.append([event_record(n, at=at)])
        assert log.trim(START + 1, 5, START + 10) == 1
        assert log.trim(START + 2, 5, START + 10) == 2
        assert log.trim(START + 9, 5, START + 10) == 1
        assert [x.position for x in log.read(0)] == [4]
        close(log)

    def test_erasing_blanks_a_key(self, tmp_path: Path) -> None:
        """Every record under an erased key is blank, the others stand, and positions stay."""
        log = self.open(tmp_path)
        log.append([event_record(n, key=f"anon:{'x' if n % 2 else 'xy'}") for n in range(4)])
        log.append([event_record(5, key="anon:xy")])
        assert log.erase(frozenset({"anon:x"}), frozenset()) == 2
        kinds = [type(x.record) is ErasedRecord for x in log.read(0)]
        assert kinds == [False, True, False, True, False]
        assert log.erase(frozenset({"anon:x"}), frozenset()) == 0
        close(log)

    def test_erasing_spares_who_shares_a_key(self, tmp_path: Path) -> None:
        """What is another's under an erased key stays, unless it mentions an erased decision."""
        log = self.open(tmp_path)
        log.append([event_record(n, key="anon:x") for n in range(4)])
        gone = log.erase(frozenset({"anon:x"}), frozenset(), lambda r: isinstance(r, EventRecord) and r.mid == mid(2))
        assert gone == 3
        assert [type(x.record) is ErasedRecord for x in log.read(0)] == [True, True, False, True]
        close(log)

    def test_erasing_blanks_what_mentions_a_decision(self, tmp_path: Path) -> None:
        """Decisions and outcomes of an erased decision go, under whatever key they stand."""
        log = self.open(tmp_path)
        log.append(records(1))
        log.append([OutcomeRecord(key="anon:other", at=START, outcome=outcome(8, "d1"))])
        log.append([OutcomeRecord(key="anon:other", at=START, outcome=outcome(9, "d11"))])
        assert log.erase(frozenset(), frozenset({"d1"})) == 3
        assert [x.position for x in log.read(0) if isinstance(x.record, ErasedRecord)] == [2, 3, 7]
        close(log)
