"""Geofences: from positions, in any order of arrival, to what was entered, dwelt in and left, in order, each told once.

The newest sightings are kept and folded again when one comes late, so that it falls into its place; what lies before
them is a handful of stays. One that is older than all that are kept can't be placed among them any more: a fence that
the person isn't in is then told as come to and gone from, so that nothing is lost.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from msgspec import msgpack
from msgspec.structs import replace

from micromoments.core.event import Millis
from micromoments.core.fence import Crossing, Fence, Sighting, Stay, Whereabouts
from micromoments.core.moment import Need, Signal, Vector

MAX_SIGHTINGS: Final = 6
MAX_SOURCES: Final = 2
"""Source ids of a person whose whereabouts are kept."""
LOST: Final[Millis] = 3 * 3_600_000
"""Milliseconds without a position after which a stay counts as left."""
ENDS_GO: Final = 2
_ENTERED: Final[Vector] = (0, 60, 0, 20, -30)
_STAYED: Final[Vector] = (0, 40, 0, 60, -40)
_PASSED: Final[Vector] = (0, -80, 0, -20, 40)
"""What a fence's crossing says, in hundredths of a nat: who comes to an open place wants to go there, who stays wants
to do there what is done there, who passes through wanted neither.
"""


def see(now: Whereabouts, sighting: Sighting) -> tuple[Whereabouts, tuple[Crossing, ...]]:
    """With one more sighting in its place (twice is once), and what one that comes too late to be placed tells."""
    kept = list(now.sightings)
    if any((s.at, s.mid) == (sighting.at, sighting.mid) for s in kept):
        return now, ()
    insort(kept, sighting, key=lambda s: (s.at, s.mid))
    if len(kept) <= MAX_SIGHTINGS:
        return replace(now, sightings=tuple(kept)), ()
    oldest = kept.pop(0)
    if oldest is sighting or oldest.at < now.before:
        return now, _passed(now, sighting, kept[0].at)
    stays, _ = _fold(now.stays, now.before, [oldest])
    return replace(now, sightings=tuple(kept), stays=stays, before=oldest.at), ()


def _passed(now: Whereabouts, sighting: Sighting, until: Millis) -> tuple[Crossing, ...]:
    here = {s.fence.id for s in now.stays}
    found: list[Crossing] = []
    for fence in sighting.fences:
        if fence.inside and fence.id not in here:
            found += [Crossing(at, c, fence, sighting.at) for c, at in (("enter", sighting.at), ("exit", until))]  # type: ignore[arg-type]
    return tuple(sorted(found, key=lambda c: c.at))


def news(now: Whereabouts, clock: Millis) -> tuple[Whereabouts, tuple[Crossing, ...]]:
    """What is to be told by an instant and wasn't yet, in order, and the whereabouts that know of it; nothing is left
    of them where the person was lost sight of.
    """
    if not now.sightings:
        return now, ()
    newest = now.sightings[-1].at
    _, crossings = _fold(now.stays, now.before, now.sightings)
    told = set(now.told)
    marks = [(_mark(c), c) for c in crossings]
    fresh = tuple([c for mark, c in marks if mark not in told and c.at <= max(clock, newest)])
    if clock >= newest + LOST:
        return Whereabouts(), fresh
    known = told.union([_mark(c) for c in fresh])
    due = min([c.at for mark, c in marks if mark not in known], default=0)
    kept = tuple([mark for mark, _ in marks if mark in known])
    return replace(now, told=kept, due=due), fresh


def _fold(
    stays: Sequence[Stay], last: Millis, sightings: Sequence[Sighting]
) -> tuple[tuple[Stay, ...], list[Crossing]]:
    """The stays after the sightings, and all crossings in order, those too that time alone brings after the last."""
    inside = {stay.fence.id: stay for stay in stays}
    found: list[Crossing] = []
    for sighting in sightings:
        if inside and sighting.at > last + LOST:
            _leave(inside, list(inside), last + LOST, found)
        here = {f.id: f for f in sighting.fences if f.inside or f.id in inside}
        _leave(inside, [id for id in inside if id not in here], sighting.at, found)
        for id, fence in here.items():
            if id not in inside:
                inside[id] = Stay(fence, sighting.at)
                found.append(Crossing(sighting.at, "enter", fence, sighting.at))
        last = sighting.at
    left = tuple(inside.values())
    _leave(inside, list(inside), last + LOST, found)
    return left, sorted(found, key=lambda c: (c.at, c.fence.id))


def _leave(inside: dict[str, Stay], ids: list[str], at: Millis, found: list[Crossing]) -> None:
    for id in ids:
        stay = inside.pop(id)
        if (dwelt := stay.since + stay.fence.dwell * 1000) <= at:
            found.append(Crossing(dwelt, "dwell", stay.fence, stay.since))
        found.append(Crossing(at, "exit", stay.fence, stay.since))


def _mark(crossing: Crossing) -> int:
    return mid_of(crossing) >> 31


def mid_of(crossing: Crossing) -> int:
    """63 bits that name a crossing: the same crossing has the same in every replay."""
    name = f"{crossing.fence.id}\0{crossing.change}\0{crossing.at}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def join(a: Whereabouts, b: Whereabouts) -> Whereabouts:
    """Of two that are held of one source, the later; what is equally late goes by its bytes."""
    return max(a, b, key=lambda w: (w.sightings[-1].at if w.sightings else 0, msgpack.encode(w)))


def newest(whereabouts: dict[str, Whereabouts]) -> dict[str, Whereabouts]:
    """Those of the ``MAX_SOURCES`` sources that were seen last, keys in order."""
    seen = {k: (w.sightings[-1].at, k) for k, w in whereabouts.items() if w.sightings}
    return {k: whereabouts[k] for k in sorted(sorted(seen, key=lambda k: seen[k])[-MAX_SOURCES:])}


def signal(crossing: Crossing) -> Signal:
    """What a crossing says about intent, with its reason in words; who stayed and left has gone where they wanted."""
    fence, minutes = crossing.fence, max(1, round((crossing.at - crossing.since) / 60_000))
    need = Need(item=fence.id, place=fence.title)
    dwelt = crossing.at - crossing.since >= fence.dwell * 1000
    if crossing.change == "exit":
        if dwelt:
            return Signal((0, 0, 0, 0, 0), "left", need, 5, ENDS_GO)
        return Signal(_PASSED, "passed", need)
    weights = _ENTERED if crossing.change == "enter" else _STAYED
    why = "entered" if crossing.change == "enter" else f"has stayed {minutes} min at {{place}}"
    if not fence.open:
        weights = (0, weights[1] // 4, 0, 0, 0)
    return Signal(weights, why, need, 2, metres=0)


def of(fence: Fence) -> dict[str, str]:
    """A fence's place as it is told to others."""
    return {"id": fence.id, "title": fence.title}
