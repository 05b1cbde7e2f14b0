"""A ride's whole way, its money, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from micromoments.demo.fulfil import Refused, audit
from micromoments.demo.ride import fares
from micromoments.demo.ride.follow import Follower, report
from micromoments.demo.ride.simulator import Simulator
from micromoments.demo.ride.trip import End, trip
from tests.demo.ride.made import SQUARE, STATION, Service


def code(act: Callable[[], object]) -> str:
    """Why something is refused."""
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def test_the_fare_is_reserved_first_and_taken_at_the_end(service: Service) -> None:
    """Nothing is taken before the drop-off; then the fare that was said, to the cent; rating and tip come once."""
    order = service.ask()
    assert (order.state, service.bank.held()) == ("paid", 0)
    done = service.done(order)
    assert (done.state, service.bank.held()) == ("done", order.total)
    assert service.rides.tip(order.id, "ana", 200, "pm_card_visa", "t").state == "done"
    assert service.rides.tip(order.id, "ana", 200, "pm_card_visa", "t").state == "done"
    assert code(lambda: service.rides.tip(order.id, "ana", 200, "pm_card_visa", "other")) == "bad_state"
    assert service.bank.held() == order.total + 200
    assert trip(service.rides.rate(order.id, "ana", 5)).stars == 5
    assert code(lambda: service.rides.rate(order.id, "ana", 1)) == "bad_state"
    assert audit(service.store, service.bank.held()) == []
    assert report(service.rides)["matched"] == 1


def test_asking_twice_is_asking_once(service: Service) -> None:
    """The same key gives the same ride, though its quote has run out; another request under it is refused."""
    quote = service.rides.quote("ana", End(SQUARE), End(STATION))
    first = service.rides.request("ana", quote.id, "go", "pm_card_visa", "k")
    service.wait(600)
    assert service.rides.request("ana", quote.id, "go", "pm_card_visa", "k").id == first.id
    assert code(lambda: service.rides.request("ana", quote.id, "six", "pm_card_visa", "k")) == "key_reused"
    assert code(lambda: service.rides.request("ana", quote.id, "go", "pm_card_visa", "")) == "quote_expired"


def test_lies_are_refused_with_their_reasons(service: Service) -> None:
    """Others' quotes and rides, old prices, places in the sea, an absent driver: each has its own reason."""
    rides = service.rides
    assert code(lambda: rides.quote("ana", End((-1400.0, -940.0)), End(STATION))) == "bad_position"
    assert code(lambda: rides.quote("ana", End((float("nan"), 0.0)), End(STATION))) == "bad_position"
    assert code(lambda: rides.quote("ana", End(SQUARE), End((-418.0, -119.0)))) == "too_short"
    quote = rides.quote("ana", End(SQUARE), End(STATION))
    assert code(lambda: rides.request("eve", quote.id, "go", "pm_card_visa", "k")) == "quote_expired"
    assert code(lambda: rides.request("ana", quote.id, "jet", "pm_card_visa", "k")) == "no_such_kind"
    order = rides.request("ana", quote.id, "go", "pm_card_visa", "k")
    assert code(lambda: service.ask(key="second")) == "riding_already"
    assert code(lambda: rides.cancel(order.id, "eve")) == "no_such_order"
    assert code(lambda: rides.rate(order.id, "ana", 5)) == "bad_state"
    order, driver = service.taken(order)
    assert code(lambda: rides.arrive(order.id, driver)) == "not_there"
    other = next(d for d in rides.fleet.drivers.values() if d is not driver)
    assert code(lambda: rides.finish(order.id, other)) == "no_such_ride"
    assert code(lambda: rides.finish(order.id, driver)) == "bad_step"
    assert code(lambda: service.dispatcher.accept(order.id, driver)) == "no_such_offer"
    assert audit(service.store, service.bank.held()) == []


def test_nobody_rides_twice_at_once(service: Service) -> None:
    """While a first ride's payment has no answer yet, or both are asked for at the same instant, there is no second."""
    first = service.ask(card="pm_card_answerLost")
    assert first.state == "ordered"
    assert code(lambda: service.ask(key="second")) == "riding_already"
    service.rides.desk.recover()
    assert service.rides.desk.order(first.id).state == "paid"
    quotes = [service.rides.quote("bo", End(SQUARE), End(STATION)).id for _ in range(4)]

    def ask(quote: str) -> str:
        try:
            return service.rides.request("bo", quote, "go", "pm_card_visa", quote).state
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, quotes)) == ["paid", *["riding_already"] * 3]
    assert audit(service.store, service.bank.held()) == []


def test_what_was_never_earned_is_not_taken_back(service: Service) -> None:
    """A ride that is called off was never told as an order, so its fare isn't told as one that goes back."""
    order = service.ask()
    service.rides.cancel(order.id, "ana")
    told = {call["event"]: call["properties"] for _, call in service.store.unsent()}
    assert "Order Completed" not in told
    assert "revenue" not in told["Order Cancelled"]


