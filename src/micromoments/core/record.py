"""Records: the entries of the log. What the world did (events, items, activations) and what we answered.

A record holds everything that folding it needs, so a replay never asks a catalogue, a clock or a die.
"""

from __future__ import annotations

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.event import Event, Millis
from micromoments.core.fence import Fence
from micromoments.core.item import Facet, Item, Nearby
from micromoments.core.offer import Redemption
from micromoments.core.outcome import Outcome


class EventRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An accepted event: its body as sent, and the server's stamps.

    ``at`` is arrival, ``occurred`` the event time corrected for the client's clock. ``mid`` is the 63-bit hash of the
    messageId, ``nonce`` a random number that names a person who is new. ``facets`` and ``nearby`` are captured from the
    catalogue. ``event`` is ``body`` decoded; the log stores only ``body``. ``confirmed`` is whether the id's holder
    proved it (a secret key or a person token). ``fences`` are those around the position that was reported; ``None``
    where none was, or where it is too vague to tell, or the catalogue has no fence. ``redeemed`` are the offers
    that its codes and ids name.
    """

    key: str
    at: Millis
    occurred: Millis
    message_id: str
    mid: int
    nonce: int
    body: bytes
    event: Event
    marks: int = 0
    facets: tuple[Facet, ...] = ()
    nearby: Nearby | None = None
    confirmed: bool = False
    fences: tuple[Fence, ...] | None = None
    redeemed: tuple[Redemption, ...] = ()


class TickRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Arrival time reached a person's ``wake_at``."""

    key: str
    at: Millis


class DecidedRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision was made and answered; a replay folds it and never draws again."""

    key: str
    at: Millis
    decision: Decision


class OutcomeRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An outcome came about; policies fold these in the log's order."""

    key: str
    at: Millis
    outcome: Outcome


class ItemRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item was put (``item``) or deleted (``None``)."""

    key: str
    at: Millis
    item: Item | None


class ActivationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """From here on another configuration, model or policy version is in force, by digest."""

    key: str
    at: Millis
    what: str
    name: str
    digest: str
    body: bytes = b""


class ErasedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Here stood a record of someone who asked to be erased. It keeps its place so that positions stay true."""

    key: str = ""
    at: Millis = 0


Record = EventRecord | TickRecord | DecidedRecord | OutcomeRecord | ItemRecord | ActivationRecord | ErasedRecord


class Logged(msgspec.Struct, frozen=True, gc=False):
    """A record and its position in the log: whole numbers from 0, without gaps."""

    position: int
    record: Record
