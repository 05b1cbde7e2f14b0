"""``micromoments backtest policy`` and ``uplift``: the real command line on small files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.commands import micromoments


def decisions(n: int) -> list[dict[str, Any]]:
    """A log of two actions drawn evenly, ids as numbers; action 2 earns in one of two, action 1 in one of ten."""
    rng = np.random.default_rng(1)
    out = []
    for at in range(n):
        chosen = int(rng.integers(1, 3))
        out.append(
            {
                "decision_id": at,
                "ts": f"2026-01-01T00:{at // 60 % 60:02}:{at % 60:02}Z",
                "context": {"hour": at % 24},
                "actions": [{"id": 1, "features": {"price": 3}}, {"id": 2, "features": [0.5]}],
                "chosen": chosen,
                "propensity": 0.5,
                "reward": int(rng.random() < (0.5 if chosen == 2 else 0.1)),
            }
        )
    return out


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log as a file."""
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in decisions(600)))
    return file


def test_policy_by_its_probabilities(log: Path, tmp_path: Path) -> None:
    """IPS, SNIPS and DR of given probabilities are near the truth, with intervals and the effective size."""
    target = tmp_path / "target.jsonl"
    lines = (json.dumps({"decision_id": at, "probabilities": {"1": 0.1, "2": 0.9}}) + "\n" for at in range(600))
    target.write_text("".join(lines))
    done = micromoments("backtest", "policy", "--log", log, "--target-pmf", target, "--format", "json")
    assert done.status == 0, done.words
    told = json.loads(done.out)
    assert [one["method"] for one in told["estimates"]] == ["ips", "snips", "dr"]
    for one in told["estimates"]:
        assert one["low"] < 0.46 < one["high"]
        assert one["effective_sample_size"] == told["effective_sample_size"] > 300
    assert told["answers"] is True


def test_policy_by_name(log: Path) -> None:
    """A learning policy is worth more than the log; the table says so, and what the log is worth."""
    done = micromoments("backtest", "policy", "--log", log, "--target", "thompson", "--format", "json")
    assert done.status == 0, done.words
    told = json.loads(done.out)
    assert told["estimates"][1]["value"] > told["logged_value"]
    shown = micromoments("backtest", "policy", "--log", log, "--target", "popular")
    assert "snips" in shown.out
    assert "of the target's own" in shown.out
    page = micromoments("backtest", "policy", "--log", log, "--target", "random", "--format", "html")
    assert page.out.startswith("<!doctype html>")


def test_what_the_log_cannot_answer_is_said(log: Path, tmp_path: Path) -> None:
    """Too small a log is warned about in words; unusable lines are set aside with status 3; nothing usable is 1."""
    small = tmp_path / "small.jsonl"
    small.write_text("".join(log.read_text().splitlines(keepends=True)[:20]) + "{}\n")
    done = micromoments("backtest", "policy", "--log", small, "--target", "first")
    assert done.status == 3
    assert "warning: this log cannot answer well" in done.out
    assert "line 21" in done.words
    nothing = micromoments("backtest", "policy", "--log", "-", "--target", "first", stdin=b"{}\n")
    assert nothing.status == 1
    assert "wanted at least one" in nothing.words


@pytest.mark.parametrize(
    "words", [("--target", "best"), (), ("--target", "first", "--target-pmf", "x")], ids=["unknown", "neither", "both"]
)
def test_a_wrong_target_is_usage(log: Path, words: tuple[str, ...]) -> None:
    """A policy that isn't there, none, or two targets at once are usage errors."""
    assert micromoments("backtest", "policy", "--log", log, *words).status == 2


