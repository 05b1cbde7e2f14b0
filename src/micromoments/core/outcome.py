"""Outcomes: what came of a decision in its attribution window."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.core.event import Millis

What = Literal["seen", "clicked", "dismissed", "goal", "ignored", "unsubscribed", "complained", "bounced"]


class Outcome(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """What came of one decision. ``id`` is derived from the decision, ``what``, the goal and item: twice is once.

    ``ignored`` is the end of the window of a decision that was seen and not acted on: reward 0. ``reward`` in [0, 1] is
    what the policy learns (``None``: nothing to learn, such as *seen*); ``value`` is minor units of ``currency``.
    ``unsubscribed`` and ``complained`` are reward 0; what ``bounced`` was never seen and teaches nothing. ``via`` says
    how the outcome was joined: by the decision's id, or by the window.
    """

    id: str
    decision: str
    slot: str
    item: str
    what: What
    at: Millis
    reward: float | None
    goal: str = ""
    value: int = 0
    currency: str = ""
    via: Literal["id", "window"] = "id"
    moment: str = ""
    surrogate: int = 0
    marks: int = 0
