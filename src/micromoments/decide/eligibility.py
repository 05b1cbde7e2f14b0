"""Who may be served what: every candidate passes, or is refused with a code and its words (got, limit)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from micromoments.core.decision import Refused, Request
from micromoments.core.event import UNCOUNTED, Millis
from micromoments.core.item import Item
from micromoments.core.moment import MomentView
from micromoments.core.offer import budget_of, redemptions_of, times_of, units_of
from micromoments.core.person import Person, Served
from micromoments.core.settings import DAY, HOUR, MINUTE, Cap, Purpose, Settings, Slot
from micromoments.core.when import quiet, zone_of
from micromoments.decide import fair, targeting

if TYPE_CHECKING:
    from micromoments.retrieve.ask import Candidate

DISMISSED_FOR: Millis = 30 * DAY
"""How long a dismissed item stays away."""
EXCLUSIVE_FOR: Millis = 30 * DAY
"""How long a campaign keeps the others of its group away."""
AHEAD: Millis = MINUTE
"""How far a serving may lie after a request that it counts for: one that came later may be answered first, and a clock
may be set back.
"""
OF_HISTORY = frozenset({"similar", "together", "again"})
"""Ways of finding that use the person's history, and so need consent to personalisation."""
ATTRIBUTES = frozenset({"personalised", "purposes", "offer"})
"""Attributes of an item that may speak against serving it."""
BY_HISTORY = ("no_consent", "found by the person's history; wanted consent to personalise")
MAX_SILENT = 16_384
"""Items that are remembered as saying nothing against being served."""
CODES = (
    "quiet_hours",
    "not_asked",
    "wrong_kind",
    "wrong_category",
    "not_valid_yet",
    "expired",
    "out_of_stock",
    "closed",
    "personal_price",
    "protected_trait",
    "no_consent",
    "targeting",
    "dismissed",
    "already_bought",
    "exclusive",
    "cap",
    "budget",
    "rule",
)
"""Every code, in the order in which they are checked: the cheap and the certain first."""


def consents(person: Person, purpose: Purpose, settings: Settings) -> bool:
    """Whether a purpose is allowed: what the person said last, else what the project declares; unknown means no."""
    said = person.consent.get(purpose)
    return said.value is True if said is not None else purpose in settings.consent


def eligible(
    candidates: Sequence[Candidate],
    person: Person,
    slot: Slot,
    settings: Settings,
    request: Request,
    now: Millis,
    budgets_left: Mapping[str, int],
    moment: MomentView | None = None,
) -> tuple[list[Candidate], list[Refused]]:
    """Split the candidates, in their order, into those that may be served and those that may not, each with the first
    reason of ``CODES`` that holds.

    ``budgets_left`` are the units left of each budget now: a check beforehand, as only a reservation is exact. A
    budget that it doesn't name has all of its configured units; one that nobody configured has none.
    """
    rules = _Rules(person, slot, settings, request, now, budgets_left, moment)
    may: list[Candidate] = []
    refused: list[Refused] = []
    plain, kinds, unwanted, consented = rules.plain, rules.kinds, rules.unwanted, rules.consented
    budgets, silent = settings.budgets, _SILENT.get
    for candidate in candidates:
        item = candidate.item
        # Of most a glance tells what there is to tell.
        glance = (
            plain
            and item.kind in kinds
            and item.id not in unwanted
            and (silent(item.id) is item or _is_silent(item))
            and (not budgets or item.campaign not in budgets)
        )
        if not glance:
            found = rules.refusal(candidate)
        elif not candidate.open:
            found = "closed", _closed(item)
        elif consented or not candidate.via or not OF_HISTORY.issuperset(candidate.via):
            found = None
        else:
            found = BY_HISTORY
        if found is None:
            may.append(candidate)
        else:
            refused.append(Refused(item.id, *found))
    return may, refused


_SILENT: dict[str, Item] = {}
"""Items by id of which ``_is_silent`` was told, as they were then: a memo that changes no result."""


def _is_silent(item: Item) -> bool:
    """Whether an item itself says nothing that could speak against serving it, but for its kind, hours and campaign."""
    silent = (
        (item.stock is None or item.stock > 0)
        and item.valid_from is None
        and item.valid_until is None
        and item.condition is None
        and not item.budget
        and ATTRIBUTES.isdisjoint(item.attributes)
    )
    if silent:
        if len(_SILENT) >= MAX_SILENT:
            _SILENT.clear()
        _SILENT[item.id] = item
    return silent


def _closed(item: Item) -> str:
    return f"closed now; hours are {item.hours}" if item.hours else "closed now"


