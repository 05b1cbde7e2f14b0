"""Fresh: whether an item put, changed or deleted, and an event sent, shows in the very next request, over HTTP.

usage: python -m benchmarks.speed.fresh [--rounds 200] [--items 10000]

Each round of each kind is one change and the request after it, on one connection, the second sent as soon as the first
is answered. Prints how often the change showed, and the milliseconds from sending the change to the answer that shows
it; writes ``benchmarks/results/fresh.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx

from benchmarks.speed import server
from benchmarks.speed.client import percentile
from benchmarks.speed.decide import items

RESULTS = Path(__file__).resolve().parents[1] / "results"
Round = Callable[[int], bool]


class Shop:
    """A served shop, asked by the business's own server."""

    def __init__(self, port: int) -> None:
        headers = {"Authorization": f"Bearer {server.SECRET}"}
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60)

    def send(self, method: str, path: str, body: Any = None, **asked: Any) -> Any:
        """One call's answer; an error ends the run."""
        answer = self._client.request(method, path, json=body, params=asked or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def found(self, words: str) -> list[str]:
        """The ids that a search finds."""
        return [one["id"] for one in self.send("GET", "/v1/search", q=words, facets=0)["items"]]

    def track(self, who: str, event: str, **properties: Any) -> None:
        """An event of somebody."""
        self.send("POST", "/v1/track", {"userId": who, "event": event, "properties": properties})

    def decided(self, who: str) -> Any:
        """What is decided for somebody."""
        return self.send("POST", "/v1/decide", {"userId": who, "slot": "home", "limit": 20})

    # --- rounds: a change, then whether the next request shows it ----------------------------------

    def put(self, n: int) -> bool:
        """A new item is found."""
        self.send("PUT", f"/v1/items/new{n}", {"kind": "product", "title": f"Zorkmid {n}x"})
        return self.found(f"zorkmid {n}x")[:1] == [f"new{n}"]

    def change(self, n: int) -> bool:
        """An item's new words find it, its old ones don't."""
        self.send("PATCH", f"/v1/items/new{n}", {"title": f"Quagga {n}y"})
        return self.found(f"quagga {n}y")[:1] == [f"new{n}"] and f"new{n}" not in self.found(f"zorkmid {n}x")

    def delete(self, n: int) -> bool:
        """What is gone isn't found."""
        self.send("DELETE", f"/v1/items/new{n}")
        return f"new{n}" not in self.found(f"quagga {n}y")

    def say(self, n: int) -> bool:
        """Words that somebody typed are the need of their moment, whatever they wanted before."""
        self.track(f"ana{n % 20}", "Products Searched", query=f"trail running shoe {n}")
        moment = self.decided(f"ana{n % 20}")["moment"]
        return moment is not None and moment["need"]["query"] == f"trail running shoe {n}"

    def buy(self, n: int) -> bool:
        """What somebody bought isn't proposed to them any more."""
        who = f"bo{n}"
        first = next(one["id"] for one in self.decided(who)["items"] if one["kind"] == "product")
        self.track(who, "Order Completed", products=[{"product_id": first}], revenue=1)
        return first not in [one["id"] for one in self.decided(who)["items"]]

    def follow(self, n: int) -> bool:
        """What one person looked at after an item is proposed to the next who looks at that item."""
        one, other = f"p{n * 7}", f"p{n * 7 + 4998}"
        self.track(f"cy{n}", "Product Viewed", product_id=one)
        self.track(f"cy{n}", "Product Viewed", product_id=other)
        self.track(f"di{n}", "Product Viewed", product_id=one)
        return other in [item["id"] for item in self.decided(f"di{n}")["items"]]


def measured(rounds: int, once: Round) -> dict[str, Any]:
    """So many rounds: how many showed, and their milliseconds."""
    shown, took = 0, list[float]()
    for n in range(rounds):
        began = perf_counter()
        shown += once(n)
        took.append(1000 * (perf_counter() - began))
    return {"shown": shown, "of": rounds, "p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)}


def main(rounds: int = 200, many: int = 10_000) -> dict[str, dict[str, Any]]:
    """Run it on a fresh folder."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bench"
        folder.mkdir()
        (folder / "micromoments.toml").write_text('consent = ["measure", "personalise"]\n')
        return run(folder, rounds, many)


def run(folder: Path, rounds: int, many: int) -> dict[str, dict[str, Any]]:
    """Run it on a folder."""
    with server.micromoments(folder) as started:
        shop = Shop(started.port)
        lines = items(many).split(b"\n")
        for first in range(0, many, 1000):
            shop.send("PUT", "/v1/items", [json.loads(line) for line in lines[first : first + 1000]])
        kinds = (shop.put, shop.change, shop.delete, shop.say, shop.buy, shop.follow)
        return {once.__name__: measured(rounds, once) for once in kinds}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--items", type=int, default=10_000)
    given = parser.parse_args()
    results = main(given.rounds, given.items)
    for name, row in results.items():
        print(
            f"{name:<8} shown {row['shown']} of {row['of']}   p50 {row['p50_ms']:.1f} ms   p99 {row['p99_ms']:.1f} ms"
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "fresh.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
