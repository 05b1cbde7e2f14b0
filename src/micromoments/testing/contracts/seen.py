"""What ``ports.Seen`` promises."""

from __future__ import annotations

from pathlib import Path

from micromoments.ports import Seen
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import close
from micromoments.testing.generators import mid

DAY = 86_400_000


class SeenContract:
    """Fresh once within the window."""

    def open(self, folder: Path) -> Seen:
        """What was seen, empty."""
        raise NotImplementedError

    def test_a_message_is_fresh_once(self, tmp_path: Path) -> None:
        """A hash is new the first time and a duplicate afterwards, through sealing too."""
        seen = self.open(tmp_path)
        assert all(seen.fresh(mid(n), START + n) for n in range(500))
        for k in range(4):
            assert not any(seen.fresh(mid(n), START + 1000 + n) for n in range(500))
            seen.seal(START + 400_000 * (k + 1))
        assert all(seen.fresh(mid(n), START + 2000) for n in range(500, 600))
        close(seen)

    def test_any_63_bits_are_kept_apart(self, tmp_path: Path) -> None:
        """The smallest, the largest and neighbouring hashes are each new once."""
        seen = self.open(tmp_path)
        edges = [0, 1, 2, 2**61 - 1, 2**61, 2**62, 2**63 - 2, 2**63 - 1]
        assert all(seen.fresh(edge, START) for edge in edges)
        for k in range(3):
            seen.seal(START + 700_000 * (k + 1))
            assert not any(seen.fresh(edge, START + 5) for edge in edges)
        close(seen)

    def test_what_is_taken_back_is_fresh_again(self, tmp_path: Path) -> None:
        """A forgotten hash is new once more, and then a duplicate, whether it was sealed meanwhile or not."""
        seen = self.open(tmp_path)
        for rounds in range(3):
            seen.fresh(mid(1), START)
            seen.fresh(mid(2), START)
            for k in range(rounds):
                seen.seal(START + 700_000 * (k + 1))
            seen.forget([mid(1), mid(99)])
            assert (seen.fresh(mid(1), START + 9), seen.fresh(mid(1), START + 9)) == (True, False)
            assert not seen.fresh(mid(2), START + 9)
        close(seen)

    def test_the_window_is_a_day_at_the_most(self, tmp_path: Path) -> None:
        """A day's messages are known; the window says so."""
        seen = self.open(tmp_path)
        for hour in range(30):
            seen.fresh(mid(hour), START + hour * 3_600_000)
            seen.seal(START + hour * 3_600_000)
            seen.seal(START + hour * 3_600_000 + 60_000)
        now = START + 29 * 3_600_000
        assert 0 < seen.window() <= DAY
        assert not any(
            seen.fresh(mid(hour), now) for hour in range(29, 5, -1) if now - (START + hour * 3_600_000) < seen.window()
        )
        close(seen)
