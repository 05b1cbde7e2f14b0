"""Every reason for refusing, with its code and words; and what is not a reason."""

from __future__ import annotations

from typing import Any

import pytest

from micromoments.core.event import BOT
from micromoments.core.item import Money
from micromoments.core.offer import units_of
from micromoments.core.person import Pending, Person, Served, Stamp, Trait
from micromoments.core.settings import Budget, Cap, Settings, Slot
from micromoments.decide import eligibility
from micromoments.decide.eligibility import CODES, eligible
from micromoments.retrieve.ask import Candidate
from tests.decide.build import DAY, NOW, candidate, moment, person, request

HOUR = 3_600_000


def refusal(
    made: Candidate,
    who: Person | None = None,
    slot: Slot | None = None,
    settings: Settings | None = None,
    left: dict[str, int] | None = None,
    **asked: Any,
) -> tuple[str, str] | None:
    """Why one candidate is refused, or None."""
    may, refused = eligible(
        [made], who or person(), slot or Slot(), settings or Settings(), request(**asked), NOW, left or {}, moment()
    )
    assert len(may) + len(refused) == 1
    return (refused[0].code, refused[0].detail) if refused else None


CAPPED = Slot(caps=(Cap(times=1, hours=24, by="item"),))
PERSONAL = candidate(attributes={"personalised": True})
ONCE = {"offer": {"gives": "price_off", "percent": 5, "most": 1, "hours": 1e305}}
FOREVER = candidate(kind="offer", attributes=ONCE)
FIVE_UNITS = candidate(budget="b", attributes={"budget_units": 5})
SEEN = Served(NOW - HOUR, "p1", "home", "spring", "d0")


@pytest.mark.parametrize(
    ("code", "words", "given"),
    [
        ("not_asked", "other items", {"made": candidate(), "items": ("p2",)}),
        ("wrong_kind", "got product; this slot takes place", {"made": candidate(), "slot": Slot(kinds=("place",))}),
        ("wrong_category", "got none; this slot takes a", {"made": candidate(), "slot": Slot(categories=("a",))}),
        ("not_valid_yet", "valid in 60 min", {"made": candidate(valid_from=NOW + HOUR)}),
        ("expired", "ended 3 days ago", {"made": candidate(valid_until=NOW - 3 * DAY)}),
        ("expired", "ended 0 min ago", {"made": candidate(valid_until=NOW)}),
        ("out_of_stock", "got 0 pieces; wanted at least 1", {"made": candidate(stock=0)}),
        ("closed", "hours are Mo 08:00-12:00", {"made": candidate(open=False, hours="Mo 08:00-12:00")}),
        ("no_consent", "personal offer", {"made": PERSONAL, "who": person(consent=())}),
        ("no_consent", "history", {"made": candidate(via=("similar", "together")), "who": person(consent=())}),
        ("no_consent", "consent to contact", {"made": candidate(attributes={"purposes": ["contact"]})}),
        ("targeting", "item's condition", {"made": candidate(condition={"country": "NO"})}),
        ("targeting", "slot's condition", {"made": candidate(), "slot": Slot(condition={"country": "NO"})}),
        ("targeting", "match the item", {"made": candidate(), "slot": Slot(condition={"item.brand": "Acme"})}),
        ("dismissed", "29 days ago", {"made": candidate(), "who": person(dismissed={"p1": NOW - 29 * DAY})}),
        ("already_bought", "2 h ago", {"made": candidate(), "who": person(bought={"p1": NOW - 2 * HOUR})}),
        ("cap", "got 1 in 24 h by item; limit 1", {"made": candidate(), "who": person(served=(SEEN,)), "slot": CAPPED}),
        ("cap", "got 1 in 8.76e+06 h by this offer", {"made": FOREVER, "who": person(served=(SEEN,))}),
        ("budget", "got 0 units left of b; wanted 1", {"made": candidate(budget="b")}),
        ("budget", "got 4 units left of b; wanted 5", {"made": FIVE_UNITS, "left": {"b": 4}}),
    ],
)
def test_refuses_with_code_and_words(code: str, words: str, given: dict[str, Any]) -> None:
    """Each reason refuses with its code and says what was got and what the limit is."""
    got = refusal(**given)
    assert got is not None
    assert got[0] == code
    assert words in got[1]
    assert code in CODES


