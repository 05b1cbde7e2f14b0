"""The fold of traces into moments: decay, joining, opening, ending. Pure functions over whole hundredths of a nat.

A trace joins the open moment that it is about (the same item, overlapping words, the same category,
or a type that the moment holds likely); else it opens one if it makes an intent likelier than the
threshold, by itself or with the slight traces before it, which *brew*. A moment ends by the event that
meets its need, by the person's word, by evidence that turns, or when its time is up. What the person
called wrong weighs against its like for a while.

``since`` is the start of the present stretch in which something was open, brewed, or was lately called wrong: an
earlier trace can't change what is open.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from micromoments.core.event import Millis
from micromoments.core.moment import NONE, TYPES, Ending, Moment, MomentType, Reading, Signal, Trace, Vector
from micromoments.core.person import MAX_ENDED
from micromoments.recognise.place import hour
from micromoments.recognise.story import looked_at, merged, own, relation, reworded, seen_on, stayed, turns
from micromoments.recognise.text import Five, softmax
from micromoments.recognise.weights import SHIPPED, Weights

VERSION: Final = 3
"""Raised when the fold's arithmetic changes, so that digests tell."""
PLACE_OF: Final = {kind: i for i, kind in enumerate(TYPES)}
QUIET: Final[Vector] = (0, 0, 0, 0, 0)
MOST: Final = 900
"""Hundredths of a nat to which sums are held, so that no evidence is beyond recall."""
MAX_OPEN: Final = 4
MAX_EVIDENCE: Final = 6
HOLDS: Final = 0.2
"""A moment takes in a trace without topic if it gives the trace's type at least this probability."""
REWORDED: Final = 0.3
"""What is left of earlier evidence once the person words the need anew, or says the same again: words are weighed as if
nothing else were known, so the last wording holds most of what those before it said.
"""
WORDS: Final = 2
"""The relation from which a trace is about a moment whatever its type."""
SLIGHT: Final = 25
"""Hundredths of a nat below which a trace isn't worth keeping as evidence."""
OVER: Final = 0.25
"""A moment whose intent falls below this by contrary evidence is abandoned."""
MAX_BREWING: Final = 2
WRONG: Final = 260
"""Hundredths of a nat by which a moment that was just called wrong weighs against its like."""
WRONG_HALVES: Final = 20 * 60_000
"""Milliseconds in which that halves; after ``WRONG_LASTS`` it is forgotten."""
WRONG_LASTS: Final = 4 * WRONG_HALVES
CHOSEN: Final = 3
"""From this stage on, a moment whose time is up counts as abandoned (a left cart), before it as expired."""


class Rules(msgspec.Struct, frozen=True, gc=False):
    """What a project sets: half-lives and lifetimes in milliseconds for know, go, do, buy; the opening threshold."""

    half_lives: tuple[float, ...]
    lifetimes: tuple[int, ...]
    threshold: float
    weights: Weights = SHIPPED
    timezone: str = "UTC"


def faded(age: Millis, half_life: float) -> float:
    """The share of evidence left after an age."""
    return math.exp2(-max(age, 0) / half_life)


def logits(sums: Vector, prior: Vector = SHIPPED.prior) -> Five:
    """Log prior and evidence together, in nats."""
    k, g, d, b, n = sums
    of_k, of_g, of_d, of_b, of_n = prior
    return ((of_k + k) / 100.0, (of_g + g) / 100.0, (of_d + d) / 100.0, (of_b + b) / 100.0, (of_n + n) / 100.0)


@lru_cache(maxsize=8192)
def posterior(sums: Vector, prior: Vector = SHIPPED.prior) -> Five:
    """Probabilities over know, go, do, buy, none. Kept for the sums of late: one act says the same to everyone."""
    return softmax(logits(sums, prior))


def held(sums: Vector, which: int, rules: Rules) -> float:
    """The probability of one type under the prior and sums."""
    return posterior(sums, rules.weights.prior)[which]


