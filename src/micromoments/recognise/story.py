"""How a trace goes on with the story of a moment: whether it is about the same, and which turn it gives it."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from micromoments.core.moment import Moment, Need, Signal, Trace
from micromoments.recognise.need import topic

MAX_SEEN: Final = 8
MAX_CHANNELS: Final = 6
TITLE: Final = "title"
"""The reason of a signal that a page's title gave."""
DWELT: Final = (20_000, 600_000)
"""Milliseconds with one thing from which, and up to which, it counts as having been looked at with care."""
HASTY: Final = 3_000
"""Milliseconds below which the thing before was only glanced at."""
MOVED: Final = 40
"""Metres nearer or farther that say where someone is heading; less may be the phone's error."""
HERE: Final = 40
"""Metres within which someone may be at a place, by a phone's position."""
STAYED: Final = (90_000, 1_800_000)
"""Milliseconds between two reports from a place that say that someone came to stay."""
LOOKED: Final = 2
"""The stage of a look at something."""
CHOSE: Final = 3
"""The stage of putting something into a cart."""


def relation(mine: Need, theirs: Need) -> int:
    """How two needs relate: 3 same item, 2 overlapping words, 1 same category, 0 can't tell, -1 different words."""
    if theirs.item and theirs.item == mine.item:
        return 3
    if mine.query and theirs.query:
        a, b = topic(mine.query), topic(theirs.query)
        if a & b or not a or not b or mine.query.startswith(theirs.query) or theirs.query.startswith(mine.query):
            return 2
        return -1
    return 1 if theirs.category and theirs.category == mine.category else 0


def turns(moment: Moment, trace: Trace) -> tuple[str, ...]:
    """The turns that a trace gives to the story of a moment, by their names in ``weights.TURNS``."""
    signal, age = trace.signal, trace.at - moment.updated_at
    mine, theirs = moment.need, signal.need
    if reworded(mine, theirs) and (signal.why != TITLE or not mine.words):
        return ("refined",)
    if signal.metres >= 0 and moment.metres >= 0 and theirs.place == mine.place:
        if moment.metres - signal.metres >= MOVED:
            return ("closer",)
        if signal.metres - moment.metres >= MOVED:
            return ("leaving",)
    if moment.stage < LOOKED or signal.stage not in (LOOKED, CHOSE):
        return ()
    chose, known = signal.stage == CHOSE, bool(theirs.item) and hashed(theirs.item) in moment.seen
    told = ((["chose"] if known else []) + (["filled"] if moment.stage >= CHOSE else [])) if chose else ["more"]
    if age < HASTY:
        told.append("hasty")
    elif DWELT[0] <= age <= DWELT[1]:
        told.append("dwelt")
    if theirs.item and moment.seen and not chose:
        if known:
            told.append("again")
        elif len(moment.seen) > 1:
            told.append("several")
    if theirs.category and mine.category and theirs.category != mine.category:
        told.append("wandered")
    return tuple(told)


def stayed(moment: Moment, trace: Trace) -> bool:
    """Whether a trace shows that the person came to the place that a moment is about: there twice, and no drive-by."""
    signal = trace.signal
    if moment.type != "go" or not 0 <= signal.metres <= HERE or not 0 <= moment.metres <= HERE:
        return False
    return signal.need.place == moment.need.place and STAYED[0] <= trace.at - moment.updated_at <= STAYED[1]


def hashed(item: str) -> int:
    """32 bits that stand for an item's id."""
    return zlib.crc32(item.encode())


def looked_at(seen: tuple[int, ...], signal: Signal) -> tuple[int, ...]:
    """The marks of the items that were looked at, with the one that a signal looks at, if it does."""
    item = signal.need.item
    if not item or signal.stage != LOOKED:
        return seen
    mark = hashed(item)
    return seen if mark in seen else (*seen, mark)[-MAX_SEEN:]


def seen_on(channels: tuple[str, ...], channel: str) -> tuple[str, ...]:
    """The channels on which a moment was seen, with another."""
    if not channel or channel in channels or len(channels) >= MAX_CHANNELS:
        return channels
    return (*channels, channel) if channels else _alone(channel)


@lru_cache(maxsize=256)
def _alone(channel: str) -> tuple[str, ...]:
    """A channel by itself: the same value for everybody who was seen there."""
    return (channel,)


def reworded(mine: Need, theirs: Need) -> bool:
    """Whether a need is put in other words than before: "near me" after the bare name of a thing is one."""
    return bool(theirs.query and mine.query) and (theirs.query, theirs.words) != (mine.query, mine.words)


def own(signal: Signal) -> Need:
    """A signal's need as a moment keeps it: ``words`` only where the person chose them, so not a page's title."""
    need = signal.need
    if not need.words or (need.query and signal.why != TITLE):
        return need
    return replace(need, words="")


def merged(old: Need, new: Need) -> Need:
    """What a moment is about after another trace: what was said last wins, a new wording replaces the old; what stands
    in a title never replaces words that the person chose.
    """
    if new == old:
        return old
    said = new if new.query and (new.words or not old.words) else old
    return Need(
        query=said.query,
        category=new.category or old.category,
        item=new.item or old.item,
        brand=new.brand or old.brand,
        place=said.place or new.place or old.place,
        time=said.time or old.time,
        price_from=said.price_from,
        price_to=said.price_to,
        words=said.words,
        currency=said.currency,
    )
