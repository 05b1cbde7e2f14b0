"""``micromoments import`` of feeds: what changed is put, what is gone is deleted, through whoever owns the folder."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import micromoments as mm
from micromoments.cli import feeds
from micromoments.sources.feed import FeedError, Reading
from tests.cli.commands import COMMAND, environment, micromoments


def feed(path: Path, ids: range, *, title: str = "Thing") -> Path:
    """A feed in our own shape."""
    lines = [json.dumps({"id": f"p{i}", "kind": "product", "title": f"{title} {i}", "stock": i}) for i in ids]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def bring(folder: Path, path: Path, *words: str, status: int = 0) -> dict[str, Any]:
    """Import a feed of items; what came of it."""
    done = micromoments("import", folder, path, "--format", "items", "--output", "json", *words)
    assert done.status == status, done.words
    told: list[dict[str, Any]] = json.loads(done.out)
    return told[0]


def ids(folder: Path) -> set[str]:
    """The ids of a folder's items."""
    with mm.open(folder) as engine:
        return {match.item.id for match in engine.catalog.search(limit=1000).matches}


def test_a_feed_states_all_its_items(tmp_path: Path) -> None:
    """What is new or changed is put, the same again costs nothing, and what is gone is deleted; other items stay."""
    folder, path = tmp_path / "shop", tmp_path / "feed.jsonl"
    with mm.open(folder) as engine:
        engine.catalog.put([mm.Item(id="mine", kind="guide", title="Not of the feed")])
    first = bring(folder, feed(path, range(30)))
    assert (first["put"], first["unchanged"], first["deleted"]) == (30, 0, 0)
    again = bring(folder, feed(path, range(10, 32)))
    assert (again["put"], again["unchanged"], again["deleted"]) == (2, 20, 10)
    assert ids(folder) == {"mine", *(f"p{i}" for i in range(10, 32))}


def test_the_last_of_two_entries_counts_each_time(tmp_path: Path) -> None:
    """One id that stands twice in a feed is its last entry, however often the feed is read."""
    folder, path = tmp_path / "shop", tmp_path / "feed.jsonl"
    entries = [{"id": "p", "kind": "product", "title": title} for title in ("Old", "New")]
    path.write_text("".join(json.dumps(one) + "\n" for one in entries), encoding="utf-8")
    for _ in range(3):
        bring(folder, path)
        with mm.open(folder) as engine:
            assert getattr(engine.catalog.get("p"), "title", "") == "New"


def test_entries_of_an_address_that_are_set_aside_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be taken of a feed that was fetched lies in the project's folder afterwards."""

    def download(_: str, path: Path) -> None:
        path.write_text('{"id": "odd", "kind": "nothing", "title": "Odd"}\n', encoding="utf-8")

    monkeypatch.setattr(feeds, "_download", download)
    one = feeds.Feed(tmp_path / "shop", "https://shop.example/feed.jsonl", "items")
    (counts,) = feeds.run(tmp_path / "shop", [one], lambda _: Reading(now=1), lambda *_: None)
    assert counts.set_aside == 1
    aside = tmp_path / "shop" / "imports" / "feed.jsonl.rejected.jsonl"
    assert [json.loads(line)["row"]["id"] for line in aside.read_text().splitlines()] == ["odd"]


def test_a_feed_that_lost_most_of_itself_is_not_believed(tmp_path: Path) -> None:
    """More than half gone is an error that deletes nothing, unless it is said to be right; or nothing is deleted."""
    folder, path = tmp_path / "shop", tmp_path / "feed.jsonl"
    bring(folder, feed(path, range(60)))
    done = micromoments("import", folder, feed(path, range(3)), "--format", "items")
    assert done.status == 1
    assert "--shrink" in done.words
    assert len(ids(folder)) == 60
    assert bring(folder, path, "--keep")["deleted"] == 0
    assert len(ids(folder)) == 60
    assert bring(folder, path, "--shrink")["deleted"] == 57
    assert len(ids(folder)) == 3


@pytest.mark.parametrize("body", ["", '{"id": "bad", "kind": "thing"}'])
def test_a_feed_that_holds_nothing_any_more_is_not_believed(tmp_path: Path, body: str) -> None:
    """However small it was, it isn't emptied by a broken file; ``--shrink`` says that it is meant."""
    folder, path = tmp_path / "shop", tmp_path / "feed.jsonl"
    bring(folder, feed(path, range(2)))
    path.write_text(body)
    assert micromoments("import", folder, path, "--format", "items").status == 1
    assert ids(folder) == {"p0", "p1"}
    micromoments("import", folder, path, "--format", "items", "--shrink")
    assert ids(folder) == set()


def test_what_a_broken_feed_put_is_gone_once_a_whole_one_lacks_it(tmp_path: Path) -> None:
    """What was put before a feed's fault, or by a feed that wasn't believed, is the feed's like all others."""
    path, reading = tmp_path / "products.json", Reading(now=1, currency="EUR")
    there, gone = set[str](), list[str]()

    class Shelf:
        def put(self, items: list[mm.Item]) -> None:
            """Put items."""
            there.update(item.id for item in items)

        def delete(self, ids: list[str]) -> None:
            """Delete items."""
            gone.extend(ids)
            there.difference_update(ids)

    def brought(*ids: int, end: str = "") -> None:
        """A feed of these products, and what stands behind them."""
        path.write_text("<rss>" + "".join(f"<item><id>{n}</id><title>T{n}</title></item>" for n in ids) + end)
        feeds.Feed(tmp_path, str(path), "google-merchant").bring(path, reading, Shelf(), lambda _: None)

    brought(*range(60), end="</rss>")
    with pytest.raises(FeedError):
        brought(*range(60), 60, end="<item>")  # cut off
    brought(*range(60), end="</rss>")
    with pytest.raises(FeedError):
        brought(61, end="</rss>")  # most of it is gone
    brought(*range(60), end="</rss>")
    assert there == {str(n) for n in range(60)}
    assert gone == ["60", "61"]


