"""The service's rules: what a ride costs, who may do what when, what the engine is told. Blocking; called from threads.

A ride is an order of ``fulfil``: the fare is reserved as it is asked for and taken at its end. Its ``data`` is a
``Trip``: everything that a restart needs.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from math import hypot, isfinite
from typing import Any

import msgspec

from micromoments.demo.fulfil import DIRECT, Desk, Line, Order, Payments, Refused, Store, now_ms, track
from micromoments.demo.fulfil.money import major
from micromoments.demo.ride import estimate, fares
from micromoments.demo.ride.fleet import Driver, Fleet
from micromoments.demo.ride.roads import Place, Roads
from micromoments.demo.ride.trip import (
    AFFILIATION,
    FLOW,
    HOLDS,
    OFF_ROAD,
    SHORTEST,
    THERE,
    End,
    Leg,
    Quote,
    Trip,
    Who,
    put,
    trip,
)


class Rides:
    """The service. ``active`` are the rides under way; ``lock`` is held while who drives whom changes."""

    def __init__(
        self, store: Store, payments: Payments, fleet: Fleet, zone: str, clock: Callable[[], int] = now_ms
    ) -> None:
        self.store, self.fleet, self.zone, self.clock = store, fleet, zone, clock
        self.roads: Roads = fleet.roads
        self.lock = threading.RLock()
        self.active: dict[str, Order] = {}
        self.usual = estimate.Usual()
        self.heard: Callable[[Order], None] | None = None
        self.desk = Desk(store, payments, {"": FLOW, "tip": DIRECT}, clock, after=self._after, changed=self._changed)
        self._quotes: dict[str, Quote] = {}
        self._records: dict[str, tuple[int, Trip]] = {}

    def record(self, order: Order) -> Trip:
        """The record of a ride under way, as ``trip`` gives it; kept, as positions want it every second."""
        known = self._records.get(order.id)
        if known is None or known[0] != order.version:
            known = self._records[order.id] = (order.version, trip(order))
        return known[1]

    def open_up(self) -> None:
        """Take up what a crash left: payments to be asked again, rides under way, drivers on their legs."""
        self.desk.recover()
        self.usual = msgspec.convert(self.store.kept("usual", "pace") or {}, estimate.Usual)
        for id, kept in self.store.all_kept("driver").items():
            self.fleet.drivers[id] = msgspec.convert(kept, Driver)
        for (body,) in self.store.rows("SELECT body FROM orders WHERE state IN ('paid', 'tracking')"):
            self._track(msgspec.json.decode(body, type=Order))

    # --- quotes and requests ----------------------------------------------------------------------

    def quote(self, owner: str, begin: End, end: End, decision: str = "", item: str = "") -> Quote:
        """What a ride would cost, how long until a car is there, and how long it takes."""
        for name, one in (("start", begin), ("end", end)):
            if not (isfinite(one.at[0]) and isfinite(one.at[1]) and self.roads.inside(one.at)):
                raise Refused("bad_position", f"a {name} outside of the town", "a place in it", status=400)
            if self.roads.spot(one.at).apart > OFF_ROAD:
                raise Refused("bad_position", f"a {name} away from every road", "one that a car can get to", status=400)
        way = self.roads.way(begin.at, end.at)
        if way.metres < SHORTEST:
            raise Refused("too_short", f"{way.metres:.0f} m", f"at least {SHORTEST:.0f} m", "walk, it's nice outside")
        now = self.clock()
        seconds = way.seconds * self.usual.pace
        prices = {kind.id: fares.price(kind, way.metres, seconds) for kind in fares.KINDS}
        id = secrets.token_urlsafe(12)
        made = Quote(id, owner, now + HOLDS, begin, end, way, prices, self.waits(begin.at, now), decision, item)
        with self.lock:
            self._quotes = {q.id: q for q in self._quotes.values() if q.until > now}
            self._quotes[id] = made
        return made

    def waits(self, at: Place, now: int) -> dict[str, int | None]:
        """Seconds until a car of each kind could be there; ``None`` where none is free."""
        with self.lock:
            free = [(d.kinds, self.fleet.where(d, now)) for d in self.fleet.free(now)]
        seconds = self.roads.field(at, [place for _, place in free]) * self.usual.pace
        waits: dict[str, int | None] = {}
        for kind in fares.KINDS:
            near = [float(s) for (kinds, _), s in zip(free, seconds, strict=True) if kind.id in kinds]
            waits[kind.id] = round(min(near)) if near else None
        return waits

    def request(self, owner: str, quote: str, kind: str, card: str, key: str, rider: str = "") -> Order:
        """Ask for a ride by a quote: its fare is reserved, nothing is taken yet."""
        asked = f"{quote} {kind} {card}".encode()
        with self.store.change() as tx:
            known = tx.once(owner, key, asked) if key else None
        if known is not None:  # before the quote is looked for: it may have run out since
            return self.desk.settle(known)
        found = self._quotes.get(quote)
        if found is None or found.owner != owner or found.until <= self.clock():
            raise Refused("quote_expired", "a price that no longer holds", "a new one", "ask for the price", status=409)
        cents = found.prices[fares.kind(kind).id]
        now = self.clock()
        record = Trip(
            kind=kind,
            begin=found.begin,
            end=found.end,
            seconds=found.way.seconds,
            metres=found.way.metres,
            rider=rider,
            asked=now,
            decision=found.decision,
            item=found.item,
            simulated=owner.startswith("sim-"),
        )
        order = Order(
            id=secrets.token_urlsafe(12),
            owner=owner,
            currency=fares.CURRENCY,
            lines=fares.line(fares.kind(kind), cents),
            card=cents,
            tax=fares.tax(cents),
            source=card,
            data=msgspec.to_builtins(record),
        )
        return self.desk.place(order, key, asked)

    def cancel(self, id: str, owner: str) -> Order:
        """The rider calls it off, for the fee that the rules say."""
        with self.lock:
            order = self.desk.order(id, owner)
            by = "business" if order.state in ("paid", "tracking") and self._is_free(order) else "customer"
            return self.desk.cancel(id, "business" if by == "business" else "customer", "rider", owner)

    def cancel_fee(self, order: Order) -> int | None:
        """What calling it off costs now; ``None`` where it can't be any more."""
        if order.state not in ("paid", "tracking") or order.step == "riding":
            return None
        record = trip(order)
        return min(order.total, fares.fee(order.step, self.clock(), record.taken, record.promised))

    def _is_free(self, order: Order) -> bool:
        record = trip(order)
        return order.step != "riding" and fares.is_free(order.step, self.clock(), record.taken, record.promised)

    # --- the driver's side ------------------------------------------------------------------------

    def take(self, id: str, driver: Driver, pace: float = 1.0) -> Order:
        """A driver takes a ride and sets out. Who may is the dispatcher's to say."""
        now = self.clock()
        with self.lock:
            at = self.fleet.where(driver, now)

            def taken(order: Order) -> Order:
                leg = Leg(at, trip(order).begin.at, now, pace)
                promised = now + int(self.roads.way(at, leg.end).seconds * self.usual.pace * 1000)
                who = Who(driver.id, driver.name, driver.car, driver.plate, driver.rating, driver.simulated)
                order = msgspec.structs.replace(order, place=driver.id)
                return put(order, driver=who, leg=leg, taken=now, promised=promised)

            return self.desk.advance(id, "coming", taken)

    def arrive(self, id: str, driver: Driver) -> Order:
        """The driver is at the door."""
        with self.lock:
            order = self._theirs(id, driver)
            self._near(driver, trip(order).begin.at, "the rider")
            now = self.clock()
            return self.desk.advance(id, "arrived", lambda o: put(o, arrived=now, leg=None))

    def start(self, id: str, driver: Driver, pace: float = 1.0) -> Order:
        """The rider is in."""
        now = self.clock()
        with self.lock:
            self._theirs(id, driver)
            at = self.fleet.where(driver, now)

            def started(order: Order) -> Order:
                end = trip(order).end.at
                first = now + int(self.roads.way(at, end).seconds * self.usual.pace * 1000)
                return put(order, started=now, first=first, leg=Leg(at, end, now, pace))

            return self.desk.advance(id, "riding", started)

    def finish(self, id: str, driver: Driver) -> Order:
        """The ride is over: the fare is taken. Ended before its end, it costs what was driven, never more than said."""
        now = self.clock()
        with self.lock:
            order = self._theirs(id, driver)
            record = trip(order)
            at = self.fleet.where(driver, now)
            lines = None
            if hypot(at[0] - record.end.at[0], at[1] - record.end.at[1]) > OFF_ROAD + THERE:
                way = self.roads.way(record.begin.at, at)
                driven = fares.price(fares.kind(record.kind), way.metres, way.seconds * self.usual.pace)
                lines = fares.line(fares.kind(record.kind), min(driven, order.total))
            done = self.desk.finish(id, lines, lambda o: put(o, ended=now, leg=None))
            if record.driver is not None and record.driver.simulated and record.leg is not None:
                way = self.roads.way(record.leg.start, record.leg.end)
                self.usual.learn(way.seconds, (now - record.leg.began) / 1000)
            return done

    def drop(self, id: str, driver: Driver) -> Order:
        """The driver gives it back before the rider is in; another is looked for."""
        with self.lock:
            self._theirs(id, driver)

            def without(order: Order) -> Order:
                return put(
                    msgspec.structs.replace(order, place=""), driver=None, leg=None, taken=0, promised=0, arrived=0
                )

            return self.desk.advance(id, "looking", without)

    def no_show(self, id: str, driver: Driver) -> Order:
        """The rider didn't come: the driver may leave after a while, and is paid for the wait."""
        with self.lock:
            order = self._theirs(id, driver)
            waited = self.clock() - trip(order).arrived
            if order.step != "arrived" or waited < fares.NO_SHOW:
                wanted = f"{fares.NO_SHOW // 1000} s of waiting at the door"
                raise Refused("too_early", f"{max(0, waited) // 1000} s", wanted, "wait a little longer", status=409)
            return self.desk.cancel(id, "customer", "no_show")

    def _theirs(self, id: str, driver: Driver) -> Order:
        order = self.store.order(id)
        if order.place != driver.id:
            raise Refused("no_such_ride", f"ride {id[:40]}", "one of your own", status=404)
        return order

    def _near(self, driver: Driver, place: Place, what: str) -> None:
        at = self.fleet.where(driver, self.clock())
        spot = self.roads.spot(place)
        far = min(hypot(at[0] - p[0], at[1] - p[1]) for p in (place, spot.at))
        if far > THERE:
            raise Refused("not_there", f"{far:.0f} m from {what}", f"at most {THERE:.0f} m", "drive there first", 409)

    # --- afterwards -------------------------------------------------------------------------------

    def rate(self, id: str, owner: str, stars: int) -> Order:
        """One to five stars, once."""
        if not 1 <= stars <= 5:
            raise Refused("bad_rating", str(stars), "1 to 5 stars")
        self.desk.order(id, owner)

        def rated(order: Order) -> Order:
            if order.state != "done" or trip(order).stars:
                raise Refused("bad_state", "a rating", "one of a ride that is over, once", status=409)
            return put(order, stars=stars)

        order = self.desk.change(id, rated)
        driver = self.fleet.drivers.get(order.place)
        if driver is not None:
            driver.rating = round(driver.rating * 0.95 + stars * 0.05, 2)
            self.keep(driver)
        return order

    def tip(self, id: str, owner: str, cents: int, card: str, key: str) -> Order:
        """A tip after the ride: a payment of its own, once."""
        if cents not in fares.TIPS[1:]:
            raise Refused("bad_tip", str(cents), " or ".join(map(str, fares.TIPS[1:])))
        ride = self.desk.order(id, owner)
        if ride.state != "done" or ride.flow:
            raise Refused("bad_state", "a tip", "one for a ride that is over", status=409)
        line = (Line("tip", "Tip", 1, cents),)
        order = Order(id=f"tip-{id}", owner=owner, currency=ride.currency, lines=line, flow="tip", card=cents)
        order = msgspec.structs.replace(order, source=card, income="tips", data={"ride": id})
        paid = self.desk.place(order, key, f"tip {id} {cents} {card}".encode())
        if paid.state == "done" and not trip(ride).tip:
            self.desk.change(id, lambda o: put(o, tip=cents))
        return paid

    def keep(self, driver: Driver) -> None:
        """Remember a person who drives; simulated ones are made anew."""
        if not driver.simulated:
            with self.store.change() as tx:
                tx.keep("driver", driver.id, msgspec.structs.replace(driver, motion=None, ride=""))

    # --- following --------------------------------------------------------------------------------

    def _changed(self, order: Order) -> None:
        if not order.flow:
            self._track(order)
        if self.heard is not None:
            self.heard(order)

    def _track(self, order: Order) -> None:
        """Keep ``active`` and the driver of a ride in step with it."""
        with self.lock:
            known = self.active.get(order.id)
            if known is not None and known.version > order.version:
                return
            for driver in [d for d in (self.fleet.drivers.get(o.place) for o in (known, order) if o) if d]:
                if driver.ride == order.id and (order.place != driver.id or order.state not in ("paid", "tracking")):
                    self.fleet.stand(driver, self.fleet.where(driver, self.clock()))
                    driver.ride = ""
            if order.state not in ("paid", "tracking"):
                self.active.pop(order.id, None)
                self._records.pop(order.id, None)
                return
            self.active[order.id] = order
            holder = self.fleet.drivers.get(order.place)
            if holder is not None:
                self._follow(holder, order)

    def _follow(self, driver: Driver, order: Order) -> None:
        driver.ride = order.id
        record = trip(order)
        if driver.simulated and record.leg is not None:
            leg = record.leg
            self.fleet.send(driver, self.roads.way(leg.start, leg.end), leg.began, leg.pace)
        elif driver.simulated and order.step == "arrived":
            self.fleet.stand(driver, self.roads.spot(record.begin.at).at)

    def _after(self, tx: Any, order: Order) -> None:
        """What the engine is told of a ride, in the same transaction; each thing once."""
        if order.flow:
            return
        record = trip(order)
        facts: dict[str, Any] = {"order_id": order.id, "affiliation": AFFILIATION, "currency": order.currency}
        facts |= {"products": [{"product_id": f"ride-kind-{record.kind}", "quantity": 1}]}
        worth = {"revenue": major(order.total, order.currency)}
        more: dict[str, Any] = {"simulated": True} if record.simulated else {}
        at = self.clock()
        if order.state == "ordered":
            _check_alone(tx, order)
            name = f"{order.id}-{order.version}-started"
            tx.tell(track(name, order.owner, "Checkout Started", facts | worth, at, **more))
        elif order.state == "done" and order.why == "" and record.stars == record.tip == 0:
            if record.decision:
                facts |= {"decision_id": record.decision, "item_id": record.item}
            tx.tell(track(f"{order.id}-completed", order.owner, "Order Completed", facts | worth, at, **more))
        elif order.state == "cancelled" and order.payment:
            # Nothing was told as earned, so nothing is told as taken back.
            tx.tell(track(f"{order.id}-cancelled", order.owner, "Order Cancelled", facts, at, **more))


def _check_alone(tx: Any, order: Order) -> None:
    """Whether it is its rider's only ride, those whose payment got no answer yet among them.

    Raises:
        Refused: ``riding_already``; nothing is asked of the card then.
    """
    sql = "SELECT body FROM orders WHERE owner = ? AND id <> ? AND state IN ('ordered', 'paid', 'tracking')"
    others = (msgspec.json.decode(body, type=Order) for (body,) in tx.cursor.execute(sql, (order.owner, order.id)))
    if any(not one.flow for one in others):
        raise Refused("riding_already", "a second ride", "one at a time", "finish or cancel the first", status=409)
