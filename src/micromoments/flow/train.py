"""From a company's log to weights: what people did next is the label, so nobody labels anything.

An example is one thing that somebody did, with all that they did shortly before. Its label is the furthest that they
then went within a while: the type of what they looked at, chose, committed to or finished, ``none`` if nothing of that
followed or if they called the moment wrong. The meaning of the standard names is the anchor; what other names mean, and
how much each is worth here, is learned. The oldest part of the log teaches, the newest examines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from micromoments.core.event import Millis
from micromoments.core.moment import NONE, TYPES, Moment, Reading, Signal, Trace, Vector
from micromoments.core.record import EventRecord
from micromoments.learn import train as learning
from micromoments.recognise import fold as folding
from micromoments.recognise.behaviour import QUIET
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.sensitive import detector
from micromoments.recognise.story import relation, turns
from micromoments.recognise.weights import SHIPPED, TURNS, Weights

MOST_NAMES: Final = 120
LEAST_EVENTS: Final = 20
LEAST_PEOPLE: Final = 10
"""A name that fewer people sent, or that was sent less often, is not learned."""
MOST_EXAMPLES: Final = 60_000
LEAST_EXAMPLES: Final = 200
STRONGEST: Final = 600
PACED: Final = 6_000
"""Examples by which half-lives are chosen."""
PACES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
LEAST_GAIN: Final = 0.0005
"""Nats an example by which a type's own half-life must be better than the common one."""
PRIOR: Final = "(prior)"
HOURS: Final = tuple(f"(hour {n})" for n in range(8))
LABELS: Final[dict[str, int]] = {t: i for i, t in enumerate(TYPES)}


class Plan(NamedTuple):
    """How to label: what counts from which step of the journey (``words.STAGES``), within how long; and from which
    instant on, until which, the examples examine instead of teach.
    """

    step: int
    within: Millis
    split: Millis
    until: Millis


class Beat(NamedTuple):
    """One thing that somebody did: when, under which learned name, what it says as shipped, by itself and in all."""

    trace: Trace
    key: str
    base: Vector
    told: int
    record: EventRecord | None


class TooLittle(ValueError):
    """The log has too little to learn from; the message says what it lacks."""


def beat(record: EventRecord, recogniser: Recogniser, *, keep: bool) -> Beat | None:
    """A record as a beat; ``None`` for what says nothing and has no name of its own, or is sensitive.

    ``keep`` holds on to the record, to be read again with other weights. ``told`` is the type that a correction names,
    -1 without one.
    """
    event = record.event
    if event.type not in {"track", "page", "screen"}:
        return None
    reader = recogniser.reader
    signal, key = reader.read(record), reader.key(record)
    if signal is None and (not key or detector(recogniser.settings.recognition.sensitive)(key)):
        return None
    act = reader.base(record)
    told = LABELS.get(str(event.properties.get("moment_type") or ""), -1) if signal and signal.closes else -1
    trace = Trace(record.occurred, record.mid, signal or Signal(QUIET, ""))
    return Beat(trace, key, act.weights if act is not None else QUIET, told, record if keep else None)


def label(beats: Sequence[Beat], n: int, plan: Plan) -> int:
    """What was done next, as a type's number: the furthest step within reach; the nearer to action wins a tie."""
    until = beats[n].trace.at + plan.within
    best, furthest = NONE, plan.step - 1
    for later in beats[n + 1 :]:
        signal = later.trace.signal
        if later.trace.at > until:
            break
        if signal.closes:
            return later.told if later.told >= 0 else NONE
        if signal.ends:
            return max(c for c in range(NONE) if signal.ends >> c & 1)
        lead = folding.leading(signal.weights)
        if signal.stage > furthest and signal.weights[lead] > 0:
            best, furthest = lead, signal.stage
    return best


def names(stories: Iterable[Sequence[Beat]], until: Millis) -> tuple[str, ...]:
    """The names to learn: those that enough people sent often enough, the most frequent ones."""
    sent: Counter[str] = Counter()
    senders: Counter[str] = Counter()
    for story in stories:
        mine = [b.key for b in story if b.trace.at < until and not b.trace.signal.ends and not b.trace.signal.closes]
        sent.update(mine)
        senders.update(set(mine))
    known = [k for k, n in sent.most_common() if n >= LEAST_EVENTS and senders[k] >= LEAST_PEOPLE and k]
    return tuple(sorted(known[:MOST_NAMES]))


