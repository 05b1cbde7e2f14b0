"""What naming a brand, a category or a price does to candidates: ``python -m benchmarks.quality.named [--shared DIR]``.

The 194 shared products are the catalogue. Queries are made of their own facts, one for each category with its median
price as the bound, one for each pair of brand and category, and one for each brand with its median price; an item is
right if it fits all that was named. Precision at 5 (at fewer where fewer are right) of the candidates as they ship, and
of the same candidates where what is named doesn't count. Prints a table; writes ``benchmarks/results/named.json``.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from unittest import mock

from msgspec.structs import replace

from benchmarks.quality.search import products
from micromoments.core.item import Item
from micromoments.recognise.need import need
from micromoments.recognise.text import TextModel
from micromoments.retrieve import candidates
from micromoments.retrieve.catalog import Ask, Catalog

RESULTS = Path(__file__).parents[1] / "results" / "named.json"
AT = 1_700_000_000_000
BEST = 5
Case = tuple[str, str, frozenset[str]]


def plain(shared: Path) -> list[Item]:
    """The shared products, without tags and stock, which nobody names here."""
    return [replace(one, tags=(), stock=None) for one in products(shared)]


def cases(items: list[Item]) -> list[Case]:
    """(What is named, query, ids of the items that are right), at least two right and one wrong."""
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups["category and price", item.category].append(item)
        if item.brand:
            groups["brand and category", f"{item.brand} {item.category}"].append(item)
            groups["brand and price", item.brand].append(item)
    found = []
    for (kind, words), rows in sorted(groups.items()):
        if kind == "brand and category":
            found.append((kind, words, frozenset(i.id for i in rows)))
            continue
        bound = int(median(i.price.amount for i in rows if i.price) / 100) + 1
        right = frozenset(i.id for i in rows if i.price and i.price.amount <= bound * 100)
        if 2 <= len(right) < len(rows):
            found.append((kind, f"{words} under ${bound}", right))
    return found


def precision(catalog: Catalog, model: TextModel, found: list[Case]) -> dict[str, float]:
    """Mean precision at ``BEST`` of each kind of case."""
    shares: dict[str, list[float]] = defaultdict(list)
    for kind, query, right in found:
        about = need(query)
        ask = Ask(
            at=AT,
            words=about.query,
            question=about.words,
            moment_type="buy",
            probabilities=model.probabilities(query),
            price_from=about.price_from,
            price_to=about.price_to,
            currency=about.currency,
        )
        best = [one.item.id for one in catalog.candidates(ask)][: min(BEST, len(right))]
        shares[kind].append(sum(id in right for id in best) / min(BEST, len(right)))
    return {kind: round(sum(some) / len(some), 3) for kind, some in shares.items()}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.named", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    args = parser.parse_args()
    items = plain(args.shared)
    catalog, model = Catalog(), TextModel.load()
    catalog.apply({item.id: item for item in items})
    found = cases(items)
    ours = precision(catalog, model, found)
    with mock.patch.object(candidates, "wish", return_value=None):
        without = precision(catalog, model, found)
    report = {
        kind: {"queries": sum(k == kind for k, _, _ in found), "as it ships": ours[kind], "not counted": without[kind]}
        for kind in ours
    }
    print(f"{'named':<22}{'queries':>8}{'not counted':>13}{'as it ships':>13}")
    for kind, told in report.items():
        print(f"{kind:<22}{told['queries']:>8}{told['not counted']:>13.3f}{told['as it ships']:>13.3f}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
