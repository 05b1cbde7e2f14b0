"""Vowpal Wabbit's text of contextual bandits, and its ranks of several slots, are read as it reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vowpalwabbit import Workspace

from micromoments.learn.cbtext import MOST
from micromoments.learn.logged import read
from micromoments.learn.warm import lessons

ADF = """shared 'first |User time=noon age:31 |Where:0.5 city km:4
|Action food=pasta kcal:0.2
0:-1:0.25 |Action food=salad
|Action food=soup fits:well

0:0:0.5 'a| x
'b|x y:2
"""
CB = "1:1:0.5 'ev1| time=noon\n3:0:0.25 | x:2 http:8080\n"


def told(text: str) -> list[dict[str, Any]]:
    """Each usable record as plain values; nothing is set aside."""
    records, wrong = read(text.splitlines())
    assert wrong == []
    return [{name: getattr(one, name) for name in one.__struct_fields__} for one in records]


def test_examples_of_several_lines() -> None:
    """An action a line: the shared line is the context, the label what came of it, tags are ids where all have one."""
    first, second = told(ADF)
    assert (first["decision_id"], first["chosen"], first["propensity"], first["reward"]) == ("first", "2", 0.25, 1.0)
    assert first["context"] == {"User": {"time=noon": 1.0, "age": 31.0}, "Where": {"city": 0.5, "km": 2.0}}
    assert [one.features for one in first["actions"]] == [
        {"Action": {"food=pasta": 1.0, "kcal": 0.2}},
        {"Action": {"food=salad": 1.0}},
        {"Action": {"food=soup": 1.0, "fits": "well"}},
    ]
    assert (second["decision_id"], second["chosen"], second["reward"]) == ("2", "a", 0.0)
    assert [(one.id, one.features) for one in second["actions"]] == [("a", {"x": 1.0}), ("b", {"x": {"y": 2.0}})]


def test_examples_of_one_line() -> None:
    """The line is the context, and the actions are all numbers up to the highest that the log names."""
    first, second = told(CB)
    assert (first["decision_id"], first["chosen"], first["reward"]) == ("ev1", "1", -1.0)
    assert (second["decision_id"], second["chosen"], second["propensity"]) == ("2", "3", 0.25)
    assert [one.id for one in second["actions"]] == ["1", "2", "3"]
    assert second["context"] == {"x": 2.0, "http": 8080.0}


@pytest.mark.parametrize(("text", "options", "examples"), [(ADF, "--cb_adf", 2), (CB, "--cb 3", 2)], ids=["adf", "cb"])
def test_vowpal_wabbit_reads_as_many(text: str, options: str, examples: int, tmp_path: Path) -> None:
    """The same files, by the package itself: so many examples, and the mean cost that we read."""
    file = tmp_path / "log.txt"
    file.write_text(text + "\n")
    wabbit = Workspace(f"{options} -d {file} --cb_type ips --learning_rate 0 --quiet --no_stdin")
    assert wabbit.get_weighted_examples() == examples == len(told(text))
    wabbit.finish()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("|a x\n|a y\n", "line 1: got 0 actions with a label"),
        ("shared |a\n1:2:0.5 |a\n2:1:0.5 |b\n", "got 2 actions with a label"),
        ("\n\n0:1 |a x\n|b\n", "line 3: got label '0:1'; wanted one action:cost:probability"),
        ("1:0:0 |a x\n2:1:0.5 |a\n", "line 1: got propensity 0.0"),
        ("1:oops:0.5 |a x\n|b\n", "could not convert"),
        (f"{MOST + 1}:0:0.5 |a x\n", f"wanted at most {MOST} actions"),
        ("no bar\n", "line 1: JSON is malformed"),
    ],
)
def test_what_is_no_such_example_is_set_aside(text: str, said: str) -> None:
    """With its line and what is wrong with it; the others stay."""
    _, wrong = read(text.splitlines())
    assert any(said in one for one in wrong), wrong


def test_a_log_of_costs_teaches_which_cost_least() -> None:
    """No reward above 0: the least cost counts 1 and the highest 0; one reward above 0, and what is below counts 0."""
    costs, _ = read("1:0:0.5 |a\n2:1:0.5 |a\n1:0.25:0.5 |a\n".splitlines())
    found, _ = lessons([(one, np.eye(2)) for one in costs])
    assert [one.reward for one in found] == [1.0, 0.0, 0.75]
    mixed, _ = read("1:-1:0.5 |a\n2:1:0.5 |a\n".splitlines())
    assert [one.reward for one in lessons([(one, np.eye(2)) for one in mixed])[0]] == [1.0, 0.0]


def slotted(**changes: Any) -> str:
    """A rank of two slots among three actions: the third first, then the first."""
    outcomes = [
        {"_label_cost": -1.0, "_id": "g1", "_a": [2, 0, 1], "_p": [0.5, 0.25, 0.25]},
        {"_label_cost": 0.0, "_id": "g2", "_a": [0, 1], "_p": [0.8, 0.2]},
    ]
    actions = [{"_tag": kind, "Action": {"kind": kind}} for kind in ("pasta", "salad", "soup")]
    slots = [{"_id": "top", "S": {"size": 2}}, {"_id": "side"}]
    rank: dict[str, Any] = {
        "Timestamp": "2024-01-01T00:00:00Z",
        "EventId": "e1",
        "c": {"User": {"time": "noon"}, "_multi": actions, "_slots": slots},
        "_outcomes": outcomes,
    }
    return json.dumps(rank | changes)


def test_a_rank_of_several_slots_is_a_decision_a_slot() -> None:
    """Each among the actions that were left, with its own probability and reward, and the slot in its context."""
    first, second = told(slotted())
    assert (first["decision_id"], first["chosen"], first["propensity"], first["reward"]) == ("e1:top", "soup", 0.5, 1.0)
    assert first["context"] == {"User": {"time": "noon"}, "slot": {"S": {"size": 2}}}
    assert (second["decision_id"], second["chosen"], second["propensity"]) == ("e1:side", "pasta", 0.8)
    assert [one.id for one in second["actions"]] == ["pasta", "salad"]


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([{"_label_cost": 0, "_a": [1], "_p": [1]}], "wanted one for each of c._slots"),
        ([{"_label_cost": 0, "_a": [7], "_p": [1]}] * 2, "numbers from 0 to 2"),
        ([{"_label_cost": 0, "_a": [1], "_p": []}] * 2, "wanted pairs"),
    ],
)
def test_slots_that_do_not_fit_are_set_aside(outcomes: list[Any], said: str) -> None:
    """With what is wrong with them."""
    records, (why,) = read([slotted(_outcomes=outcomes)])
    assert records == []
    assert said in why
