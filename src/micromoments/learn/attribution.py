"""Which decision an outcome belongs to, and what a policy may learn from it: pure, and cheap for all other events.

**Joining.** ``Decision Seen``, ``Decision Clicked`` and ``Decision Dismissed`` name their decision (``decision_id``,
and ``item_id`` where one item is meant). A goal's event joins by ``decision_id`` too; one that names none joins by
*window*: among the person's decisions that were seen (or whose slot assumes so), that want this goal and whose goal
window is open, the latest that served one of the event's products, else the latest. A refund joins a decision to which
its goal was put down.

What became of a delivery (``learn.delivered``) joins in the same way: opened is *seen*; unsubscribed and complained are
reward 0; what bounced was never seen, so it is not ignored, and no goal is put down to it without its id.

**Windows.** A decision's first window is its slot's ``window_minutes``: when it ends unanswered, a decision that was
seen has been *ignored* (reward 0). It stays open for late goals until the longest ``window_hours`` of the goals.

**Rewards.** A click is worth 0.3 and a goal that the decision wants 1.0; a decision pays once, the deepest. So that a
policy moves at once and nothing is paid twice, an outcome carries the *increment*: a click 0.3, the goal after it 0.7,
the goal without a click 1.0, a goal after the window 1.0 on top of the *ignored* 0. ``before`` says what was learned
earlier, so that a policy can amend it. The sum over a decision is the deepest reward, never more. An outcome that adds
nothing has reward None: a second click, a goal that the slot isn't after, *seen*.

``Decision Rewarded``, from the business's own server only, says once what a decision pays in all: ``reward``, 0 to 1.

**Counting once.** An outcome's id is a hash of the decision, what came about, the goal and the item: the second of the
same kind has no effect. Refunds are told apart by their message. Events with a mark in ``UNCOUNTED`` yield nothing.
An outcome's ``at`` is the arrival of the event that told it, or the end of the window.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from micromoments.core.event import TRUSTED, UNCOUNTED, Millis
from micromoments.core.outcome import Outcome, What
from micromoments.core.person import Pending, Person
from micromoments.core.settings import HOUR, MINUTE
from micromoments.learn.credit import CLICK_REWARD, GOAL_REWARD
from micromoments.learn.delivered import STOPS, came
from micromoments.learn.goals import NOTHING, Reached, index, reached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from micromoments.core.record import EventRecord
    from micromoments.core.settings import Settings

MAX_DONE = 12
"""Outcome ids that a pending decision remembers, the least by their text; the words below guard what is paid."""
SKEW: Millis = MINUTE
"""How far an event's corrected time may lie before its decision's: what is left of a client's wrong clock."""
CLICKED, GOAL, DISMISSED, ENDED, BOUNCED = "clicked", "goal", "dismissed", "ended", "bounced"
"""Words in ``Pending.done``, beside the ids: a click or a goal was paid, a dismissal was learned, the slot's window is
over (*ignored* was settled, only late goals are awaited), it never arrived. Words and ids join by union when two people
merge."""
WORDS = frozenset({CLICKED, GOAL, DISMISSED, ENDED, BOUNCED})

REWARDED = "Decision Rewarded"
REWARD = "reward"
"""The goal's name of an outcome whose reward was said outright."""

_SAID: dict[str, What] = {"Decision Seen": "seen", "Decision Clicked": "clicked", "Decision Dismissed": "dismissed"}


def attribute(
    person: Person, record: EventRecord, settings: Settings, result: Reached | None = None
) -> tuple[Person, tuple[Outcome, ...]]:
    """Joins an event to the person's decisions. Most events are nobody's outcome and give the person back unchanged.

    An event that names a decision which this person doesn't have open (its window is over, or it is someone else's)
    yields an outcome without slot and reward: counted as unmatched, never learned.

    Args:
        person: their timers due by the record's arrival have fired (``windows``).
        record: the event.
        settings: the goals in force.
        result: what ``reached`` gave for this record, where the caller has it already.
    """
    if record.event.event == REWARDED:
        return _rewarded(person, record)
    what = _SAID.get(record.event.event or "")
    if what is None and (told := came(record.event)) is not None:
        what = told.what
    result = (NOTHING if what else reached(record, settings)) if result is None else result
    if (what is None and not result.goals) or record.marks & UNCOUNTED:
        return person, ()
    properties = record.event.properties
    named = _text(properties, "decision_id", "decisionId")
    things = _things(properties)
    if what is not None:
        return _said(person, record, settings, what, named, things[0] if things else "")
    outcomes: list[Outcome] = []
    for goal in result.goals:
        person, more = _goal(person, record, settings, goal, named, things, result)
        outcomes += more
    return person, tuple(outcomes)


