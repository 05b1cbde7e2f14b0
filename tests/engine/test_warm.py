"""A slot's policy learns a log before it serves: durable, kept by version, and taken back."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import micromoments as mm
from micromoments.cli.policy import policy as command
from micromoments.core.outcome import Outcome
from micromoments.core.record import ActivationRecord, Record
from micromoments.core.settings import Settings, Slot
from micromoments.engine.brain import Policies
from micromoments.engine.learned import TRIES, Learned
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from micromoments.flow.warm import instant
from micromoments.learn.logged import Logged, read
from micromoments.learn.warm import worth
from micromoments.policy import make
from tests.engine.shop import ITEMS
from tests.learn.test_warm import dsjson, log

SETTINGS = Settings(slots={"home": Slot(assume_seen=True)}, consent=("measure", "personalise"))
WANTED = "p3"


def decisions(n: int, **more: Any) -> list[Logged]:
    """A log of another system, which drew evenly from the shop's items; one of them is what people want."""
    rng, ids = np.random.default_rng(4), [one.id for one in ITEMS]
    lines = []
    for number in range(n):
        chosen = str(rng.choice(ids))
        lines.append(
            json.dumps(
                {
                    "decision_id": f"l{number}",
                    "ts": "2026-01-05T10:00:00Z",
                    "actions": [{"id": id} for id in ids],
                    "chosen": chosen,
                    "propensity": 1 / len(ids),
                    "reward": float(rng.random() < (0.6 if chosen == WANTED else 0.05)),
                    **more,
                }
            )
        )
    return read(lines)[0]


def best(engine: mm.Engine) -> str:
    """What the slot holds to be best now."""
    return max(engine.preview("home").scored, key=lambda one: one.score).id


