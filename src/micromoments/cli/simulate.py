"""``micromoments simulate``: try a policy in a simulated town, before a launch."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from micromoments.core.event import Millis
    from micromoments.simulate import Tally, World

START = 1_767_571_200_000
"""The instant at which the simulated days begin: Monday, 5 January 2026, 00:00 UTC."""
CONTROL = "popular"
FIXED = "best fixed"
YARDSTICKS = (CONTROL, "rules", FIXED)
"""What every policy is held against: the popular list, the business's rules without learning, and the list that would
have been worth most of all that are the same for everybody, chosen knowing everything.
"""
ALL_BUT_NOBODY = 0.9999
"""Holding out everyone serves the list that held-out people get: the popular one, whatever the moment."""


class Format(StrEnum):
    """How the answer is printed."""

    table = "table"
    json = "json"


def simulate(
    policy: Annotated[
        list[str] | None, typer.Option(help="a policy to try beside the yardsticks; may be given more than once")
    ] = None,
    people: Annotated[int, typer.Option(help="people in the town", min=10, max=100_000)] = 200,
    days: Annotated[int, typer.Option(help="days to live", min=1, max=366)] = 7,
    seed: Annotated[int, typer.Option(help="the same seed gives the same town, people and visits", min=0)] = 1,
    format: Annotated[Format, typer.Option(help="how to print the answer")] = Format.table,
) -> None:
    """Try policies in a simulated town: what each would be worth against popular, rules and the best fixed list.

    People with hidden tastes live the same days before each policy, and the simulator, which knows the tastes, counts
    the orders to be expected. Everything runs in temporary folders and is gone afterwards.
    """
    from micromoments.policy.registry import make
    from micromoments.simulate import World, best_fixed

    tried = list(dict.fromkeys([*(policy or ["adaptive", "random"]), "rules", CONTROL]))
    try:
        for name in tried:
            make(name)
    except ValueError as error:
        typer.echo(f"micromoments simulate: {error}", err=True)
        raise typer.Exit(2) from None
    world = World(seed, people)
    lived = _try(world, tried, days)
    chosen, fixed = best_fixed(world, START, days)
    lived[FIXED] = Lived(fixed, [])
    rows = [_row(name, lived) for name in lived]
    if format is Format.json:
        import msgspec

        about = {"simulated": True, "seed": seed, "people": people, "days": days, "unit": "expected orders a person"}
        typer.echo(msgspec.json.encode({**about, "best_fixed": chosen, "policies": rows}).decode())
    else:
        _table(rows, people, days)


class Lived(NamedTuple):
    """What came of the days before one policy, and how many outcomes it had learned at each visit."""

    tally: Tally
    learned: Sequence[int]


def _try(world: World, policies: Sequence[str], days: int) -> dict[str, Lived]:
    """Live the days once before each policy, each in a folder of its own; progress goes to stderr."""
    import tempfile

    from rich.console import Console
    from rich.progress import Progress

    from micromoments.core.settings import DAY

    found: dict[str, Lived] = {}
    with (
        tempfile.TemporaryDirectory(prefix="micromoments-simulate-") as folder,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        for name in policies:
            task = progress.add_task(name, total=days * DAY)

            def tell(at: Millis, task: Any = task) -> None:
                progress.update(task, completed=at - START)

            found[name] = live(world, Path(folder) / name, name, days, tell)
    return found


def live(world: World, folder: Path, policy: str, days: int, tell: Callable[[Millis], None] | None = None) -> Lived:
    """One policy's days in a folder; ``tell`` hears each visit's instant."""
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
        served = _Served(engine, clock)
        tally = world.live(served, START, days, tell)
        served.hand_over()
        return Lived(tally, served.learned)


class _Served:
    """An engine as the world's server, on a clock of ours. It gets what people did before they are decided for."""

    def __init__(self, engine: Any, clock: list[int]) -> None:
        self._engine = engine
        self._clock = clock
        self.learned: list[int] = []
        self._waiting: list[Mapping[str, Any]] = []
        self._arrived: list[int] = []

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        self._clock[0] = max(self._clock[0], at)
        self._waiting += events
        self._arrived += [self._clock[0]] * len(events)

    def hand_over(self) -> None:
        if self._waiting:
            events, self._waiting = self._waiting, []
            arrived, self._arrived = self._arrived, []
            self._engine.collect(events, arrived)

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[Sequence[str], bool]:
        self._clock[0] = max(self._clock[0], at)
        self.hand_over()
        decided = self._engine.decide(f"anon:{anonymous_id}", slot, context=context, decision_id=id, simulated=True)
        self.learned.append(decided.policy.version)
        return [item.id for item in decided.items], decided.holdout


def _row(name: str, lived: Mapping[str, Lived]) -> dict[str, Any]:
    """What a policy came to: expected orders a person, its gain over each yardstick with 95 % intervals, and after how
    many outcomes it was better for good (``None``: not within these days).
    """
    from micromoments.simulate import mean, until_better

    tally, learned = lived[name]
    worth = mean(tally.worth)
    gains = {other: tally.gain(lived[other].tally) for other in YARDSTICKS if other != name}
    until = {other: until_better(tally.each, lived[other].tally.each, learned) for other in gains} if learned else {}
    shown = {other: {"mean": gain.mean, "low": gain.low, "high": gain.high} for other, gain in gains.items()}
    lives = name != FIXED
    return {
        "policy": name,
        "worth": {"mean": worth.mean, "low": worth.low, "high": worth.high},
        "gain": shown.get(CONTROL),
        "gains": shown,
        "until_better": until,
        "visits": sum(tally.visits),
        "orders": sum(tally.orders) if lives else None,
        "revenue": {"amount": sum(tally.revenue), "currency": "EUR"} if lives else None,
    }


def _table(rows: Sequence[dict[str, Any]], people: int, days: int) -> None:
    from micromoments.cli.table import put_table

    def spread(one: Mapping[str, float] | None, sign: str = "+") -> str:
        return "" if one is None else f"{one['mean']:{sign}.3f} ±{one['high'] - one['mean']:.3f}"

    worth = [
        {"policy": row["policy"], "orders a person": spread(row["worth"], "")}
        | {f"- {other}": spread(row["gains"].get(other)) for other in YARDSTICKS}
        for row in rows
    ]
    put_table(f"Simulated: {people} people, {days} days; expected orders, and less others', 95 %", worth)
    came = [
        {
            "policy": row["policy"],
            "orders": f"{row['orders']:,}",
            "revenue": f"{row['revenue']['amount'] / 100:,.2f} EUR",
        }
        | {f"> {other}": _after(row["until_better"], other) for other in YARDSTICKS}
        for row in rows
        if row["revenue"] is not None
    ]
    put_table("What the dice made of it; outcomes learned until better for good", came)


def _after(until: Mapping[str, int | None], other: str) -> str:
    if other not in until:
        return ""
    outcomes = until[other]
    return "not yet" if outcomes is None else f"{outcomes:,}"
