"""Effects: what the pure core wants done. Only ``engine`` performs them; ids are deterministic, so twice is once."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.core.event import Millis
from micromoments.core.fence import Crossing
from micromoments.core.moment import Moment
from micromoments.core.outcome import Outcome


class Told(msgspec.Struct, frozen=True, tag="moment", kw_only=True, gc=False):
    """A moment opened, changed, ended, or was withdrawn because late events retold the story; or it was served for the
    first time, which is for the facts alone: nobody listens for that, as the decision itself is told.

    ``turned`` is false for a change in strength alone: of the same type and words, at the same stage, where it was.
    """

    id: str
    person: str
    surrogate: int
    change: Literal["opened", "changed", "ended", "withdrawn", "served"]
    moment: Moment
    at: Millis
    marks: int = 0
    served: Millis = 0
    turned: bool = True


class Happened(msgspec.Struct, frozen=True, tag="outcome", kw_only=True, gc=False):
    """An outcome came about: to be appended to the log, learned from, and kept as a fact."""

    id: str
    outcome: Outcome


class Reserve(msgspec.Struct, frozen=True, tag="reserve", kw_only=True, gc=False):
    """Take ``units`` of a budget until then, before the answer; the one effect that can be refused."""

    id: str
    budget: str
    units: int
    decision: str
    until: Millis


class Settle(msgspec.Struct, frozen=True, tag="settle", kw_only=True, gc=False):
    """End a reservation: spend it (redeemed) or give it back (expired). ``item`` is what was redeemed, if it was."""

    id: str
    reservation: str
    spend: bool
    item: str = ""


class Spend(msgspec.Struct, frozen=True, tag="spend", kw_only=True, gc=False):
    """Spend units of a budget for what was given ``at`` that time: those that ``held``, a reservation, has taken, or
    where that is over as many anew, if they are left.
    """

    id: str
    budget: str
    units: int
    held: str
    at: Millis


class Joined(msgspec.Struct, frozen=True, tag="joined", kw_only=True, gc=False):
    """Two surrogates turned out to be one person; ``into`` is the smaller."""

    id: str
    surrogate: int
    into: int
    at: Millis


class Crossed(msgspec.Struct, frozen=True, tag="fence", kw_only=True):
    """A person entered a geofence, dwelt in it or left it: to be told to those who listen."""

    id: str
    person: str
    crossing: Crossing
    marks: int = 0


Effect = Told | Happened | Reserve | Settle | Spend | Joined | Crossed
