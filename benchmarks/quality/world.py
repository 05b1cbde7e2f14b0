"""End to end on the simulated town: ``python -m benchmarks.quality.world [--people N] [--days N]``.

People of the town open its app with a known intent, which is never sent. Their events go the whole way (captured facts,
``step``) into people; at the instant when the app asks what to serve, is the strongest moment of the type that the
person has in mind? How long from the first event that tells anything to the moment? How many moments open where nobody
wants anything? And what is each family of signals worth: the same events without it. Beside it what recognising costs:
CPU microseconds an event, start-up, memory. Seeded; prints tables; writes ``benchmarks/results/world.json``.

The town's queries and catalogue ship with the package and were written by its authors: these figures say that the parts
work together, not how well queries nobody has seen are read (``benchmarks.quality.queries`` does).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from micromoments.core.effect import Told
from micromoments.core.event import Millis
from micromoments.core.moment import NONE, TYPES
from micromoments.core.person import Link, Person
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.engine.intake import Intake
from micromoments.flow import people
from micromoments.flow.apply import apply
from micromoments.flow.view import View, config_digest
from micromoments.policy import make
from micromoments.recognise.recogniser import Recogniser
from micromoments.retrieve.catalog import Catalog
from micromoments.simulate import Visit, World
from micromoments.sources.segment import arrival

RESULTS = Path(__file__).parents[1] / "results" / "world.json"
SEED = 11
START: Millis = 1_767_571_200_000
Call = dict[str, Any]
FIRST_TELLING = 1
"""The opening of the app is event 0; what comes after it tells."""


def _wordless(call: Call) -> Call:
    properties = {k: v for k, v in call.get("properties", {}).items() if k != "query"}
    return {**call, "properties": properties}


def _nameless(call: Call) -> Call:
    if call["type"] == "track":
        return {**call, "event": "Something Done"}
    return {**call, "name": "Somewhere"}


def _without(*names: str) -> Callable[[Call], Call]:
    def cut(call: Call) -> Call:
        return {**call, "context": {k: v for k, v in call["context"].items() if k not in names}}

    return cut


def _itemless(call: Call) -> Call:
    gone = {"product_id", "item_id", "category"}
    return {**call, "properties": {k: v for k, v in call.get("properties", {}).items() if k not in gone}}


ABLATIONS: dict[str, Callable[[Call], Call]] = {
    "everything": lambda call: call,
    "without words": _wordless,
    "without names": _nameless,
    "without places": _without("location"),
    "without items": _itemless,
    "without hour and device": _without("timezone", "device"),
}


class Memory:
    """``flow.apply.Memory`` in dictionaries."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._links: dict[str, Link] = {}

    def person(self, id: str) -> Person | None:
        """The person of that id."""
        return self._people.get(id)

    def link(self, key: str) -> Link | None:
        """What is known of that source id."""
        return self._links.get(key)

    def keep(self, person: Person) -> None:
        """Put the person's new value."""
        self._people[person.id] = person

    def drop(self, id: str) -> None:
        """Forget a person."""
        self._people.pop(id, None)

    def tie(self, key: str, link: Link) -> None:
        """Put a source id's new link."""
        self._links[key] = link


class Fresh:
    """``ports.Seen`` that has seen nothing: the town sends nothing twice."""

    def fresh(self, mid: int, at: Millis) -> bool:  # noqa: ARG002 the port's shape
        """Always new."""
        return True

    def forget(self, mids: Iterable[int]) -> None:
        """Nothing is held."""

    def window(self) -> Millis:
        """Nothing is caught."""
        return 0

    def seal(self, now: Millis) -> None:
        """Nothing is held."""


