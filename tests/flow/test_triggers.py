"""Triggers: which turns of a moment fire them, when they are due, and whom they may reach."""

from __future__ import annotations

from msgspec.structs import replace

from micromoments.core.effect import Told
from micromoments.core.event import BOT
from micromoments.core.person import MAX_REPLIES, Person, Stamp, Trait
from micromoments.core.settings import HOUR, MINUTE, Destination, Settings, Trigger
from micromoments.flow import people
from micromoments.flow.triggers import address, awake, barred, best_hour, decision_id, intended
from micromoments.recognise.recogniser import Recogniser
from micromoments.testing.clocks import START
from micromoments.testing.generators import person as somebody
from tests.flow.world import T0, World, event

MACHINES = {name: Destination(url="https://x.example/") for name in ("crm", "lake")}
PERSONS = {name: Destination(url="https://x.example/", channel="email") for name in ("mail", "news")}
DAY = 24 * HOUR
MIDNIGHT = START // DAY * DAY


def settings(**triggers: Trigger) -> Settings:
    """A project with two machines and two ways to a person."""
    return Settings(destinations={**MACHINES, **PERSONS}, triggers=triggers)


def told(change: str = "opened", ended: str | None = None, **more: object) -> Told:
    """A moment's turn."""
    person = somebody(1)
    moment = replace(person.reading.open[0], ended=ended)
    turn = Told(id="t", person=person.id, surrogate=7, change="opened", moment=moment, at=START)
    return replace(turn, change=change, **more)


def fired(turn: Told, trigger: Trigger) -> list[str]:
    """The destinations of what a trigger makes of a turn; empty for that of the channels."""
    project = settings(t=trigger)
    return [d.destination for d in intended(turn, somebody(1), Recogniser(project), project, START)]


def test_every_machine_gets_one_and_the_channels_one_together() -> None:
    """Two machines and two channels make three deliveries, each with an id of its own, and one decision."""
    project = settings(t=Trigger(to=("crm", "mail", "lake", "news")))
    made = list(intended(told(), somebody(1), Recogniser(project), project, START))
    assert [d.destination for d in made] == ["crm", "lake", ""]
    assert len({d.id for d in made}) == 3
    assert len({decision_id(d) for d in made}) == 1
    again = list(intended(told(at=START + 5), somebody(1), Recogniser(project), project, START))
    assert [d.id for d in again] == [d.id for d in made]


def test_a_trigger_fires_on_its_own_turn_only() -> None:
    """Opening, strengthening and each way of ending have triggers of their own."""
    to = ("crm",)
    assert fired(told(), Trigger(to=to)) == ["crm"]
    assert fired(told("changed"), Trigger(to=to)) == []
    assert fired(told("changed"), Trigger(to=to, on="expiring")) == ["crm"]
    assert fired(told("ended", "abandoned"), Trigger(to=to, on="abandoned")) == ["crm"]
    assert fired(told("ended", "expired"), Trigger(to=to, on="abandoned")) == []
    assert fired(told("ended", "expired"), Trigger(to=to, on="ended")) == ["crm"]
    assert fired(told("withdrawn"), Trigger(to=to)) == []


def test_a_sure_moment_strengthens_and_an_unsure_one_does_not() -> None:
    """The probability of the moment's type decides."""
    sure = told("changed", moment=replace(told().moment, type="buy", sums=(0, 0, 0, 900, 0)))
    unsure = told("changed", moment=replace(told().moment, type="buy", sums=(0, 0, 0, 60, 0)))
    strong = Trigger(to=("crm",), on="strengthened")
    assert (fired(sure, strong), fired(unsure, strong)) == (["crm"], [])
    assert fired(sure, replace(strong, types=("know",))) == []


def test_bots_and_imported_history_are_not_told() -> None:
    """What doesn't count, and what is long over, makes nothing."""
    assert fired(told(marks=BOT), Trigger(to=("crm",))) == []
    assert fired(told(at=START - 2 * DAY), Trigger(to=("crm",))) == []


