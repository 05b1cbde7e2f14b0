"""Pain points, unmet moments by worth, items and preferences, over facts whose right answers are worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from micromoments.core.event import BOT
from micromoments.core.fact import Fact
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, counted, decision, event, figures, moment, outcome

MINUTE = 60_000


def rows(reply: dict[str, Any], of: str) -> list[dict[str, Any]]:
    """The rows of one kind."""
    return [row for row in reply["rows"] if row["of"] == of]


def search(id: str, person: int, at: int, words: str, results: int, **more: Any) -> Fact:
    """A search."""
    return event(id, person, at, "Products Searched", query=words, results=results, **more)


def test_words_searched_in_vain_and_again() -> None:
    """Ten people find nothing, nine aren't shown; three searches of one person within an hour are a repeated attempt,
    two aren't, nor are three over two hours; a bot's count for nothing.
    """
    facts: list[Fact] = [search(f"v{n}", n, NOW + n * MINUTE, " Oat Milk", 0) for n in range(10)]
    facts += [search(f"f{n}", n, NOW + n * MINUTE, "oat milk", 4) for n in range(5)]
    facts += [search(f"w{n}", n, NOW, "rare", 0) for n in range(9)]
    for n in range(11):
        facts += [search(f"a{n}{k}", n, NOW + HOUR + k * MINUTE, "tent", -1) for k in range(3 if n < 10 else 2)]
        facts += [search(f"s{n}{k}", n, NOW + k * HOUR, "slow", 3) for k in range(3)]
    facts += [search(f"b{n}", 99, NOW + n, "oat milk", 0, marks=BOT) for n in range(3)]
    reply = run(Facts(*facts).query, "pain", {}, SETTINGS)
    assert rows(reply, "search") == [{"of": "search", "need": "oat milk", "vain": 10, "searches": 15, "people": 10}]
    assert rows(reply, "again") == [{"of": "again", "need": "tent", "people": 10, "searches": 30}]
    assert counted(reply, "no_results", "again") == [(19, 15 + 9 + 33), (10, 11)]


def test_clicks_in_anger_and_into_nothing() -> None:
    """By what was clicked, under the names that trackers give them; fewer than ten people stay a number."""
    facts: list[Fact] = [event(f"r{n}", n % 12, NOW, "Rage Click", item="pay") for n in range(14)]
    facts += [event(f"d{n}", n, NOW, "$dead_click", item="logo") for n in range(9)]
    reply = run(Facts(*facts).query, "pain", {}, SETTINGS)
    row = {"of": "click", "what": "rage", "item": "pay", "channel": "web", "people": 12, "count": 14}
    assert rows(reply, "click") == [row]
    assert (figures(reply)["angry"]["count"], figures(reply)["dead"]["count"]) == (14, 9)


def test_where_moments_are_given_up() -> None:
    """By type, channel and how far they had come, against those opened there."""
    ends = ["abandoned"] * 6 + ["expired"] * 5 + ["fulfilled"] * 3
    facts = [moment(f"m{n}", n, NOW, ended=end, stage=3, channels="app,web") for n, end in enumerate(ends)]
    reply = run(Facts(*facts).query, "pain", {}, SETTINGS)
    (row,) = rows(reply, "abandoned")
    assert (row["channel"], row["stage"], row["abandoned"], row["expired"], row["opened"]) == (
        "app",
        "choosing",
        6,
        5,
        14,
    )
    assert (row["people"], row["share"]) == (11, pytest.approx(11 / 14))
    assert counted(reply, "given_up") == [(11, 14)]


def test_unmet_needs_are_ranked_by_what_followed_them() -> None:
    """Goals count once, for the newest moment before them, served or not, until a day after its end; the range is their
    value times the assumed lift; nine people aren't shown.
    """
    over: dict[str, Any] = {"ended": "expired", "ended_at": NOW + HOUR}
    facts: list[Fact] = [moment(f"s{n}", n, NOW, query="Shoes", **over) for n in range(10)]
    facts += [moment(f"t{n}", n + 20, NOW, query="tent", **over) for n in range(12)]
    facts += [moment(f"r{n}", n + 40, NOW, query="rare", **over) for n in range(9)]
    facts += [
        event("g1", 1, NOW + HOUR, goal="order", value=10_000),
        event("g2", 2, NOW + DAY, goal="order", value=500),
    ]
    facts += [
        event("late", 3, NOW + HOUR + DAY + 1, goal="order", value=9),
        event("g4", 21, NOW + 9, goal="order", value=7),
    ]
    facts += [moment("after", 4, NOW + MINUTE, served_at=NOW + MINUTE, query="shoes", **over)]
    facts += [
        event("taken", 4, NOW + HOUR, goal="order", value=77_777),
        event("back", 1, NOW + DAY, goal="order", value=-5),
    ]
    reply = run(Facts(*facts).query, "worth", {"lift": "0.02-0.1"}, SETTINGS)
    told = [(r["need"], r["people"], r["moments"], r["goals"], r["value"], r["low"], r["high"]) for r in reply["rows"]]
    assert told == [("shoes", 10, 10, 2, 10_500, 210, 1050), ("tent", 12, 12, 1, 7, 0, 1)]
    assert "2 % to 10 %" in reply["notes"][0]
    assert "105.07 USD" in reply["notes"][0]
    assert "assumed, not measured" in reply["notes"][-1]


def test_a_goal_without_a_value_is_worth_what_is_said() -> None:
    """``worth`` stands for a goal's value where it has none."""
    facts: list[Fact] = [moment(f"s{n}", n, NOW, query="shoes", ended="expired", ended_at=NOW + 9) for n in range(10)]
    facts += [event("g", 1, NOW + HOUR, goal="visit", value=0, currency="")]
    reply = run(Facts(*facts).query, "worth", {"worth": "2000"}, SETTINGS)
    assert [(row["goals"], row["value"], row["low"], row["high"]) for row in reply["rows"]] == [(1, 2000, 20, 100)]