def _said(
    person: Person, record: EventRecord, settings: Settings, what: What, named: str, item: str
) -> tuple[Person, tuple[Outcome, ...]]:
    pending = find(person, named)
    if pending is None:
        return person, _unmatched(person, record, what, named, item)
    item = item if item in pending.items else ""
    id = outcome_id(named, what, "", item)
    if id in pending.done:
        return person, ()
    reward: float | None = None
    if what == "clicked":
        reward = _increment(pending, CLICKED)
    elif what not in {"bounced", "seen"} and WORDS.isdisjoint(pending.done):
        reward = 0.0
    words = () if what == "seen" else (DISMISSED if what in STOPS else what,)
    made = _outcome(person, pending, record, id=id, what=what, item=item, reward=reward, via="id")
    if reward is not None and settings.slot(pending.slot).reward != "count":
        made = replace(made, worth=0)
    seen = pending.seen if what == "bounced" else pending.seen or record.occurred
    pending = replace(pending, seen=seen, done=_done(pending, id, *words))
    return _put(person, pending), (made,)


def _rewarded(person: Person, record: EventRecord) -> tuple[Person, tuple[Outcome, ...]]:
    said = record.event.properties.get("reward")
    if record.marks & UNCOUNTED or not record.marks & TRUSTED or isinstance(said, bool):
        return person, ()
    named = _text(record.event.properties, "decision_id", "decisionId")
    pending = find(person, named)
    if pending is None or GOAL in pending.done or not isinstance(said, int | float):
        return person, _unmatched(person, record, "goal", named, "", REWARD) if pending is None else ()
    before = CLICK_REWARD if CLICKED in pending.done else 0.0
    reward = round(max(0.0, min(GOAL_REWARD, float(said)) - before), 9)
    id = outcome_id(named, REWARD, "", "")
    made = _outcome(person, pending, record, id=id, what="goal", item="", reward=reward, via="id")
    pending = replace(pending, seen=pending.seen or record.occurred, done=_done(pending, id, GOAL))
    return _put(person, pending), (replace(made, goal=REWARD),)


def _goal(
    person: Person,
    record: EventRecord,
    settings: Settings,
    goal: str,
    named: str,
    things: tuple[str, ...],
    result: Reached,
) -> tuple[Person, tuple[Outcome, ...]]:
    back = result.value < 0
    pending = find(person, named) if named else _by_window(person, record, settings, goal, things, back=back)
    if pending is None:
        return person, _unmatched(person, record, "goal", named, "", goal) if named else ()
    via: Literal["id", "window"] = "id" if named else "window"
    if back:
        id = outcome_id(pending.id, "refund", goal, record.message_id)
        earned = (item for item in pending.items if outcome_id(pending.id, "goal", goal, item) in pending.done)
        made = _outcome(person, pending, record, id=id, what="goal", item=next(earned, ""), reward=None, via=via)
        return person, (_valued(made, goal, result, settings, paid=GOAL in pending.done),)
    item = _item(pending, things)
    id = outcome_id(pending.id, "goal", goal, item)
    if id in pending.done:
        return person, ()
    wanted = pending.goal in {"", goal}
    reward = _increment(pending, GOAL) if wanted else None
    made = _outcome(person, pending, record, id=id, what="goal", item=item, reward=reward, via=via)
    pending = replace(pending, done=_done(pending, id, *((GOAL,) if wanted else ())))
    return _put(person, pending), (_valued(made, goal, result, settings, paid=reward is not None),)


def _by_window(
    person: Person, record: EventRecord, settings: Settings, goal: str, things: tuple[str, ...], *, back: bool
) -> Pending | None:
    """The latest decision that was seen, wants the goal and has its window open; live ones, then one that served these
    things, first.

    To take a goal ``back``, only decisions to which it was put down.
    """
    until = round(settings.goals[goal].window_hours * HOUR)
    best: tuple[bool, bool, Millis, str] | None = None
    found: Pending | None = None
    for pending in person.pending:
        if not pending.seen or BOUNCED in pending.done or pending.goal not in {"", goal}:
            continue
        if back and not any(
            outcome_id(pending.id, "goal", goal, item) in pending.done for item in ("", *pending.items)
        ):
            continue
        if not pending.at - SKEW <= record.occurred <= pending.at + until:
            continue
        rank = (not pending.shadow, any(thing in pending.items for thing in things), pending.at, pending.id)
        if best is None or rank > best:
            best, found = rank, pending
    return found


def _item(pending: Pending, things: tuple[str, ...]) -> str:
    """The item that earned the goal: of those that the event names and that were served, the first that was clicked;
    else the first named; else the topmost that was clicked; else the only one served; else none in particular.
    """
    clicked = [item for item in pending.items if outcome_id(pending.id, "clicked", "", item) in pending.done]
    named = [thing for thing in things if thing in pending.items]
    for choice in ([item for item in named if item in clicked], named, clicked):
        if choice:
            return choice[0]
    return pending.items[0] if len(pending.items) == 1 else ""