class _Rules:
    """What is the same for all candidates of one decision, worked out once."""

    def __init__(
        self,
        person: Person,
        slot: Slot,
        settings: Settings,
        request: Request,
        now: Millis,
        budgets_left: Mapping[str, int],
        moment: MomentView | None,
    ) -> None:
        self.person, self.slot, self.settings, self.request, self.now = person, slot, settings, request, now
        self.left = budgets_left
        self.asked = frozenset(request.items)
        self.consented = consents(person, "personalise", settings)
        self.personal = self.consented and request.linked
        served = _counted(person) if slot.caps else []
        self.caps = [(cap, _deliveries(cap, served, request.slot, slot.channel, now)) for cap in slot.caps]
        self.reached = any(max(counts.values(), default=0) >= cap.times for cap, counts in self.caps)
        self.moment = moment
        self._attributes: dict[str, Any] | None = None
        self.slot_asks_item = slot.condition is not None and targeting.speaks_of_item(slot.condition)
        self.slot_open = slot.condition is None or self.slot_asks_item or self._matches(slot.condition, None)
        self.quiet = self._quiet()
        self.taken = _campaigns(person, settings, now)
        self.plain = slot.condition is None and not (
            self.asked or slot.categories or self.reached or self.quiet or self.taken
        )
        self.kinds = frozenset(slot.kinds)
        self.unwanted = person.dismissed.keys() | person.bought.keys()

    def refusal(self, candidate: Candidate) -> tuple[str, str] | None:
        """The code and words of the first reason against a candidate; ``None`` where there is none."""
        item = candidate.item
        return (
            self.quiet
            or self._asked_for(item)
            or self._available(candidate)
            or fair.unfair(item)
            or self._consented(candidate)
            or self._targeted(item)
            or self._wanted(candidate)
            or (self._excluded(item) if self.taken else None)
            or (self._capped(item) if self.caps else None)
            or (self._often(item) if item.kind == "offer" else None)
            or self._unfunded(item)
        )

    def _quiet(self) -> tuple[str, str] | None:
        hours = self.slot.quiet_hours
        if not hours:
            return None
        name, zone = zone_for(self.person, self.request.context, self.settings)
        return ("quiet_hours", f"{hours} in {name}") if quiet(hours, zone, self.now) else None

    def _excluded(self, item: Item) -> tuple[str, str] | None:
        for group in self.settings.exclusive:
            other = next((c for c in group if c in self.taken and c != item.campaign), "")
            if item.campaign in group and item.campaign not in self.taken and other:
                return "exclusive", f"got {item.campaign}; this person had {other}, which excludes it"
        return None

    def _asked_for(self, item: Item) -> tuple[str, str] | None:
        if self.asked and item.id not in self.asked:
            return "not_asked", "the request names other items"
        if item.kind not in self.slot.kinds:
            return "wrong_kind", f"got {item.kind}; this slot takes {', '.join(self.slot.kinds)}"
        if self.slot.categories and item.category not in self.slot.categories:
            return "wrong_category", f"got {item.category or 'none'}; this slot takes {', '.join(self.slot.categories)}"
        return None

    def _available(self, candidate: Candidate) -> tuple[str, str] | None:
        item = candidate.item
        if item.valid_from is not None and item.valid_from > self.now:
            return "not_valid_yet", f"valid in {_span(item.valid_from - self.now)}"
        if item.valid_until is not None and item.valid_until <= self.now:
            return "expired", f"ended {_span(self.now - item.valid_until)} ago"
        if item.stock is not None and item.stock <= 0:
            return "out_of_stock", f"got {item.stock} pieces; wanted at least 1"
        if not candidate.open:
            return "closed", _closed(item)
        return None

    def _consented(self, candidate: Candidate) -> tuple[str, str] | None:
        attributes = candidate.item.attributes
        if not self.consented:
            if fair.personal(candidate.item):
                return "no_consent", "a personal offer; wanted consent to personalise"
            if candidate.via and OF_HISTORY.issuperset(candidate.via):
                return BY_HISTORY
        purposes = attributes.get("purposes") or ()
        for purpose in purposes if isinstance(purposes, list | tuple) else (purposes,):
            # What can't be a purpose is one that nobody agreed to.
            if not isinstance(purpose, str) or not consents(self.person, cast(Purpose, purpose), self.settings):
                return "no_consent", f"wanted consent to {purpose}"
        return None

    def _targeted(self, item: Item) -> tuple[str, str] | None:
        if not self.slot_open:
            return "targeting", "this slot's condition doesn't match"
        if self.slot_asks_item and not self._matches(self.slot.condition, item):
            return "targeting", "this slot's condition doesn't match the item"
        if item.condition and not self._matches(item.condition, item):
            return "targeting", "the item's condition doesn't match"
        return None

    def _matches(self, condition: Mapping[str, Any] | None, item: Item | None) -> bool:
        if self._attributes is None:
            self._attributes = targeting.attributes(
                self.person, self.request.context, self.request.key, self.moment, self.now, personal=self.personal
            )
        known = self._attributes if item is None else {**self._attributes, "item": targeting.of_item(item)}
        return targeting.matches(known, condition or {})

    def _wanted(self, candidate: Candidate) -> tuple[str, str] | None:
        item = candidate.item
        dismissed = self.person.dismissed.get(item.id)
        if dismissed is not None and self.now - dismissed < DISMISSED_FOR:
            return "dismissed", f"dismissed {_span(self.now - dismissed)} ago; stays away for 30 days"
        again = candidate.used_up or item.attributes.get("rebuyable") is True
        if self.personal and item.id in self.person.bought and not again:
            return "already_bought", f"bought {_span(self.now - self.person.bought[item.id])} ago, and not rebuyable"
        return None

    def _capped(self, item: Item) -> tuple[str, str] | None:
        for cap, counts in self.caps:
            by = _by(cap, item.id, item.campaign)
            got = counts.get(by, 0)
            if got >= cap.times and (cap.by != "campaign" or item.campaign):
                return "cap", f"got {got} in {cap.hours:g} h by {cap.by}; limit {cap.times}"
        return None

    def _often(self, item: Item) -> tuple[str, str] | None:
        """Against an offer that the person was served, or redeemed, as often as it may be."""
        most, hours = times_of(item.attributes)
        if most:
            served = {s.decision for s in _counted(self.person) if s.item == item.id and self._within(s.at, hours)}
            if len(served) >= most:
                return "cap", f"got {len(served)} in {hours:g} h by this offer; limit {most}"
        most, hours = redemptions_of(item.attributes)
        if most:
            got = sum(r.item == item.id and self._within(r.at, hours) for r in self.person.redeemed)
            if got >= most:
                return "cap", f"redeemed {got} times in {hours:g} h; limit {most}"
        return None

    def _within(self, at: Millis, hours: float) -> bool:
        return self.now - round(hours * HOUR) < at <= self.now + AHEAD

    def _unfunded(self, item: Item) -> tuple[str, str] | None:
        budget = budget_of(item, self.settings.budgets)
        left, units = units_left(budget, self.settings, self.left), units_of(item)
        if not budget or left >= units:
            return None
        return "budget", f"got {left} units left of {budget}; wanted {units}"


