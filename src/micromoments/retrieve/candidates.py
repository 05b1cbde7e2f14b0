"""Candidates: what the sources found, put on one scale and merged.

Every source gives an item a strength in [0, 1). Strengths join as independent chances to be right (noisy or), and the
moment's type decides how much each kind of item is worth: know -> articles, go -> places by travel time, do -> guides,
buy -> products and offers; mixed where the type is unsure. A person without history gets what is popular among the
slot's kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from micromoments.core import hours
from micromoments.core.item import Item, Kind
from micromoments.retrieve import reasons
from micromoments.retrieve.again import Due, due, habits_of
from micromoments.retrieve.answers import ANSWERING
from micromoments.retrieve.ask import MAX_CANDIDATES, Ask, Candidate, Via
from micromoments.retrieve.finds import TALKING, Found, here, note, offered
from micromoments.retrieve.popular import COLD_STRENGTH, POPULAR_STRENGTH, Note, Popular, Told
from micromoments.retrieve.questions import is_put
from micromoments.retrieve.shares import LEAST_SHARE, shares
from micromoments.retrieve.sources import Sources
from micromoments.retrieve.ways import Visit
from micromoments.retrieve.wish import OF_KINDS, WIDER, Wish, wish

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from micromoments.core.event import Millis
    from micromoments.core.geo import Point
    from micromoments.retrieve.ask import Answer
    from micromoments.retrieve.guides import Guides

SEARCHED_SHARE = 0.25
"""Kinds worth less aren't searched by words."""
SEARCHED, SIMILAR, NEAR, POPULAR, COLD, TOGETHER = 24, 20, 16, 12, 5, 6
"""How many each source may find; for searched, near, popular and cold ones the kind's share of it."""
NEAR_STRENGTH, SEARCH_STRENGTH, SIMILAR_STRENGTH = 0.95, 0.9, 0.8
TOGETHER_STRENGTH = 0.6
ELSEWHERE = 0.5
"""What is left of a place's nearness where the words name other places: "where is the hospital" isn't the next café."""
EXPLAINED = ("know", "do")
"""Types of moments that a text may answer, however they are put."""
ANSWER_STRENGTH, ANSWERED = 0.97, 3
"""Strength of holding a sure answer, and how many items may be found by one."""
IN_CATEGORY = 0.25
"""Strength of being in the need's category."""
LIKED_CATEGORY = 0.2
"""Strength of being in the person's most met category; less by share for others."""
FARTHEST = 25_000.0
"""Metres beyond which a place isn't a candidate."""


def gather(sources: Sources, ask: Ask, timezone: str) -> list[Candidate]:
    """The candidates for an ask, at most its limit, best first, ties by id."""
    items = sources.items
    worth = shares(ask)
    found: Found = {}
    only = tuple(dict.fromkeys(id for id in ask.only if id in items))
    if ask.only and not only:
        return []
    for id in only:
        found[id] = []
        worth.setdefault(items[id].kind, LEAST_SHARE)
    zone = ask.timezone if ask.timezone != timezone and hours.is_zone(ask.timezone) else ""
    visits = _near(sources, ask, ask.point, worth, only, found, zone) if ask.point is not None else {}
    wanted = wish(sources.names.found(ask.words), ask.price_from, ask.price_to, ask.currency) if ask.words else None
    if ask.words:
        _search(sources, ask, worth, only, found, wanted)
    if visits:
        _named(sources, visits, found)
    answering = _answer(sources, ask, worth, only, found)
    bought = {*ask.bought_at, *ask.purchases}
    again = habits_of(items, bought, ask.purchases, sources.habits.of) if bought else {}
    _like(sources, ask, worth, only, found, again)
    if only:
        _weigh(sources, only, found)
    else:
        _beside(sources, ask, worth, found, again)
    order = _ranked(sources, ask, worth, found, wanted, () if ask.moment_type in EXPLAINED else answering)
    del order[max(0, min(ask.limit, MAX_CANDIDATES)) :]
    told = Telling(sources, ask.at, visits, zone, zone or timezone)
    out: list[Candidate] = []
    for score, id, item, notes in order:
        if len(notes) == 1 and not item.hours and id not in visits:
            # Most are as simple as this, and their building is what a decision would spend most on.
            out.append(Candidate(item=item, score=0.0 - score, via=_ALONE[notes[0][1]], reasons=(notes[0][2],)))
        else:
            out.append(_candidate(told, notes, item, 0.0 - score))
    if answering:
        out = [replace(one, answer=answering.get(one.item.id)) if one.item.id in answering else one for one in out]
    return [replace(one, used_up=True) if one.item.id in again else one for one in out] if again else out