def windows(person: Person, now: Millis, settings: Settings) -> tuple[Person, tuple[Outcome, ...]]:
    """Ends the windows that are over by ``now``: *ignored* (reward 0) for what was seen and not acted on.

    A decision then waits, without further reward 0, for goals that come late, and is let go when their window is over.
    """
    if all(pending.until > now for pending in person.pending):
        return person, ()
    late = index(settings).window
    kept: list[Pending] = []
    outcomes: list[Outcome] = []
    for was in person.pending:
        pending = was
        if pending.until <= now and ENDED not in pending.done:
            if pending.seen and WORDS.isdisjoint(pending.done):
                outcomes.append(_ignored(person, pending))
            pending = replace(pending, done=_done(pending, ENDED), until=max(pending.until, pending.at + late))
        if pending.until > now:
            kept.append(pending)
    return replace(person, pending=tuple(kept)), tuple(outcomes)


def _ignored(person: Person, pending: Pending) -> Outcome:
    return Outcome(
        id=outcome_id(pending.id, "ignored", "", ""),
        decision=pending.id,
        slot=pending.slot,
        item="",
        what="ignored",
        at=pending.until,
        reward=0.0,
        via="window",
        moment=pending.moment,
        surrogate=person.surrogate,
        marks=pending.marks,
    )


def outcome_id(decision: str, what: str, goal: str, item: str) -> str:
    """The id of an outcome: 24 hexadecimal digits (BLAKE2b, 96 bits) of what it is."""
    return blake2b("\x1f".join((decision, what, goal, item)).encode(), digest_size=12).hexdigest()


def _increment(pending: Pending, word: str) -> float | None:
    """What this adds to what the decision paid before; None where it adds nothing."""
    before = GOAL_REWARD if GOAL in pending.done else CLICK_REWARD if CLICKED in pending.done else 0.0
    more = (GOAL_REWARD if word == GOAL else CLICK_REWARD) - before
    return round(more, 9) if more > 0 else None


def _learned(pending: Pending) -> float | None:
    """What was learned of a decision so far: a click's reward, the 0 of what was dismissed or ignored, or nothing."""
    if CLICKED in pending.done:
        return CLICK_REWARD
    return 0.0 if DISMISSED in pending.done or (ENDED in pending.done and pending.seen) else None


def _done(pending: Pending, *new: str) -> tuple[str, ...]:
    every = {*pending.done, *new}
    return (*sorted(every & WORDS), *sorted(every - WORDS)[:MAX_DONE])


def find(person: Person, id: str) -> Pending | None:
    """The person's open decision of that id."""
    return next((pending for pending in person.pending if pending.id == id), None)


def _put(person: Person, pending: Pending) -> Person:
    replaced = tuple(pending if one.id == pending.id else one for one in person.pending)
    return replace(person, pending=replaced)


def _outcome(
    person: Person,
    pending: Pending,
    record: EventRecord,
    *,
    id: str,
    what: What,
    item: str,
    reward: float | None,
    via: Literal["id", "window"],
) -> Outcome:
    return Outcome(
        id=id,
        decision=pending.id,
        slot=pending.slot,
        item=item,
        what=what,
        at=record.at,
        reward=reward,
        via=via,
        moment=pending.moment,
        surrogate=person.surrogate,
        marks=record.marks | pending.marks,
        before=None if reward is None else _learned(pending),
    )


def _valued(outcome: Outcome, goal: str, result: Reached, settings: Settings, *, paid: bool) -> Outcome:
    """The outcome with what its goal is worth, and what the slot's policy is to learn of it where it ``paid``."""
    kind = settings.slot(outcome.slot).reward
    worth = None if kind == "count" or not paid else result.margin if kind == "margin" else result.value
    return replace(outcome, goal=goal, value=result.value, currency=result.currency, worth=worth)


def _unmatched(
    person: Person, record: EventRecord, what: What, named: str, item: str, goal: str = ""
) -> tuple[Outcome, ...]:
    """Named a decision that isn't open for this person. Its id holds the message's, so it can't pass for a true one."""
    if not named:
        return ()
    return (
        Outcome(
            id=outcome_id(named, f"unmatched {what}", goal, record.message_id),
            decision=named,
            slot="",
            item=item,
            what=what,
            at=record.at,
            reward=None,
            goal=goal,
            surrogate=person.surrogate,
            marks=record.marks,
        ),
    )


def _text(properties: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = properties.get(name)
        if isinstance(value, str) and value:
            return value[:128]
    return ""


def _things(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The item ids that an event names: its own, then those of its ``products``, or ``items`` as GA4 has them."""
    own = _text(properties, "item_id", "itemId", "product_id", "productId")
    products = properties.get("products") or properties.get("items")
    listed = products[:100] if isinstance(products, list) else ()
    inner = (_text(one, "product_id", "productId", "item_id", "itemId") for one in listed if isinstance(one, dict))
    return tuple(dict.fromkeys(thing for thing in (own, *inner) if thing))