def decayed(sums: Vector, age: Millis, kind: MomentType, rules: Rules) -> Vector:
    """Sums after an age: each type by its half-life, ``none`` by that of the moment's type."""
    if age <= 0:
        return sums
    halves = rules.half_lives
    k, g, d, b, n = sums
    return (
        round(k * math.exp2(-age / halves[0])) if k else 0,
        round(g * math.exp2(-age / halves[1])) if g else 0,
        round(d * math.exp2(-age / halves[2])) if d else 0,
        round(b * math.exp2(-age / halves[3])) if b else 0,
        round(n * math.exp2(-age / halves[PLACE_OF[kind]])) if n else 0,
    )


def added(a: Vector, b: Vector) -> Vector:
    """Two vectors' sum."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])


def leading(weights: Vector) -> int:
    """The intent that weights by themselves speak for most."""
    return speaks_for(weights, QUIET)


@lru_cache(maxsize=8192)
def concerns(weights: Vector, prior: Vector) -> int:
    """The intent that weights are about: the one that they speak for, or against where they only speak against one."""
    against = min(weights[:NONE])
    if against < 0 < weights[NONE] and max(weights[:NONE]) <= 0:
        return weights.index(against)
    return speaks_for(weights, prior)


def speaks_for(weights: Vector, prior: Vector) -> int:
    """The intent that weights make likeliest, the prior counted in; the nearer to action wins a tie."""
    k, g, d, b = weights[0] + prior[0], weights[1] + prior[1], weights[2] + prior[2], weights[3] + prior[3]
    if b >= g and b >= d and b >= k:
        return 3
    if g >= d and g >= k:
        return 1
    return 2 if d >= k else 0


def add(reading: Reading, trace: Trace, rules: Rules) -> Reading:
    """The reading with one more trace, which is newer than all before it."""
    reading = settle(_rewound(reading, trace.at), trace.at)
    signal = trace.signal
    if signal.closes:
        told = tuple(m for m in reading.open if signal.closes in {"*", m.id})
        closed = _ended(reading, told, "abandoned", trace)
        return replace(closed, brewing=()) if signal.closes == "*" and closed.brewing else closed
    if signal.ends:
        met = tuple(m for m in reading.open if signal.ends >> PLACE_OF[m.type] & 1)
        return _ended(reading, met, "fulfilled", trace)
    if reading.open:
        moment = _about(reading.open, trace, concerns(signal.weights, rules.weights.prior), rules)
        if moment is not None:
            if stayed(moment, trace):
                return _ended(reading, (moment,), "fulfilled", trace)
            return _joined(reading, moment, trace, rules)
    return _brewed(reading, trace, rules)


def settle(reading: Reading, at: Millis) -> Reading:
    """Ends every moment whose time is up; the same object if there is none."""
    for moment in reading.open:
        if moment.expires_at <= at:
            break
    else:
        return reading
    left = tuple(m for m in reading.open if m.expires_at > at)
    up = [_time_up(m) for m in reading.open if m.expires_at <= at]
    return replace(reading, open=left, ended=_newest((*reading.ended, *up)))


def _time_up(moment: Moment) -> Moment:
    return _end(moment, "abandoned" if moment.stage >= CHOSEN else "expired", moment.expires_at)


def _end(moment: Moment, how: Ending, at: Millis) -> Moment:
    return replace(moment, ended=how, ended_at=at)


def _newest(ended: tuple[Moment, ...]) -> tuple[Moment, ...]:
    return tuple(sorted(ended, key=lambda m: (m.ended_at, m.id))[-MAX_ENDED:])


def _rewound(reading: Reading, at: Millis) -> Reading:
    """Takes back ends by the clock that lie after ``at``: an event that arrives late finds its moment still open."""
    if not reading.ended or reading.ended[-1].ended_at <= at:
        return reading
    back = [m for m in reading.ended if m.ended_at > at and m.ended_at == m.expires_at]
    if not back:
        return reading
    ended = tuple(m for m in reading.ended if m not in back)
    again = [replace(m, ended=None, ended_at=0) for m in back]
    return replace(reading, open=_in_order((*reading.open, *again)), ended=ended)


def _in_order(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    if len(moments) < 2:
        return moments
    return tuple(sorted(moments, key=lambda m: (m.opened_at, m.id)))


def _ended(reading: Reading, which: tuple[Moment, ...], how: Ending, trace: Trace) -> Reading:
    """Ends moments by an event, which becomes part of their evidence."""
    if not which:
        return reading
    left = tuple(m for m in reading.open if m not in which)
    over = (
        replace(
            m,
            stage=max(m.stage, trace.signal.stage),
            traces=_kept(m.traces, trace),
            channels=seen_on(m.channels, trace.channel),
            ended=how,
            ended_at=trace.at,
            wrong=how == "abandoned",
            seen=(),
        )
        for m in which
    )
    return replace(reading, open=left, ended=_newest((*reading.ended, *over)))


def _about(moments: tuple[Moment, ...], trace: Trace, lead: int, rules: Rules) -> Moment | None:
    """The open moment that a trace is about: by topic first, then of its type, then the one fed last."""
    best: tuple[int, bool, Millis, str] | None = None
    found = None
    for m in moments:
        related = relation(m.need, trace.signal.need)
        if related < 0:
            continue
        alike = m.type == TYPES[lead]
        if related < WORDS and not alike and _held(m, trace.at, lead, rules) < HOLDS:
            continue
        rank = (related, alike, m.updated_at, m.id)
        if best is None or rank > best:
            best, found = rank, m
    return found


def _held(moment: Moment, at: Millis, lead: int, rules: Rules) -> float:
    """The probability that a moment gives to a type by now."""
    return held(decayed(moment.sums, at - moment.updated_at, moment.type, rules), lead, rules)


def _clipped(k: int, g: int, d: int, b: int, n: int) -> Vector:
    """Sums held to ``MOST`` either way."""
    if -MOST <= k <= MOST and -MOST <= g <= MOST and -MOST <= d <= MOST and -MOST <= b <= MOST and -MOST <= n <= MOST:
        return (k, g, d, b, n)
    k, g, d, b, n = [max(-MOST, min(MOST, x)) for x in (k, g, d, b, n)]
    return (k, g, d, b, n)


def grown(moment: Moment, trace: Trace, rules: Rules) -> Moment:
    """A moment with the trace's evidence and what the turn that it gives the story adds."""
    signal = trace.signal
    k, g, d, b, n = decayed(moment.sums, trace.at - moment.updated_at, moment.type, rules)
    about = own(signal)
    if (about.words and moment.need.words) or (reworded(moment.need, about) and not moment.need.words):
        k, g, d, b, n = [round(x * REWORDED) for x in (k, g, d, b, n)]
    w = signal.weights
    if told := turns(moment, trace):
        grown = [k + w[0], g + w[1], d + w[2], b + w[3], n + w[4]]
        for_ = speaks_for(w, rules.weights.prior)
        for name in told:
            grown[for_] += rules.weights.turn(name)[for_]
        sums = _clipped(*grown)
    else:
        sums = _clipped(k + w[0], g + w[1], d + w[2], b + w[3], n + w[4])
    lead = speaks_for(sums, rules.weights.prior)
    goes_on = w[lead] > 0 or signal.stage > 0
    until = max(moment.expires_at, trace.at + rules.lifetimes[lead]) if goes_on else moment.expires_at
    return Moment(
        moment.id,
        moment.opened_at,
        trace.at,
        until,
        sums,
        TYPES[lead],
        merged(moment.need, about),
        max(moment.stage, signal.stage),
        _kept(moment.traces, trace),
        seen_on(moment.channels, trace.channel),
        seen=looked_at(moment.seen, signal),
        metres=signal.metres if signal.metres >= 0 else moment.metres,
    )


