"""The Python door: what a script may ask of a folder, and what it is told when it asks wrongly."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Signal
from typing import Any, cast

import pytest
from msgspec.structs import replace

import micromoments as mm
from micromoments.core.event import Millis
from micromoments.core.record import Logged
from micromoments.engine import keeper
from micromoments.engine.embedded import Engine, key_of
from micromoments.ports import StoreError
from micromoments.stores.embedded.log import SqliteLog
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, T0, Clock

SCRIPT = """
import sys
import micromoments as mm

engine = mm.open(sys.argv[1])
engine.catalog.put([mm.Item(id="p1", kind="product", title="Trail shoe")])
engine.track("ana", "Products Searched", {"query": "buy trail running shoes"})
moment = engine.moment("ana")
choice = engine.decide("ana", slot="home")
engine.track("ana", "Order Completed", {"revenue": 89, "decision_id": choice.id})
report = engine.report("lift", goal="order")
print(moment.type, [i.id for i in choice.items], "as_of" in report)
engine.close()
"""


def opened(folder: Path, clock: Clock | None = None) -> Engine:
    """The door to a folder."""
    return mm.open(folder / "shop", SETTINGS, clock=clock or Clock())


@pytest.mark.parametrize(
    ("person", "slot", "context"),
    [("a\ud800", "home", {}), ("anon:a", "ho\udfffme", {}), ("anon:a", "home", {"query": "tap\ud800"})],
)
def test_half_a_surrogate_pair_is_refused(tmp_path: Path, person: str, slot: str, context: dict[str, object]) -> None:
    """What no store can write is told to who says it, before it is in a group of the log with others'."""
    with opened(tmp_path) as engine:
        with pytest.raises(ValueError, match="wanted Unicode"):
            engine.decide(person, slot, context=context)
        assert engine.decide("anon:a", "home", context={"query": "tap", 1: object()}).slot == "home"  # type: ignore[dict-item]


def test_a_script_without_a_main_guard_may_ask_for_reports(tmp_path: Path) -> None:
    """The readme's script runs as it stands: no process of it is started a second time."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "shop")], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stderr == ""
    assert done.stdout == "buy ['p1'] True\n"


def test_a_person_lives_through_the_door(tmp_path: Path) -> None:
    """Track, page, identify, moments, decide, reports, export and erase do what they say."""
    clock = Clock()
    with opened(tmp_path, clock) as engine:
        assert engine.catalog.put(ITEMS) == len(ITEMS) == len(engine.catalog)
        assert engine.moment("ana") is None
        engine.page("anon:phone", "Home", {"path": "/"})
        engine.track("anon:phone", "Products Searched", {"query": "buy trail shoes"}, context={"channel": "app"})
        engine.identify("ana", {"plan": "gold"}, anonymous_id="phone")
        moment = engine.moment("ana")
        assert moment is not None
        assert (moment.type, moment.channels) == ("buy", ["app"])
        choice = engine.decide("ana", "home", context={"query": "tent"}, limit=1, decision_id="d1")
        assert (choice.id, len(choice.items)) == ("d1", 1)
        clock.at += MINUTE
        engine.track("ana", "Order Completed", {"revenue": 89, "decision_id": "d1"})
        assert [m.ended for m in engine.moments("ana", history=True)] == ["fulfilled"]
        exported: Any = engine.export("ana")
        assert exported["traits"] == {"plan": "gold"}
        assert len(exported["events"]) == 4
        assert [(d["id"], d["items"][0]["kind"]) for d in exported["decisions"]] == [("d1", "product")]
        assert [(m["type"], m["ended"]) for m in exported["moments"]] == [("buy", "fulfilled")]
        assert engine.report("decisions", from_="2027-01-01T00:00:00Z", to="2027-12-31T00:00:00Z")
        assert engine.erase("ana")["people"] == 1
        assert engine.export("ana") is None
        assert engine.moments("ana", history=True) == []


def test_sensitive_words_are_answered_and_stand_nowhere(tmp_path: Path) -> None:
    """A sensitive search and a sensitive question find what they ask for; no file of the folder has their words."""
    with opened(tmp_path) as engine:
        engine.catalog.put([mm.Item(id="a", kind="article", title="Tests explained", category="pregnant")])
        engine.track("ana", "Products Searched", {"query": "Xyzzy am i pregnant"})
        choice = engine.decide("ana", "home", context={"query": "Xyzzy am i pregnant"})
        assert [(i.id, i.reasons[0]) for i in choice.items] == [("a", "matches your words")]
        assert engine.moment("ana") is None
        exported: Any = engine.export("ana")
        assert exported["events"][0]["event"]["properties"] == {"query": "[withheld]"}
        assert "yzzy" not in str(exported)
    kept = [file for file in (tmp_path / "shop").rglob("*") if file.is_file()]
    assert kept
    assert not [file.name for file in kept if b"yzzy" in file.read_bytes()]


def test_items_come_and_go(tmp_path: Path) -> None:
    """What was put is found at once and after reopening, what was deleted isn't; an unknown id is no error."""
    with opened(tmp_path) as engine:
        engine.catalog.put(ITEMS)
        engine.catalog.delete(["p0", "never"])
        assert engine.catalog.get("p0") is None
        assert engine.catalog.get("p1") == ITEMS[1]
    with opened(tmp_path) as engine:
        assert len(engine.catalog) == len(ITEMS) - 1
        assert engine.catalog.get("p1") == ITEMS[1]


