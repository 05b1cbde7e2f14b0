"""Reasons in words: a code and its need become a sentence that a marketer, or the person, understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from micromoments.core.event import Millis
from micromoments.core.moment import Need, Signal

STAGES: Final = ("", "discover", "consider", "choose", "commit", "done")
"""Names of the steps of the journey, by ``Signal.stage``."""

REASONS: Final[Mapping[str, str]] = {
    "search": 'searched "{words}"', "typing": 'types "{words}"', "title": 'reads "{words}"',
    "product": "looked at {item}", "list": "browsed {category}",
    "filter": "narrowed {category}", "added": "added {item} to the cart", "removed": "took {item} out of the cart",
    "cart": "looked at the cart", "checkout": "is at the checkout", "payment": "entered payment", "ordered": "ordered",
    "promotion": "opened a promotion", "coupon": "tried a coupon", "wish": "saved {item} for later",
    "unwish": "took {item} off the wish list", "shared": "shared {item}", "article": "read {item}",
    "learned": "read to the end",
    "guide": "opened the guide {item}", "step": "finished a step of {item}", "done": "finished {item}",
    "video": "watched a video",
    "place": "looked at {item}", "offer": "looked at the offer {item}", "locator": "looked for a store",
    "directions": "asked for directions to {item}",
    "ride": "asked for a ride", "booking": "started a booking", "booked": "booked {item}",
    "arrived": "arrived at {item}",
    "near_open": "is {metres} from {place}, open now", "near_closed": "is {metres} from {place}, closed now",
    "heading": "is heading for {place}, {metres} away", "passing": "is passing {place}, {metres} away",
    "usual": "is {metres} from {place}, where they often are at this hour",
    "to_work": "is on the way to work", "to_home": "is on the way home",
    "from_maps": "came from a map", "from_prices": "came from a price comparison",
    "from_wiki": "came from an encyclopedia",
    "from_video": "came from a video", "from_ideas": "came from a board of ideas",
    "from_sale": "came by a sale campaign",
    "entered": "came to {place}", "left": "left {place}", "passed": "went past {place}",
    "wrong": "said this is wrong",
}  # fmt: skip
"""Code -> template. ``{item}`` and ``{category}`` fall back to "an item" and "the shop"."""


def distance(metres: int) -> str:
    """Metres as people say them: 80 m, 450 m, 1.2 km."""
    if metres >= 1000:
        return f"{metres / 1000:.1f} km"
    return f"{metres if metres < 100 else round(metres, -1)} m"


def ago(age: Millis) -> str:
    """An age as people say it: now, 40 s ago, 12 min ago, 3 h ago."""
    seconds = age // 1000
    if seconds < 5:
        return "just now"
    if seconds < 100:
        return f"{seconds} s ago"
    return f"{round(seconds / 60)} min ago" if seconds < 5400 else f"{round(seconds / 3600)} h ago"


def reason(signal: Signal) -> str:
    """One reason in words, without when it was: ``added Trail shoe to the cart``."""
    need: Need = signal.need
    template = REASONS.get(signal.why, signal.why.replace("_", " "))
    if not need.words and not need.query:
        template = template.removesuffix(' "{words}"')
    return template.format(
        words=need.words[:60] or need.query,
        item=(need.words if not need.query else "") or need.item or "an item",
        category=need.category or "the shop",
        place=need.place or "a place",
        metres=distance(max(signal.metres, 0)),
    )


def say(text: str, age: Millis, times: int = 1) -> str:
    """A reason as a sentence, with its age and how often it was: ``searched "tap" 3 times, last 40 s ago``."""
    if times > 1:
        return f"{text} {times} times, last {ago(age)}"
    return f"{text}, {ago(age)}" if "," in text else f"{text} {ago(age)}"
