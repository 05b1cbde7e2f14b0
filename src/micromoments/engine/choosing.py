"""What becomes of an intended delivery: for whom it still makes sense, on which channel, with what in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec.structs import replace

from micromoments.core.decision import Decision, Request
from micromoments.core.delivery import LATE, Delivery
from micromoments.core.event import Millis
from micromoments.core.moment import Moment, MomentView
from micromoments.core.person import Person
from micromoments.core.settings import HOUR, Destination, Settings, Trigger
from micromoments.engine import letters
from micromoments.flow import triggers
from micromoments.flow.people import merged
from micromoments.flow.view import View
from micromoments.ports import Outbox

NOT_YET = "quiet_hours"


class Chooser:
    """Decides one delivery at a time; asked again about the same, it gives the same answer, as the decision is kept
    under its id.
    """

    def __init__(
        self,
        outbox: Outbox,
        person: Callable[[str], Person | None],
        decide: Callable[[Request], Awaitable[Decision]],
        view: Callable[[], View],
        clock: Callable[[], Millis],
    ) -> None:
        self._outbox, self._person, self._decide, self._view, self._clock = outbox, person, decide, view, clock

    async def __call__(self, one: Delivery) -> Delivery:
        """The delivery written for a destination, held with the reason, or put off."""
        now, settings = self._clock(), self._view().settings
        trigger, person = settings.triggers.get(one.trigger), self._person(one.person)
        if trigger is None or person is None:
            return _held(one, "no_trigger" if trigger is None else "no_person", now)
        here = self._open(person, now)
        since = now - round(max([1.0, *(d.hours for d in settings.destinations.values())]) * HOUR)
        # Some may have been meant for a device, before its person was known.
        theirs = [d for id in {one.person, person.id} for d in await asyncio.to_thread(self._outbox.of, id, since)]
        if reason := triggers.over(one, trigger, person, here, now) or _told(one, person, here, theirs):
            return _held(one, reason, now)
        moment = next((m for m in (*here, *person.reading.ended) if m.id == one.moment), None)
        if trigger.on == "expiring" and moment is not None:
            due = min(triggers.expiring_at(moment, trigger), one.until)
            if due > now:
                return replace(one, due=due)
        name, reason, until = self._allowed(one, trigger, person, settings, now, theirs)
        if not name:
            return replace(one, due=until) if now < until < one.until else _held(one, reason, now)
        decision = await self._decided(one, trigger, now) if trigger.slot else None
        if decision is not None and (reason := _nothing(decision)):
            return _held(replace(one, destination=name, decision=decision.id), reason, now)
        return self._written(one, name, settings.destinations[name], trigger, person, moment, decision)

    def still(self, one: Delivery) -> Delivery:
        """A written delivery as it is where it may go now, which is asked before each try; else held, as consent was
        withdrawn since, put off to the end of quiet hours, or given up as too late. What an operator sends again is not
        too late.
        """
        now, settings = self._clock(), self._view().settings
        person, destination = self._person(one.person), settings.destinations.get(one.destination)
        if destination is None:
            return one
        if person is None:
            return _held(one, "no_person", now)
        if reason := triggers.barred(person, destination, settings):
            return _held(one, reason, now)
        if one.events:
            return one
        trigger = settings.triggers.get(one.trigger)
        hours = _hours(destination, trigger, settings)
        awake = triggers.awake(person, hours, settings, now)
        if one.since < one.until <= awake:
            return replace(one, status="dead", detail=LATE, due=now)
        return one if awake == now else replace(one, due=awake)

    def trigger(self, name: str) -> Trigger:
        """The trigger of that name.

        Raises:
            ValueError: there is none.
        """
        named = self._view().settings.triggers
        if name not in named:
            raise ValueError(f"got trigger {name!r}; wanted one of {', '.join(named) or 'none'}; correct the name")
        return named[name]

    def preview(self, trigger_name: str, person: Person, decision: Decision | None) -> dict[str, Any]:
        """What a trigger would do for a person now: which destinations may have it, why not, and the words of each.

        Raises:
            ValueError: there is no such trigger.
        """
        now, settings, trigger = self._clock(), self._view().settings, self.trigger(trigger_name)
        moment = max(self._open(person, now), key=lambda m: (m.updated_at, m.id), default=None)
        view = self._moment(person, moment, now)
        found: list[dict[str, Any]] = []
        theirs = self._outbox.of(person.id, 0)
        for name in trigger.to:
            destination = settings.destinations[name]
            one = _sample(name, trigger_name, person, moment, now)
            reason = triggers.barred(person, destination, settings) or _capped(theirs, name, destination, now)
            awake = triggers.awake(person, destination.quiet_hours, settings, now)
            told = letters.values(person, view, decision, trigger_name, now)
            letter = letters.written(one, destination, told, letters.news(one, trigger, person, view, decision))
            found.append(
                {
                    "destination": name,
                    "channel": destination.channel,
                    "refused": reason or (NOT_YET if awake > now else ""),
                    "title": letter.title,
                    "text": letter.text,
                    "news": letter.data.decode(),
                }
            )
        return {"trigger": trigger_name, "moment": moment.id if moment is not None else None, "destinations": found}

    def _open(self, person: Person, now: Millis) -> tuple[Moment, ...]:
        return self._view().recogniser.settle(person.reading, now).open

    def _allowed(
        self,
        one: Delivery,
        trigger: Trigger,
        person: Person,
        settings: Settings,
        now: Millis,
        theirs: Sequence[Delivery],
    ) -> tuple[str, str, Millis]:
        """The first destination that may have it; else the reason against the first, and when quiet hours end."""
        reasons: list[str] = []
        until: Millis = 0
        names = [one.destination] if one.destination else [n for n in trigger.to if _channel(settings, n)]
        for name in names:
            destination = settings.destinations.get(name)
            if destination is None:
                reasons.append("no_destination")
                continue
            reason = triggers.barred(person, destination, settings) or _capped(theirs, name, destination, now)
            hours = _hours(destination, trigger, settings)
            awake = triggers.awake(person, hours, settings, now)
            if not reason and awake == now:
                return name, "", 0
            if not reason:
                until = min(until or awake, awake)
            reasons.append(reason or NOT_YET)
        return "", NOT_YET if until else next(iter(reasons), "no_destination"), until

    async def _decided(self, one: Delivery, trigger: Trigger, now: Millis) -> Decision:
        id = triggers.decision_id(one)
        return await self._decide(Request(id=id, slot=trigger.slot, key=one.person, at=now, digest="trigger"))

    def _moment(self, person: Person, moment: Moment | None, now: Millis) -> MomentView | None:
        if moment is None:
            return None
        traces = {t.mid: t for t in merged(person.parts.values())}
        return self._view().moment(moment, traces, moment.ended_at or now)

    def _written(
        self,
        one: Delivery,
        name: str,
        destination: Destination,
        trigger: Trigger,
        person: Person,
        moment: Moment | None,
        decision: Decision | None,
    ) -> Delivery:
        now = self._clock()
        view = self._moment(person, moment, now)
        ready = replace(
            one,
            destination=name,
            status="waiting",
            channel=destination.channel,
            decision=decision.id if decision is not None else "",
            item=decision.items[0].id if decision is not None else "",
            address=triggers.address(person, destination.channel),
            due=now,
            since=now,
            tries=0,
            detail="",
        )
        known = letters.values(person, view, decision, one.trigger, now)
        return letters.written(ready, destination, known, letters.news(ready, trigger, person, view, decision))


def _hours(destination: Destination, trigger: Trigger | None, settings: Settings) -> str:
    """The quiet hours that hold: the destination's, else the slot's."""
    slot = trigger.slot if trigger is not None else ""
    return destination.quiet_hours or (settings.slot(slot).quiet_hours if slot else "")


def _channel(settings: Settings, name: str) -> str:
    destination = settings.destinations.get(name)
    return destination.channel if destination is not None else ""


def _nothing(decision: Decision) -> str:
    """Why a decision gives nothing to send, in a code; empty where it does."""
    if decision.holdout:
        return "holdout"
    if decision.mode != "live":
        return f"mode_{decision.mode}"
    if decision.items:
        return ""
    return f"nothing_{decision.refused[0].code}" if decision.refused else "nothing_found"


def _held(one: Delivery, reason: str, now: Millis) -> Delivery:
    return replace(one, status="held", detail=reason, due=now)


def _sample(name: str, trigger: str, person: Person, moment: Moment | None, now: Millis) -> Delivery:
    return Delivery(
        id="dlv_preview",
        trigger=trigger,
        person=person.id,
        surrogate=person.surrogate,
        moment=moment.id if moment is not None else "",
        at=now,
        due=now,
        until=now,
        destination=name,
    )


def _capped(theirs: Sequence[Delivery], name: str, destination: Destination, now: Millis) -> str:
    """Whether a person had from a destination what it may give them, or is about to, in a code."""
    if not destination.times:
        return ""
    since = now - round(destination.hours * HOUR)
    sent = [d for d in theirs if d.status in ("sent", "waiting") and d.destination == name and d.due > since]
    return "cap" if len(sent) >= destination.times else ""


def _told(one: Delivery, person: Person, here: Sequence[Moment], theirs: Sequence[Delivery]) -> str:
    """Whether this trigger told of the same stretch already: late events may give a moment another beginning, and with
    it another id; the one told of then is no longer there.
    """
    known = {m.id for m in (*here, *person.reading.ended)}
    gone = [d for d in theirs if d.trigger == one.trigger and d.id != one.id and d.moment not in known]
    told = [d for d in gone if d.status in ("sent", "waiting", "dead") and abs(d.at - one.at) < HOUR]
    return "told_already" if told else ""
