"""What ``ports.Budgets`` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from micromoments.ports import Budgets
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import close


class BudgetsContract:
    """Never over, the same id once, given back when its time is over."""

    def open(self, folder: Path) -> Budgets:
        """The budgets of a folder, new or as they were left."""
        raise NotImplementedError

    def test_a_budget_is_never_passed(self, tmp_path: Path) -> None:
        """Units are granted up to the limit exactly, and refused beyond."""
        budgets = self.open(tmp_path)
        granted = [budgets.reserve("b", 2, 5, f"r{n}", START) for n in range(4)]
        assert granted == [True, True, False, False]
        assert budgets.reserve("b", 1, 5, "last", START)
        assert budgets.used("b") == (0, 5)
        assert budgets.used("unknown") == (0, 0)
        close(budgets)

    def test_the_same_id_takes_once(self, tmp_path: Path) -> None:
        """A reservation repeated gives its first answer and takes nothing more, whether granted or refused."""
        budgets = self.open(tmp_path)
        assert [budgets.reserve("b", 3, 4, "r", START) for _ in range(3)] == [True] * 3
        assert not budgets.reserve("b", 3, 4, "s", START)
        assert budgets.used("b") == (0, 3)
        assert budgets.settle("r", spend=False)
        assert not budgets.reserve("b", 3, 4, "s", START)
        close(budgets)

    def test_what_was_given_back_is_taken_anew(self, tmp_path: Path) -> None:
        """A reservation that is asked for again after it was given back, or was over, holds its units again, or is
        refused where they are gone.
        """
        budgets = self.open(tmp_path)
        budgets.reserve("b", 2, 4, "r", START)
        budgets.reserve("b", 2, 4, "s", START)
        budgets.settle("r", spend=False)
        assert budgets.reserve("b", 2, 4, "r", START)
        assert budgets.used("b") == (0, 4)
        assert budgets.expire(START) == 2
        assert budgets.reserve("b", 3, 4, "t", START + 1)
        assert not budgets.reserve("b", 2, 4, "r", START + 1)
        assert budgets.used("b") == (0, 3)
        assert not budgets.settle("r", spend=True)
        close(budgets)

    def test_settling_is_once(self, tmp_path: Path) -> None:
        """A reservation is spent or given back once; the unknown and the settled are harmless."""
        budgets = self.open(tmp_path)
        budgets.reserve("b", 2, 9, "r", START)
        budgets.reserve("b", 3, 9, "s", START)
        assert (budgets.settle("r", spend=True), budgets.settle("r", spend=False)) == (True, False)
        assert budgets.used("b") == (2, 3)
        assert (budgets.settle("s", spend=False), budgets.settle("never", spend=True)) == (True, False)
        assert budgets.used("b") == (2, 0)
        close(budgets)

    def test_one_reservation_takes_the_place_of_another(self, tmp_path: Path) -> None:
        """What an open one holds is granted, whatever the limit is now, and given back once; a closed one, one of
        another budget, or one never made helps nobody.
        """
        budgets = self.open(tmp_path)
        budgets.reserve("b", 3, 4, "r", START)
        budgets.reserve("c", 3, 9, "other", START)
        assert not budgets.reserve("b", 2, 4, "s", START, "other")
        assert not budgets.reserve("b", 2, 4, "t", START, "never")
        assert not budgets.reserve("b", 4, 2, "more", START, "r"), "it held 3"
        assert [budgets.reserve("b", 3, 2, "u", START, "r") for _ in range(2)] == [True] * 2
        assert budgets.used("b") == (0, 3)
        assert not budgets.settle("r", spend=True)
        assert not budgets.reserve("b", 2, 4, "v", START, "r")
        assert budgets.settle("u", spend=True)
        assert (budgets.used("b"), budgets.used("c")) == ((3, 0), (0, 3))
        close(budgets)

    def test_what_is_over_is_given_back(self, tmp_path: Path) -> None:
        """Open reservations end at their instant; spent ones stay spent."""
        budgets = self.open(tmp_path)
        budgets.reserve("b", 1, 9, "r", START)
        budgets.reserve("b", 2, 9, "s", START + 1)
        budgets.reserve("c", 4, 9, "t", START)
        budgets.settle("t", spend=True)
        assert budgets.expire(START - 1) == 0
        assert budgets.expire(START) == 1
        assert (budgets.used("b"), budgets.used("c")) == ((0, 2), (4, 0))
        assert budgets.expire(START) == 0
        close(budgets)

    def test_reservations_survive(self, tmp_path: Path) -> None:
        """What was granted is still taken after reopening."""
        budgets = self.open(tmp_path)
        budgets.reserve("b", 5, 5, "r", START)
        close(budgets)
        budgets = self.open(tmp_path)
        assert not budgets.reserve("b", 1, 5, "s", START)
        assert budgets.settle("r", spend=True)
        assert budgets.used("b") == (5, 0)
        close(budgets)

    def test_exact_under_concurrency(self, tmp_path: Path) -> None:
        """Many at once are granted exactly what there is."""
        budgets = self.open(tmp_path)
        with ThreadPoolExecutor(8) as pool:
            granted = list(pool.map(lambda n: budgets.reserve("b", 1, 25, f"r{n}", START), range(60)))
        assert sum(granted) == 25
        assert budgets.used("b") == (0, 25)
        close(budgets)
