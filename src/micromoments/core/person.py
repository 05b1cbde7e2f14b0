"""A person: all ids known to be one consumer, with bounded state that joins.

``join`` is associative, commutative and idempotent: every field is a set with a bound that depends on its content
alone (the newest so many, the last writer), so the order of arrival can't show. What is derived (``reading``) is not
joined but folded again from the joined traces.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import force_setattr

from micromoments.core.decision import Assignment
from micromoments.core.event import Millis
from micromoments.core.fence import Whereabouts
from micromoments.core.moment import Reading, Trace

MAX_TRACES = 24
"""Signal-bearing events kept for each source id."""
MAX_PARTS = 8
"""Source ids whose traces are kept; the least recently heard of is let go."""
MAX_NAMES = 24
MAX_TRAITS = 24
MAX_TRAIT_BYTES = 1024
"""Encoded names and values of a person's traits together."""
MAX_SERVED = 32
MAX_PENDING = 16
MAX_ITEMS = 16
MAX_ENDED = 6
MAX_GROUPS = 4
MAX_REPLIES = 12
"""Instants at which a person answered a message, for the right hour of the next."""
MAX_REDEEMED = 12
"""Redemptions of offers kept, the newest."""
MAX_PURCHASES = 64
MAX_PURCHASE_BYTES = 1024
"""Purchases kept by day and item, the newest, and the bytes of them and their items' ids from which the
older ones go."""
MAX_STATES = 8
"""Ids as sent whose consent tools' states are kept; the least recently heard of is let go."""


class Stamp(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """The order of writes: (event time, message hash). The larger wins."""

    at: Millis
    mid: int


class Trait(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value and who wrote it last."""

    stamp: Stamp
    value: Any


class Words(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last words about one purpose of consent: under an id that the sender proved, under a ``userId`` that was
    only claimed, and on devices that named nobody.
    """

    proven: Trait | None = None
    claimed: Trait | None = None
    device: Trait | None = None


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one id's consent tool said last, of every purpose that it knows; ``known`` is whether a ``userId`` was sent
    with it, ``agreed`` when it first said yes.
    """

    stamp: Stamp
    known: bool
    said: dict[str, bool]
    agreed: dict[str, Millis] = {}


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one source id contributed: its newest traces in order, its counters by event name, and where it was
    (``recognise.usual``; empty without consent to location).
    """

    traces: tuple[Trace, ...] = ()
    counts: dict[str, int] = {}
    first: Millis = 0
    last: Millis = 0
    total: int = 0
    visits: tuple[int, ...] = ()


class Served(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One item put before the person, for frequency caps; ``until`` an offer's own cap counts it, 0 without one."""

    at: Millis
    item: str
    slot: str
    campaign: str
    decision: str
    channel: str = ""
    until: Millis = 0


class Redeemed(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """An offer that the person redeemed; ``by`` is 63 bits of the order's id, or of the message's."""

    at: Millis
    item: str
    by: int


class Pending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A decision whose window is open; ``seen`` is its instant or 0.

    ``done`` holds the ids of outcomes that were counted and words for what was paid (``learn.attribution``), so that a
    click and then an order pay once, the larger. ``reserved`` is part of the stored format and not used: a reservation
    is settled by its own id. ``shadow`` says that the default was served beside the policy: a goal that names no
    decision goes to others first. ``offers`` are those of its items that a goal redeems.
    """

    id: str
    slot: str
    at: Millis
    until: Millis
    items: tuple[str, ...]
    moment: str = ""
    goal: str = ""
    seen: Millis = 0
    done: tuple[str, ...] = ()
    reserved: bool = False
    marks: int = 0
    shadow: bool = False
    offers: tuple[str, ...] = ()


ADDRESSES = ("email", "phone", "chat", "push_endpoint", "push_p256dh", "push_auth")
"""Traits by which a person is reached. They count only when the id's holder proved it: anybody can claim an id with a
public key, and would get another's messages.
"""
ADDRESSES_OF: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "sms": ("phone",),
    "chat": ("chat",),
    "push": ("push_endpoint", "push_p256dh", "push_auth"),
}
"""What must be known of a person to reach them on a channel."""
MAX_ADDRESS = 512
"""Characters of one of them; a longer one is left out."""


class Person(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that is kept of one consumer between events: at most 4 KB encoded.

    ``id`` is ``user:<id>`` (the least of joined user ids) or ``anon:<id>``; ``surrogate`` is the random number under
    which facts know the person. ``parts`` are keyed by source id. ``bought`` and ``dismissed`` map items to the last
    instant. ``addresses`` are confirmed (``ADDRESSES``), ``groups`` the newest groups by id with what was said of them,
    ``fences`` by source id where it was, as far as geofences tell. ``consent`` is what holds, by purpose, as it follows
    from ``words`` and ``states`` (by 63 bits of the id as sent). ``replies`` are the newest instants at which a message
    was opened or clicked. ``purchases`` are by item the days (since the epoch, UTC) on which it was bought.
    """

    id: str
    surrogate: int
    parts: dict[str, Part] = {}
    traits: dict[str, Trait] = {}
    consent: dict[str, Trait] = {}
    reading: Reading = Reading()
    pending: tuple[Pending, ...] = ()
    served: tuple[Served, ...] = ()
    bought: dict[str, Millis] = {}
    dismissed: dict[str, Millis] = {}
    assignments: dict[str, Assignment] = {}
    answered: dict[str, Millis] = {}
    marks: int = 0
    first: Millis = 0
    last: Millis = 0
    addresses: dict[str, Trait] = {}
    groups: dict[str, Trait] = {}
    fences: dict[str, Whereabouts] = {}
    words: dict[str, Words] = {}
    states: dict[int, State] = {}
    replies: tuple[Millis, ...] = ()
    redeemed: tuple[Redeemed, ...] = ()
    purchases: dict[str, tuple[int, ...]] = {}

    def wake_at(self) -> Millis:
        """The next instant at which time alone changes this person, 0 if none."""
        due = [m.expires_at for m in self.reading.open]
        if self.pending:
            due += [p.until for p in self.pending]
        if self.fences:
            due += [w.due for w in self.fences.values() if w.due]
        return min(due, default=0)


_MAPS = tuple(name for name in Person.__struct_fields__ if isinstance(getattr(Person("", 0), name), dict))
_EMPTY: dict[Any, Any] = {}


def lean(person: Person) -> Person:
    """The person, who was just made or read, with one empty dictionary for all that they have nothing of.

    Each comes with a dozen of their own: a sixth of the memory that a person takes, and as many more places in it to
    wait for whenever one is copied, encoded or let go of (ADR 0085).
    """
    for name in _MAPS:
        if not getattr(person, name):
            force_setattr(person, name, _EMPTY)
    return person


class Claim(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """From this stamp on, until the next claim, an anonymousId belongs to ``user``."""

    stamp: Stamp
    user: str


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of one source id: who claimed it (an ``anon:``), or which user ids alias joined it with (a
    ``user:``).
    """

    claims: tuple[Claim, ...] = ()
    joined: tuple[str, ...] = ()
