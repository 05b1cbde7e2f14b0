"""What ``ports.Channel`` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from micromoments.ports import Channel
from micromoments.testing.clocks import START
from micromoments.testing.generators import delivery


class ChannelContract:
    """Taken under its id, refused in words, and never an exception."""

    def open(self, folder: Path) -> Channel:
        """A channel to a receiver that takes everything."""
        raise NotImplementedError

    def refusing(self, folder: Path, *, again: bool) -> Channel:
        """A channel to a receiver that takes nothing: now, or ever."""
        raise NotImplementedError

    def received(self, folder: Path) -> list[str]:
        """The ids that the receiver got, each time it got one."""
        raise NotImplementedError

    def test_it_hands_over_under_the_delivery_s_id(self, tmp_path: Path) -> None:
        """A delivery is taken, and the receiver sees the id by which it can tell a second try."""
        channel = self.open(tmp_path)
        receipts = [channel.send(delivery(n, destination="crm"), START) for n in (1, 2, 1)]
        channel.close()
        assert [r.taken for r in receipts] == [True] * 3
        assert self.received(tmp_path) == ["dlv_0001", "dlv_0002", "dlv_0001"]

    def test_a_refusal_is_a_receipt(self, tmp_path: Path) -> None:
        """What can't be handed over now says that it may be tried again; what never can be says so. Both say why."""
        for again in (True, False):
            channel = self.refusing(tmp_path, again=again)
            receipt = channel.send(delivery(1, destination="crm"), START)
            channel.close()
            assert (receipt.taken, receipt.again) == (False, again)
            assert receipt.detail

    def test_several_threads_may_send(self, tmp_path: Path) -> None:
        """Deliveries handed over at the same time all arrive."""
        channel = self.open(tmp_path)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: channel.send(delivery(n, destination="crm"), START), range(16)))
        channel.close()
        assert sorted(self.received(tmp_path)) == sorted(f"dlv_{n:04}" for n in range(16))

    def test_closing_twice_is_harmless(self, tmp_path: Path) -> None:
        """A channel that was closed can be closed again."""
        channel = self.open(tmp_path)
        channel.close()
        channel.close()