def test_calling_off_costs_what_the_rules_say(service: Service) -> None:
    """Free before a driver and shortly after; a fee later; more at the door; not at all on the way."""
    order = service.ask()
    assert service.rides.cancel(order.id, "ana").fee == 0
    order, _ = service.taken(service.ask(key="k2"))
    assert service.rides.cancel_fee(order) == 0
    service.wait(fares.GRACE / 1000 + 1)
    assert service.rides.cancel_fee(order) == fares.ON_THE_WAY
    assert service.rides.cancel(order.id, "ana").fee == fares.ON_THE_WAY
    order, driver = service.taken(service.ask(key="k3"))
    service.wait(500)
    service.rides.arrive(order.id, driver)
    assert code(lambda: service.rides.no_show(order.id, driver)) == "too_early"
    service.wait(fares.NO_SHOW / 1000)
    assert service.rides.no_show(order.id, driver).fee == fares.AT_THE_DOOR
    assert service.bank.held() == fares.ON_THE_WAY + fares.AT_THE_DOOR
    order, driver = service.taken(service.ask(key="k4"))
    service.wait(500)
    service.rides.arrive(order.id, driver)
    service.rides.start(order.id, driver)
    assert code(lambda: service.rides.cancel(order.id, "ana")) == "too_late"
    assert audit(service.store, service.bank.held()) == []


def test_a_late_driver_costs_nothing(service: Service) -> None:
    """Who is kept waiting much longer than was said may leave for nothing."""
    order, _ = service.taken(service.ask())
    service.now = trip(order).promised + fares.LATE + 1000
    assert service.rides.cancel(order.id, "ana").fee == 0
    assert service.bank.held() == 0


def test_a_ride_ended_early_costs_less(service: Service) -> None:
    """Let out half way, only what was driven is taken; the rest of what was reserved is let go."""
    order, driver = service.taken(service.ask())
    service.wait(500)
    service.rides.arrive(order.id, driver)
    service.rides.start(order.id, driver)
    service.wait(service.rides.roads.way(SQUARE, STATION).seconds / 3)
    done = service.rides.finish(order.id, driver)
    assert fares.KINDS[0].least <= done.total < order.total
    assert service.bank.held() == done.total
    assert audit(service.store, service.bank.held()) == []


def test_declined_or_silent_the_ride_goes_to_the_next(service: Service) -> None:
    """Who declines, says nothing or gives it back isn't asked again; who remains is; then the rider is told."""
    order = service.ask()
    asked = []
    for how in ("decline", "silence"):
        service.dispatcher.tick(service.now)
        (offer,) = service.dispatcher.offers.values()
        asked.append(offer.driver)
        if how == "decline":
            service.dispatcher.decline(order.id, service.rides.fleet.drivers[offer.driver])
        else:
            service.wait(16)
    _, driver = service.taken(order)
    assert driver.id not in asked
    assert service.dispatcher.drop(order.id, driver).step == "looking"
    assert driver.ride == ""
    service.dispatcher.tick(service.now)
    assert not service.dispatcher.offers
    service.wait(400)
    service.dispatcher.tick(service.now)
    assert (service.rides.desk.order(order.id).why, service.bank.held()) == ("nobody_free", 0)


def test_a_failed_card_asks_nobody(service: Service) -> None:
    """A declined card leaves the ride unasked, and another card asks for it."""
    order = service.ask(card="pm_card_chargeDeclined")
    assert (order.state, order.why, service.rides.active) == ("cart", "card_declined", {})
    assert service.rides.desk.retry(order.id, "ana", "pm_card_visa", "again").state == "paid"
    assert order.id in service.rides.active


def test_a_ride_goes_on_after_a_crash(service: Service, tmp_path: Path) -> None:
    """Opened again from its files alone, the car is where it would have been, and the ride ends with its fare."""
    order, driver = service.taken(service.ask())
    service.wait(5)
    before = Follower(service.rides).position(order, service.now)
    again = Service(tmp_path, now=service.now)
    kept = again.rides.active[order.id]
    assert Follower(again.rides).position(kept, again.now) == before
    same = again.rides.fleet.drivers[driver.id]
    assert same.ride == order.id
    again.wait(1000)
    again.rides.arrive(order.id, same)
    again.rides.start(order.id, same)
    again.wait(1000)
    again.rides.finish(order.id, same)
    assert again.bank.held() == order.total
    assert audit(again.store, again.bank.held()) == []
    again.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_town_in_motion_keeps_its_books(tmp_path: Path, seed: int) -> None:
    """Whatever simulated people do, no driver has two rides, no ride two offers, and the books balance."""
    town = Service(tmp_path, drivers=12)
    simulator = Simulator(town.rides, town.dispatcher, 25, seed)
    dice = random.Random(seed)
    for _ in range(150):
        town.wait(15 * dice.random() + 1)
        town.dispatcher.tick(town.now)
        simulator.tick(town.now)
        held = [o.place for o in town.rides.active.values() if o.step in ("coming", "arrived", "riding")]
        assert len(held) == len(set(held))
        assert all(town.rides.fleet.drivers[place].ride for place in held)
        offered = [offer.ride for offer in town.dispatcher.offers.values()]
        assert len(offered) == len(set(offered))
        if dice.random() < 0.1 and town.rides.active:
            order = dice.choice(list(town.rides.active.values()))
            if order.step != "riding":
                town.rides.cancel(order.id, order.owner)
    assert audit(town.store, town.bank.held()) == []
    done = town.store.rows("SELECT count(*) FROM orders WHERE state = 'done'")[0][0]
    assert done > 20
    town.close()
