"""``micromoments simulate``: try a policy in a simulated town, before a launch."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from micromoments.core.event import Millis
    from micromoments.simulate import Tally, World

START = 1_767_571_200_000
"""The instant at which the simulated days begin: Monday, 5 January 2026, 00:00 UTC."""
CONTROL = "popular"
ALL_BUT_NOBODY = 0.9999
"""Holding out everyone serves the list that held-out people get: the popular one, whatever the moment."""


class Format(StrEnum):
    """How the answer is printed."""

    table = "table"
    json = "json"


def simulate(
    policy: Annotated[
        list[str] | None, typer.Option(help="a policy to try beside popular; may be given more than once")
    ] = None,
    people: Annotated[int, typer.Option(help="people in the town", min=10, max=100_000)] = 200,
    days: Annotated[int, typer.Option(help="days to live", min=1, max=366)] = 7,
    seed: Annotated[int, typer.Option(help="the same seed gives the same town, people and visits", min=0)] = 1,
    format: Annotated[Format, typer.Option(help="how to print the answer")] = Format.table,
) -> None:
    """Try policies in a simulated town: what each would be worth against the popular list.

    People with hidden tastes live the same days before each policy, and the simulator, which knows the tastes, counts
    the orders to be expected. Everything runs in temporary folders and is gone afterwards.
    """
    from micromoments.policy.registry import make
    from micromoments.simulate import World

    tried = list(dict.fromkeys([*(policy or ["adaptive", "random"]), CONTROL]))
    try:
        for name in tried:
            make(name)
    except ValueError as error:
        typer.echo(f"micromoments simulate: {error}", err=True)
        raise typer.Exit(2) from None
    world = World(seed, people)
    tallies = _try(world, tried, days)
    rows = [_row(name, tallies[name], tallies[CONTROL]) for name in tried]
    if format is Format.json:
        import msgspec

        about = {"simulated": True, "seed": seed, "people": people, "days": days, "unit": "expected orders a person"}
        typer.echo(msgspec.json.encode({**about, "policies": rows}).decode())
    else:
        _table(rows, people, days)


def _try(world: World, policies: Sequence[str], days: int) -> dict[str, Tally]:
    """Live the days once before each policy, each in a folder of its own; progress goes to stderr."""
    import tempfile

    from rich.console import Console
    from rich.progress import Progress

    from micromoments.core.settings import DAY

    tallies: dict[str, Tally] = {}
    with (
        tempfile.TemporaryDirectory(prefix="micromoments-simulate-") as folder,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        for name in policies:
            task = progress.add_task(name, total=days * DAY)

            def tell(at: Millis, task: Any = task) -> None:
                progress.update(task, completed=at - START)

            tallies[name] = _live(world, Path(folder) / name, name, days, tell)
    return tallies


def _live(world: World, folder: Path, policy: str, days: int, tell: Callable[[Millis], None]) -> Tally:
    """One policy's days in a folder."""
    import micromoments as mm
    from micromoments.core.settings import Goal, Settings, Slot
    from micromoments.engine.tuning import tune_process
    from micromoments.simulate.tally import SLOT

    # The control is the list that people get who are held out: popular, and nothing of the moment in it.
    held_out = ALL_BUT_NOBODY if policy == CONTROL else 0.0
    settings = Settings(
        name="simulated",
        currency="EUR",
        timezone=world.timezone,
        consent=("measure", "personalise", "location"),
        slots={SLOT: Slot(policy=policy, holdout=held_out, goal="order")},
        goals={"order": Goal(event="Order Completed", value="revenue", currency="EUR", ends=("buy",))},
    )
    clock = [START]
    with mm.open(folder, settings, clock=lambda: clock[0], synced=False) as engine:
        engine.catalog.put(world.items)
        tune_process()
        return world.live(_Served(engine, clock), START, days, tell)


class _Served:
    """An engine as the world's server, on a clock of ours."""

    def __init__(self, engine: Any, clock: list[int]) -> None:
        self._engine = engine
        self._clock = clock

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        self._clock[0] = max(self._clock[0], at)
        self._engine.collect(events)

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[Sequence[str], bool]:
        self._clock[0] = max(self._clock[0], at)
        decided = self._engine.decide(f"anon:{anonymous_id}", slot, context=context, decision_id=id, simulated=True)
        return [item.id for item in decided.items], decided.holdout


def _row(name: str, tally: Tally, control: Tally) -> dict[str, Any]:
    """What a policy came to: expected orders a person, and its gain over the popular list, with 95 % intervals."""
    from micromoments.simulate import mean

    worth, gain = mean(tally.worth), tally.gain(control)
    return {
        "policy": name,
        "worth": {"mean": worth.mean, "low": worth.low, "high": worth.high},
        "gain": None if name == CONTROL else {"mean": gain.mean, "low": gain.low, "high": gain.high},
        "visits": sum(tally.visits),
        "orders": sum(tally.orders),
        "revenue": {"amount": sum(tally.revenue), "currency": "EUR"},
    }


def _table(rows: Sequence[dict[str, Any]], people: int, days: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Simulated: {people} people, {days} days; 95 % intervals", title_justify="left")
    for heading in ("policy", "orders a person", "more than popular", "orders", "revenue"):
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for row in rows:
        worth, gain = row["worth"], row["gain"]
        table.add_row(
            row["policy"],
            f"{worth['mean']:.3f} ± {worth['high'] - worth['mean']:.3f}",
            "" if gain is None else f"{gain['mean']:+.3f} ± {gain['high'] - gain['mean']:.3f}",
            f"{row['orders']:,}",
            f"{row['revenue']['amount'] / 100:,.2f} {row['revenue']['currency']}",
        )
    Console().print(table)