def _beside(sources: Sources, ask: Ask, worth: dict[Kind, float], found: Found, again: Container[str]) -> None:
    """What may be found where nobody named the items: what can be made, what is offered, what is popular."""
    items = sources.items
    if "guide" in worth and (ask.have or ask.bought):
        _makeable(sources.guides, ask, found)
    if len(sources.offers) and "offer" in worth and ask.moment_type == "buy":
        offered(sources, ask, found)
    _popular(sources, ask, worth, found)
    if ask.point is not None:
        here(sources, ask, ask.point, worth, found)
    # What is open before somebody needn't be shown; what is taken again and again, such as an offer, is.
    shown = [id for id in ask.recent[:1] if id not in again]
    for id in [id for id in shown if id in items and not items[id].attributes.get("rebuyable")]:
        found.pop(id, None)


def _portion(whole: int, share: float, total: float) -> int:
    """A kind's part of what a source may find, at least two."""
    return max(2, round(whole * share / total))


def _near(
    sources: Sources,
    ask: Ask,
    point: Point,
    worth: dict[Kind, float],
    only: tuple[str, ...],
    found: Found,
    zone: str,
) -> dict[str, Visit]:
    if not len(sources.grid):
        return {}
    if only:
        far = {id: metres for id in only if (metres := sources.grid.metres(id, point)) >= 0}
        near = sorted((metres, id) for id, metres in far.items())
        visits = {
            id: sources.visit(id, metres, ask.at, zone, seconds=seconds)
            for seconds, metres, id in sources.ways(near, point)
        }
    else:
        visits = dict(_around(sources, ask, point, worth, zone))
    for id, visit in visits.items():
        note(found, id, visit.nearness * NEAR_STRENGTH, "nearby", "")
    return visits


def _around(
    sources: Sources, ask: Ask, point: Point, worth: dict[Kind, float], zone: str
) -> Iterator[tuple[str, Visit]]:
    """The nearest of the kinds asked for; closed ones too, but they don't use up the room of the open."""
    share = max((worth.get("place", 0.0), *(worth[kind] / 4 for kind in worth)))
    most_open = _portion(NEAR, share, 1.0)
    most_closed = most_open // 3
    items = sources.items
    near = ((metres, id) for metres, id in sources.grid.near(point, FARTHEST) if items[id].kind in worth)
    for seconds, metres, id in sources.ways(near, point):
        if most_open <= 0:
            return
        visit = sources.visit(id, metres, ask.at, zone, seconds=seconds)
        if visit.open:
            most_open -= 1
        elif most_closed > 0:
            most_closed -= 1
        else:
            continue
        yield id, visit


def _search(
    sources: Sources, ask: Ask, worth: dict[Kind, float], only: tuple[str, ...], found: Found, wish: Wish | None
) -> None:
    kinds: Iterable[Kind] = worth
    if not only:
        kinds = [kind for kind, share in worth.items() if share >= SEARCHED_SHARE]
    total = sum([worth[kind] for kind in kinds])
    wider = dict.fromkeys(OF_KINDS, WIDER) if wish is not None and wish.narrows else {}
    wanted = tuple([(kind, len(only) or _portion(SEARCHED, worth[kind], total) * wider.get(kind, 1)) for kind in kinds])
    reason = reasons.matches(ask.words if ask.quoted else "")
    for hits in sources.search.each(ask.words, wanted, only):
        if hits:
            scale = SEARCH_STRENGTH / hits[0][1]
            for id, score in hits:
                note(found, id, score * scale, "search", reason)


def _named(sources: Sources, visits: dict[str, Visit], found: Found) -> None:
    """Where the words find places, those near that they don't find are less near to what is wanted."""
    items = sources.items
    if not any(notes and notes[-1][1] == "search" and items[id].kind == "place" for id, notes in found.items()):
        return
    for id in visits:
        strength, via, reason = found[id][-1]
        if via == "nearby" and items[id].kind == "place":
            found[id][-1] = (strength * ELSEWHERE, via, reason)


