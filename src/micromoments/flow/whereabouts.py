"""Where a person is, in their fold: a record's position and the clock cross fences, and crossings become traces;
what is usual for them adds to what an event says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from micromoments.core.effect import Crossed
from micromoments.core.event import Millis
from micromoments.core.fence import Crossing, Sighting, Whereabouts
from micromoments.core.moment import Signal, Trace
from micromoments.core.person import Person
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.decide.eligibility import consents
from micromoments.flow.decide import position
from micromoments.flow.view import View, refuses
from micromoments.recognise import fences, usual
from micromoments.recognise.place import heading_of, speed_of

NOWHERE = Whereabouts()
Crossings = tuple[tuple[str, Crossing], ...]
"""The source that crossed, and what; in order."""


def sighted(person: Person, record: EventRecord, part: str, view: View) -> tuple[Person, Crossings]:
    """The person who reported a position, with what it tells beyond what ``crossed`` will; nothing without consent.

    A fence around what is sensitive, a clinic say, isn't kept.
    """
    if record.fences is None or not consents(person, "location", view.settings) or refuses(person, "personalise"):
        return person, ()
    private = view.recogniser.reader.private
    around = tuple([fence for fence in record.fences if not private(fence.title)])
    before = person.fences.get(part, NOWHERE)
    now, passed = fences.see(before, Sighting(record.occurred, record.mid, around))
    if now is not before:
        person = replace(person, fences=fences.newest({**person.fences, part: now}))
    return person, tuple([(part, crossing) for crossing in passed])


def crossed(person: Person, clock: Millis, settings: Settings) -> tuple[Person, Crossings]:
    """What is to be told by an instant and wasn't yet; who no longer consents is forgotten, untold."""
    if not consents(person, "location", settings) or refuses(person, "personalise"):
        return replace(person, fences={}), ()
    told: list[tuple[str, Crossing]] = []
    now: dict[str, Whereabouts] = {}
    for source, whereabouts in person.fences.items():
        now[source], fresh = fences.news(whereabouts, clock)
        told += [(source, crossing) for crossing in fresh]
    if any(now[source] is not person.fences[source] for source in now):
        person = replace(person, fences={source: w for source, w in now.items() if w.sightings})
    return person, tuple(sorted(told, key=lambda one: (one[1].at, one[0])))


def accustomed(
    person: Person, record: EventRecord, visits: tuple[int, ...], view: View
) -> tuple[Signal | None, tuple[int, ...]]:
    """What an event with a position says, what is usual there and then included, and the visits with it; what was
    visited before is what speaks. Without consent the position says nothing, and no visits are left.
    """
    recogniser, event, nearby = view.recogniser, record.event, record.nearby
    if not consents(person, "location", view.settings):
        return recogniser.signal(record if nearby is None else replace(record, nearby=None)), ()
    signal, point = recogniser.signal(record), position(event.context)
    if point is None or event.type not in {"track", "page", "screen"}:
        return signal, visits
    if nearby is not None and recogniser.reader.private(nearby.title):
        nearby = None
    seen = usual.Sighting(
        usual.block_of(record.occurred, str(event.context.get("timezone") or view.settings.timezone)),
        point,
        nearby,
        speed_of(event.properties, event.context),
        heading_of(event.properties, event.context),
    )
    return recogniser.accustomed(signal, visits, seen), usual.visited(visits, seen)


def trace(crossing: Crossing) -> Trace:
    """What the person keeps of a crossing, as of an event that bears a signal."""
    return Trace(crossing.at, fences.mid_of(crossing), fences.signal(crossing))


def effects(person: Person, crossings: Sequence[tuple[str, Crossing]]) -> Iterator[Crossed]:
    """What listeners must hear."""
    for source, c in crossings:
        id = f"{source}:{c.fence.id}:{c.change}:{c.at}"
        yield Crossed(id=id, person=person.id, crossing=c, marks=person.marks)
