"""The demo's own parts: project, rhythm, truth, usage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import micromoments as mm
from micromoments.config import parse
from micromoments.demo import NAMES, existing, forward, project
from micromoments.demo.crowd import LONGEST, gaps
from micromoments.demo.fulfil import teller
from micromoments.demo.supervisor import Supervisor
from micromoments.simulate.visits import stamp


@given(now=st.integers(1_600_000_000_000, 2_000_000_000_000))
def test_it_is_late_morning_when_the_demo_begins(now: int) -> None:
    """Whenever somebody looks, it is between eleven and twelve in the town, in a zone that exists."""
    zone = project.daytime_zone(now)
    hours = -int(zone[len("Etc/GMT") :]) if zone != "UTC" else 0
    assert (now // 3_600_000 + hours) % 24 == project.LATE_MORNING
    mm.World(people=1, timezone=zone).visit(0, now)


def test_settings_are_valid() -> None:
    """The project's configuration reads without a mistake, and holds out half of the people."""
    settings = parse(project.settings("UTC"))
    assert settings.slot("home").holdout == project.HALF
    assert settings.goals["order"].ends == ("buy",)


def test_people_hurry_but_keep_their_rhythm() -> None:
    """Waits are the gaps between calls, hurried, none longer than a visitor would wait."""
    calls = [{"timestamp": stamp(at)} for at in (1_000_000, 1_005_000, 1_500_000)]
    assert list(gaps(calls)) == [0.0, pytest.approx(5 / 2.5), LONGEST]


def test_truth_compares_the_same_people() -> None:
    """The truth counts only those who were served, against the same people's worth with the list."""
    lived = forward.Lived(0, 1, 10, 5, worth=[1.0, 0.5, 2.0], held_out=[False, True, False])
    truth = forward.truth(lived, [0.5, 9.0, 1.0])
    assert (truth.served, truth.listed, truth.relative) == (1.5, 0.75, 1.0)


def test_forward_lives_the_days_in_a_folder(tmp_path: Path) -> None:
    """The days before an instant are lived, events and decisions are there afterwards, and some people are held out."""
    world = mm.World(seed=4, people=12)
    told: list[int] = []
    lived = forward.live(world, tmp_path / "town", project.settings("UTC"), 1_767_571_200_000, told.append)
    assert lived.decisions == len(told) > 20
    assert {True, False} == set(lived.held_out)
    with mm.open(tmp_path / "town") as engine:
        assert len(engine.catalog) == len(world.items)
        who = world.visit(0, lived.start).consumer
        held = engine.export(f"anon:{who.id}")
        assert held is not None
        assert held["events"]
        figures = {f["name"]: f for f in engine.report("scorecards")["figures"]}
        assert figures["event_to_moment"]["p50"] < 60_000  # as quick as the days were, not as they were relived


def test_everything_reaches_the_engine_at_its_own_instant(tmp_path: Path) -> None:
    """What others do beside the town and beside each other is neither early nor late, however far apart visits are."""
    seen: list[tuple[int, int]] = []
    end = 1_767_571_200_000

    class Beside:
        """Somebody who does something every few minutes."""

        items: Sequence[mm.Item] = ()

        def __init__(self, who: str, minutes: int) -> None:
            self.who, self.every, self.next = who, minutes * 60_000, end - forward.DAYS * forward.DAY

        def due(self) -> int:
            """See ``Days``."""
            return self.next if self.next < end else forward.NEVER

        def live(self, server: forward.Embedded, until: int) -> None:
            """See ``Days``."""
            while self.due() <= until:
                call = {"type": "track", "event": "App Opened", "anonymousId": self.who, "messageId": f"m{self.next}"}
                server.collect([{**call, "timestamp": teller.stamp(self.next)}], self.next)
                seen.append((self.next, server.now))
                self.next += self.every

        def words(self) -> list[str]:
            """See ``Days``."""
            return []

    forward.live(
        mm.World(4, 6), tmp_path / "town", project.settings("UTC"), end, beside=[Beside("bo", 7), Beside("cy", 11)]
    )
    assert len(seen) == -(-20_160 // 7) + -(-20_160 // 11)
    assert [due for due, now in seen if due != now] == []


@pytest.mark.parametrize("name", [*(set(NAMES) - set(existing())), "nothing"])
def test_experiences_are_refused_plainly(name: str) -> None:
    """An experience that this release doesn't have is a usage error that says what to run."""
    command = [sys.executable, "-m", "micromoments", "demo", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "run: micromoments demo" in done.stderr


@pytest.mark.slow
def test_a_server_that_ends_at_its_start_is_told_plainly(tmp_path: Path) -> None:
    """Its last words are the message, which the command line tells without a traceback, as it does every OSError."""
    server = Supervisor(["-c", "raise SystemExit('no room left')"], tmp_path / "server.log")
    with pytest.raises(OSError, match="got a server that ended with 1: no room left"):
        server.start_now()


def test_simulate_prints_each_policy() -> None:
    """Two runs of a trial give the same numbers: each policy's worth with interval, its gain over popular."""
    command = [sys.executable, "-m", "micromoments", "simulate", "--people", "20", "--days", "2", "--format", "json"]
    one, two = (subprocess.run(command, capture_output=True, text=True, check=True, timeout=120) for _ in range(2))
    answer = json.loads(one.stdout)
    policies = [row["policy"] for row in answer["policies"]]
    assert policies == ["adaptive", "random", "rules", "popular", "best fixed"]
    assert answer["simulated"] is True
    assert all(row["worth"]["low"] <= row["worth"]["mean"] <= row["worth"]["high"] for row in answer["policies"])
    assert [name for name, row in zip(policies, answer["policies"], strict=True) if row["gain"] is None] == ["popular"]
    assert json.loads(two.stdout) == answer