def test_a_search_with_a_price_beyond_all_numbers_breaks_nothing(tmp_path: Path) -> None:
    """Whatever digits somebody types, what is decided for them can be read again at the next start."""
    with opened(tmp_path) as engine:
        engine.catalog.put(ITEMS)
        engine.track("ana", "Products Searched", {"query": "shoes under 999,999,999,999,999,999,999 dollars"})
        made = engine.decide("ana", slot="home")
    with opened(tmp_path) as engine:
        assert engine.moment("ana") is not None
        assert engine.decide("ana", slot="home", decision_id=made.id).id == made.id


@pytest.mark.parametrize(
    "fields",
    [
        {"stock": 10**30},
        {"value": 2**63},
        {"price": mm.Money(2**63, "EUR")},
        {"attributes": {41: 3}},
        {"attributes": {"n": 10**30}},
        {"title": "\ud800"},
        {"title": 5},
    ],
)
def test_an_item_that_could_not_be_kept_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    """What no store can give back is refused with the item's id, and the others of the call aren't put either."""
    with opened(tmp_path) as engine:
        good = mm.Item(id="good", kind="product", title="Good")
        with pytest.raises(ValueError, match="item 'odd': got"):
            engine.catalog.put([good, replace(mm.Item(id="odd", kind="product", title="Odd"), **fields)])
        assert len(engine.catalog) == 0
        engine.catalog.put([good])
    with opened(tmp_path) as engine:
        assert engine.catalog.get("good") == good


def test_a_start_reads_no_log_that_taught_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bulk load the next start goes on where the log ends: it doesn't look through all of it for events."""
    monkeypatch.setattr(keeper, "FAR", 5)
    with opened(tmp_path) as engine:
        for n in range(10):
            engine.catalog.put([replace(ITEMS[0], id=f"p{n}")])
    asked: list[int] = []
    read = SqliteLog.read

    def counted(self: SqliteLog, start: int, limit: int = 1000) -> list[Logged]:
        asked.append(start)
        return list(read(self, start, limit))

    monkeypatch.setattr(SqliteLog, "read", counted)
    with opened(tmp_path) as engine:
        assert len(engine.catalog) == 10
        assert min(asked) >= 10