def test_the_right_hour_is_that_at_which_the_person_is_active() -> None:
    """Three evenings and a morning: the evening, in the person's zone; of whom little is known, at once."""
    active = [MIDNIGHT - n * DAY + 19 * HOUR for n in (1, 2, 3)] + [MIDNIGHT - DAY + 8 * HOUR]
    first, last = MIDNIGHT + 9 * HOUR + 5 * MINUTE, MIDNIGHT + DAY + 9 * HOUR
    ana = Person(id="user:ana", surrogate=1)
    assert best_hour(active, ana, Settings(), first, last) == MIDNIGHT + 19 * HOUR
    assert best_hour(active[:3] * 5, ana, Settings(), first, last) == first
    east = replace(ana, traits={"timezone": Trait(Stamp(1, 1), "Asia/Tokyo")})
    assert best_hour(active, east, Settings(), first, last) == MIDNIGHT + 19 * HOUR
    assert best_hour(active, ana, Settings(), first, first + HOUR) == first


def test_answers_to_messages_count_more_than_being_there() -> None:
    """Who is about in the evening and answers at noon is written to at noon; two answers alone are too little to know;
    they join, each once, and the oldest go.
    """
    active = [MIDNIGHT - n * DAY + 19 * HOUR for n in (1, 2, 3)]
    first, last = MIDNIGHT + 9 * HOUR + 5 * MINUTE, MIDNIGHT + DAY + 9 * HOUR
    noon = tuple(MIDNIGHT - n * DAY + 12 * HOUR for n in (2, 1))
    ana = Person(id="user:ana", surrogate=1, replies=noon)
    assert best_hour(active, ana, Settings(), first, last) == MIDNIGHT + 12 * HOUR
    assert best_hour([], ana, Settings(), first, last) == first
    both = people.join(ana, replace(ana, id="anon:a", replies=(noon[1], MIDNIGHT)))
    assert both.replies == (*noon, MIDNIGHT)
    assert len(people.newest_replies(range(100))) == MAX_REPLIES


def test_opening_and_clicking_a_message_are_answers() -> None:
    """They are remembered by their time until personalisation is refused; a bounce is none."""
    sent = [event(0, user="ana", name="Email Opened"), event(1, user="ana", name="Email Link Clicked")]
    world = World().fold([*sent, event(2, user="ana", name="Email Bounced")])
    assert world.people["user:ana"].replies == (T0, T0 + MINUTE)
    refused = event(3, user="ana", name="Consent Updated", properties={"personalise": False})
    assert world.fold([refused]).people["user:ana"].replies == ()


def test_quiet_hours_end_in_the_person_s_zone() -> None:
    """Within them the first instant after them, else now."""
    ana = Person(id="user:ana", surrogate=1, traits={"timezone": Trait(Stamp(1, 1), "Europe/Helsinki")})
    night = MIDNIGHT + 22 * HOUR
    wakes = awake(ana, "22:00-07:00", Settings(), night)
    assert 0 < wakes - night <= 9 * HOUR
    assert awake(ana, "22:00-07:00", Settings(), wakes) == wakes
    assert awake(ana, "", Settings(), night) == night


def test_an_address_counts_once_it_was_confirmed() -> None:
    """A trait of the same name, which anybody may have claimed, reaches nobody."""
    said = Trait(Stamp(1, 1), "ana@shop.example")
    yes = {"contact": Trait(Stamp(1, 1), value=True)}
    claimed = Person(id="user:ana", surrogate=1, traits={"email": said}, consent=yes)
    confirmed = replace(claimed, addresses={"email": said})
    mail = Destination(kind="notify", channel="email")
    assert (address(claimed, "email"), address(confirmed, "email")) == ({}, {"email": "ana@shop.example"})
    assert (barred(claimed, mail, Settings()), barred(confirmed, mail, Settings())) == ("no_address", "")
    assert barred(replace(confirmed, consent={}), mail, Settings()) == "no_consent"