def test_items_of_a_log_are_seen_as_the_slot_sees_them(tmp_path: Path) -> None:
    """After a log the first decision knows what people want; a restart, a replay and the way back hold."""
    shop = tmp_path / "shop"
    with mm.open(shop, SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        tried = engine.policies.warm("home", decisions(600), dry_run=True)
        assert engine.policies.list() == []
        found = engine.policies.warm("home", decisions(600))
        assert tried["judged"] == found["judged"]
        assert found["judged"]["after"]["value"] > found["judged"]["before"]["value"]
        assert (found["was"], found["version"], found["learned"], found["set_aside"]) == (0, 600, 600, 0)
        assert found["worth"] == pytest.approx(worth(600))
        assert best(engine) == WANTED
    with mm.open(shop, SETTINGS) as engine:
        assert best(engine) == WANTED
        assert engine.policies.rollback("home:adaptive", 0)["version"] == 0
        assert engine.policies.list() == []
        assert engine.policies.warm("home", decisions(60))["was"] == 0
    stores = open_stores(shop, SETTINGS)
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()


def test_what_is_learned_meanwhile_is_not_lost(tmp_path: Path) -> None:
    """A slot goes on deciding and learning while it is taught; afterwards it knows the log and every click, and a
    replay folds to the same.
    """
    shop, clicks = tmp_path / "shop", 15
    with mm.open(shop, SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        found: list[dict[str, Any]] = []
        log_of = decisions(300)
        teaching = threading.Thread(target=lambda: found.append(engine.policies.warm("home", log_of)))
        teaching.start()
        for n in range(clicks):
            choice = engine.decide(f"v{n}", slot="home", items=["p1"])
            engine.track(f"v{n}", "Decision Clicked", {"decision_id": choice.id, "item_id": "p1"})
        teaching.join()
        (known,) = engine.policies.list()
        assert (found[0]["learned"], known["version"]) == (300, 300 + clicks)
    stores = open_stores(shop, SETTINGS)
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()


def between(engine: mm.Engine, times: int, record: ActivationRecord | None = None) -> None:
    """From now on something comes first, so many times, when a taught policy is put in force: an outcome is learned, or
    another state is put in force.
    """
    choice = engine.decide("ana", slot="home", items=["p1"])
    engine.track("ana", "Decision Clicked", {"decision_id": choice.id, "item_id": "p1"})
    decided, learned, left = engine.service.decision(choice.id), engine.service.learned, [times]
    append, policies = learned._append, learned._policies
    assert decided is not None
    outcome = Outcome(id="o", decision=choice.id, slot="home", item="p1", what="clicked", at=0, reward=1.0)

    async def first(records: Sequence[Record]) -> None:
        left[0] -= 1
        if left[0] >= 0 and record is not None:
            policies.restore(record)
        elif left[0] >= 0:
            policies.taught(decided, outcome, Settings())
        await append(records)

    learned._append = first


def test_what_comes_before_its_place_in_the_log_is_learned_too(tmp_path: Path) -> None:
    """Outcomes that come between a taught policy's making and its place in the log make it be made anew, with them."""
    with mm.open(tmp_path / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        between(engine, 3)
        found = engine.policies.warm("home", decisions(40))
        (known,) = engine.policies.list()
        assert (found["was"], found["version"], known["version"]) == (1, 44, 44)


def test_a_slot_that_cannot_be_taught_now_stays_as_it_was(tmp_path: Path) -> None:
    """Where outcomes never cease, where the policy was put back, and where another log is being learned, that is said
    and the policy in force stays.
    """
    with mm.open(tmp_path / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        between(engine, TRIES)
        with pytest.raises(ValueError, match=f"learned more each of {TRIES} times"):
            engine.policies.warm("home", decisions(40))
        assert engine.policies.list()[0]["version"] == 1 + TRIES
        body = make("adaptive").encode()
        between(engine, 1, ActivationRecord(key="", at=0, what="policy", name="home:adaptive", digest="0", body=body))
        with pytest.raises(ValueError, match="was put back to another version"):
            engine.policies.warm("home", decisions(40))
        assert engine.policies.list() == []
        pupil = engine.service.learned._policies.teach_apart("home:adaptive")
        with pytest.raises(ValueError, match="got a second log"):
            engine.policies.warm("home", decisions(40))
        engine.service.learned._policies.leave("home:adaptive", pupil)
        assert engine.policies.warm("home", decisions(40))["version"] == 40


def test_what_is_no_item_here_is_set_aside(tmp_path: Path) -> None:
    """Nothing usable is an error that says what was wanted; some of it is counted."""
    with mm.open(tmp_path / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        with pytest.raises(ValueError, match="wanted actions that are items of the catalogue"):
            engine.policies.warm("home", log(20))
        found = engine.policies.warm("home", [*decisions(80), *log(20)])
        assert (found["learned"], found["set_aside"], len(found["why"])) == (80, 20, 5)


def test_a_policy_that_learns_nothing_is_refused(tmp_path: Path) -> None:
    """A slot of rules can't be taught, and it is said what can."""
    with mm.open(tmp_path / "shop", Settings(slots={"home": Slot(policy="rules")})) as engine:
        engine.catalog.put(ITEMS)
        with pytest.raises(ValueError, match="wanted one that learns"):
            engine.policies.warm("home", decisions(60))


def test_a_query_and_a_time_of_the_log_count(tmp_path: Path) -> None:
    """The record's context makes the moment in which its actions are seen; times are read however they are written."""
    with mm.open(tmp_path / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        found = engine.policies.warm("home", decisions(80, context={"query": "rain jacket", "lat": 52.5, "lon": 13.4}))
        assert found["learned"] == 80
        assert {row["feature"] for row in engine.policies.compare("home:adaptive", 0)["changed"]} >= {"words in title"}
    assert instant("2026-01-05T10:00:00Z") == instant("2026-01-05T10:00:00") == instant(1_767_607_200)
    assert instant(1_767_607_200_000) == 1_767_607_200_000
    assert instant("yesterday") == instant(0) == 0


def test_the_command_takes_personalizers_log(tmp_path: Path) -> None:
    """Lines of dsjson teach the slot of the rank door; what was never activated is set aside, and said by exit 3."""
    shop, file = tmp_path / "shop", tmp_path / "log.jsonl"
    shop.mkdir()
    (shop / "micromoments.toml").write_text("")
    lines = [dsjson(n, cost=-1.0 if n % 2 else 0.0) for n in range(40)]
    file.write_text("\n".join([*lines, dsjson(50, _skipLearn=True)]))
    run = CliRunner().invoke(command, ["warm", str(shop), "personalizer", "--log", str(file), "--format", "json"])
    assert run.exit_code == 3
    found = json.loads(run.stdout)
    assert (found["policy"], found["learned"], found["set_aside"]) == ("personalizer:adaptive", 40, 1)
    run = CliRunner().invoke(command, ["warm", str(shop), "personalizer", "--log", str(file), "--dry-run"])
    assert "would learn 40 logged decisions" in run.stdout
    assert "too few decisions to judge" in run.stdout
    with mm.open(shop) as engine:
        assert [one["version"] for one in engine.policies.list()] == [40]


class Turns:
    """The turns of several servers, as Redis keeps them: who has one, until when."""

    def __init__(self) -> None:
        self.held: dict[str, object] = {}

    def __call__(self, name: str) -> OneTurn:
        """A server's try for the turn of a name."""
        return OneTurn(self.held, name)


class OneTurn:
    """One server's try for a turn."""

    def __init__(self, held: dict[str, object], name: str) -> None:
        self._held, self._name = held, name

    def take(self) -> bool:
        """Where nobody has it."""
        return self._held.setdefault(self._name, self) is self

    def give(self) -> None:
        """Where it is still one's own."""
        if self._held.get(self._name) is self:
            del self._held[self._name]


async def test_a_second_log_waits_until_the_learner_took_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where outcomes are learned in another process a log made without the one before would undo it: through whichever
    server, it is refused until that is in force, or its turn has run out, and nothing is sent.
    """
    monkeypatch.setattr("micromoments.engine.learned.LOOKS", 1)
    sent: list[ActivationRecord] = []
    turns = Turns()

    async def append(records: Sequence[Record]) -> None:
        """The learner is away."""
        sent.extend(one for one in records if isinstance(one, ActivationRecord))

    with mm.open(tmp_path / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        view, kept = engine.service.learned._view, engine.service.learned._kept
        policies = Policies({})
        one, other = (Learned(kept, policies, append, lambda: 1_000, view, turns) for _ in range(2))
        assert (await one.warm("home", decisions(60)))["version"] == 60
        for server in (one, other):
            with pytest.raises(ValueError, match="before the learner took the one before"):
                await server.warm("home", decisions(60))
        assert len(sent) == 1
        policies.restore(sent[0])
        assert (await one.warm("home", decisions(60)))["version"] == 120
        policies.restore(sent[1])
        with pytest.raises(ValueError, match="before the learner took the one before"):
            await other.warm("home", decisions(60))
        turns.held.clear()
        assert (await other.warm("home", decisions(60)))["version"] == 180


async def test_a_log_that_could_not_be_taught_holds_up_no_other(tmp_path: Path) -> None:
    """Where the log can't be written the turn is given back at once."""
    turns = Turns()

    async def append(_records: Sequence[Record]) -> None:
        """The log is away."""
        raise OSError("the log is away")

    with mm.open(tmp_path / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        view, kept = engine.service.learned._view, engine.service.learned._kept
        learned = Learned(kept, Policies({}), append, lambda: 1_000, view, turns)
        with pytest.raises(OSError, match="away"):
            await learned.warm("home", decisions(60))
        assert not turns.held
