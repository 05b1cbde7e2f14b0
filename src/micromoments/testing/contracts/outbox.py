"""What ``ports.Outbox`` promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from micromoments.core.delivery import Delivery
from micromoments.ports import Outbox
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import close
from micromoments.testing.generators import delivery, delivery_fact


class OutboxContract:
    """Written once, due in order, settled whole, and gone with the person."""

    def open(self, folder: Path) -> Outbox:
        """The outbox of a folder, new or as it was left."""
        raise NotImplementedError

    def commit(self, folder: Path, deliveries: Sequence[Delivery]) -> None:
        """Commit these through the folder's state."""
        raise NotImplementedError

    def erase(self, folder: Path, person: str) -> None:
        """Erase a person through the folder's state."""
        raise NotImplementedError

    def facts(self, folder: Path) -> list[str]:
        """The ids of the live facts of deliveries."""
        raise NotImplementedError

    def test_what_is_intended_again_stays_as_it_is(self, tmp_path: Path) -> None:
        """A commit repeated after a crash doesn't send a second time what was sent."""
        box = self.open(tmp_path)
        self.commit(tmp_path, [delivery(1), delivery(2)])
        box.settle([replace(delivery(1), status="sent", destination="crm")], [])
        self.commit(tmp_path, [delivery(1), delivery(2)])
        assert [d.id for d in box.due("", START + 9, 9)] == ["dlv_0002"]
        close(box)
        again = self.open(tmp_path)
        assert [d.status for d in again.listed(None, "", "", 9)] == ["sent", "intended"]
        close(again)

    def test_due_goes_by_destination_and_time(self, tmp_path: Path) -> None:
        """Only what is due comes, the earliest first, each destination's own; what is to be decided has none."""
        box = self.open(tmp_path)
        several = [delivery(n, destination="crm", due=START + 9 - n) for n in (1, 2, 3)]
        self.commit(tmp_path, [*several, delivery(4, destination="mail"), delivery(5)])
        assert [d.id for d in box.due("crm", START + 7, 9)] == ["dlv_0003", "dlv_0002"]
        assert [d.id for d in box.due("crm", START + 99, 1)] == ["dlv_0003"]
        assert [d.id for d in box.due("mail", START + 99, 9)] == ["dlv_0004"]
        assert [d.id for d in box.due("", START + 99, 9)] == ["dlv_0005"]
        assert [d.id for d in box.listed("waiting", "crm", "dlv_0001", 9)] == ["dlv_0002", "dlv_0003"]
        close(box)

    def test_settling_moves_it_and_tells_once(self, tmp_path: Path) -> None:
        """A delivery that was sent is due no more, counts for caps, and is a fact."""
        box = self.open(tmp_path)
        self.commit(tmp_path, [delivery(1, person="anon:x", destination="crm")])
        sent = replace(box.due("crm", START + 9, 9)[0], status="sent", due=START + 50, tries=1)
        box.settle([sent], [delivery_fact(sent)])
        assert box.due("crm", START + 99, 9) == []
        assert [d.status for d in box.of("anon:x", START)] == ["sent"]
        assert (box.of("anon:x", START + 50), box.of("anon:y", START)) == ([], [])
        assert set(self.facts(tmp_path)) == {sent.id}
        close(box)

    def test_what_was_erased_meanwhile_stays_erased(self, tmp_path: Path) -> None:
        """A delivery that was under way while its person was erased leaves nothing, no fact either."""
        box = self.open(tmp_path)
        self.commit(tmp_path, [delivery(1, person="anon:x", destination="crm")])
        under_way = box.due("crm", START + 9, 9)[0]
        self.erase(tmp_path, "anon:x")
        box.settle([replace(under_way, status="sent")], [delivery_fact(under_way)])
        assert box.listed(None, "", "", 9) == []
        assert self.facts(tmp_path) == []
        close(box)

    def test_trim_keeps_what_waits(self, tmp_path: Path) -> None:
        """What is done is forgotten in time; what waits is not, however old."""
        box = self.open(tmp_path)
        self.commit(tmp_path, [delivery(n, destination="crm") for n in (1, 2, 3)])
        box.settle([replace(delivery(1, destination="crm"), status="dead")], [])
        box.settle([replace(delivery(2, destination="crm"), status="held", due=START + 99)], [])
        assert box.trim(START + 50) == 1
        assert [d.id for d in box.listed(None, "", "", 9)] == ["dlv_0002", "dlv_0003"]
        close(box)