def _joined(reading: Reading, moment: Moment, trace: Trace, rules: Rules) -> Reading:
    """The moment with the trace's evidence; abandoned if that turned it."""
    changed = grown(moment, trace, rules)
    if _speaks_against(trace.signal.weights) and 1.0 - held(changed.sums, NONE, rules) < OVER:
        rest = tuple(m for m in reading.open if m is not moment)
        turned = replace(changed, ended="abandoned", ended_at=trace.at, seen=())
        return Reading(rest, _newest((*reading.ended, turned)), reading.since, reading.brewing)
    left = (changed,) if len(reading.open) == 1 else tuple([changed if m is moment else m for m in reading.open])
    return Reading(left, reading.ended, reading.since, reading.brewing)


def _kept(mids: tuple[int, ...], trace: Trace) -> tuple[int, ...]:
    """A moment's evidence with one trace more: the opening trace and the newest telling ones stay."""
    if not trace.signal.ends and _is_slight(trace.signal.weights):
        return mids
    mids = (*mids, trace.mid)
    return mids if len(mids) <= MAX_EVIDENCE else (mids[0], *mids[2:])


@lru_cache(maxsize=8192)
def _is_slight(weights: Vector) -> bool:
    return max(weights[:NONE]) < SLIGHT and min(weights[:NONE]) > -SLIGHT


