"""Records, people and facts for tests: the same number gives the same value."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

import msgspec

from micromoments.core.decision import Assignment, Decision, PolicyRef, Ranked, Refused, Scored
from micromoments.core.delivery import Delivery
from micromoments.core.event import Event, Millis
from micromoments.core.fact import DecisionFact, DeliveryFact, EventFact, MomentFact, OutcomeFact, PersonFact
from micromoments.core.geo import Point
from micromoments.core.item import Facet, Item, Money, Nearby
from micromoments.core.moment import Evidence, Moment, MomentView, Need, Reading, Signal, Trace
from micromoments.core.outcome import Outcome
from micromoments.core.person import Claim, Link, Part, Pending, Person, Served, Stamp, Trait
from micromoments.core.record import (
    ActivationRecord,
    DecidedRecord,
    EventRecord,
    ItemRecord,
    OutcomeRecord,
    Record,
    TickRecord,
)
from micromoments.testing.clocks import START

T = TypeVar("T")


def mid(n: int) -> int:
    """A message's 63-bit hash."""
    return int.from_bytes(blake2b(f"m{n}".encode(), digest_size=8).digest(), "big") >> 1


def event_record(n: int, key: str = "", at: Millis = 0) -> EventRecord:
    """A search, with an item and a place captured."""
    key = key or f"anon:a{n}"
    at = at or START + n
    body = msgspec.json.encode(
        {
            "type": "track",
            "messageId": f"m{n}",
            "anonymousId": key.partition(":")[2],
            "event": "Products Searched",
            "properties": {"query": f"trail shoes size {n}", "price": 8.5, "ids": [1, 2], "é": None},
            "context": {"page": {"path": "/search"}},
            "extra": True,
        }
    )
    return EventRecord(
        key=key,
        at=at,
        occurred=at - 5,
        message_id=f"m{n}",
        mid=mid(n),
        nonce=mid(n) ^ 1,
        body=body,
        event=msgspec.json.decode(body, type=Event),
        marks=n % 4,
        facets=(Facet(f"i{n}", "product", "Trail shoe", "shoes", "Peak"),),
        nearby=Nearby("s1", "Main Street", 80, True),
        confirmed=n % 2 == 0,
    )


def decision(n: int, person: str = "", key: str = "", at: Millis = 0) -> Decision:
    """A decision with one item, its moment, reasons and propensities."""
    view = MomentView(
        id=f"mo{n}",
        type="go",
        probabilities={"know": 0.1, "go": 0.6, "do": 0.1, "buy": 0.15, "none": 0.05},
        need={"query": "trail shoes", "price_to": 9000},
        confidence=0.9,
        urgency=0.5,
        stage="consider",
        evidence=[Evidence("searched 'trail shoes'", "go", 1.25, START)],
        opened_at=START,
        expires_at=START + 60_000,
    )
    ranked = Ranked(
        id="i1",
        kind="product",
        title="Trail shoe",
        score=0.75,
        propensity=0.4,
        reasons=("matches 'trail shoes'",),
        attributes={"sizes": [41, 42], "note": None},
        features=((3, 0.5), (17, 1.0)),
    )
    return Decision(
        id=f"d{n}",
        at=at or START + n,
        slot="home",
        key=key or f"anon:a{n}",
        person=person or f"anon:a{n}",
        surrogate=mid(n),
        moment=view,
        moments=(view.id,),
        items=(ranked,),
        propensity=0.4,
        policy=PolicyRef("thompson", n),
        config_version="c1",
        experiments=(Assignment("e", "b", f"anon:a{n}", START),),
        holdout=False,
        degraded=(),
        considered=3,
        refused=(Refused("i2", "closed", "opens at 8:00"),),
        scored=(Scored("i1", 0.75, 0.4),),
        until=START + 1_800_000,
        digest="sha256:0",
    )


def outcome(n: int, decision_id: str = "") -> Outcome:
    """A click on a decision."""
    return Outcome(
        id=f"o{n}",
        decision=decision_id or f"d{n}",
        slot="home",
        item="i1",
        what="clicked",
        at=START + n,
        reward=None if n % 2 else 1.0,
        surrogate=mid(n),
    )


def item(n: int) -> Item:
    """A product with everything set."""
    return Item(
        id=f"i{n:06d}",
        kind="product",
        title=f"Trail shoe {n}",
        tags=("trail", "run"),
        price=Money(8900 + n, "EUR"),
        location=Point(48.1, 11.5),
        hours="Mo-Fr 09:00-18:00",
        timezone="Europe/Berlin",
        stock=n,
        valid_until=START + n,
        condition={"all": [{"in": ["x", [1, 2]]}]},
        attributes={"weight": 240, "materials": ["mesh"]},
    )


def records(n: int) -> list[Record]:
    """One record of each kind, numbered from ``n`` on."""
    key, at = f"anon:a{n}", START + n
    return [
        event_record(n),
        TickRecord(key=key, at=at),
        DecidedRecord(key=key, at=at, decision=decision(n)),
        OutcomeRecord(key=key, at=at, outcome=outcome(n)),
        ItemRecord(key="item:i1", at=at, item=item(n)),
        ItemRecord(key="item:i2", at=at, item=None),
        ActivationRecord(key="config", at=at, what="config", name="settings", digest="sha256:1", body=b"\x00\xff"),
    ]


