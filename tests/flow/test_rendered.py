"""What a page says of a painted choice, as a fact."""

from __future__ import annotations

from typing import Any

import pytest

from micromoments.core.settings import Settings
from micromoments.flow.facts import event_fact
from tests.flow.world import event


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            {"slot": "home", "shown": "decision", "milliseconds": 180, "network": "4g"},
            ("home", "decision", 180, "4g"),
        ),
        ({"shown": "default", "reason": "late", "milliseconds": 300.4}, ("", "late", 300, "")),
        ({"shown": "default"}, ("", "empty", 0, "")),
        ({"shown": 7, "milliseconds": "soon", "slot": ["home"], "network": None}, ("", "", 0, "")),
        ({"shown": "decision", "milliseconds": True}, ("", "decision", 0, "")),
        ({"shown": "decision", "milliseconds": -5}, ("", "decision", 0, "")),
        ({"shown": "decision", "milliseconds": 1e300}, ("", "decision", 0, "")),
    ],
)
def test_a_painted_choice(said: dict[str, Any], kept: tuple[object, ...]) -> None:
    """Slot, what was shown or why not, milliseconds and network are kept; what can't be is left empty."""
    record = event(1, anon="a", name="Decision Rendered", properties=said)
    fact = event_fact(record, 1, 1, Settings())
    assert (fact.slot, fact.shown, fact.milliseconds, fact.network) == kept


def test_other_events_have_none_of_it() -> None:
    """The same properties on another event are nobody's rendering."""
    fact = event_fact(event(1, anon="a", name="Viewed", properties={"slot": "home", "shown": "x"}), 1, 1, Settings())
    assert (fact.slot, fact.shown, fact.milliseconds, fact.network) == ("", "", 0, "")
