"""What ``ports.Audit`` promises."""

from __future__ import annotations

from pathlib import Path

import msgspec

from micromoments.core.audit import Entry
from micromoments.ports import Audit
from micromoments.testing.contracts.base import close


def _entry(n: int, target: str = "") -> Entry:
    return Entry(at=1_000 + n, who="dashboard", name="Bo", what="item put", target=target or f"p{n}", detail="changed")


class AuditContract:
    """Entries in the order of writing, the newest kept."""

    def open(self, folder: Path, most: int) -> Audit:
        """The audit of a folder, new or as it was left, which keeps ``most`` entries."""
        raise NotImplementedError

    def test_entries_are_numbered_and_read_newest_first(self, tmp_path: Path) -> None:
        """Numbers go up by one from 1, also after reopening; what is read is what was written."""
        audit = self.open(tmp_path, 100)
        assert list(audit.newest()) == []
        for n in range(3):
            audit.note(_entry(n))
        close(audit)
        audit = self.open(tmp_path, 100)
        audit.note(_entry(3))
        found = audit.newest()
        assert [(one.number, one.at, one.target) for one in found] == [
            (4, 1003, "p3"),
            (3, 1002, "p2"),
            (2, 1001, "p1"),
            (1, 1000, "p0"),
        ]
        assert (found[0].who, found[0].name, found[0].what, found[0].detail) == (
            "dashboard",
            "Bo",
            "item put",
            "changed",
        )
        close(audit)

    def test_pages_and_words_narrow_what_is_read(self, tmp_path: Path) -> None:
        """``before`` and ``limit`` page through everything once; words are found in any part, in either case."""
        audit = self.open(tmp_path, 100)
        for n in range(7):
            audit.note(_entry(n, "Tent" if n % 3 == 0 else ""))
        seen: list[int] = []
        while page := audit.newest(seen[-1] if seen else 0, 3):
            seen += [one.number for one in page]
        assert seen == [7, 6, 5, 4, 3, 2, 1]
        assert [one.number for one in audit.newest(containing="tEN")] == [7, 4, 1]
        assert [one.number for one in audit.newest(before=7, limit=1, containing="tent")] == [4]
        assert list(audit.newest(containing="nothing of it")) == []
        audit.note(msgspec.structs.replace(_entry(8), name="ÅSA ÖSTERBERG"))
        assert [one.number for one in audit.newest(containing="åsa Ö")] == [8]
        close(audit)

    def test_the_oldest_go_where_there_are_too_many(self, tmp_path: Path) -> None:
        """No more than ``most`` are kept, and numbers are never used again."""
        audit = self.open(tmp_path, 3)
        for n in range(8):
            audit.note(_entry(n))
        assert [one.number for one in audit.newest()] == [8, 7, 6]
        close(audit)
