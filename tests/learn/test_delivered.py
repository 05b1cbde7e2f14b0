"""What became of a delivery is an outcome of its decision."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.core.event import Event
from micromoments.core.person import Person
from micromoments.core.settings import MINUTE, Settings
from micromoments.learn.attribution import attribute, windows
from micromoments.learn.credit import credit
from micromoments.learn.delivered import EVENTS, came, lost, stopped
from micromoments.learn.goals import guarded
from micromoments.learn.servings import remember
from tests.learn.worlds import ANA, NOW, SETTINGS, decision, event

PUSH = SETTINGS.slots["push"]


def sent() -> Person:
    """Ana, who was sent a decision by push, in a slot that assumes it seen."""
    return remember(ANA, decision(slot="push"), PUSH, SETTINGS)


def told(name: str, **properties: Any) -> Event:
    """An event by its name."""
    return Event(type="track", event=name, properties=properties)


@pytest.mark.parametrize(
    ("name", "what", "reward"),
    [
        ("Email Opened", "seen", None),
        ("Delivery Opened", "seen", None),
        ("Email Link Clicked", "clicked", 0.3),
        ("Push Notification Tapped", "clicked", 0.3),
        ("Unsubscribed", "unsubscribed", 0.0),
        ("Delivery Unsubscribed", "unsubscribed", 0.0),
        ("Email Marked as Spam", "complained", 0.0),
        ("Delivery Complained", "complained", 0.0),
        ("Email Bounced", "bounced", None),
    ],
)
def test_it_joins_by_the_decision_s_id_and_counts_once(name: str, what: str, reward: float | None) -> None:
    """Whatever a tool calls it, it is an outcome with its reward, the same again is none."""
    person, (one,) = attribute(sent(), event(name, decision_id="d1"), SETTINGS)

    assert (one.decision, one.what, one.reward, one.via) == ("d1", what, reward, "id")
    assert attribute(person, event(name, decision_id="d1"), SETTINGS)[1] == ()


@pytest.mark.parametrize("name", ["Delivery Unsubscribed", "Email Marked as Spam"])
def test_who_stops_it_is_a_failure_of_all_that_was_served(name: str) -> None:
    """Reward 0 for every item, paid once: the window's end adds nothing."""
    person, (one,) = attribute(sent(), event(name, decision_id="d1"), SETTINGS)

    served = decision(slot="push")
    assert [(item, reward) for item, reward, _ in credit(served, one)] == [(item, 0.0) for item in served.items]
    assert windows(person, NOW + 60 * MINUTE, SETTINGS)[1] == ()


def test_what_bounced_was_never_seen() -> None:
    """It isn't ignored at the window's end, though the slot assumes that all is seen, and earns no goal by window."""
    person, _ = attribute(sent(), event("Delivery Bounced", decision_id="d1"), SETTINGS)

    assert windows(person, NOW + 60 * MINUTE, SETTINGS)[1] == ()
    assert attribute(person, event("Order Completed", NOW + MINUTE, revenue=5), SETTINGS)[1] == ()
    assert windows(sent(), NOW + 60 * MINUTE, SETTINGS)[1][0].what == "ignored"


def test_what_a_machine_opened_nobody_saw() -> None:
    """A mail service that opens pictures by itself says so, and it counts for nothing."""
    assert came(told("Email Opened", machine_open=True)) is None
    assert came(told("Email Opened")) is not None


def test_who_unsubscribes_or_complains_is_not_contacted_there_again() -> None:
    """A no to contact on the channel that is named, by the event's own name or in it; of none that is, to all."""
    assert stopped(told("Unsubscribed")) == {"contact_email": False}
    assert stopped(told("Delivery Unsubscribed", channel="sms")) == {"contact_sms": False}
    assert stopped(told("Delivery Complained")) == {"contact": False}
    assert stopped(told("Email Opened")) == {}


def test_only_a_hard_bounce_gives_an_address_up() -> None:
    """A full mailbox is no dead one."""
    assert lost(told("Email Bounced", bounce_type="hard")) == "email"
    assert lost(told("Email Bounced")) == "email"
    assert lost(told("Email Bounced", type="soft")) == ""
    assert lost(told("Unsubscribed")) == ""


def test_guard_rails_know_every_name() -> None:
    """Unsubscribing and complaining touch their guard-rail however they are called; opening none."""
    found = {name: guarded(event(name), Settings()) for name in EVENTS}

    assert {name for name, g in found.items() if g == ("unsubscribe",)} == {
        "Unsubscribed",
        "Delivery Unsubscribed",
        "Email Unsubscribed",
    }
    assert {name for name, g in found.items() if g == ("complaint",)} == {
        "Complaint Received",
        "Delivery Complained",
        "Email Marked as Spam",
    }


def test_a_test_mail_teaches_nothing() -> None:
    """Events of bots, own people and tests are nobody's outcome."""
    assert attribute(sent(), replace(event("Email Opened", decision_id="d1"), marks=1), SETTINGS)[1] == ()