def table(path: Path, seed: int, rows: int = 3_000) -> Path:
    """An experiment with two offers and none; the first works on Linux users only."""
    rng = np.random.default_rng(seed)
    lines = ["os;age;offer;visit;paid"]
    for _ in range(rows):
        os, arm = rng.choice(["linux", "mac"]), rng.choice(["No offer", "ten", "free"])
        visit = int(rng.random() < 0.1 + 0.3 * (arm == "ten" and os == "linux"))
        age = "" if rng.random() < 0.1 else str(rng.integers(18, 80))
        lines.append(f"{os};{age};{arm};{visit};{visit * int(rng.integers(0, 2))}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_uplift_of_a_table_with_gaps_and_ids(tmp_path: Path) -> None:
    """Rows without a treatment or an outcome are set aside, counted, exit 3; columns that name rows are left out."""
    files = []
    for name, seed in (("a.csv", 1), ("b.csv", 2)):
        head, *lines = table(tmp_path / name, seed, 900).read_text().splitlines()
        lines = [f"{line};{n};note {n * seed}" for n, line in enumerate(lines)]
        lines[0] = "linux;30;;1;0;0;x"
        lines[1] = "linux;30;ten;NA;0;1;y"
        (tmp_path / name).write_text("\n".join([f"{head};user;note", *lines]) + "\n")
        files += ["--train" if seed == 1 else "--test", str(tmp_path / name)]
    words = (*files, "--treatment", "offer", "--outcome", "visit", "--format", "json")
    done = micromoments("backtest", "uplift", *words)
    assert done.status == 3, done.words
    told = json.loads(done.out)
    assert told["set_aside"] == {"train": 2, "test": 2}
    assert {one["column"] for one in told["left_out"]} >= {"user", "note"}
    assert told["columns"] == ["os"]


def test_uplift(tmp_path: Path) -> None:
    """Each offer is held against none; the one that works for some has a high Qini; what leaks is left out."""
    files = ("--train", table(tmp_path / "a.csv", 1), "--test", table(tmp_path / "b.csv", 2))
    words = (*files, "--treatment", "offer", "--outcome", "visit")
    done = micromoments("backtest", "uplift", *words, "--format", "json")
    assert done.status == 0, done.words
    told = json.loads(done.out)
    arms = {one["arm"]: one for one in told["arms"]}
    assert told["control"] == "No offer"
    assert told["left_out"][0]["column"] == "paid"
    assert arms["ten"]["qini"] > 0.1 > arms["free"]["qini"]
    assert len(arms["ten"]["uplift"]) == 10
    assert arms["ten"]["uplift"][3]["uplift"] > 0.2
    shown = micromoments("backtest", "uplift", *words).out
    assert "Qini" in shown
    assert "who gets less" in shown
    assert "<table>" in micromoments("backtest", "uplift", *words, "--format", "html").out


def test_uplift_says_who_gets_less_and_learns_from_no_protected_trait(tmp_path: Path) -> None:
    """Age is left out, unless a lawful basis is named, and its groups are told all the same; who has the other
    system is hardly among the first.
    """
    files = ("--train", table(tmp_path / "a.csv", 1), "--test", table(tmp_path / "b.csv", 2))
    words = ("backtest", "uplift", *files, "--treatment", "offer", "--outcome", "visit", "--format", "json")
    told = json.loads(micromoments(*words).out)
    assert told["columns"] == ["os"]
    assert "protected trait" in next(one["why"] for one in told["left_out"] if one["column"] == "age")
    (ten,) = (one for one in told["arms"] if one["arm"] == "ten")
    assert (ten["groups"][0]["column"], ten["groups"][0]["group"], ten["groups"][0]["high"] < 0.3) == (
        "os",
        "mac",
        True,
    )
    assert sum(one["protected"] for one in ten["groups"]) == 4
    assert json.loads(micromoments(*words, "--lawful-basis", "age").out)["columns"] == ["os", "age"]
    done = micromoments(*words, "--leave-out", "os")
    assert (done.status, "no column to learn from" in done.words) == (1, True)


def test_uplift_refuses_what_is_no_experiment(tmp_path: Path) -> None:
    """Unknown columns, outcomes that are words, and arms of which none is untreated are refused in words."""
    file = table(tmp_path / "a.csv", 1, 400)
    both = ("backtest", "uplift", "--train", file, "--test", file)
    for words, said in (
        (("--treatment", "arm", "--outcome", "visit"), "wanted one called 'arm'"),
        (("--treatment", "offer", "--outcome", "os"), "wanted a number or true/false"),
        (("--treatment", "os", "--outcome", "visit"), "say --control VALUE"),
        (("--treatment", "offer", "--outcome", "visit", "--control", "x"), "one of the treatment's values"),
    ):
        done = micromoments(*both, *words)
        assert done.status == 1
        assert said in done.words