def test_amounts_of_several_currencies_are_not_added_up() -> None:
    """What an item brought in euros and in yen has no sum; what came in one currency has one."""
    facts: list[Fact] = [decision(f"d{n}", n, NOW) for n in range(1, 4)]
    came: list[Fact] = [
        outcome("o1", 1, NOW, "d1", "goal", item="a", goal="order", value=5_000, currency="EUR"),
        outcome("o2", 2, NOW, "d2", "goal", item="a", goal="order", value=9_000, currency="JPY"),
        outcome("o3", 3, NOW, "d3", "goal", item="b", goal="order", value=700, currency="EUR"),
        outcome("o4", 3, NOW, "d3", "goal", item="b", goal="visit", value=0, currency="USD"),
    ]
    rows = {row["item"]: row for row in run(Facts(*facts, *came).query, "items", {}, SETTINGS)["rows"]}
    assert (rows["a"]["value"], rows["a"]["currency"], rows["a"]["goals"]) == (None, "", 2)
    assert (rows["b"]["value"], rows["b"]["currency"]) == (700, "EUR")


def test_what_became_of_items() -> None:
    """Served, first, seen or acted on, goals with value and cost by item; decisions in shadow don't count."""
    facts: list[Fact] = [decision("d1", 1, NOW), decision("d2", 2, NOW, items=["b", "c"], kinds=["offer", "guide"])]
    facts += [decision("d3", 3, NOW, mode="shadow"), decision("d4", 9, NOW, marks=BOT)]
    facts += [outcome("o1", 1, NOW + 9, "d1", "seen", item="b"), outcome("o2", 2, NOW + 9, "d2", "seen", item="b")]
    facts += [
        outcome("o3", 2, NOW + 9, "d2", "clicked", item="b"),
        outcome("o4", 2, NOW + 9, "d2", "dismissed", item="c"),
    ]
    facts += [outcome("o5", 2, NOW + 9, "d2", "goal", item="b", value=900, cost=100, currency="EUR")]
    facts += [outcome("o6", 2, NOW + 10, "d2", "goal", item="b", value=-300, currency="EUR")]
    # The same order reaches another goal, and so does a later event: its worth counts once, the offer costs once.
    facts += [outcome("o7", 2, NOW + 9, "d2", "goal", item="b", goal="big", value=900, cost=100, currency="EUR")]
    facts += [outcome("o8", 2, NOW + 11, "d2", "goal", item="b", goal="back", value=50, cost=100, currency="EUR")]
    reply = run(Facts(*facts).query, "items", {}, SETTINGS)
    first = reply["rows"][0]
    assert (first["item"], first["served"], first["people"], first["first"]) == ("b", 2, 2, 1)
    assert (first["seen"], first["clicked"], first["click_share"]) == (2, 1, 0.5)
    assert (first["goals"], first["value"], first["cost"], first["currency"]) == (3, 650, 100, "EUR")
    assert [(r["item"], r["dismissed"]) for r in reply["rows"][1:]] == [("a", 0), ("c", 1)]
    assert counted(reply, "shown", "clicked") == [(4, 4), (1, 3)]


def test_who_wants_what() -> None:
    """A category's share in a channel against its share in all; what fewer than ten people want there isn't shown."""
    facts = [moment(f"w{n}", n, NOW, category="Tents", channels="web") for n in range(15)]
    facts += [moment(f"x{n}", n, NOW, category="shoes", channels="web") for n in range(5)]
    facts += [moment(f"a{n}", n, NOW, query="shoes", channels="app") for n in range(20)]
    reply = run(Facts(*facts).query, "preferences", {}, SETTINGS)
    told = [(row["part"], row["wanted"], row["people"], row["share"], row["index"]) for row in reply["rows"]]
    assert told == [
        ("app", "shoes", 20, 1.0, pytest.approx(40 / 25)),
        ("web", "tents", 15, 0.75, pytest.approx(0.75 / (15 / 40))),
    ]
    assert counted(reply, "shown") == [(35, 40)]


def test_the_moments_behind_a_cause() -> None:
    """``behind`` with a cause lists the moments missed for it, and no other; a cause that there isn't is refused."""
    over: dict[str, Any] = {"ended": "expired", "ended_at": NOW + HOUR, "expires_at": NOW + HOUR}
    facts: list[Fact] = [moment("asked", 1, NOW, **over), moment("alone", 2, NOW, **over)]
    nothing: dict[str, Any] = {"items": [], "kinds": [], "propensities": [], "refused": ["cap"]}
    facts += [decision("d", 1, NOW + 5, moment="asked", **nothing), event("g", 3, NOW, goal="order", value=1)]
    query = Facts(*facts).query
    for cause, ids in (("cap", ["asked"]), ("not asked", ["alone"]), ("consent", [])):
        reply = run(query, "behind", {"cause": cause}, SETTINGS)
        assert [row["id"] for row in reply["rows"]] == ids
        assert figures(reply)["moments"]["count"] == len(ids)
    with pytest.raises(ValueError, match=r"got cause='rain'; wanted one of held out, consent"):
        run(query, "behind", {"cause": "rain"}, SETTINGS)