def _answer(
    sources: Sources, ask: Ask, worth: dict[Kind, float], only: tuple[str, ...], found: Found
) -> dict[str, Answer]:
    """By item, the passage that answers what somebody wants to know, be it to do something, or what they put as a
    question, be it about something to buy; the best few become candidates by it.
    """
    question = ask.question or ask.words
    if not question or not ask.quoted or not (ask.moment_type in EXPLAINED or is_put(question)):
        return {}
    kinds = tuple([kind for kind in ANSWERING if kind in worth])
    allowed = frozenset(only)
    told = [one for one in sources.answers.find(question, kinds) if not allowed or one.item in allowed][:ANSWERED]
    for one in told:
        note(found, one.item, one.confidence * ANSWER_STRENGTH, "search", reasons.answers(ask.words))
    return {one.item: one for one in told}


def _makeable(guides: Guides, ask: Ask, found: Found) -> None:
    """Guides by what somebody says that they have, and by what they bought, which is history."""
    for id, strength, reason in guides.having(ask.have):
        note(found, id, strength, "search", reason)
    for id, strength, reason in guides.having(sorted(ask.bought.difference(ask.have))):
        note(found, id, strength, "together", reason)


def _like(
    sources: Sources,
    ask: Ask,
    worth: dict[Kind, float],
    only: tuple[str, ...],
    found: Found,
    again: dict[str, Due],
) -> None:
    items = sources.items
    recent = [id for id in ask.recent[:TALKING] if id in items]
    allowed = frozenset(only)
    liked = 0
    seen: dict[str, str] = {}
    for id, strength, because in sources.met.like(recent, ask.at, SIMILAR) if recent else ():
        if (item := items.get(id)) is not None and (id in allowed if only else item.kind in worth):
            reason = seen.get(because) or seen.setdefault(because, reasons.looked_at(items[because].title))
            note(found, id, min(0.99, 2 * strength) * SIMILAR_STRENGTH, "similar", reason)
            liked += 1
    past = sorted(ask.bought)[:TALKING] if worth.get("product", 0.0) > LEAST_SHARE else []
    for id, strength, because in sources.bought.like([*recent[:2], *past], ask.at, TOGETHER) if recent or past else ():
        if (item := items.get(id)) is not None and (id in allowed if only else item.kind in worth):
            title = items[because].title if because in items else "what you bought"
            note(found, id, min(0.99, 2 * strength) * TOGETHER_STRENGTH, "together", reasons.bought_with(title))
    for id, strength, reason in due(again, ask.bought_at, ask.at) if again else ():
        if id in allowed if only else items[id].kind in worth:
            note(found, id, strength, "again", reason)
    if recent and liked < SIMILAR // 3 and not ask.words:
        _alike(sources, items[recent[0]], worth, only, found)


