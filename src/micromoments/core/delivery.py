"""Deliveries: what is to be told outside of a person's moment, from the wish to the receipt."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.core.event import Millis

Status = Literal["intended", "waiting", "sent", "dead", "held"]
STATUSES: tuple[Status, ...] = ("intended", "waiting", "sent", "dead", "held")
"""*intended*: to be decided; *waiting*: written, to be sent (again); *sent*: the destination took it; *dead*: given up,
kept to be replayed; *held*: not sent on purpose, ``detail`` says why.
"""
LATE = "too_late"
"""The reason of what was given up because its time was over."""
FORWARDED = "fwd_"
"""How the ids of forwarded events' deliveries begin."""


class Delivery(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One delivery in the outbox. ``id`` is derived from the trigger, the moment and the destination: twice is once.

    ``at`` is when it was intended, ``due`` when it is next looked at, ``until`` when it is too late. ``destination`` is
    empty until the best allowed one is chosen. ``title``, ``text``, ``data`` (JSON) and ``address`` are what is sent,
    written once, so that every try sends the same. ``since`` is when it was first due to be sent.
    """

    id: str
    trigger: str
    person: str
    surrogate: int
    moment: str
    at: Millis
    due: Millis
    until: Millis
    destination: str = ""
    status: Status = "intended"
    channel: str = ""
    decision: str = ""
    item: str = ""
    title: str = ""
    text: str = ""
    data: bytes = b""
    address: dict[str, str] = {}
    tries: int = 0
    since: Millis = 0
    detail: str = ""
    marks: int = 0

    @property
    def events(self) -> bool:
        """Whether it holds events as they came (``data`` is ``{"batch": [calls]}``) rather than a moment's news."""
        return self.id.startswith(FORWARDED)


class Receipt(msgspec.Struct, frozen=True):
    """What a destination said of one try: taken, or not; then whether to try again, and after how many seconds where it
    said so.
    """

    taken: bool
    again: bool = False
    detail: str = ""
    after: float = 0.0


def taken(detail: str = "") -> Receipt:
    """The destination took it."""
    return Receipt(True, detail=detail)


def later(detail: str, after: float = 0.0) -> Receipt:
    """Not now: try again."""
    return Receipt(False, again=True, detail=detail, after=after)


def never(detail: str) -> Receipt:
    """Never like this: keep it as a dead letter."""
    return Receipt(False, detail=detail)