def person(n: int, traces: int = 3, last: Millis = 0) -> Person:
    """A person with so many traces, an open moment, a pending decision and traits."""
    id = f"anon:a{n}"
    need = Need(query="trail shoes", category="shoes", words="trail shoes near me")
    told = tuple(
        Trace(START + k * 1000, mid(n * 100 + k), Signal((120, -30, 20, 40, 0), "searched", need, 2), "web")
        for k in range(traces)
    )
    moment = Moment(
        id=f"mo{n}",
        opened_at=START,
        updated_at=START + 9000,
        expires_at=START + 900_000 + n,
        sums=(120, -30, 20, 40, 0),
        type="buy",
        need=need,
        stage=2,
        traces=tuple(t.mid for t in told[:6]),
        channels=("web",),
    )
    stamp = Stamp(START, mid(n))
    return Person(
        id=id,
        surrogate=mid(n),
        parts={id: Part(told, {"Products Searched": traces}, START, START + 9000, traces)},
        traits={"name": Trait(stamp, "Ana"), "tags": Trait(stamp, ["a", {"b": 1.5}])},
        consent={"personalise": Trait(stamp, True)},
        reading=Reading((moment,), (), START),
        pending=(Pending("d1", "home", START, START + 1_800_000, ("i1",)),),
        served=(Served(START, "i1", "home", "", "d1"),),
        bought={"i9": START},
        assignments={"e": Assignment("e", "b", id, START)},
        first=START,
        last=last or START + 9000,
    )


def link(n: int) -> Link:
    """What is known of a source id that a user claimed."""
    return Link(claims=(Claim(Stamp(START + n, mid(n)), f"u{n}"),), joined=(f"u{n + 1}",))


def delivery(n: int, person: str = "", destination: str = "", due: Millis = 0) -> Delivery:
    """A delivery for a person: to be decided, or written for a destination where one is named."""
    return Delivery(
        id=f"dlv_{n:04}",
        trigger="hello",
        person=person or f"anon:a{n}",
        surrogate=mid(n),
        moment=f"m{n}",
        at=START + n,
        due=due or START + n,
        until=START + 86_400_000,
        destination=destination,
        status="waiting" if destination else "intended",
        title="Trail shoes" if destination else "",
        data=b'{"type":"moment.opened","timestamp":"2026-01-01T00:00:00Z","data":{}}' if destination else b"",
    )


def delivery_fact(one: Delivery, received: Millis = 0) -> DeliveryFact:
    """What became of a delivery."""
    return DeliveryFact(
        id=one.id,
        version=1,
        received_at=received or one.at,
        at=one.at,
        due_at=one.due,
        surrogate=one.surrogate,
        trigger=one.trigger,
        destination=one.destination,
        channel=one.channel,
        status=one.status,
        tries=one.tries,
        detail=one.detail,
        decision=one.decision,
        item=one.item,
        moment=one.moment,
        marks=one.marks,
    )


def event_fact(n: int, surrogate: int = 1, received: Millis = 0) -> EventFact:
    """An event as a fact; ``n`` is its id and version."""
    return EventFact(
        id=f"{n:x}",
        version=n,
        received_at=received or START + n,
        at=START + n - 5,
        surrogate=surrogate,
        type="track",
        name="Products Searched",
        channel="web",
        device="mobile",
        item="",
        query="trail shoes",
        value=0,
        currency="",
        goal="",
        decision="",
        results=12,
        country="DE",
        city="Munich",
        marks=0,
    )


def moment_fact(
    id: str, version: int, surrogate: int = 1, *, received: Millis = 0, withdrawn: bool = False
) -> MomentFact:
    """A version of a moment as a fact."""
    return MomentFact(
        id=id,
        version=version,
        received_at=received or START + version,
        surrogate=surrogate,
        opened_at=START,
        updated_at=START + version,
        expires_at=START + 900_000,
        type="go",
        p_know=0.1,
        p_go=0.6,
        p_do=0.1,
        p_buy=0.15,
        p_none=0.05,
        confidence=0.9,
        query="trail shoes",
        category="shoes",
        item="",
        place="near me",
        stage=2,
        channels="web",
        ended="",
        ended_at=0,
        served_at=0,
        recognised_at=START + version,
        evidence="searched 'trail shoes'",
        withdrawn=withdrawn,
        marks=0,
    )


def decision_fact(n: int, surrogate: int = 1) -> DecisionFact:
    """A decision as a fact, with its lists."""
    return DecisionFact(
        id=f"d{n}",
        version=n,
        received_at=START + n,
        surrogate=surrogate,
        slot="home",
        moment="mo1",
        moment_type="go",
        items=["i1", "i2"],
        kinds=["product", "offer"],
        propensities=[0.4, 0.25],
        propensity=0.1,
        policy="thompson",
        policy_version=3,
        experiments=[],
        variants=[],
        units=[],
        holdout=False,
        unit="u",
        mode="live",
        degraded="",
        considered=3,
        refused=["closed"],
        marks=0,
    )


def outcome_fact(n: int, surrogate: int = 1) -> OutcomeFact:
    """An outcome as a fact, with nothing to learn."""
    return OutcomeFact(
        id=f"o{n}",
        version=n,
        received_at=START + n,
        surrogate=surrogate,
        decision=f"d{n}",
        slot="home",
        item="i1",
        what="seen",
        goal="",
        value=0,
        currency="",
        reward=float("nan"),
        via="id",
        moment="mo1",
        marks=0,
    )


def person_fact(surrogate: int, into: int, version: int = 1) -> PersonFact:
    """One surrogate turned out to be another's."""
    return PersonFact(f"j{surrogate}", version, START + version, surrogate, into, 0)


def disorder(values: Sequence[T], seed: int, duplicates: float = 0.2, reach: int = 5) -> list[T]:
    """The values as a network delivers them: late by up to ``reach`` places, some twice, none never."""
    random = Random(seed)
    delivered = [*values, *(v for v in values if random.random() < duplicates)]
    places = [(n + random.random() * reach, n) for n in range(len(delivered))]
    return [delivered[n] for _, n in sorted(places)]
