"""The demo's project: its configuration, and a zone in which it is late morning when the demo begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

LATE_MORNING = 11
"""The town's hour when the demo begins, so that its shops are open whenever somebody looks."""

SETTINGS = """\
# The demo's project. Moments are given a minute and a half, so that a visitor sees them end; half of the people are
# held out, so that fourteen days are enough to tell what serving was worth.
name = "alderhaven"
timezone = "{timezone}"
currency = "EUR"
consent = ["measure", "personalise", "location"]  # everyone here is made up and has agreed

[slots.home]
categories = {categories}  # the town's own; the experiences have slots of theirs
policy = "adaptive"
goal = "order"
holdout = {holdout}
people = 240

[slots.search]
policy = "first"  # what the words find, in the order in which they fit; nobody is tried out on here
floor = 0.0

[goals.order]
event = "Order Completed"
value = "revenue"
currency = "EUR"
ends = ["buy"]

[goals.visit]
event = "Store Visited"
ends = ["go"]

[goals.guide]
event = "Guide Completed"
ends = ["do"]

[goals.read]
event = "Article Read"
ends = ["know"]

[recognition.lifetime]
know = 1.5
go = 1.5
do = 1.5
buy = 1.5
"""

EVERYONE = 0.9999
"""The holdout of the world that only ever sees the popular list."""
HALF = 0.5


def settings(timezone: str, holdout: float = HALF, categories: Sequence[str] = (), more: str = "") -> str:
    """The text of ``micromoments.toml``; ``categories`` are the town's (none: any), ``more`` what experiences add."""
    named = "[" + ", ".join(f'"{name}"' for name in categories) + "]"
    return SETTINGS.format(timezone=timezone, holdout=holdout, categories=named) + more


def daytime_zone(now: int) -> str:
    """The zone, of those on whole hours, in which it is late morning at an instant (milliseconds, UTC).

    >>> daytime_zone(1_700_000_000_000)  # 22:13 UTC
    'Etc/GMT+11'
    """
    ahead = LATE_MORNING - datetime.fromtimestamp(now / 1000, UTC).hour
    # The names in Etc count to the west: Etc/GMT+11 is eleven hours behind.
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"
