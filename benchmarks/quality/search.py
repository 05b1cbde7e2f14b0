"""How good the search of a shop is: nDCG@10 on judged queries, as typed and mistyped.

usage: MICROMOMENTS_SHARED=../shared python benchmarks/quality/search.py [--show]

``search_judged.txt`` beside this file holds the judgements, made by hand over the shared products and recipes. Each
query is asked as it stands, with one letter of its longest word missing, doubled, replaced or swapped with its
neighbour, and unfinished; ``search_otherwise.txt`` has queries in words that the shop doesn't use. Prints a table and
writes ``benchmarks/results/search.json``; ``--show`` lists the worst.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
from collections.abc import Callable
from math import log2
from pathlib import Path

from micromoments.core.item import Item, Money
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Look
from micromoments.retrieve.meaning import read
from micromoments.retrieve.search import Meaning

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
SYNONYMS = {
    "perfume": ("fragrances",),
    "car": ("vehicle",),
    "phone": ("smartphone", "iphone"),
    "trainers": ("sneakers",),
    "racquet": ("racket",),
    "sunglasses": ("sun glasses",),
    "handbag": ("bag",),
    "tuna": ("tuna fish",),
}
"""What a shop of these items would put into ``[synonyms]``."""
Judged = dict[str, dict[str, int]]


def products(shared: Path) -> list[Item]:
    """The products as items."""
    with gzip.open(shared / "data/content/dummyjson_products.json.gz") as file:
        told = json.load(file)
    return [
        Item(
            id=f"p{p['id']}",
            kind="product",
            title=p["title"],
            text=p["description"],
            category=p["category"].replace("-", " "),
            brand=p.get("brand", ""),
            tags=tuple(p["tags"]),
            price=Money(round(p["price"] * 100), "USD"),
            stock=p["stock"],
        )
        for p in told
    ]


def items(shared: Path) -> list[Item]:
    """The products and recipes as items."""
    found = products(shared)
    with gzip.open(shared / "data/content/based_cooking.jsonl.gz") as file:
        for line in file:
            row = json.loads(line)
            _, head, text = row["text"].split("---", 2)
            title = re.search(r"^title: *(.*)$", head, re.MULTILINE)
            tags = re.search(r"^tags: *\[(.*)\]", head, re.MULTILINE)
            named = tuple(tag.strip(" '\"") for tag in tags.group(1).split(",")) if tags else ()
            name = title.group(1).strip("\"' ") if title else row["file"]
            found.append(Item(id=f"r:{row['file']}", kind="guide", title=name, text=text, tags=named))
    return found


def judged(name: str = "search_judged.txt") -> Judged:
    """The judgements: by query, the grade of each id."""
    found: Judged = {}
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        query, best, good = (part.strip() for part in line.split("|"))
        found[query] = dict.fromkeys(_ids(good), 1) | dict.fromkeys(_ids(best), 2)
    return found


def _ids(text: str) -> list[str]:
    ids: list[str] = []
    for part in text.split():
        first, dash, last = part.removeprefix("p").partition("-p")
        ids += [f"p{n}" for n in range(int(first), int(last) + 1)] if dash and last.isdigit() else [part]
    return ids


def ndcg(order: list[str], grades: dict[str, int]) -> float:
    """nDCG@10 with gains 2^grade - 1 (Jarvelin and Kekalainen 2002)."""
    got = sum((2 ** grades.get(id, 0) - 1) / log2(rank + 2) for rank, id in enumerate(order[:10]))
    best = sorted(grades.values(), reverse=True)[:10]
    return float(got / sum((2**grade - 1) / log2(rank + 2) for rank, grade in enumerate(best)))


def _longest(query: str, change: Callable[[str, random.Random], str], rng: random.Random) -> str:
    words = query.split()
    word = max(words, key=len)
    if len(word) < 5:
        return query
    return " ".join(change(w, rng) if w == word else w for w in words)


def _missing(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _doubled(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    return word[:at] + word[at] + word[at:]


def _replaced(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    return word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz".replace(word[at], "")) + word[at + 1 :]


def _swapped(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _begun(query: str) -> str:
    """A query whose last two letters aren't typed yet, but at least three of its last word are."""
    last = query.rpartition(" ")[2]
    return query[: len(query) - min(2, max(0, len(last) - 3))]


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "a letter missing": _missing,
    "a letter doubled": _doubled,
    "a letter replaced": _replaced,
    "two letters swapped": _swapped,
}


def run(catalog: Catalog, wanted: Judged, show: bool) -> dict[str, float]:
    """nDCG@10 by how the queries were typed."""
    rng = random.Random(1)

    def mean(ask: Callable[[str], list[str]], name: str) -> float:
        scores = {query: ndcg(ask(query), grades) for query, grades in wanted.items()}
        if show:
            for query in sorted(scores, key=lambda query: scores[query])[:12]:
                print(f"  {name}: {scores[query]:.2f}  {query}  {ask(query)[:6]}")
        return round(sum(scores.values()) / len(scores), 4)

    def door(query: str, *, prefix: bool = False) -> list[str]:
        return [m.item.id for m in catalog.look(Look(words=query, limit=10, prefix=prefix, facets=False)).matches]

    def plain(query: str) -> list[str]:
        return [hit.id for hit in catalog.search(query, limit=10)]

    results = {"as typed, any of the words": mean(plain, "any"), "as typed": mean(door, "typed")}
    for name, change in CHANGES.items():
        results[name] = mean(lambda q, c=change: door(_longest(q, c, rng)), name)  # type: ignore[misc]
    results["last two letters not typed yet"] = mean(lambda q: door(_begun(q), prefix=True), "prefix")
    return results


def main() -> None:
    """Runs, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--vectors", type=Path, help="word vectors as text, for the rows by meaning")
    given = parser.parse_args()
    shared = Path(os.environ.get("MICROMOMENTS_SHARED", "../shared"))
    wanted = judged()
    results: dict[str, dict[str, float]] = {}
    otherwise = judged("search_otherwise.txt")
    ways: list[tuple[str, dict[str, tuple[str, ...]], Meaning | None]] = [
        ("without synonyms", {}, None),
        ("with a shop's synonyms", SYNONYMS, None),
    ]
    if given.vectors is not None:
        with given.vectors.open(encoding="utf-8") as lines:
            near = read(lines).alike
        ways += [("by meaning", {}, near), ("both", SYNONYMS, near)]
    for name, synonyms, meaning in ways:
        catalog = Catalog(synonyms=synonyms, meaning=meaning)
        catalog.apply({one.id: one for one in items(shared)})
        catalog.settle()
        results[name] = run(catalog, wanted, given.show)
        asked = {q: [m.item.id for m in catalog.look(Look(words=q, limit=10, facets=False)).matches] for q in otherwise}
        scores = [ndcg(asked[query], grades) for query, grades in otherwise.items()]
        results[name][f"said otherwise ({len(otherwise)} queries)"] = round(sum(scores) / len(scores), 4)
    print(f"nDCG@10 on {len(wanted)} queries".ljust(34) + "  ".join(results))
    for row in results["without synonyms"]:
        print(row.ljust(34) + "  ".join(f"{results[name][row]:.3f}".rjust(len(name)) for name in results))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "search.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
