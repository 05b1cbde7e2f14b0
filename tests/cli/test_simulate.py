"""``micromoments simulate``: policies beside the yardsticks."""

from __future__ import annotations

import json

from tests.cli.commands import micromoments


def test_every_policy_stands_beside_popular_rules_and_the_best_fixed_list() -> None:
    """Each has its worth, its gains over the yardsticks, and after how many outcomes it was ahead; a policy that there
    isn't is a usage error.
    """
    done = micromoments("simulate", "--policy", "first", "--people", "12", "--days", "1", "--format", "json")
    assert done.status == 0, done.words
    told = json.loads(done.out)
    rows = {row["policy"]: row for row in told["policies"]}
    assert list(rows) == ["first", "rules", "popular", "best fixed"]
    assert len(told["best_fixed"]) == 3
    assert set(rows["first"]["gains"]) == set(rows["first"]["until_better"]) == {"popular", "rules", "best fixed"}
    assert rows["best fixed"]["worth"]["mean"] > 0.0
    assert rows["best fixed"]["orders"] is None
    assert len({row["visits"] for row in rows.values()}) == 1
    assert micromoments("simulate", "--policy", "nobody").status == 2