@pytest.mark.parametrize(
    "given",
    [
        {"made": candidate()},
        {"made": candidate(), "items": ("p1",)},
        {"made": candidate(stock=1, valid_from=NOW, valid_until=NOW + 1)},
        {"made": candidate(via=("similar", "popular")), "who": person(consent=())},
        {"made": candidate(attributes={"personalised": True, "purposes": ["personalise"]})},
        {"made": candidate(condition={"country": "NO"}), "context": {"country": "NO"}},
        {"made": candidate(condition={"moment.type": "buy", "item.price": {"$lt": 10}}, price=Money(9, "EUR"))},
        {"made": candidate(), "who": person(dismissed={"p1": NOW - 30 * DAY})},
        {"made": candidate(attributes={"rebuyable": True}), "who": person(bought={"p1": NOW - 1})},
        {"made": candidate(), "who": person(consent=(), bought={"p1": NOW - 1})},
        {"made": candidate("p2"), "who": person(served=(SEEN,)), "slot": CAPPED},
        {"made": candidate(budget="b"), "settings": Settings(budgets={"b": Budget(units=1)})},
    ],
)
def test_lets_through(given: dict[str, Any]) -> None:
    """What is no reason lets an item through: its range is met, another item was capped, consent isn't needed."""
    assert refusal(**given) is None


def test_traits_need_consent() -> None:
    """A person's traits count in targeting only with consent to personalise; the request's context always does."""
    traits = {"tier": Trait(Stamp(1, 1), "gold")}
    gold = candidate(condition={"tier": "gold"})
    assert refusal(gold, person(traits=traits)) is None
    assert refusal(gold, person(consent=(), traits=traits)) is not None
    assert refusal(gold, person(consent=()), context={"tier": "gold"}) is None


def test_an_unlinked_request_uses_nothing_of_the_linked_person() -> None:
    """A request without linked history is refused nothing for purchases, and targeted by no trait, of other ids."""
    gold = candidate(condition={"tier": "gold"})
    assert refusal(gold, person(traits={"tier": Trait(Stamp(1, 1), "gold")}), linked=False) is not None
    assert refusal(candidate(), person(bought={"p1": NOW - 1}), linked=False) is None
    assert refusal(candidate(via=("similar",)), linked=False) is None


def test_project_consent_holds_until_the_person_speaks() -> None:
    """The project's declared consent counts for who said nothing, and the person's no is stronger."""
    offer, declared = candidate(attributes={"personalised": True}), Settings(consent=("personalise",))
    assert refusal(offer, person(consent=()), settings=declared) is None
    said_no = Person(id="user:a", surrogate=1, consent={"personalise": Trait(Stamp(1, 1), False)})
    assert refusal(offer, said_no, settings=declared) is not None


@pytest.mark.parametrize(
    ("by", "times", "refused"),
    [
        ("item", 2, True),
        ("item", 3, False),
        ("campaign", 3, True),
        ("slot", 3, True),
        ("slot", 4, False),
        ("all", 4, True),
    ],
)
def test_caps_count_decisions(by: Any, times: int, refused: bool) -> None:
    """Caps count decisions in the window; a slate counts once, old ones and bots' never."""
    served = (
        Served(NOW - 1, "p1", "home", "spring", "d1"),
        Served(NOW - 1, "p2", "home", "spring", "d1"),
        Served(NOW - HOUR, "p1", "home", "spring", "d2"),
        Served(NOW - HOUR, "p3", "home", "", "d3"),
        Served(NOW - HOUR, "p4", "push", "spring", "d4"),
        Served(NOW - 2 * HOUR, "p1", "home", "spring", "too old"),
        Served(NOW - 1, "p1", "home", "spring", "a bot's"),
    )
    pending = (Pending("a bot's", "home", NOW - 1, NOW + 1, ("p1",), marks=BOT),)
    slot = Slot(caps=(Cap(times=times, hours=2, by=by),))
    got = refusal(candidate(campaign="spring"), person(served=served, pending=pending), slot)
    assert (got is not None) is refused


