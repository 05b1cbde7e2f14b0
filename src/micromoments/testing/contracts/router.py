"""What ``ports.Router`` promises."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from micromoments.core.geo import Point, metres
from micromoments.ports import Router

MODES: tuple[Literal["foot", "bike", "car"], ...] = ("foot", "bike", "car")
FASTEST = {"foot": 1.35, "bike": 4.2, "car": 25.0}
"""Metres a second that no way is quicker than."""


class RouterContract:
    """One answer for each end, never quicker than anybody could go, and an honest -1."""

    def open(self, folder: Path) -> tuple[Router, Point, Point]:
        """A router, and two positions that it knows ways between."""
        raise NotImplementedError

    @pytest.mark.parametrize("mode", MODES)
    def test_each_end_gets_its_own_seconds(self, tmp_path: Path, mode: Literal["foot", "bike", "car"]) -> None:
        """In the order asked, the same every time, none sooner than the straight line at the highest speed."""
        router, a, b = self.open(tmp_path)
        found = list(router.reach(a, [b, a, b], mode))
        assert found[0] == found[2] > 0
        assert found[0] >= metres(a, b) / FASTEST[mode] * 0.999
        assert 0 <= found[1] < found[0]
        assert found == list(router.reach(a, [b, a, b], mode))

    def test_nothing_asked_is_nothing_answered(self, tmp_path: Path) -> None:
        """No ends, no seconds."""
        router, a, _ = self.open(tmp_path)
        assert list(router.reach(a, [], "foot")) == []

    def test_what_it_does_not_know_is_minus_one(self, tmp_path: Path) -> None:
        """A position on the other side of the Earth is unknown, as a start and as an end."""
        router, a, b = self.open(tmp_path)
        far = Point(-a.lat, a.lon - 180 if a.lon > 0 else a.lon + 180)
        assert list(router.reach(a, [far, b], "foot"))[:1] == [-1]
        assert list(router.reach(far, [a, b], "foot")) == [-1, -1]
