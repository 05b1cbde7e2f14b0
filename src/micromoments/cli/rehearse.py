"""``micromoments rehearse``: would an experiment on this log's traffic find a lift that is surely there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from micromoments.learn.rehearsal import Found, Traffic
    from micromoments.report.ask import Query

DAY = 86_400_000
BEFORE = 28


class Format(StrEnum):
    """How the answer is printed."""

    table = "table"
    json = "json"


class Metric(StrEnum):
    """What is compared per person."""

    people = "people"
    times = "times"
    value = "value"


def rehearse(
    folder: Annotated[Path, typer.Argument(help="the project's folder")] = Path("my-shop"),
    goal: Annotated[str, typer.Option(help="the goal; the slot's, else the first, unless given")] = "",
    slot: Annotated[str, typer.Option(help="the slot whose holdout and size are rehearsed")] = "home",
    lift: Annotated[list[float] | None, typer.Option(help="a relative lift to plant, such as 0.1; may repeat")] = None,
    metric: Annotated[Metric, typer.Option(help="who reaches the goal, how often, or its worth")] = Metric.people,
    holdout: Annotated[float, typer.Option(help="share held out; the slot's unless given", min=0.0, max=0.99)] = 0.0,
    days: Annotated[int, typer.Option(help="the log's last so many days", min=2, max=366)] = 28,
    times: Annotated[int, typer.Option(help="rehearsals of each lift", min=20, max=100_000)] = 400,
    seed: Annotated[int, typer.Option(help="the same seed deals the same", min=0)] = 1,
    format: Annotated[Format, typer.Option(help="how to print the answer")] = Format.table,
) -> None:
    """Plant a known lift in this project's own traffic, hundreds of times, and look every day whether it is found.

    Says how often and by which day it would have been, how often nothing was planted and yet something was "found",
    and with what holdout it would have gone better. Reads only; a server may have the folder open.
    """
    import numpy as np

    from micromoments.config import load
    from micromoments.learn.rehearsal import rehearse as run

    settings = load(folder)
    configured = settings.slot(slot)
    name = goal or configured.goal or next(iter(settings.goals), "")
    if name not in settings.goals:
        raise ValueError(f"got goal {name!r}; wanted one of {', '.join(settings.goals)}; correct it")
    share = holdout or configured.holdout or 0.05
    seen = traffic(folder, name, days, metric)
    rng = np.random.default_rng(seed)
    planted = [0.0, *(lift or [0.05, 0.1, 0.2, 0.5])]
    found = [run(seen, one, share, times, rng, planned=configured.people) for one in planted]
    said = {
        "goal": name,
        "metric": metric.value,
        "people": seen.people,
        "reached": int((seen.grew > 0).sum()),
        "days": seen.days,
        "holdout": share,
        "rehearsals": times,
        "rows": [_row(one) for one in found],
        "sentence": sentence(found, name, share, seen),
    }
    show(said, format)


def traffic(folder: Path, goal: str, days: int, metric: str) -> Traffic:
    """The people of the log's last days, when they came, and what they reached, without bots, own people and tests.

    Raises:
        ValueError: there is nothing to rehearse on.
    """
    from micromoments.cli.on_cluster import asking

    with asking(folder) as ask:
        return _traffic(ask, folder, goal, days, metric)


def _traffic(ask: Query, folder: Path, goal: str, days: int, metric: str) -> Traffic:
    from typing import cast

    from micromoments.learn import rehearsal
    from micromoments.report.ask import COUNTED, has_goal

    span = ask(f"SELECT min(events.at) AS oldest, max(events.at) AS newest FROM events WHERE {COUNTED}", [])[0]  # noqa: S608
    if span["newest"] is None:
        raise ValueError(f"got no events in {folder}; wanted some days of traffic; import history, or wait")
    stop = int(span["newest"]) // DAY * DAY + DAY
    start = max(stop - days * DAY, int(span["oldest"]) // DAY * DAY)
    days = (stop - start) // DAY
    # Some only ask for decisions and send goals: they are traffic as much as whoever sends every view.
    seen = " UNION ALL ".join(
        f"SELECT surrogate, {at} AS seen FROM {of} WHERE {COUNTED} AND {at} >= ? AND {at} < ?"  # noqa: S608
        for of, at in (("events", "events.at"), ("decisions", "received_at"))
    )
    came = ask(
        f"SELECT surrogate, min(seen) AS first FROM ({seen}) GROUP BY surrogate ORDER BY surrogate",  # noqa: S608
        [start, stop, start, stop],
    )
    number = {int(row["surrogate"]): n for n, row in enumerate(came)}
    first = [int(row["first"]) for row in came]
    wanted, more = has_goal(goal)
    won = ask(
        f"SELECT surrogate, events.at AS happened, value FROM events WHERE {wanted} AND {COUNTED} "  # noqa: S608
        "AND events.at >= ? AND events.at < ? ORDER BY events.at",
        [*more, start - BEFORE * DAY, stop],
    )
    goals: list[tuple[int, int, float]] = []
    before = [0.0] * len(first)
    for row in won:
        n = number.get(int(row["surrogate"]))
        if n is None:
            continue
        at, value = int(row["happened"]), float(row["value"])
        if at >= first[n]:
            goals.append((n, (at - start) // DAY, value))
        elif at >= first[n] - BEFORE * DAY:
            before[n] = _before(before[n], value, metric)
    chosen = cast("rehearsal.Metric", metric)
    return rehearsal.traffic([(at - start) // DAY for at in first], goals, before, days, chosen)


def _before(was: float, value: float, metric: str) -> float:
    if metric == "value":
        return was + value
    more = 1.0 if value >= 0 else 0.0
    return min(1.0, was + more) if metric == "people" else was + more


def _row(found: Found) -> dict[str, Any]:
    n, by = found.rehearsals, found.by_day
    weeks = {f"day_{day}": by[day - 1] / n for day in (7, 14, 21, 28) if day <= len(by)}
    return {
        "planted": found.planted,
        "found": found.found / n,
        "median_day": found.median_day,
        **weeks,
        "wrong": found.wrong / n,
        "missed_truth": found.missed_truth / n,
        "mean": found.mean,
    }


def sentence(found: Sequence[Found], goal: str, share: float, seen: Traffic) -> str:
    """What the rehearsals say, in words: false alarms first, then the least lift that is found four times of five."""
    none, *planted = found
    alarms = none.wrong / none.rehearsals
    said = (
        f"Of {none.rehearsals:,} rehearsals with nothing planted {none.wrong:,} ({alarms:.1%}) raised a false alarm, "
        "looked at daily; 5 % are allowed. "
    )
    good = [one for one in planted if one.found >= 0.8 * one.rehearsals]
    if good:
        least = min(good, key=lambda one: abs(one.planted))
        return said + (
            f"A lift of {least.planted:+.0%} on {goal} would have been found in {least.found / least.rehearsals:.0%}, "
            f"half of these by day {least.median_day:.0f} of {seen.days}, with {share:.0%} held out."
        )
    most = max((one.found / one.rehearsals for one in planted), default=0.0)
    return said + (
        f"None of the lifts planted on {goal} would have been found four times of five ({most:.0%} at best) with "
        f"{share:.0%} of {seen.people:,} people held out in {seen.days} days: hold out more, wait longer, or choose a "
        "goal that more people reach."
    )


def show(said: Mapping[str, Any], format: Format) -> None:
    """Print the answer."""
    from micromoments.cli.table import put_json, put_table, say

    if format is Format.json:
        put_json(said)
        return
    counting = f"{said['people']:,} people, {said['reached']:,} of their goals {said['goal']} counted"
    put_table(f"{said['rehearsals']:,} rehearsals each: {counting}", [_shown(row) for row in said["rows"]])
    say(str(said["sentence"]))


def _shown(row: Mapping[str, Any]) -> dict[str, str]:
    planted = "nothing" if not row["planted"] else f"{row['planted']:+.0%}"
    days = {name.replace("_", " "): f"{row[name]:.0%}" for name in row if name.startswith("day_")}
    return {
        "planted": planted,
        "found": f"{row['found']:.0%}" if row["planted"] else "",
        "half by": "" if row["median_day"] is None else f"{row['median_day']:.0f}",
        **days,
        "wrong": f"{row['wrong']:.1%}",
        "truth missed": f"{row['missed_truth']:.1%}",
    }