class Run:
    """The town's visits through the whole way, with one change to every event."""

    def __init__(self, world: World, change: Callable[[Call], Call]) -> None:
        settings = Settings(timezone=world.timezone, consent=("measure", "personalise", "location"))
        self._catalog = Catalog(settings.synonyms, settings.timezone)
        self._catalog.apply({item.id: item for item in world.items})
        self._catalog.settle()
        self.recogniser = Recogniser(settings)
        self._view = View(
            settings, config_digest(settings), self.recogniser, self._catalog, {"default": make("popular")}
        )
        self._intake, self._memory, self._change = Intake(Fresh(), self._catalog), Memory(), change
        self.confusion = np.zeros((5, 5), dtype=np.int64)
        self.waits: list[Millis] = []
        self.at_first: list[bool] = []
        self.false = self.quiet_events = self.events = 0
        self.records: list[EventRecord] = []
        self.spent = 0.0

    def visit(self, visit: Visit) -> None:
        """One visit, event by event, and the look at the moment when the app asks."""
        opened: list[Millis] = []
        for call in visit.events:
            at = int(np.datetime64(call["timestamp"].rstrip("Z"), "ms").astype(np.int64))
            found = arrival(self._change(call), received_at=at, marks=0, confirmed=True)
            record = self._intake.take([found], at)[0][0]
            began = time.process_time()
            _, effects = apply(self._memory, record, self._view)
            self.spent += time.process_time() - began
            self.events += 1
            self.records.append(record)
            for effect in effects:
                if isinstance(effect, Told) and effect.change == "opened":
                    if visit.type == "none":
                        self.false += 1
                    elif effect.moment.type == visit.type:
                        opened.append(at)
        self._judge(visit, opened)

    def _judge(self, visit: Visit, opened: list[Millis]) -> None:
        truth = TYPES.index(visit.type)
        if truth == NONE:
            self.quiet_events += len(visit.events)
        elif opened and len(visit.events) > FIRST_TELLING:
            first = visit.events[FIRST_TELLING]["timestamp"].rstrip("Z")
            wait = opened[0] - int(np.datetime64(first, "ms").astype(np.int64))
            self.waits.append(max(0, wait))
            self.at_first.append(wait <= 0)
        person = self._memory.person(f"anon:{visit.consumer.id}")
        said = NONE
        if person is not None:
            reading = self.recogniser.settle(person.reading, visit.asks_at)
            traces = {t.mid: t for t in people.merged(person.parts.values())}
            lately = [m for m in reading.open if m.updated_at >= visit.at]
            shown = [self.recogniser.view(m, traces, visit.asks_at) for m in lately]
            if shown:
                said = TYPES.index(max(shown, key=lambda m: (m.confidence, m.id)).type)
        self.confusion[truth, said] += 1

    def summary(self) -> dict[str, Any]:
        """The figures of the run."""
        c = self.confusion
        wanted = c[:NONE]
        return {
            "visits_with_intent": int(wanted.sum()),
            "right": round(float(np.trace(wanted[:, :NONE]) / wanted.sum()), 4),
            "right_by_type": {t: round(float(c[i, i] / max(c[i].sum(), 1)), 4) for i, t in enumerate(TYPES)},
            "missed": round(float(wanted[:, NONE].sum() / wanted.sum()), 4),
            "seconds_to_recognise": {
                "median": float(np.median(self.waits)) / 1000 if self.waits else None,
                "p90": float(np.quantile(self.waits, 0.9)) / 1000 if self.waits else None,
                "at_the_first_telling_event": round(float(np.mean(self.at_first)), 4) if self.at_first else None,
            },
            "false_alarms_per_100_events": round(100 * self.false / max(self.quiet_events, 1), 3),
            "events_without_intent": self.quiet_events,
            "confusion": c.tolist(),
        }


def speed(run: Run) -> dict[str, float]:
    """CPU microseconds an event: reading it, folding it, and the whole of ``step``; the second time words are known."""
    records = run.records[:20_000]
    fresh = Recogniser(run.recogniser.settings)
    result = {}
    for name in ("reading, first sight of words", "reading, words known"):
        began = time.process_time()
        for record in records:
            fresh.signal(record)
        result[name] = (time.process_time() - began) / len(records) * 1e6
    result["apply and step, all in"] = run.spent / run.events * 1e6
    return {k: round(v, 1) for k, v in result.items()}


COST = """
import time
import numpy, msgspec
from micromoments.core.settings import Settings
rss = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
began, before = time.process_time(), rss()
from micromoments.recognise.recogniser import Recogniser
r = Recogniser(Settings())
r.typed("trail shoes near me", 0, 1)
print(time.process_time() - began, rss() - before)
"""


def cost() -> dict[str, float]:
    """CPU milliseconds from an import to the first answer, over numpy's, and the memory it takes (best of five)."""
    found = []
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", COST], capture_output=True, text=True, check=True).stdout.split()
        found.append((float(out[0]) * 1000, float(out[1]) / 2**20))
    return {"start_up_cpu_ms": round(min(f[0] for f in found), 1), "memory_mib": round(min(f[1] for f in found), 1)}


def main() -> int:
    """Live the days once for each ablation; print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--days", type=int, default=3)
    asked = parser.parse_args()
    world = World(SEED, asked.people)
    visits = list(world.visits(START, asked.days))
    told = Counter(v.type for v in visits)
    print(f"{len(visits)} visits of {asked.people} people in {asked.days} days: {dict(told)}")
    report: dict[str, Any] = {"seed": SEED, "people": asked.people, "days": asked.days, "runs": {}}
    form = "{:<26}{:>8}{:>8}{:>10}{:>8}{:>10}{:>14}"
    print(form.format("", "right", "missed", "median s", "p90 s", "at once", "false per 100"))
    for name, change in ABLATIONS.items():
        run = Run(world, change)
        for visit in visits:
            run.visit(visit)
        report["runs"][name] = found = run.summary()
        waits: Mapping[str, Any] = found["seconds_to_recognise"]
        shown = (found["right"], found["missed"], waits["median"], waits["p90"], waits["at_the_first_telling_event"])
        print(form.format(name, *(str(x) for x in shown), found["false_alarms_per_100_events"]))
        if name == "everything":
            report["microseconds_an_event"] = speed(run)
            print_confusion(found["confusion"])
    report |= cost()
    print(f"CPU microseconds an event: {report['microseconds_an_event']}")
    print(f"start-up {report['start_up_cpu_ms']} ms of CPU, {report['memory_mib']} MiB over numpy")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def print_confusion(rows: Sequence[Sequence[int]]) -> None:
    """Rows: what the person had in mind; columns: the strongest moment when the app asked (none: no moment)."""
    print(" " * 8 + "".join(f"{t:>7}" for t in TYPES))
    for kind, row in zip(TYPES, rows, strict=True):
        print(f"  {kind:<6}" + "".join(f"{n:>7}" for n in row))


if __name__ == "__main__":
    raise SystemExit(main())