@lru_cache(maxsize=8192)
def _speaks_against(weights: Vector) -> bool:
    return min(weights[:NONE]) < 0


def _wronged(reading: Reading, trace: Trace, lead: int) -> int:
    """By how much what the person lately called wrong weighs against opening its like, in hundredths of a nat."""
    most, need = 0.0, trace.signal.need
    for m in reading.ended:
        age = trace.at - m.ended_at
        if not m.wrong or age >= WRONG_LASTS:
            continue
        related = relation(m.need, need)
        if related >= WORDS or (m.type == TYPES[lead] and related >= 0):
            most = max(most, WRONG * faded(age, WRONG_HALVES))
    return round(most)


def _stretch(reading: Reading, trace: Trace) -> Millis:
    """Where the stretch begins that what a new trace starts depends on."""
    if reading.open:
        return reading.since
    for brewing in reading.brewing:
        if brewing.expires_at > trace.at:
            return reading.since
    for ended in reading.ended:
        if ended.wrong and trace.at - ended.ended_at < WRONG_LASTS:
            return reading.since
    return trace.at


def eighth(at: Millis, rules: Rules) -> int:
    """Which three hours of the day an instant lies in, in the project's zone, 0 to 7."""
    return (hour(at, rules.timezone) or 0) // 3


def started(reading: Reading, trace: Trace, lead: int, rules: Rules) -> Moment:
    """A stretch that begins with a trace."""
    signal: Signal = trace.signal
    first = signal.weights
    if rules.weights.hours:
        first = added(first, rules.weights.hours[eighth(trace.at, rules)])
    sums = first if max(first) <= MOST and min(first) >= -MOST else _clipped(*first)
    if reading.ended and (wronged := _wronged(reading, trace, lead)):
        k, g, d, b, n = sums
        sums = _clipped(k, g, d, b, n + wronged)
    return Moment(
        f"m{trace.mid:016x}",
        trace.at,
        trace.at,
        trace.at + rules.lifetimes[lead],
        sums,
        TYPES[lead],
        own(signal),
        signal.stage,
        (trace.mid,),
        seen_on((), trace.channel),
        seen=looked_at((), signal),
        metres=signal.metres,
    )


def _brewed(reading: Reading, trace: Trace, rules: Rules) -> Reading:
    """A trace that belongs to no open moment: it opens one, adds to what brews, or begins to brew."""
    lead = speaks_for(trace.signal.weights, rules.weights.prior)
    brewing = reading.brewing
    if brewing:
        brewing = tuple([m for m in brewing if m.expires_at > trace.at])
    before = _about(brewing, trace, lead, rules) if brewing else None
    stretch = grown(before, trace, rules) if before is not None else started(reading, trace, lead, rules)
    if before is None and max(map(abs, stretch.sums)) < SLIGHT:
        return reading
    rest = tuple([m for m in brewing if m is not before]) if brewing else brewing
    if 1.0 - held(stretch.sums, NONE, rules) < rules.threshold:
        return Reading(reading.open, reading.ended, _stretch(reading, trace), (*rest, stretch)[-MAX_BREWING:])
    return _opened(reading, stretch, trace, rest)


def _opened(reading: Reading, moment: Moment, trace: Trace, brewing: tuple[Moment, ...]) -> Reading:
    """The moment opens now; the least recently fed of too many is abandoned."""
    id = f"m{trace.mid:016x}"
    if moment.id != id:
        moment = replace(moment, id=id, opened_at=trace.at)
    left, ended = reading.open, reading.ended
    if len(left) >= MAX_OPEN:
        stale = min(left, key=lambda m: (m.updated_at, m.id))
        left = tuple(m for m in left if m is not stale)
        ended = _newest((*ended, _end(stale, "abandoned", trace.at)))
    return Reading(_in_order((*left, moment)), ended, _stretch(reading, trace), brewing)