def test_an_open_moment_counts_as_served_at_once(tmp_path: Path) -> None:
    """A report counts a moment as served from its first decision on, not only once the moment changed or ended."""
    with mm.open(tmp_path / "shop") as engine:
        engine.catalog.put([mm.Item(id="p1", kind="product", title="Trail shoe")])
        counts = []
        for decisions in (0, 1, 1):
            engine.track("ana", "Products Searched", {"query": "buy trail shoes"})
            for _ in range(decisions):
                engine.decide("ana", slot="unheld")
            counts.append(
                {f["name"]: (f["count"], f["of"]) for f in engine.report("scorecards")["figures"]}["be_there"]
            )
    assert counts == [(0, 1), (1, 1), (1, 1)]


def test_alias_makes_two_user_ids_one_person(tmp_path: Path) -> None:
    """What one id searched, the other is known for."""
    with opened(tmp_path) as engine:
        engine.track("ana@work", "Products Searched", {"query": "buy trail shoes"})
        engine.alias("ana@work", "ana")
        assert engine.moment("ana") == engine.moment("ana@work") is not None


def test_events_can_be_sent_in_the_segment_shape(tmp_path: Path) -> None:
    """``collect`` takes what an SDK would send, and names the duplicates."""
    with opened(tmp_path) as engine:
        event = {"type": "screen", "anonymousId": "a", "name": "Home", "messageId": "m1"}
        assert engine.collect([event]) == []
        assert engine.collect([event, {**event, "messageId": "m2"}]) == [0]
        engine.track("anon:a", "App Opened", message_id="m3", timestamp="2027-01-15T07:00:00Z")
        assert engine.collect([{"type": "track", "anonymousId": "a", "event": "x", "messageId": "m3"}]) == [0]


def test_time_is_set_forward_only(tmp_path: Path) -> None:
    """Setting the clock fires what is due; setting it back is refused with both instants; None gives the clock back."""
    clock = Clock()
    with opened(tmp_path, clock) as engine:
        engine.at(T0 + MINUTE)
        engine.track("ana", "Products Searched", {"query": "buy trail shoes"})
        with pytest.raises(ValueError, match=f"got instant {T0}.*wanted a later"):
            engine.at(T0)
        engine.at(T0 + 300 * MINUTE)
        assert engine.moment("ana") is None
        assert [m.ended for m in engine.moments("ana", history=True)] == ["expired"]
        clock.at = T0 + 400 * MINUTE
        engine.at(None)
        engine.track("ana", "Products Searched", {"query": "buy a tent"})
        assert engine.moment("ana") is not None


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda e: e.track("", "x"), "got an empty person; wanted a user id"),
        (lambda e: e.track("anon:", "x"), "got neither userId nor anonymousId"),
        (lambda e: e.track("ana", ""), "wanted an event's name"),
        (lambda e: e.track("ana", "x", {"a": "b" * 40_000}), "wanted at most 32768"),
        (lambda e: e.track("ana", "x", {"a": object()}), "got a value that JSON can't hold"),
        (lambda e: e.collect([{"type": "dance", "userId": "ana"}]), "dance"),
        (lambda e: e.alias("", "ana"), "previousId"),
        (lambda e: e.moment(""), "got an empty person"),
        (lambda e: e.report("horoscope"), "horoscope"),
        (lambda e: e.report("lift", moon="full"), "moon"),
        (lambda e: e.report("lift", from_="yesterday"), "yesterday"),
    ],
)
def test_a_wrong_question_is_answered_with_what_was_wanted(tmp_path: Path, ask: Any, words: str) -> None:
    """Bad input raises ValueError with what was got or wanted, accepts nothing, and the engine goes on."""
    with opened(tmp_path) as engine:
        with pytest.raises(ValueError, match=words):
            ask(engine)
        assert engine.service.stats()["events_accepted_total"] == 0
        engine.track("ana", "Products Searched", {"query": "buy trail shoes"})
        assert engine.moment("ana") is not None


def test_a_folder_that_is_open_is_refused_to_a_second(tmp_path: Path) -> None:
    """The error says that a process has it; afterwards the folder can be opened."""
    with opened(tmp_path), pytest.raises(StoreError, match="process"):
        opened(tmp_path)
    opened(tmp_path).close()


