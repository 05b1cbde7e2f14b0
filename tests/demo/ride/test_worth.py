"""What suggestions are worth: days of either trial, what the report says of them, and the truth of a simulated town."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import micromoments as mm
from micromoments.config import parse
from micromoments.demo import project, ride
from micromoments.demo.ride import places, trial, worth
from micromoments.demo.ride.days import ALONE, BUSY, HABITS, PULLS, RideDays

START = 1_767_571_200_000
FORTNIGHT = 14 * trial.DAY


class Oracle:
    """An engine that shows what is chosen in every other hour: what somebody likes, and else what nobody does."""

    def __init__(self, days: RideDays) -> None:
        self.days = days
        self.rides: list[int] = []
        self.quarters: dict[str, list[int]] = {slot: [] for slot in trial.SLOTS}

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Count rides."""
        for event in events:
            if event["event"] == "Order Completed":
                who = int(event["anonymousId"].rpartition("-")[2])
                self.rides.append(at)
                self.quarters[trial.SLOTS[who % len(trial.SLOTS)]].append(at)

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """Both places of a habit, one's own kind, the way home; or what nobody wants."""
        same = bool(at // 3_600_000 % 2)
        who = int(anonymous_id.rpartition("-")[2])
        liked = {
            "ride_destinations": [f"ride-to-{place}" for place in HABITS[self.days.tastes[who]]],
            "ride_kinds": [f"ride-kind-{self.days.kinds[who]}"],
            "ride_home": [places.HOME],
        }[slot]
        return (["ride-to-nowhere"] if same else liked), same


def lived() -> tuple[RideDays, Oracle]:
    """A fortnight before the oracle."""
    days = RideDays(mm.World(1, 2), START, START + FORTNIGHT)
    oracle = Oracle(days)
    days.live(oracle, START + FORTNIGHT)
    return days, oracle


def test_one_car_drives_one_ride_at_a_time() -> None:
    """Who asks while a quarter's car is busy gets none, so fewer ride than ask, and no two of its rides overlap."""
    days, oracle = lived()
    assert len(oracle.rides) == days.rides < days.asked
    for rides in oracle.quarters.values():
        assert min(b - a for a, b in pairwise(rides)) >= BUSY


@pytest.mark.parametrize("slot", trial.SLOTS)
def test_the_truth_is_less_than_people_suggest(slot: str) -> None:
    """Sharing a car, all who are shown what they like ride more, but by less than one of them does beside others."""
    days, _ = lived()
    chances = {
        same: ALONE[slot] + PULLS[slot] * days.found[slot, same] / days.seen[slot, same] for same in (True, False)
    }
    alone = chances[False] / chances[True] - 1
    truth = days.truth(slot)
    assert truth is not None
    assert 0.5 < truth < 0.8 * alone
    assert f"{truth:.4f}" in days.words()[0]


def test_everybody_comes_once() -> None:
    """Whom a test parts has only what that test showed them: nobody comes on a second day, or for another slot."""
    days, _ = lived()
    assert len({who for _, who in days.visits_planned}) == len(days.visits_planned)


def test_nobody_knows_the_truth_of_what_was_never_shown() -> None:
    """Before both were shown there is no truth, and the server isn't told one."""
    days = RideDays(mm.World(1, 2), START, START + FORTNIGHT, 4)
    assert [days.truth(slot) for slot in trial.SLOTS] == [None, None, None]
    assert days.words() == []


def test_days_take_turns() -> None:
    """Each day is one trial's alone, and the next day the other's; each slot has an experiment of either kind."""
    said = [trial.context(START + n * trial.DAY)["trial"] for n in range(4)]
    assert set(said[:2]) == {"hours", "people"}
    assert said[:2] == said[2:]
    settings = parse(project.settings("UTC", more=ride.TABLES))
    for slot in trial.SLOTS:
        assert settings.experiments[f"{slot}_by_hour"].switchback is not None
        assert settings.experiments[f"{slot}_by_person"].switchback is None


@pytest.mark.parametrize("report", [None, {"rows": []}])
def test_without_a_report_nothing_is_claimed(report: Mapping[str, Any] | None) -> None:
    """Where the engine is away, or has nothing yet, no figure is made up."""
    said = worth.of(report, {})
    assert said["away"] is (report is None)
    assert all(one["hours"] is one["people"] is one["truth"] is None for one in said["slots"])


def test_claims_are_relative_to_what_everybody_would_get() -> None:
    """Differences and intervals become shares of the control's mean; the truth stands beside the slots known."""
    goals = {"metric": "goals", "control_mean": 0.2, "difference": 0.05, "low": -0.02, "high": 0.12}
    times = {"metric": "times", "control_mean": 2.0, "difference": 1.0, "low": 0.5, "high": 1.5}
    early = {**times, "low": None, "high": None, "verdict": "early"}
    rows = [
        {"experiment": "ride_destinations_by_hour", "comparisons": [{**goals, "verdict": "unclear"}]},
        {"experiment": "ride_destinations_by_person", "comparisons": [{**times, "verdict": "higher"}]},
        {"experiment": "ride_kinds_by_person", "comparisons": [early]},
    ]
    first, second, _ = worth.of({"rows": rows}, {"ride_destinations": 0.14})["slots"]
    assert first["hours"] == {
        "by": pytest.approx(0.25),
        "low": pytest.approx(-0.1),
        "high": pytest.approx(0.6),
        "verdict": "unclear",
    }
    assert (first["people"]["by"], first["people"]["verdict"], first["truth"]) == (0.5, "higher", 0.14)
    assert (second["hours"], second["people"], second["truth"]) == (None, None, None)


def test_without_an_engine_all_are_shown_the_same(tmp_path: Path) -> None:
    """In the trial's other variant everybody gets the same places, in the places' own order, whatever they look for."""
    (tmp_path / "micromoments.toml").write_text(project.settings("UTC", more=ride.TABLES))
    shown: dict[str, set[tuple[str, ...]]] = {"same": set(), "chosen": set()}
    with mm.open(tmp_path, clock=lambda: START) as engine:
        engine.catalog.put(places.items())
        for n in range(40):
            engine.track(f"rider{n}", "Products Searched", {"query": ("college gym", "theatre", "hospital")[n % 3]})
            said = engine.decide(f"rider{n}", "ride_destinations", context={"trial": "people"})
            shown[said.experiments[0].variant].add(tuple(item.id for item in said.items))
    assert shown["same"] == {tuple(f"ride-to-{place}" for place in places.COMMON)}
    assert len(shown["chosen"]) > 1


def test_what_everybody_gets_is_known() -> None:
    """A decision of the variant that shows the same is known as one, whichever trial it came of."""
    assert trial.is_same({"experiments": [{"key": "ride_home_by_hour", "variant": "same"}]})
    assert not trial.is_same({"experiments": [{"key": "ride_home_by_hour", "variant": "chosen"}]})
    assert not trial.is_same(None)
