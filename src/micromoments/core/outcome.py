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
    how the outcome was joined: by the decision's id, or by the window. ``before`` is what was learned of the decision
    earlier, to which ``reward`` adds (``None``: it is the first). ``worth``, where the slot's reward is money, is that
    in minor units: 0 for what is only a step on the way, below 0 for a refund. ``redeemed`` are the offers
    that a goal's event named.
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
    before: float | None = None
    worth: int | None = None
    redeemed: tuple[str, ...] = ()