def test_a_log_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    """A state that has folded more than the log holds would pass over what comes next: opening says so, and once the
    log is back the folder opens.
    """
    with opened(tmp_path) as engine:
        engine.track("ana", "Products Searched", {"query": "trail shoes"})
    shop = tmp_path / "shop"
    for part in [*shop.glob("log.sqlite*")]:
        part.rename(part.with_name(f"kept.{part.name}"))
    with pytest.raises(StoreError, match=r"log that ends at 0; wanted a log at least as long.* restore a backup"):
        opened(tmp_path)
    for part in [*shop.glob("log.sqlite*")]:
        part.unlink()
    for part in [*shop.glob("kept.*")]:
        part.rename(part.with_name(part.name.removeprefix("kept.")))
    with opened(tmp_path) as engine:
        assert engine.export("ana") is not None


def test_an_instant_that_is_none_is_refused(tmp_path: Path) -> None:
    """Microseconds in place of milliseconds would be facts of a day that no calendar has."""
    with opened(tmp_path) as engine:
        event = {"type": "track", "userId": "ana", "event": "App Opened"}
        for instant in (T0 * 1_000, 0, -1):
            with pytest.raises(ValueError, match="milliseconds since 1970"):
                engine.collect([event], at=[instant])
            with pytest.raises(ValueError, match="milliseconds since 1970"):
                engine.at(instant)


def test_who_waits_in_another_thread_is_let_go_when_the_engine_closes(tmp_path: Path) -> None:
    """A call under way in one thread while another closes the engine ends with an error, and doesn't wait for ever."""
    engine, begun = opened(tmp_path), Signal()

    async def forever() -> None:
        """Wait for what never comes."""
        begun.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(engine.run, forever())
        begun.wait()
        engine.close()
        with pytest.raises(RuntimeError, match="closed"):
            waiting.result()


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    """Closing twice is harmless; asking after that is an error, not a wait."""
    engine = opened(tmp_path)
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.moment("ana")


def test_several_threads_may_use_one_engine(tmp_path: Path) -> None:
    """Every call is taken once."""
    with opened(tmp_path) as engine:
        engine.catalog.put(ITEMS)

        def work(n: int) -> str:
            engine.track(f"u{n % 4}", "Product Viewed", {"product_id": f"p{n % 6}"})
            return engine.decide(f"u{n % 4}", "home").id

        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(work, range(40)))
        assert len(set(ids)) == 40
        assert engine.service.stats()["events_accepted_total"] == 40


def test_a_person_is_named_by_a_user_id_or_with_a_prefix() -> None:
    """A plain name is a user id; ``anon:`` and ``user:`` say which."""
    assert [key_of(p) for p in ("ana", "user:ana", "anon:x")] == ["user:ana", "user:ana", "anon:x"]


def test_the_clock_given_is_the_clock_used(tmp_path: Path) -> None:
    """Decisions carry the instant that the clock says."""
    at: Millis = T0 + 7
    with opened(tmp_path, Clock(at)) as engine:
        assert engine.decide("ana", "home").at == at


def test_events_may_have_arrived_when_they_did(tmp_path: Path) -> None:
    """With ``at`` each event of a group has an arrival of its own; fewer arrivals than events are refused."""
    event = {"type": "track", "userId": "ana", "event": "Signed In"}
    instants = [1_767_571_100_000, 1_767_571_150_000]
    with mm.open(tmp_path, clock=lambda: 1_767_571_200_000, synced=False) as engine:
        with pytest.raises(ValueError, match="got 1 arrivals for 2 events"):
            engine.collect([event, event], at=instants[:1])
        assert engine.collect([{**event, "messageId": id} for id in "ab"], at=instants) == []
        held = engine.export("ana")
    assert held is not None
    assert [one["receivedAt"] for one in cast("list[dict[str, Any]]", held["events"])] == instants
