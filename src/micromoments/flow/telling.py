"""A person's moments as they are shown."""

from __future__ import annotations

from micromoments.core.event import Millis
from micromoments.core.moment import MomentView
from micromoments.core.person import Person
from micromoments.flow import people
from micromoments.flow.view import View


def told(person: Person, key: str, view: View, now: Millis, *, linked: bool, history: bool) -> list[MomentView]:
    """The open moments, strongest first; with ``history`` those that ended too, newest first. Not ``linked``: of what
    came under ``key`` alone.
    """
    traces = people.merged(person.parts.values()) if linked else people.only(person, key)
    reading = view.recogniser.settle(person.reading if linked else view.recogniser.fold(traces), now)
    by_mid = {t.mid: t for t in traces}
    shown = [view.moment(m, by_mid, now) for m in reading.open]
    shown.sort(key=lambda m: (-m.confidence, m.id))
    if history:
        shown += [view.moment(m, by_mid, m.ended_at) for m in reversed(reading.ended)]
    return shown
