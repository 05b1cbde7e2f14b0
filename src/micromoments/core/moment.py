"""Signals, needs and moments: what an event says about intent, and the stretch of intent it belongs to."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.core.event import Millis

MomentType = Literal["know", "go", "do", "buy", "none"]
TYPES: tuple[MomentType, ...] = ("know", "go", "do", "buy", "none")
"""The order of every five-vector in the engine."""
KNOW, GO, DO, BUY, NONE = range(5)

Ending = Literal["fulfilled", "abandoned", "expired"]
Vector = tuple[int, int, int, int, int]
"""Log-likelihoods over ``TYPES`` in hundredths of a nat. Whole numbers, so that sums don't depend on their order."""


class Need(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a moment is about; an empty string means unknown.

    ``query`` is the person's words without those that only tell intent, ``words`` the words as typed. ``place`` is
    ``near me`` or a name; ``time`` a phrase such as ``tonight``. Prices are minor units, 0 where open, of ``currency``
    (ISO 4217; empty: the project's own).
    """

    query: str = ""
    category: str = ""
    item: str = ""
    brand: str = ""
    place: str = ""
    time: str = ""
    price_from: int = 0
    price_to: int = 0
    words: str = ""
    currency: str = ""


class Signal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one event or context says about intent.

    ``why`` is a reason's code (``recognise.words`` renders it for people); ``stage`` is the step of the journey that
    the event shows (0 none, 1 discover, 2 consider, 3 choose, 4 commit, 5 done); ``ends`` is a bit set over ``TYPES``
    of the moments that this event fulfils (1 know, 2 go, 4 do, 8 buy); ``closes`` is a moment that the person called
    wrong or finished, by its id (``*`` for all). ``metres`` is a distance where the reason has one, else -1.
    """

    weights: Vector
    why: str
    need: Need = Need()
    stage: int = 0
    ends: int = 0
    closes: str = ""
    metres: int = -1


class Trace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A signal-bearing event as the person keeps it; ordered by (time, message hash)."""

    at: Millis
    mid: int
    signal: Signal
    channel: str = ""

    def __lt__(self, other: Trace) -> bool:
        """Earlier event time first; the message's hash breaks ties, so that every order of arrival sorts alike."""
        return self.mid < other.mid if self.at == other.at else self.at < other.at


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One reason for a moment, in a person's words; ``weight`` is its present pull towards ``type`` in nats."""

    text: str
    type: MomentType
    weight: float
    at: Millis


class Moment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of intent: what type, about what, how sure, since when, until when.

    ``sums`` are the evidence's decayed log-likelihoods (hundredths of a nat over ``TYPES``) as of ``updated_at``; the
    recogniser derives every probability from them, so a moment can be read at any later instant without being written.
    ``traces`` are the message hashes of the moment's strongest traces (at most six), for its evidence. ``id`` is
    derived from the opening trace, ``channels`` are those on which it was seen, in order. ``wrong`` is whether the
    person called it wrong; ``seen`` are 32-bit hashes of the items looked at last, the newest last, while it is open;
    ``metres`` is how far the place of its need was when last heard of, -1 where unknown.
    """

    id: str
    opened_at: Millis
    updated_at: Millis
    expires_at: Millis
    sums: Vector
    type: MomentType
    need: Need
    stage: int
    traces: tuple[int, ...]
    channels: tuple[str, ...] = ()
    ended: Ending | None = None
    ended_at: Millis = 0
    wrong: bool = False
    seen: tuple[int, ...] = ()
    metres: int = -1


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that folding a person's traces yields: moments open now, and those that ended, oldest first.

    ``since`` is the instant of the first trace that the open moments depend on: traces before it may be forgotten
    without changing ``open``. ``brewing`` are stretches whose evidence doesn't make a moment yet (at most two): nobody
    is told of them.
    """

    open: tuple[Moment, ...] = ()
    ended: tuple[Moment, ...] = ()
    since: Millis = 0
    brewing: tuple[Moment, ...] = ()


class MomentView(msgspec.Struct, frozen=True, rename="camel"):
    """A moment as it is told to others at one instant: the shape of every door."""

    id: str
    type: MomentType
    probabilities: dict[str, float]
    need: dict[str, str | int]
    confidence: float
    urgency: float
    stage: str
    evidence: list[Evidence]
    opened_at: Millis
    expires_at: Millis
    ended: Ending | None = None
    ended_at: Millis | None = None
    channels: list[str] = []
