"""What is kept of each change, and of each look at a person."""

from __future__ import annotations

import msgspec

from micromoments.core.event import Millis


class Entry(msgspec.Struct, frozen=True):
    """One entry of the audit log.

    Attributes:
        at: when, milliseconds.
        who: how they showed that they may: ``dashboard``, ``secret key`` or ``this machine``.
        name: what they call themselves in the dashboard; may be empty.
        what: what they did, such as ``item put`` or ``person looked at``.
        target: at what; of a person no more than finds an id that one knows, so that nobody has to be erased here.
        detail: what it came to, in a few words.
    """

    at: Millis
    who: str
    name: str
    what: str
    target: str
    detail: str


class Noted(Entry, frozen=True):
    """An entry as it is kept: with its number, from 1, in the order of writing."""

    number: int