def test_a_line_that_can_not_be_read_deletes_nothing(tmp_path: Path) -> None:
    """What stood in it isn't known: what was there stays, what is there is taken."""
    folder, path = tmp_path / "shop", tmp_path / "feed.jsonl"
    bring(folder, feed(path, range(3)))
    feed(path, range(2, 4))
    path.write_text(path.read_text() + '{"id": "p0", "tit\n')
    told = bring(folder, path, status=3)
    assert (told["put"], told["deleted"], told["set_aside"]) == (1, 0, 1)
    assert ids(folder) == {"p0", "p1", "p2", "p3"}


def test_bad_entries_are_set_aside(tmp_path: Path) -> None:
    """An entry that can't be taken is set aside with its line and reason; the exit status says so."""
    path = feed(tmp_path / "feed.jsonl", range(2))
    path.write_text(path.read_text() + '{"id": "bad", "kind": "thing"}\n')
    told = bring(tmp_path / "shop", path, status=3)
    assert (told["put"], told["set_aside"]) == (2, 1)
    aside = json.loads((tmp_path / "feed.jsonl.rejected.jsonl").read_text())
    assert (aside["line"], aside["code"]) == (3, "invalid_item")


def test_what_can_not_be_taken_any_more_stays_as_it_was(tmp_path: Path) -> None:
    """An item whose entry is spoilt isn't gone: it stays, and is taken again once the entry is well."""
    folder = tmp_path / "shop"
    path = feed(tmp_path / "feed.jsonl", range(3))
    bring(folder, path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], json.dumps({"id": "p1", "kind": "product", "stock": "many"})]))
    told = bring(folder, path, status=3)
    assert (told["unchanged"], told["set_aside"], told["deleted"]) == (1, 1, 1)
    assert ids(folder) == {"p0", "p1"}
    told = bring(folder, feed(path, range(2)))
    assert (told["put"], told["unchanged"], told["deleted"]) == (1, 1, 0)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/feed.xml", "ftp://shop.example/feed", "http://[::1/feed"])
def test_an_address_without_a_feed_is_told(tmp_path: Path, address: str) -> None:
    """A host that doesn't answer, or an address that can't be, ends in words; a watched feed is tried again."""
    done = micromoments("import", tmp_path / "shop", address, "--format", "items")
    assert (done.status, f"got no feed from {address}" in done.words) == (1, True)


def test_a_server_takes_what_fits_a_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Items that are together more than a request may hold are sent in several, each item once and in order."""
    sent: list[bytes] = []

    def through(*_: object, content: bytes, **__: object) -> dict[str, Any]:
        sent.append(content)
        return {"rejected": []}

    monkeypatch.setattr(feeds, "MOST_BYTES", 1000)
    monkeypatch.setattr(feeds, "through_owner", through)
    items = [mm.Item(id=f"p{n}", kind="product", title="x" * (2000 if n == 3 else 200)) for n in range(9)]
    feeds.Served(tmp_path).put(items)
    assert [json.loads(line)["id"] for body in sent for line in body.splitlines()] == [item.id for item in items]
    assert all(len(body) <= 1000 or len(body.splitlines()) == 1 for body in sent)


def test_a_wrong_zone_is_usage(tmp_path: Path) -> None:
    """A time zone that there isn't is told before anything is read."""
    done = micromoments("import", tmp_path / "s", "x.osm", "--format", "osm", "--timezone", "Mars/Olympus")
    assert done.status == 2
    assert "Europe/Helsinki" in done.words


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is being served, and where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder, address = tmp_path / "shop", f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [str(COMMAND), "serve", str(folder), "--port", str(port)], env=environment(), stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield folder, address
    finally:
        server.terminate()
        server.wait(30)


def test_while_it_is_served_and_watched(tmp_path: Path, served: tuple[Path, str]) -> None:
    """A served folder takes a feed through its server, and a watched feed's changes and deletions follow."""
    folder, address = served
    path = feed(tmp_path / "feed.jsonl", range(5))

    def found() -> set[str]:
        answer = httpx.get(f"{address}/v1/search", params={"limit": 100})
        return {item["id"] for item in answer.json()["items"]}

    def until(wanted: set[str]) -> None:
        end = time.monotonic() + 60
        while found() != wanted:
            assert time.monotonic() < end, found()
            time.sleep(0.1)

    words = ["import", str(folder), str(path), "--format", "items", "--watch", "0.2"]
    watching = subprocess.Popen(
        [str(COMMAND), *words], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until({f"p{i}" for i in range(5)})
        feed(tmp_path / "next.jsonl", range(2, 7)).replace(path)
        until({f"p{i}" for i in range(2, 7)})
    finally:
        watching.terminate()
        watching.wait(30)