class _Window:
    """The stretch that one person is in: what was done, and the turns of its story."""

    def __init__(self, rules: folding.Rules) -> None:
        self._rules = rules
        self._moment: Moment | None = None
        self.done: list[tuple[Beat, tuple[str, ...]]] = []

    def take(self, beat: Beat) -> None:
        moment, trace = self._moment, beat.trace
        over = moment is not None and trace.at > moment.updated_at + max(self._rules.lifetimes)
        if moment is None or over or relation(moment.need, trace.signal.need) < 0:
            self.done = [(beat, ())]
            self._moment = folding.started(Reading(), trace, folding.leading(trace.signal.weights), self._rules)
            return
        self.done.append((beat, turns(moment, trace)))
        self._moment = folding.grown(moment, trace, self._rules)

    def end(self) -> None:
        self._moment, self.done = None, []


class Example(NamedTuple):
    """Who did something, what was done next (a type's number), and all that was done before, with its turns."""

    who: int
    label: int
    done: Sequence[tuple[Beat, tuple[str, ...]]]


def examples(stories: Sequence[Sequence[Beat]], plan: Plan, rules: folding.Rules) -> list[Example]:
    """The teaching part of the log.

    Raises:
        TooLittle: there are too few examples.
    """
    found: list[Example] = []
    for who, story in enumerate(stories):
        window = _Window(rules)
        for n, b in enumerate(story):
            if b.trace.at + plan.within > plan.split:
                break
            if b.trace.signal.ends or b.trace.signal.closes:
                window.end()
                continue
            window.take(b)
            found.append(Example(who, label(story, n, plan), window.done[-24:]))
    found = found[:: max(1, -(-len(found) // MOST_EXAMPLES))]
    if len(found) < LEAST_EXAMPLES:
        raise TooLittle(f"got {len(found)} examples to learn from, wanted {LEAST_EXAMPLES}; train when more has come")
    return found


def design(found: Sequence[Example], learned: tuple[str, ...], rules: folding.Rules) -> learning.Design:
    """Examples as numbers; features are the learned names, turns, hours, prior."""
    column = {name: i for i, name in enumerate((*learned, *TURNS, *HOURS, PRIOR))}
    x = np.zeros((NONE, len(found), len(column)))
    x[:, :, column[PRIOR]] = 1.0
    offset = np.zeros((len(found), NONE))
    for row, one in enumerate(found):
        _fill(x[:, row], offset[row], one.done, column, rules)
    return learning.Design(x, offset, np.array([one.label for one in found]), np.array([one.who for one in found]))


def paces(
    found: Sequence[Example], learned: tuple[str, ...], rules: folding.Rules, centre: learning.FloatArray
) -> tuple[float, ...]:
    """By how much half-lives are longer here than the settings say, for know, go, do, buy.

    First one pace for all, then each by itself: the one whose weights, fitted on two thirds of the people, are least
    surprised by the others. Types that nobody's next step was keep the common pace.
    """
    some = found[:: max(1, -(-len(found) // PACED))]

    def surprise(tried: tuple[float, ...]) -> float:
        halves = tuple(h * pace for h, pace in zip(rules.half_lives, tried, strict=True))
        return learning.surprise(design(some, learned, replace(rules, half_lives=halves)), centre)

    best = min(((pace,) * NONE for pace in PACES), key=surprise)
    least = surprise(best)
    for c in sorted({one.label for one in some} - {NONE}):
        for factor in (0.5, 2.0):
            tried = (*best[:c], best[c] * factor, *best[c + 1 :])
            if PACES[0] <= tried[c] <= PACES[-1] and (found_so := surprise(tried)) < least - LEAST_GAIN:
                best, least = tried, found_so
    return best


def _fill(
    x: learning.FloatArray,
    offset: learning.FloatArray,
    done: Sequence[tuple[Beat, tuple[str, ...]]],
    column: dict[str, int],
    rules: folding.Rules,
) -> None:
    """One example's features and offset: what is left of everything done, by type."""
    now, began = done[-1][0].trace.at, done[0][0].trace.at
    for c in range(NONE):
        x[c, column[HOURS[folding.eighth(began, rules)]]] = folding.faded(now - began, rules.half_lives[c])
    for b, told in done:
        w = b.trace.signal.weights
        taught = column.get(b.key)
        lead = folding.leading(w)
        for c in range(NONE):
            left = folding.faded(now - b.trace.at, rules.half_lives[c])
            fixed = w[c] - w[NONE]
            if taught is not None:
                x[c, taught] += left
                fixed -= b.base[c] - b.base[NONE]
            offset[c] += left * fixed / 100.0
            if c == lead:
                for name in told:
                    x[c, column[name]] += left


def learn(stories: Sequence[Sequence[Beat]], recogniser: Recogniser, plan: Plan) -> tuple[Weights, learning.FloatArray]:
    """Weights from the teaching part of the log, and its base rates of the five labels.

    Raises:
        TooLittle: there are too few examples.
    """
    learned = names(stories, plan.split)
    found = examples(stories, plan, recogniser.rules)
    shipped = {b.key: b.base for story in stories for b in story}
    before = [*(shipped[k] for k in learned), *TURNS.values(), *([QUIET] * len(HOURS)), SHIPPED.prior]
    centre = np.array([[(v[c] - v[NONE]) / 100 for c in range(NONE)] for v in before])
    paced = paces(found, learned, recogniser.rules, centre)
    halves = tuple(h * pace for h, pace in zip(recogniser.rules.half_lives, paced, strict=True))
    told = design(found, learned, replace(recogniser.rules, half_lives=halves))
    rows = [_vector(row) for row in learning.fit(told, centre)]
    weights = Weights(
        prior=rows[-1],
        acts=dict(zip(learned, rows, strict=False)),
        turns=dict(zip(TURNS, rows[len(learned) :], strict=False)),
        hours=tuple(rows[-1 - len(HOURS) : -1]),
        paces=paced if paced != (1.0,) * NONE else (),
        until=plan.split,
        events=len(found),
    )
    rates = (np.bincount(told.y, minlength=NONE + 1) + 1.0) / (len(found) + NONE + 1)
    return weights, rates


def _vector(row: learning.FloatArray) -> Vector:
    k, g, d, b = (round(100 * float(w)) for w in np.clip(row, -STRONGEST / 100, STRONGEST / 100))
    return (k, g, d, b, 0)


def examined(story: Sequence[Beat], recogniser: Recogniser, plan: Plan) -> Iterator[tuple[list[float], int]]:
    """What a recogniser says of one person's examining part, event by event, with what was done next.

    The recogniser reads and folds as it does when it serves.
    """
    reading = Reading()
    for n, b in enumerate(story):
        if b.record is None:
            continue
        signal = recogniser.signal(b.record)
        if signal is not None:
            reading = recogniser.add(reading, Trace(b.trace.at, b.trace.mid, signal))
        reading = recogniser.settle(reading, b.trace.at)
        if plan.split <= b.trace.at <= plan.until and not b.trace.signal.ends and not b.trace.signal.closes:
            yield recogniser.said(reading, b.trace.at), label(story, n, plan)


def judge(
    stories: Sequence[Sequence[Beat]],
    old: Recogniser,
    new: Recogniser,
    plan: Plan,
    rates: learning.FloatArray,
) -> learning.Verdict:
    """Old and new recogniser on the examining part of the log.

    Raises:
        TooLittle: there is nothing to examine on.
    """
    before: list[list[float]] = []
    after: list[list[float]] = []
    y: list[int] = []
    who: list[int] = []
    for number, story in enumerate(stories):
        if not story or story[-1].trace.at < plan.split:
            continue
        for (p, told), (q, _) in zip(examined(story, old, plan), examined(story, new, plan), strict=True):
            before.append(p)
            after.append(q)
            y.append(told)
            who.append(number)
    if len(y) < LEAST_EXAMPLES:
        raise TooLittle(f"got {len(y)} examples to examine on, wanted {LEAST_EXAMPLES}; train when more has come")
    return learning.compare(np.array(before), np.array(after), np.array(y), np.array(who), rates, TYPES)
