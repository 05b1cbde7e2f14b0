"""A log teaches a policy what it allows, and no more; lines of other tools are read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from micromoments.learn.logged import Logged, encode, read
from micromoments.learn.warm import LEAST, WHOLE, Lesson, judge, lessons, teach, unit, worth
from micromoments.policy.adaptive import Adaptive

DIM = 96
KINDS = ("pasta", "salad", "soup", "cake")
BEST = {"morning": 3, "noon": 0, "evening": 2}


def line(n: int, rng: np.random.Generator, p: tuple[float, ...] = (0.7, 0.1, 0.1, 0.1)) -> dict[str, Any]:
    """A logged decision of a policy that mostly shows pasta; at each time of day another dish is what people want."""
    time, at = str(rng.choice(list(BEST))), int(rng.choice(4, p=p))
    actions = [{"id": kind, "features": {"kind": kind}} for kind in KINDS]
    return {
        "decision_id": f"d{n}",
        "ts": n,
        "context": {"time": time},
        "actions": actions,
        "chosen": KINDS[at],
        "propensity": p[at],
        "reward": float(rng.random() < (0.5 if at == BEST[time] else 0.05)),
    }


def log(n: int, seed: int = 1) -> list[Logged]:
    """So many usable records."""
    rng = np.random.default_rng(seed)
    records, wrong = read(json.dumps(line(one, rng)) for one in range(n))
    assert wrong == []
    return records


def taught(records: list[Logged]) -> list[Lesson]:
    """What there is to learn of them."""
    found, wrong = lessons([(record, encode(record, DIM)) for record in records])
    assert wrong == []
    return found


def dsjson(n: int, cost: float = -1.0, **changes: Any) -> str:
    """A rank with its reward as Personalizer logged it."""
    actions = [
        {"_tag": kind, "i": {"constant": 1, "id": kind}, "j": [{"kind": kind}, {"kcal": at}]}
        for at, kind in enumerate(KINDS)
    ]
    rank: dict[str, Any] = {
        "_label_cost": cost,
        "_label_probability": 0.8,
        "_label_Action": 2,
        "_labelIndex": 1,
        "Timestamp": f"2019-08-13T20:40:{n:02}.7880000Z",
        "Version": "1",
        "EventId": f"e{n}",
        "a": [2, 1, 3, 4],
        "c": {"FromUrl": [{"time": "noon"}, {"rain": True}], "_synthetic": False, "_multi": actions},
        "p": [0.8, 0.1, 0.05, 0.05],
        "VWState": {"m": "x"},
    }
    return json.dumps(rank | changes)


def test_a_taught_policy_knows_what_the_log_knows() -> None:
    """On the newest fifth it would earn more than the log's own policy and more than itself before, by its interval."""
    judged = judge(lambda: Adaptive(DIM), taught(log(3_000)))
    assert judged is not None
    assert judged.decisions == 600
    assert judged.after.low > judged.logged
    assert judged.after.low > judged.before.value


def test_too_little_is_not_judged() -> None:
    """A newest fifth of fewer than fifty decisions says nothing."""
    assert judge(lambda: Adaptive(DIM), taught(log(5 * LEAST - 6))) is None


def test_a_log_counts_for_what_it_is_worth() -> None:
    """A short one for its length, a longer one for less and less of it, every outcome alike."""
    assert (worth(0), worth(40), worth(WHOLE)) == (0.0, 40.0, 300.0)
    assert worth(4 * WHOLE) == pytest.approx(2 * WHOLE)
    weight = {one.weight for one in taught(log(4 * WHOLE))}
    assert weight == {0.5}


def test_rewards_in_money_are_brought_to_one_without_the_largest() -> None:
    """Up to 1 they stay as they are; above, the value that all but the highest 5 % stay under is 1; below 0 is 0."""
    assert unit([0.0, 1.0, 0.4]) == 1.0
    assert unit([]) == 1.0
    assert unit([10.0] * 50 + [1e9]) == 20.0
    records = log(60)
    records = [Logged(**{f: getattr(one, f) for f in one.__struct_fields__} | {"reward": -3.0}) for one in records]
    assert {one.reward for one in taught(records)} == {0.0}


def test_records_whose_actions_are_unknown_teach_nothing() -> None:
    """They are counted and said, and the others are learned."""
    records = log(30)
    found, wrong = lessons([(one, None if one.decision_id == "d3" else encode(one, DIM)) for one in records])
    assert (len(found), wrong) == (29, ["decision d3: its actions aren't known here"])
    policy = Adaptive(DIM)
    teach(policy, found)
    assert policy.version == 29


def test_personalizers_own_log_is_read() -> None:
    """Its ranks become decisions: who, when, which action with which probability, and the reward for the cost."""
    (record,), wrong = read([dsjson(7)])
    assert wrong == []
    assert (record.decision_id, record.chosen, record.propensity, record.reward) == ("e7", "salad", 0.8, 1.0)
    assert record.context == {"time": "noon", "rain": True}
    assert record.actions[1].features == {"kind": "salad", "kcal": 1}
    assert record.row() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"_skipLearn": True}, "never activated"),
        ({"_label_Action": 9}, "wanted 1 to 4"),
        ({"_label_probability": 0.0}, "wanted above 0"),
        ({"c": {"_multi": 5}}, "without actions"),
        ({"EventId": 5}, "Expected `str`"),
    ],
)
def test_a_line_that_says_nothing_of_one_choice_is_set_aside(changes: dict[str, Any], said: str) -> None:
    """With the number of the line and what is wrong with it."""
    records, (why,) = read([dsjson(1, **changes)])
    assert records == []
    assert why.startswith("line 1: ")
    assert said in why


def test_actions_without_names_are_numbered() -> None:
    """As Vowpal Wabbit counts them, from 1; so are those whose names repeat."""
    for actions in ([{"T": {"x": 1}}, {"T": {"x": 2}}], [{"_tag": "a"}, {"_tag": "a"}]):
        (record,), _ = read([dsjson(1, c={"_multi": actions})])
        assert [one.id for one in record.actions] == ["1", "2"]
