"""Which goals an event reaches, and what it is worth, to the last minor unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.money import minor
from micromoments.core.settings import Goal, Settings
from micromoments.learn.goals import NOTHING, Reached, reached
from tests.learn.worlds import SETTINGS, event


@pytest.mark.parametrize(
    ("amount", "currency", "wanted"),
    [
        (89, "USD", 8900),
        (89.9, "EUR", 8990),
        ("89.90", "EUR", 8990),
        (1.005, "USD", 100),
        (0.015, "USD", 2),
        (1500, "JPY", 1500),
        (1.2345, "KWD", 1234),
        ("-3", "USD", -300),
        (Decimal("0.1"), "USD", 10),
        ("a lot", "USD", None),
        (10**15 - 1, "USD", 10**17 - 100),
        (10**15 - 1, "CLF", None),
        (-(10**15) + 1, "CLF", None),
        ("1e999999999", "USD", None),
        (float("nan"), "USD", None),
        (float("inf"), "USD", None),
        (True, "USD", None),
        (None, "USD", None),
        ([1], "USD", None),
    ],
)
def test_amounts_become_minor_units(amount: object, currency: str, wanted: int | None) -> None:
    """Each currency has its own digits, halves go to even, and what is no amount is None."""
    assert minor(amount, currency) == wanted


@given(st.integers(-(10**14), 10**14))
def test_no_cent_is_lost(cents: int) -> None:
    """An amount written with two digits comes back exactly, as text and as a decimal."""
    text = f"{Decimal(cents).scaleb(-2):f}"
    assert minor(text, "USD") == cents


def test_constant_and_property_values() -> None:
    """A goal's worth is a property or a constant, in the event's currency where it names one."""
    assert reached(event("Order Completed", revenue=12.5, currency="gbp"), SETTINGS) == Reached(
        ("order",), 1250, "GBP", 1250
    )
    assert reached(event("Signed Up"), SETTINGS) == Reached(("signup",), 250, "USD", 250)
    assert reached(event("Order Completed"), SETTINGS) == Reached(("order",), 0, "USD")
    assert reached(event("Product Viewed"), SETTINGS) is NOTHING


def test_a_goal_may_ask_for_properties() -> None:
    """``where`` must hold, and one event may reach several goals, in the configuration's order."""
    settings = Settings(
        goals={
            "order": Goal(event="Order Completed", value="revenue"),
            "first": Goal(event="Order Completed", value=1.0, where={"first": True}),
        }
    )
    assert reached(event("Order Completed", revenue=5), settings).goal == "order"
    assert reached(event("Order Completed", revenue=5, first=True), settings).goal == "order,first"


def test_refunds_are_negative_and_need_an_amount() -> None:
    """Orders can be refunded and cancelled, other things refunded; without an amount there is nothing to take back."""
    ride = Settings(goals={"ride": Goal(event="Ride Completed", value="fare")})
    assert reached(event("Order Refunded", revenue=5), SETTINGS).value == -500
    assert reached(event("Order Cancelled", revenue=-5), SETTINGS).value == -500
    assert reached(event("Order Refunded"), SETTINGS) is NOTHING
    assert reached(event("Ride Refunded", fare=5), ride).value == -500
    assert reached(event("Ride Cancelled", fare=5), ride) is NOTHING


def test_other_settings_are_seen_at_once() -> None:
    """The index of goals follows the settings that are asked with."""
    other = Settings(goals={"sale": Goal(event="Order Completed", value=1.0)})
    for _ in range(2):
        assert reached(event("Order Completed"), SETTINGS).goal == "order"
        assert reached(event("Order Completed"), other).goal == "sale"