def _alike(sources: Sources, item: Item, worth: dict[Kind, float], only: tuple[str, ...], found: Found) -> None:
    """Items whose words, brand or category are like one's: for those that too few sessions tell about."""
    if item.kind not in worth:
        return
    hits = sources.search.alike(item, len(only) or SIMILAR // 2, only)
    reason = reasons.looked_at(item.title)
    for id, score in hits:
        if id != item.id:
            note(found, id, score / hits[0][1] * 0.5 * SIMILAR_STRENGTH, "similar", reason)


def _popular(sources: Sources, ask: Ask, worth: dict[Kind, float], found: Found) -> None:
    best, category = sources.popular.best, ask.category
    # A kind of which there is nothing leaves its room to the others.
    total = sum([share for kind, share in worth.items() if best((kind, ""), 1, 1)]) or 1.0
    for kind, share in worth.items():
        n, room = _portion(POPULAR, share, total), _portion(COLD, share, total)
        if category:
            told = best((kind, category), n, room)
            for id, _, note in told:
                if id in found:
                    found[id].append(note)
                else:
                    found[id] = [note]
            # Of an unlikely kind those of the need's category are enough.
            if share < SEARCHED_SHARE and len(told) == n + room:
                continue
        popular = best((kind, ""), n, room)
        if ask.within:
            popular = _within(sources.popular, ask.within, kind, popular, n, room)
        for id, its, note in popular:
            if id not in found:
                found[id] = [note]
            elif note[1] == "popular" and not (category and its == category):
                found[id].append(note)


def _within(popular: Popular, within: tuple[str, ...], kind: Kind, told: list[Told], n: int, room: int) -> list[Told]:
    """Of the best of a kind those in a slot's categories, and where they are too few the best of each of these: what
    is popular elsewhere mustn't crowd out what the slot takes.
    """
    kept = [one for one in told if one[1] in within]
    if len(kept) == len(told):
        return told
    known = {id for id, _, _ in kept}
    each = len(within)
    for category in within:
        more = popular.best((kind, category), _portion(n, 1.0, each), _portion(room, 1.0, each))
        kept += [one for one in more if one[0] not in known]
    return kept


def _weigh(sources: Sources, only: tuple[str, ...], found: Found) -> None:
    """Popularity of named items, against the most popular among them."""
    weights = sources.popular.weights
    most = max((weights.get(id, 0.0) for id in only), default=0.0)
    for id in only:
        weight, category = weights.get(id, 0.0), sources.items[id].category
        if weight:
            note(found, id, weight / most * POPULAR_STRENGTH, "popular", reasons.popular(category))
        else:
            note(found, id, COLD_STRENGTH, "new", reasons.less_known(category))


def _ranked(
    sources: Sources, ask: Ask, worth: dict[Kind, float], found: Found, wish: Wish | None, first: Container[str]
) -> list[tuple[float, str, Item, list[Note]]]:
    """(minus the score, id, item, why) in order; those ``first`` are worth most, whatever the moment."""
    items, minutes = sources.items, ask.minutes
    category, categories = ask.category, ask.categories
    favourite = max(categories.values(), default=0)
    # By category, what of an item's chance to be wrong is left.
    left = {met: 1.0 - LIKED_CATEGORY * times / favourite for met, times in categories.items()} if favourite else {}
    if category:
        left[category] = left.get(category, 1.0) * (1.0 - IN_CATEGORY)
    order: list[tuple[float, str, Item, list[Note]]] = []
    fitting = bool(minutes) or wish is not None
    for id, notes in found.items():
        item = items[id]
        if len(notes) == 1:
            miss = 1.0 + notes[0][0]
        else:
            miss = 1.0
            for note in notes:
                miss *= 1.0 + note[0]
        if left and item.category in left:
            miss *= left[item.category]
        worthy = worth[item.kind] if id not in first else 1.0
        if fitting:
            fits = sources.guides.left(id, minutes) if minutes else 1.0
            worthy *= fits if wish is None else fits * wish.left(item)
        # In whole millionths, so that a last bit doesn't decide an order.
        order.append((int(worthy * (miss - 1.0) * 1e6 - 0.5) / 1e6, id, item, notes))
    order.sort()  # no id is there twice, so nothing beyond it is compared
    return order


class Telling(NamedTuple):
    """What a candidate is told with: the instant, the ways to places, the zone of those that name none, and of their
    clocks.
    """

    sources: Sources
    at: Millis
    visits: dict[str, Visit]
    zone: str
    clock: str


def _candidate(told: Telling, notes: list[Note], item: Item, score: float) -> Candidate:
    """One candidate; a place's way and hours, and what several sources say of an item, are told."""
    if len(notes) == 1:
        _, code, reason = notes[0]
        via: tuple[Via, ...] = _ALONE[code]
        why: tuple[str, ...] = (reason,)
    else:
        notes.sort()
        via = tuple(dict.fromkeys([note[1] for note in notes]))
        why = tuple(dict.fromkeys([note[2] for note in notes]))
    visit = told.visits.get(item.id)
    if visit is not None:
        way = visit.say(item, told.clock)
        return Candidate(
            item=item,
            score=score,
            via=via,
            reasons=tuple([reason or way for reason in why]),
            metres=round(visit.metres),
            seconds=visit.seconds,
            open=visit.open,
            closes_at=visit.closes_at,
        )
    schedule = told.sources.schedule(item.id, told.zone) if item.hours else None
    if schedule is None:
        return Candidate(item=item, score=score, via=via, reasons=why)
    is_open, closes_at = schedule.until(told.at)
    return Candidate(item=item, score=score, via=via, reasons=why, open=is_open, closes_at=closes_at)


_ALONE: dict[Via, tuple[Via, ...]] = {
    via: (via,) for via in ("search", "nearby", "similar", "popular", "together", "new", "again", "offer")
}
