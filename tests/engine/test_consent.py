"""What a person refused is not kept, not used and not counted; silence is not a yes."""

from __future__ import annotations

from pathlib import Path

from micromoments.core.geo import Point
from micromoments.core.item import Item
from micromoments.core.settings import Settings
from micromoments.engine.service import Service
from micromoments.engine.wiring import open_stores
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, Clock, asked, clicked, opened, search, sent

SILENT = Settings(slots=SETTINGS.slots)
CAFE = Item(id="cafe", kind="place", title="Corner cafe", location=Point(52.0, 4.0))
HERE = {"location": {"latitude": 52.0001, "longitude": 4.0001}}


async def said(service: Service, clock: Clock, id: str, person: str, **purposes: bool) -> None:
    """A person says yes or no to purposes."""
    event = sent(at=clock.at, id=id, anonymousId=person, event="Consent Updated", properties=purposes)
    await service.collect([event])
    await service.settled()


def metres(service: Service, key: str) -> list[int]:
    """The distances that a person's traces hold."""
    person = service.person(key)
    return [] if person is None else [t.signal.metres for p in person.parts.values() for t in p.traces]


async def test_a_no_to_personalisation_forgets_and_serves_the_default(tmp_path: Path) -> None:
    """Moments and traces are gone at once, later ones aren't kept, and the answer is the slot's default, said so."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        await search(service, clock, "m1", person="a")
        assert await service.moments("anon:a")

        await said(service, clock, "m2", "a", personalise=False)
        await search(service, clock, "m3", person="a")
        decision = await service.decide(asked("d1", "anon:a", clock.at))

        person = service.person("anon:a")
        assert person is not None
        assert (person.parts, person.reading.open, person.reading.ended) == ({}, (), ())
        assert await service.moments("anon:a", history=True) == []
        assert decision.moment is None
        assert decision.policy.name == "popular"
        assert decision.degraded == ("no_consent",)
        assert decision.items


async def test_a_yes_after_a_no_starts_from_nothing(tmp_path: Path) -> None:
    """What was forgotten stays forgotten; what is said from then on counts."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await search(service, clock, "m1", person="a", query="buy tent")
        await said(service, clock, "m2", "a", personalise=False)
        clock.at += 1
        await said(service, clock, "m3", "a", personalise=True)
        assert await service.moments("anon:a") == []

        await search(service, clock, "m4", person="a", query="buy lamp")

        assert [m.need["query"] for m in await service.moments("anon:a")] == ["lamp"]


async def test_silence_is_answered_from_the_present_moment_alone(tmp_path: Path) -> None:
    """Nobody asked yet: the moment counts, purchases of before don't, and the answer says what it lacks."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SILENT) as service:
        await service.put_items(ITEMS)
        bought = {"product_id": "p0", "revenue": 5}
        await service.collect([sent(at=clock.at, id="m0", anonymousId="a", event="Order Completed", properties=bought)])
        clock.at += MINUTE
        await search(service, clock, "m1", person="a")

        decision = await service.decide(asked("d1", "anon:a", clock.at, limit=6))

        assert decision.moment is not None
        assert decision.degraded == ("no_consent",)
        assert "p0" in {i.id for i in decision.items}


async def test_who_refuses_to_be_measured_leaves_no_fact(tmp_path: Path) -> None:
    """No event, moment, decision or outcome of theirs is a fact from then on; those of others are."""
    clock = Clock()
    folder = tmp_path / "shop"
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        await said(service, clock, "m0", "a", measure=False)
        for who in ("a", "b"):
            await search(service, clock, f"m-{who}", person=who)
            decision = await service.decide(asked(f"d-{who}", f"anon:{who}", clock.at))
            await clicked(service, clock, decision, f"c-{who}")
        await service.settled()
        refuser = service.person("anon:a")
    assert refuser is not None
    stores = open_stores(folder, SETTINGS)
    for table in ("events", "moments", "decisions", "outcomes"):
        surrogates = {f.surrogate for f in stores.facts().live(table)}
        assert refuser.surrogate not in surrogates, table
        assert surrogates, table
    stores.close()


async def test_a_place_is_kept_only_of_who_said_yes_to_location(tmp_path: Path) -> None:
    """Where nothing was said, a position leaves no distance behind; with a yes it does; a no that comes with the
    position counts for it.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SILENT) as service:
        await service.put_items([CAFE])
        no = {"consent": {"categoryPreferences": {"location": False}}}
        for n, (who, more) in enumerate([("silent", {}), ("willing", {}), ("turned", no)]):
            if who != "silent":
                await said(service, clock, f"y{n}", who, location=True)
            clock.at += 1000
            here = {"query": "coffee near me"}
            event = sent(
                at=clock.at,
                id=f"m{n}",
                anonymousId=who,
                event="Products Searched",
                properties=here,
                context={**HERE, **more},
            )
            await service.collect([event])
        await service.settled()

        assert max(metres(service, "anon:silent"), default=-1) == -1
        assert max(metres(service, "anon:willing")) >= 0
        assert max(metres(service, "anon:turned"), default=-1) == -1


async def test_segment_s_consent_context_means_what_the_settings_say(tmp_path: Path) -> None:
    """Categories are told by their names; a no to one of two that mean a purpose is a no; strange ones mean nothing."""
    clock = Clock()
    settings = Settings(consent_categories={"Ads": ("share", "contact"), "Mail": ("contact",), "Stats": ("measure",)})
    async with opened(tmp_path / "shop", clock, settings) as service:
        said_so = {"categoryPreferences": {"Ads": True, "Mail": False, "Stats": True, "Other": True, "location": True}}
        event = sent(at=clock.at, id="m1", anonymousId="a", event="Cart Viewed", context={"consent": said_so})
        await service.collect([event])
        await service.settled()
        person = service.person("anon:a")
        assert person is not None
        assert {k: t.value for k, t in person.consent.items()} == {
            "share": True,
            "contact": False,
            "measure": True,
            "location": True,
        }


async def test_groups_and_addresses_are_kept(tmp_path: Path) -> None:
    """The newest groups with what was said of them; an address only where the id's holder proved it."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        for n in range(6):
            clock.at += 1
            about = {"plan": "gold", "seats": n}
            await service.collect(
                [sent("group", at=clock.at, id=f"g{n}", userId="ana", groupId=f"team{n}", traits=about)]
            )
        for n, confirmed in enumerate((True, False)):
            clock.at += 1
            to = {"email": f"{n}@shop.example"}
            event = sent("identify", at=clock.at, id=f"i{n}", userId="ana", traits=to, confirmed=confirmed)
            await service.collect([event])
        await service.settled()
        person = service.person("user:ana")
        assert person is not None
        assert list(person.groups) == ["team2", "team3", "team4", "team5"]
        assert person.groups["team5"].value == {"plan": "gold", "seats": 5}
        assert person.addresses["email"].value == "0@shop.example"
        assert person.traits["email"].value == "1@shop.example"
        held = await service.export("user:ana")
        assert held is not None
        assert held["groups"] == {k: t.value for k, t in person.groups.items()}
        assert held["addresses"] == {"email": "0@shop.example"}
