"""On a cluster a log is taught by a server while another process learns: nothing of either is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

import micromoments as mm
from micromoments.core.decision import Decision
from micromoments.core.outcome import Outcome
from micromoments.core.record import ActivationRecord, Logged, OutcomeRecord, Record
from micromoments.core.settings import Settings
from micromoments.engine.brain import FROM, PREFIX, Policies
from micromoments.engine.cluster.follower import LESSONS, Place
from micromoments.engine.cluster.learner import Lead, Learner
from micromoments.policy import decode
from micromoments.policy.base import FloatArray, Policy
from micromoments.policy.features import DIM
from tests.engine.shop import ITEMS
from tests.engine.test_warm import SETTINGS

NAME = "home:adaptive"


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Decision]:
    """Decisions with the features that the policy saw, by their ids."""
    with mm.open(tmp_path_factory.mktemp("warm") / "shop", SETTINGS) as engine:
        engine.catalog.put(ITEMS)
        ids = [engine.decide(f"v{n}", slot="home").id for n in range(8)]
        found = {id: engine.service.decision(id) for id in ids}
    return {id: one for id, one in found.items() if one is not None}


def clicked(decision: Decision) -> Outcome:
    """A click on its first item."""
    item = decision.items[0].id
    return Outcome(id=f"o{decision.id}", decision=decision.id, slot="home", item=item, what="clicked", at=0, reward=1.0)


def entry(position: int, record: Record) -> Logged:
    """A record at its place."""
    return Logged(position, record)


def stand_in(
    decided: dict[str, Decision], kept: dict[str, bytes], lessons: Sequence[Logged], control: list[Logged]
) -> Any:
    """What a learner sees of Redis: the lessons and the control log, and what is kept, where it writes as well."""

    def read(log: Sequence[Logged]) -> Any:
        return lambda start, most=5_000: [one for one in log if one.position >= start][:most]

    def teach(states: dict[str, bytes], _term: int) -> int:
        kept.update(states)
        return 0

    def decisions(ids: Iterable[str]) -> dict[str, Decision]:
        return {id: decided[id] for id in ids if id in decided}

    return SimpleNamespace(
        settings=Settings(),
        policies=SimpleNamespace(
            load=lambda: dict(kept), teach=teach, versions=lambda _name: (), keep=lambda *_version: None
        ),
        stores=SimpleNamespace(catalogue=SimpleNamespace(items=lambda *_after: [])),
        state=SimpleNamespace(commit=lambda _batch: None, decisions=decisions),
        lessons=SimpleNamespace(read=read(lessons)),
        control=SimpleNamespace(read=read(control)),
    )


def policy(kept: dict[str, bytes]) -> Policy:
    """The policy in force."""
    return decode("adaptive", kept[PREFIX + NAME])


def lead(shared: Any) -> Lead:
    """The active learner over it, begun from what is kept."""
    return Lead(shared, SimpleNamespace(term=1, hold=lambda: True), lambda: 0, Learner(shared, lambda: 0))  # type: ignore[arg-type]


def row(decision: Decision) -> FloatArray:
    """The features of its last item."""
    x = np.zeros(DIM)
    for index, value in decision.items[-1].features:
        x[index] = value
    return x


@pytest.mark.parametrize("since", [0, 3, 8], ids=["nothing", "some", "all"])
def test_what_the_learner_learned_meanwhile_is_learned_again(decided: dict[str, Decision], since: int) -> None:
    """A state that a server made of what had learned ``since`` lessons is put in force when eight are learned, one of
    them sent twice: it then knows the log and all eight, and is what learning them in order gives.
    """
    lessons = [entry(n, OutcomeRecord(key="k", at=0, outcome=clicked(one))) for n, one in enumerate(decided.values())]
    lessons.append(entry(8, lessons[-1].record))
    base = Policies({})
    for one in list(decided.values())[:since]:
        base.taught(one, clicked(one), Settings())
    taught = base[NAME]
    for one in decided.values():
        taught.learn(row(one), 0.0)
    wanted = decode("adaptive", taught.encode())
    record = ActivationRecord(
        key="", at=0, what="policy", name=NAME, digest=f"{taught.version}{FROM}{since}", body=taught.encode()
    )
    kept: dict[str, bytes] = {}
    control: list[Logged] = []
    one_lead = lead(stand_in(decided, kept, lessons, control))
    one_lead._lessons()
    assert one_lead._write()
    assert policy(kept).version == 8
    control.append(entry(0, record))
    one_lead._follow()
    assert one_lead._write()
    again = Policies({PREFIX + NAME: wanted.encode()})
    for one in list(decided.values())[since:]:
        again.taught(one, clicked(one), Settings())
    assert policy(kept).version == 16
    assert policy(kept).encode() == again[NAME].encode()
    assert msgspec.msgpack.decode(kept[LESSONS], type=Place).position == 9


def test_a_state_put_back_is_put_back_whole(decided: dict[str, Decision]) -> None:
    """A rollback names no place, and nothing is learned on top of it but what comes later."""
    lessons = [entry(n, OutcomeRecord(key="k", at=0, outcome=clicked(one))) for n, one in enumerate(decided.values())]
    old = Policies({})[NAME]
    record = ActivationRecord(key="", at=0, what="policy", name=NAME, digest="0", body=old.encode())
    kept: dict[str, bytes] = {}
    one_lead = lead(stand_in(decided, kept, lessons, [entry(0, record)]))
    one_lead._lessons()
    one_lead._follow()
    assert one_lead._write()
    assert policy(kept).version == 0