def units_left(budget: str, settings: Settings, budgets_left: Mapping[str, int]) -> int:
    """The units left of a budget; all of them where nothing is said of it, none where nobody configured it."""
    if budget in budgets_left:
        return budgets_left[budget]
    configured = settings.budgets.get(budget)
    return configured.units if configured is not None else 0


def _by(cap: Cap, item: str, campaign: str) -> str:
    """What a cap counts an item under; ``""`` where it counts all alike."""
    if cap.by == "item":
        return item
    return campaign if cap.by == "campaign" else ""


def _deliveries(cap: Cap, served: Sequence[Served], slot_name: str, channel: str, now: Millis) -> dict[str, int]:
    """How many decisions put it before the person in the cap's window, by what the cap counts; a slate is one."""
    since = now - round(cap.hours * HOUR)
    seen = {
        (_by(cap, one.item, one.campaign), one.decision)
        for one in served
        if since < one.at <= now + AHEAD
        and (cap.by != "slot" or one.slot == slot_name)
        and (cap.by != "channel" or (one.channel or one.slot) == (channel or slot_name))
    }
    return Counter(by for by, _ in seen)


def zone_for(person: Person, context: Mapping[str, Any], settings: Settings) -> tuple[str, ZoneInfo]:
    """The person's zone: what the request says of it, else their trait ``timezone``, else the project's."""
    place = context.get("location")
    trait = person.traits.get("timezone")
    for said in (
        context.get("timezone"),
        place.get("timezone") if isinstance(place, dict) else None,
        trait.value if trait is not None else None,
    ):
        found = zone_of(said) if isinstance(said, str) else None
        if found is not None:
            return str(said), found
    return settings.timezone, zone_of(settings.timezone) or ZoneInfo("UTC")


def _campaigns(person: Person, settings: Settings, now: Millis) -> frozenset[str]:
    """The campaigns of groups that exclude each other which the person had of late."""
    if not settings.exclusive:
        return frozenset()
    named = {campaign for group in settings.exclusive for campaign in group}
    return frozenset(s.campaign for s in _counted(person) if s.campaign in named and s.at > now - EXCLUSIVE_FOR)


def _counted(person: Person) -> list[Served]:
    """What was put before the person by decisions that count: bots', internal and test ones don't."""
    uncounted = {pending.id for pending in person.pending if pending.marks & UNCOUNTED}
    return [served for served in person.served if served.decision not in uncounted]


def _span(millis: Millis) -> str:
    """A length of time in words, in its largest whole unit."""
    minutes = max(0, millis) // 60_000
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
