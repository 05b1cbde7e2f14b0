"""A rehearsal plants what it says, finds it when there is enough, and raises few false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.learn.rehearsal import Metric, Traffic, rehearse, traffic


def town(people: int, rate: float, days: int = 14, metric: Metric = "people") -> Traffic:
    """People who come evenly, a share of whom reaches the goal within three days, some of them twice."""
    rng = np.random.default_rng(4)
    first = rng.integers(0, days, people).tolist()
    goals = []
    for person, day in enumerate(first):
        if rng.random() < rate:
            at = day + int(rng.integers(0, 3))
            goals.append((person, at, float(rng.lognormal(3))))
            if rng.random() < 0.3:
                goals.append((person, at + 1, 10.0))
    before = (rng.random(people) < rate).astype(float).tolist()
    return traffic(first, [g for g in goals if g[1] < days], before, days, metric)


@pytest.mark.parametrize("metric", ["people", "times", "value"])
def test_the_lift_that_is_planted_is_the_lift_that_is_there(metric: Metric) -> None:
    """On average over rehearsals the last day's lift is the planted one, for every way of counting."""
    found = rehearse(town(6_000, 0.3, metric=metric), 0.25, 0.5, 60, np.random.default_rng(1))
    assert found.mean == pytest.approx(0.25, abs=0.03)
    fall = rehearse(town(6_000, 0.3, metric=metric), -0.2, 0.5, 60, np.random.default_rng(1))
    assert fall.mean == pytest.approx(-0.2, abs=0.03)


def test_a_large_lift_is_found_and_nothing_is_found_where_nothing_is() -> None:
    """With enough people a lift of half is found nearly always, by a day; false alarms stay under the nominal 5 %."""
    seen = town(6_000, 0.2)
    found = rehearse(seen, 0.5, 0.5, 100, np.random.default_rng(2))
    assert found.found >= 95
    assert found.wrong == 0
    assert found.median_day is not None
    assert found.by_day[-1] == found.found
    assert list(found.by_day) == sorted(found.by_day)
    none = rehearse(seen, 0.0, 0.5, 200, np.random.default_rng(3))
    # At most 5 % of 200, and 2.26 standard errors of it: 17.
    assert (none.found, none.wrong <= 17, none.missed_truth <= 17) == (0, True, True)


def test_too_little_is_refused_with_what_is_wanted() -> None:
    """Few people, a holdout of nobody, a lift of minus everything: each is told by itself, and what to do."""
    with pytest.raises(ValueError, match=r"traffic of 100 people in \d+ days; wanted 200 or more, .*; take more days"):
        rehearse(town(100, 0.2), 0.1, 0.5, 20, np.random.default_rng(1))
    with pytest.raises(ValueError, match="got a holdout of 0; wanted a share between 0 and 1"):
        rehearse(town(300, 0.2), 0.1, 0.0, 20, np.random.default_rng(1))
    with pytest.raises(ValueError, match="got a lift of -100%; wanted one above -100 %"):
        rehearse(town(300, 0.2), -1.0, 0.5, 20, np.random.default_rng(1))


def test_a_person_counts_once_and_refunds_are_taken_back() -> None:
    """By people a second goal adds nothing; by times a refund adds nothing; by value it is taken off."""
    goals = [(0, 1, 10.0), (0, 1, 5.0), (0, 2, -10.0), (1, 0, 3.0)]
    by: dict[Metric, list[float]] = {
        metric: traffic([0, 0], goals, [0, 0], 3, metric).grew.tolist() for metric in ("people", "times", "value")
    }
    assert by == {"people": [1.0, 1.0], "times": [1.0, 2.0], "value": [3.0, 15.0, -10.0]}