def test_a_cap_counts_an_answer_that_overtook_this_one() -> None:
    """A request that waited for its event is answered after one that came later: that one's serving counts."""
    served = (Served(NOW + 500, "p1", "home", "", "d1"),)
    assert refusal(candidate(), person(served=served), Slot(caps=(Cap(times=1, by="item"),))) is not None


@pytest.mark.parametrize("purposes", [5, True, [["share"]], "share", {"share": 1}])
def test_purposes_that_are_none_are_agreed_to_by_nobody(purposes: Any) -> None:
    """A mistake in one item's attributes keeps that item back, and the slot goes on."""
    assert refusal(candidate(attributes={"purposes": purposes})) is not None
    assert refusal(candidate(attributes={"purposes": []})) is None


def test_campaign_cap_leaves_items_without_campaign() -> None:
    """An item of no campaign is not capped by campaign."""
    served = (Served(NOW - 1, "p9", "home", "", "d1"),)
    assert refusal(candidate(), person(served=served), Slot(caps=(Cap(times=1, by="campaign"),))) is None


def test_order_is_kept_and_all_are_accounted_for() -> None:
    """The eligible and the refused keep the candidates' order, and together they are all of them."""
    made = [candidate(f"p{n}", stock=n % 2) for n in range(6)]
    may, refused = eligible(made, person(), Slot(), Settings(), request(), NOW, {})
    assert [c.item.id for c in may] == ["p1", "p3", "p5"]
    assert [r.id for r in refused] == ["p0", "p2", "p4"]


def test_units_are_whole_numbers() -> None:
    """An item takes one unit of its budget unless it says a whole number from 1."""
    assert [units_of(candidate(attributes={"budget_units": n}).item) for n in (3, 0, -2, True, "7", 2.5)] == [
        3,
        1,
        1,
        1,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stock": 0}, "out_of_stock"),
        ({"valid_until": NOW}, "expired"),
        ({"valid_from": NOW + 1}, "not_valid_yet"),
        ({"condition": {"country": "NO"}}, "targeting"),
        ({"budget": "gone"}, "budget"),
        ({"attributes": {"purposes": ["contact"]}}, "no_consent"),
        ({"kind": "article"}, "wrong_kind"),
    ],
)
def test_an_item_that_changes_is_judged_as_it_is_now(change: dict[str, Any], code: str) -> None:
    """What was known of an item as it was says nothing of it as it is: put back, it may be served again."""
    slot, plain, changed = Slot(kinds=("product",)), candidate(), candidate(**change)
    for _ in range(2):
        assert refusal(plain, slot=slot) is None
        got = refusal(changed, slot=slot)
        assert got is not None
        assert got[0] == code


def test_an_open_item_and_a_closed_one_are_told_apart() -> None:
    """Whether it is open is the candidate's to say, not the item's; of a closed one without hours nothing is said."""
    assert refusal(candidate()) is None
    assert refusal(candidate(open=False)) == ("closed", "closed now")
    assert refusal(candidate()) is None


def test_what_is_remembered_of_items_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound it is forgotten, and found out anew."""
    monkeypatch.setattr(eligibility, "_SILENT", {})
    monkeypatch.setattr(eligibility, "MAX_SILENT", 5)
    for n in range(23):
        assert refusal(candidate(f"p{n}")) is None
        assert 0 < len(eligibility._SILENT) <= 5
