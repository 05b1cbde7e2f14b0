"""GrowthBook's own cases, through our door: conditions, hashing, bucketing, namespaces, sticky buckets, whole features.

The cases are those that every SDK of theirs must pass; they are read from the shared folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from micromoments.decide import experiment as e
from micromoments.decide import flags, targeting


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, list[list[Any]]]:
    """GrowthBook's own cases, by what they are of."""
    found: dict[str, Any] = json.loads((shared / "conformance" / "growthbook_cases.json").read_text())
    return {name: part for name, part in found.items() if isinstance(part, list)}


def test_conditions(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of targeting conditions."""
    for name, condition, attributes, wanted, *groups in cases["evalCondition"]:
        assert targeting.matches(attributes, condition, groups[0] if groups else None) is wanted, name
    assert len(cases["evalCondition"]) >= 248


def test_hashes_and_buckets(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of the hash, of bucket ranges, of equal weights and of choosing a variation."""
    for seed, value, version, wanted in cases["hash"]:
        assert e.hashed(seed, value, version) == wanted
    for name, (count, coverage, weights), wanted in cases["getBucketRange"]:
        assert e.ranges(count, coverage, weights) == [pytest.approx(tuple(pair)) for pair in wanted], name
    for count, wanted in cases["getEqualWeights"]:
        assert [round(high - low, 8) for low, high in e.ranges(count)] == [round(one, 8) for one in wanted]
    for name, place, among, wanted in cases["chooseVariation"]:
        assert e.choose(place, [(low, high) for low, high in among]) == wanted, name


def test_namespaces(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of namespaces: who belongs to a part of one."""
    for name, unit, (namespace, start, end), wanted in cases["inNamespace"]:
        assert e.in_namespace(unit, namespace, start, end) is wanted, name


def test_experiments(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of running an experiment: the value, whether one is in it, whether the hash decided."""
    for name, context, experiment, value, inside, hashed in cases["run"]:
        got = flags.run(experiment, context)
        assert (got["value"], got["inExperiment"], got["hashUsed"]) == (value, inside, hashed), name


def test_features(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of a feature: rules, prerequisites, rollouts, forced values."""
    for name, context, key, wanted in cases["feature"]:
        got = flags.feature(key, context)
        assert {part: got[part] for part in ("value", "on", "off", "source")} == {
            part: wanted[part] for part in ("value", "on", "off", "source")
        }, name


def test_contextual_bandits(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of a contextual bandit's leaves gives the value that it should."""
    for name, context, key, wanted, *_ in cases["contextualBandit"]:
        assert flags.feature(key, context)["value"] == wanted["value"], name


def test_sticky_buckets(cases: dict[str, list[list[Any]]]) -> None:
    """Every case of sticky buckets: the variant kept, blocked or dealt anew, and what is to be kept afterwards."""
    for name, context, kept, key, wanted, after in cases["stickyBucket"]:
        got = flags.feature(key, context, kept)
        result = got["experimentResult"]
        if wanted is None:
            assert result is None, name
        else:
            assert result is not None, name
            assert {part: result.get(part) for part in wanted} == wanted, name
        assert got["sticky"] == after, name
