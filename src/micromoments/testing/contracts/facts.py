"""What ``ports.Facts`` promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from micromoments.core.fact import Fact
from micromoments.ports import Facts
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import close
from micromoments.testing.generators import decision_fact, event_fact, moment_fact, outcome_fact, person_fact

DAY = 86_400_000


class FactsContract:
    """Live and sealed facts are each there once; erasure and trimming take what they should."""

    def open(self, folder: Path) -> Facts:
        """The facts of a folder, new or as they were left."""
        raise NotImplementedError

    def commit(self, folder: Path, facts: Sequence[Fact]) -> None:
        """Make facts live, in one commit of the folder's state."""
        raise NotImplementedError

    def test_live_facts_come_back_in_order(self, tmp_path: Path) -> None:
        """Facts of every table are live after their commit, oldest first, equal to what was committed."""
        facts = self.open(tmp_path)
        told: list[Fact] = [event_fact(1), event_fact(2), moment_fact("m", 1), decision_fact(1), person_fact(3, 2)]
        self.commit(tmp_path, told)
        self.commit(tmp_path, [event_fact(3)])
        assert list(facts.live("events")) == [event_fact(1), event_fact(2), event_fact(3)]
        assert list(facts.live("moments")) == [moment_fact("m", 1)]
        assert list(facts.live("decisions")) == [decision_fact(1)]
        assert list(facts.live("people")) == [person_fact(3, 2)]
        assert list(facts.live("outcomes")) == []
        close(facts)

    def test_sealing_moves_the_older(self, tmp_path: Path) -> None:
        """Sealing moves commits received before the instant, once; repeated, it moves nothing."""
        facts = self.open(tmp_path)
        self.commit(tmp_path, [event_fact(1), event_fact(2), outcome_fact(1)])
        self.commit(tmp_path, [event_fact(9, received=START + 100)])
        assert facts.seal(START) == 0
        assert facts.seal(START + 50) == 3
        assert facts.seal(START + 50) == 0
        assert list(facts.live("events")) == [event_fact(9, received=START + 100)]
        assert (len(facts.files("events")), len(facts.files("outcomes")), list(facts.files("moments"))) == (1, 1, [])
        close(facts)

    def test_a_day_is_a_part(self, tmp_path: Path) -> None:
        """Facts of two days lie in two files, and trimming forgets whole days only."""
        facts = self.open(tmp_path)
        self.commit(tmp_path, [event_fact(n, received=START + n * DAY + 5) for n in range(3)])
        facts.seal(START + 10 * DAY)
        assert len(facts.files("events")) == 3
        assert facts.trim(START + DAY + 10) == 1
        assert facts.trim(START + DAY + 10) == 0
        assert len(facts.files("events")) == 2
        close(facts)

    def test_erasing_takes_sealed_and_live(self, tmp_path: Path) -> None:
        """Every fact of an erased surrogate goes, sealed or live, and those of who was joined into it."""
        facts = self.open(tmp_path)
        self.commit(tmp_path, [event_fact(n, surrogate=n % 3) for n in range(9)] + [person_fact(2, 1)])
        facts.seal(START + 50)
        self.commit(tmp_path, [event_fact(n, surrogate=n % 3, received=START + 100) for n in range(20, 29)])
        self.commit(tmp_path, [person_fact(7, 2, 200), event_fact(50, surrogate=7)])
        assert facts.erase(frozenset({1})) == 3 + 3 + 3 + 3 + 1 + 1 + 1
        assert {f.surrogate for f in facts.live("events")} == {0}
        assert facts.erase(frozenset({1})) == 0
        assert facts.erase(frozenset()) == 0
        facts.seal(START * 2)
        assert list(facts.live("events")) == []
        close(facts)
